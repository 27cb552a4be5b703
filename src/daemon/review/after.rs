//! Follows what was merged until it is carried out: the check of the merged commit, and one comment that says what was
//! done. What is sensitive is never said.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::error::ReviewError;
use super::notes::AfterNote;
use super::pass::Reviewer;
use super::say::{APPLY, check};
use crate::engine::Memory;
use crate::forge::{CheckState, Reviewable};
use crate::id::UnitKey;
use crate::reconcile::show::{code, literal, masked};
use crate::reconcile::{Plan, UnitRecord};
use crate::run::RunState;
use crate::store::RunSummary;

/// The marker of the comment that says what was done.
const MARKER: &str = "trueline-done";

/// How many services one comment tells of.
const MOST: usize = 100;

/// How many characters of one output are said.
const MOST_OF_OUTPUT: usize = 200;

/// How one service stands since a proposal was merged.
enum Done {
    /// It is as git wants it.
    Yes(String),
    /// It goes on.
    Underway(String),
    /// It stopped, or can't begin.
    Failed(String),
}

impl Reviewer {
    /// Tells how far what was merged is carried out.
    pub(super) async fn follow(&mut self, proposal: &Reviewable) -> Result<(), ReviewError> {
        let number = proposal.proposal.number;
        let mut note = self.notes.proposal(number).await?;
        let Some(mut after) = note.after.clone().filter(|after| !after.done) else { return Ok(()) };
        let memory = self.memory().await?;
        let plan = self.engine.store.latest_plan().await?;
        // Before the daemon has seen the merge nothing of it can be done.
        let is_seen = memory.state.head.as_deref() == Some(self.head.as_str());
        let mut standing = BTreeMap::new();
        for service in &after.services {
            let of = self.stands(service, (&after, is_seen), (&memory, plan.as_ref())).await?;
            standing.insert(service.clone(), of);
        }
        let waits = standing.values().filter(|done| matches!(done, Done::Underway(_))).count();
        let failed = standing.values().filter(|done| matches!(done, Done::Failed(_))).count();
        let all = standing.len();
        let (state, title) = match (waits, failed) {
            (0, 0) if !is_seen => {
                (CheckState::Queued, "waits for the next look at the catalog".to_owned())
            }
            (0, 0) if all == 0 => (CheckState::Success, "nothing was to be done".to_owned()),
            (0, 0) => (CheckState::Success, format!("{all} of {all} done")),
            (0, failed) => (CheckState::Failure, format!("{failed} of {all} failed")),
            (waits, 0) => (CheckState::Running, format!("{} of {all} done", all - waits)),
            (waits, failed) => {
                let done = all - waits - failed;
                (CheckState::Running, format!("{done} of {all} done, {failed} failed"))
            }
        };
        let text = self.told(&standing).await?;
        let shown = check(APPLY, (&after.commit, state), &title, text.clone());
        self.forge.put_check(&shown).await?;
        if state.is_final() {
            let now = self.now();
            let body = format!("### Trueline: {title}\n\n{text}");
            if all > 0 {
                self.forge.put_comment(number, MARKER, Some(&body), now).await?;
            }
            after.done = true;
            note.after = Some(after);
            self.notes.keep(number, &note).await?;
        }
        Ok(())
    }

    async fn stands(
        &self,
        service: &str,
        (after, is_seen): (&AfterNote, bool),
        (memory, plan): (&Memory, Option<&Plan>),
    ) -> Result<Done, ReviewError> {
        let open = memory.runs.values().find(|run| run.change.service == service);
        if let Some(run) = open {
            return Ok(Done::Underway(format!("run {} is {}", run.id, run.state)));
        }
        if let Some(stall) = memory.stalled.get(service) {
            return Ok(Done::Failed(format!("run {} stopped: {}", stall.run, stall.why)));
        }
        if let Some(why) = memory.state.blocked.get(service) {
            return Ok(Done::Failed(format!("is blocked: {why}")));
        }
        if let Some(why) = memory.state.pending.get(service) {
            return Ok(Done::Underway(why.clone()));
        }
        let is_planned = plan.is_some_and(|plan| plan.change(service).is_some());
        let runs = self.engine.store.runs(Some(service), 1).await?;
        let last = runs.into_iter().next();
        let since = |run: &RunSummary| run.updated_at >= after.merged_at;
        Ok(match last {
            _ if !is_seen => Done::Underway("waits for the next look at the catalog".to_owned()),
            Some(run) if run.state == RunState::Succeeded && since(&run) => {
                Done::Yes(format!("{} done by run {}", run.kind, run.id))
            }
            Some(run) if since(&run) && (run.state.is_over() || run.state.is_stopped()) => {
                Done::Failed(format!("run {} is {}", run.id, run.state))
            }
            _ if is_planned => Done::Underway("is planned".to_owned()),
            _ => Done::Yes("nothing was to be done".to_owned()),
        })
    }

    /// Says of each service what was done, with the outputs that may be seen.
    async fn told(&self, standing: &BTreeMap<String, Done>) -> Result<String, ReviewError> {
        let mut text = String::new();
        for (service, done) in standing.iter().take(MOST) {
            let (mark, what) = match done {
                Done::Yes(what) => ("x", what),
                Done::Underway(what) => (" ", what),
                Done::Failed(what) => ("!", what),
            };
            let mark = if mark == "!" {
                "**failed** "
            } else if mark == "x" {
                "done "
            } else {
                ""
            };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "- {mark}{}: {}", code(service), code(what));
            if let Done::Yes(_) = done {
                for (name, value) in self.outputs(service).await? {
                    let _ = writeln!(text, "  - {} = {}", code(&name), code(&value));
                }
            }
        }
        if let Some(more @ 1..) = standing.len().checked_sub(MOST) {
            let _ = writeln!(text, "\n_… and {more} more_");
        }
        Ok(text)
    }

    /// Reads the outputs of a service's units; those that are sensitive are left out.
    async fn outputs(&self, service: &str) -> Result<Vec<(String, String)>, ReviewError> {
        let rows = self.engine.store.unit_rows().await?;
        let keys: Vec<UnitKey> =
            rows.into_iter().map(|row| row.key).filter(|key| key.service == service).collect();
        let records: Vec<UnitRecord> = self.engine.store.units(&keys).await?;
        let mut told = Vec::new();
        for record in records {
            let Some(applied) = record.applied else { continue };
            let open = |name: &String| {
                applied.definition.outputs.get(name).is_some_and(|output| !output.sensitive)
            };
            for (name, value) in applied.outputs.iter().filter(|(name, _)| open(name)) {
                if masked(value) != *value {
                    continue;
                }
                let name = match &record.row.key.component {
                    Some(component) => format!("{component}.{name}"),
                    None => name.clone(),
                };
                told.push((name, literal(value).chars().take(MOST_OF_OUTPUT).collect()));
            }
        }
        Ok(told)
    }
}
