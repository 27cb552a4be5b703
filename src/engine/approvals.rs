//! Approvals that steps wait for: opens them, counts what people said, and goes on. What became of one is on disk
//! before the step that follows from it, so a process that ends in between goes on where it was.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::drive::Driver;
use super::engine::{Doing, EngineError};
use super::finish::seal_outputs;
use crate::action::ApprovalRequest;
use crate::catalog::Catalog;
use crate::id::{RunId, StepPath};
use crate::reconcile::Authors;
use crate::run::{Approvers, Event, Fault, OnTimeout, Run, StepEvent, StepState, Tally, Wait};
use crate::store::{Approval, ApprovalState};

/// What a step waits on.
pub(super) const APPROVAL: &str = "approval";

/// Between two looks at one approval where nobody says anything: who may answer can change with the catalog.
const PAUSE: Duration = Duration::from_secs(30);

impl Driver {
    /// Opens the approval that a step asks for.
    pub(super) async fn open_approval(
        &self,
        (run, path): (&Run, &StepPath),
        request: ApprovalRequest,
        catalog: &Catalog,
    ) -> Result<Wait, EngineError> {
        let now = self.engine.clock.now();
        let asked = Approval {
            number: 0,
            run: run.id.clone(),
            step: path.clone(),
            service: run.change.service.clone(),
            may: Approvers::of(&request.ask, &catalog.settings, Authors::of(&run.change)),
            ask: request.ask,
            state: ApprovalState::Open,
            why: None,
            opened_at: now,
            expires_at: request
                .timeout
                .map(|timeout| now.checked_add(timeout).unwrap_or(Timestamp::MAX)),
        };
        let store = &self.engine.store;
        let stored = store.open_approval(&self.engine.lease, &asked).await;
        Ok(wait_for(&stored.doing("opening an approval")?, &Tally::default()))
    }

    /// Looks at an approval the next time its run is driven.
    pub(super) async fn heed(&mut self, number: i64) -> Result<(), EngineError> {
        let found = self.engine.store.approval(number).await.doing("reading an approval")?;
        if let Some((approval, _)) = found {
            self.last_look.remove(&(approval.run, approval.step));
        }
        Ok(())
    }

    /// Goes on with the approvals that a run waits for; tells when to come again.
    pub(super) async fn review(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let Some(run) = self.memory.runs.get(id) else { return Ok(None) };
        let waiting: Vec<(StepPath, Wait)> = run
            .steps
            .iter()
            .filter_map(|(path, progress)| match &progress.state {
                StepState::Waiting { on } if on.on == APPROVAL => Some((path.clone(), on.clone())),
                _ => None,
            })
            .collect();
        let now = self.engine.clock.now();
        let mut again: Option<Timestamp> = None;
        for (path, on) in waiting {
            let slot = (id.clone(), path.clone());
            let until = on.reference.get("until").and_then(Value::as_str);
            let until: Option<Timestamp> = until.and_then(|until| until.parse().ok());
            let last = self.last_look.get(&slot).copied();
            let is_over = until.is_some_and(|until| until < now);
            if is_over || last.is_none_or(|last| last + PAUSE <= now) {
                self.last_look.insert(slot, now);
                self.review_one(id, (&path, &on), catalog).await?;
            }
            // A moment after its time, for what is said at the last moment still counts.
            let due = until.map(|until| until + Duration::from_millis(1)).filter(|due| *due > now);
            let due = due.map_or(now + PAUSE, |due| due.min(now + PAUSE));
            again = Some(again.map_or(due, |earlier| earlier.min(due)));
        }
        Ok(again)
    }

    async fn review_one(
        &mut self,
        id: &RunId,
        (path, on): (&StepPath, &Wait),
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Some(number) = on.reference.get("approval").and_then(Value::as_i64) else {
            return Ok(());
        };
        let store = self.engine.store.clone();
        let found = store.approval(number).await.doing("reading an approval")?;
        let Some((mut approval, said)) = found else { return Ok(()) };
        if approval.state == ApprovalState::Open {
            self.refresh(&mut approval, catalog).await?;
        }
        let tally = approval.tally(&said);
        let now = self.engine.clock.now();
        if approval.state == ApprovalState::Open
            && let Some((state, why)) = became(&approval, &tally, now)
        {
            let closed = store.close_approval(&self.engine.lease, number, (state, &why), now).await;
            closed.doing("ending an approval")?;
            (approval.state, approval.why) = (state, Some(why));
        }
        let event = match approval.state {
            ApprovalState::Open => {
                let on_now = wait_for(&approval, &tally);
                if on_now == *on {
                    return Ok(());
                }
                StepEvent::Waiting { on: on_now }
            }
            ApprovalState::Granted => self.answered((id, path), (&approval, &tally), "granted"),
            ApprovalState::Expired if approval.ask.on_timeout == OnTimeout::Continue => {
                self.answered((id, path), (&approval, &tally), "timed-out")
            }
            ApprovalState::Rejected | ApprovalState::Expired | ApprovalState::Void => {
                let why = approval.why.unwrap_or_else(|| approval.state.to_string());
                StepEvent::Failed { fault: Fault::terminal(format!("approval {number}: {why}")) }
            }
        };
        self.journal(id, vec![Event::Step { path: path.clone(), event }], catalog).await
    }

    /// Who may answer is what the catalog says now.
    async fn refresh(&self, approval: &mut Approval, catalog: &Catalog) -> Result<(), EngineError> {
        let authors = approval.may.authors();
        let may = Approvers::of(&approval.ask, &catalog.settings, authors);
        // A catalog that was not read yet lists no team; what is known of one stays.
        if may == approval.may || catalog.settings.teams.is_empty() {
            return Ok(());
        }
        let (store, lease) = (&self.engine.store, &self.engine.lease);
        let changed = store.change_approvers(lease, approval.number, &may).await;
        approval.may = may;
        changed.doing("changing an approval")
    }

    /// Makes the decision and the answers of its form outputs of the step.
    fn answered(
        &self,
        (id, path): (&RunId, &StepPath),
        (approval, tally): (&Approval, &Tally),
        decision: &str,
    ) -> StepEvent {
        let form = &approval.ask.form;
        let mut outputs: Map<String, Value> =
            form.fields().map(|field| (field.id.clone(), Value::Null)).collect();
        outputs.extend(form.with_defaults(&tally.answers));
        outputs.insert("decision".to_owned(), json!(decision));
        outputs.insert("by".to_owned(), json!(tally.granted));
        outputs.insert("comment".to_owned(), json!(tally.comment));
        let found = self.memory.runs.get(id).and_then(|run| Self::find(run, path));
        if let Some((unit, step)) = found {
            let sealer = &self.engine.sealer;
            outputs = seal_outputs(&unit.definition, &step.action.id, outputs, sealer);
        }
        let result =
            json!({"approval": approval.number, "decision": decision, "by": tally.granted});
        StepEvent::Succeeded { result, outputs }
    }
}

/// Tells what became of an open approval, and why; nothing while it stays open.
fn became(approval: &Approval, tally: &Tally, now: Timestamp) -> Option<(ApprovalState, String)> {
    if let Some((by, reason)) = &tally.rejected {
        return Some((ApprovalState::Rejected, format!("{by} rejected it: {reason}")));
    }
    let granted = tally.granted.join(", ");
    if tally.is_enough {
        return Some((ApprovalState::Granted, format!("granted by {granted}")));
    }
    let until = approval.expires_at.filter(|until| *until < now)?;
    let of = match tally.granted.len() {
        0 => "nobody granted it".to_owned(),
        some => format!("{some} of {} granted it ({granted})", approval.ask.required),
    };
    Some((ApprovalState::Expired, format!("{of} until {until:.0}")))
}

/// What the step waits for.
fn wait_for(approval: &Approval, tally: &Tally) -> Wait {
    let number = approval.number;
    let until = approval.expires_at.map(|until| until.to_string());
    let what = format!("approval {number} by {}", approval.missing(tally));
    Wait { on: APPROVAL.to_owned(), reference: json!({"approval": number, "until": until}), what }
}
