//! Makes the review of one proposal: judges and plans what a merge would bring, and shows it. It carries nothing out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bench::{Sides, at};
use super::error::ReviewError;
use super::notes::{ProposalNote, Showing, Shown};
use super::pass::Reviewer;
use super::people::{Keepers, owners_of, said};
use super::say::{PLAN, VALIDATE, check, checks, labels, reviewers};
use super::worth::{costs, reach};
use crate::digest::Digest;
use crate::engine::{Head, Memory, gather, known_outputs, plan_beside_others};
use crate::forge::{CheckState, Review, Reviewable};
use crate::owners::{Approval, People, approval, standing};
use crate::reconcile::show::{Reviewed, Unmerged, review_comment};
use crate::reconcile::{Desired, DesiredBuilder, Plan};
use crate::validate::Judged;

/// For how long a review is made before it is said that it is.
const QUIET: Duration = Duration::from_secs(2);

/// The marker of the one comment that is kept up to date.
pub(super) const MARKER: &str = "trueline-review";

impl Reviewer {
    /// Reviews an open proposal, unless nothing has changed since it was; tells whether anything was shown.
    pub(super) async fn review(
        &mut self,
        base: &str,
        proposal: &Reviewable,
        again: bool,
    ) -> Result<bool, ReviewError> {
        let number = proposal.proposal.number;
        let head = proposal.proposal.head.clone();
        let mut note = self.notes.proposal(number).await?;
        let reviews = self.forge.reviews(number).await?;
        let memory = self.memory().await?;
        let made = of((base, &head), (proposal, &reviews), &memory);
        if !again && note.made == Some(made) {
            return Ok(false);
        }
        let now = self.now();
        let reviewed = self.found_in_time((base, proposal), &reviews, (&memory, now)).await?;
        let current = self.forge.review_of(number).await?;
        if current.proposal.head != head {
            for name in [VALIDATE, PLAN] {
                let title = "overtaken by a newer push";
                let over = check(name, (&head, CheckState::Cancelled), title, String::new());
                self.forge.put_check(&over).await?;
            }
            return Ok(true);
        }
        // What is shown is remembered before anybody can approve it.
        remember(&mut note, &reviewed, now);
        self.notes.keep(number, &note).await?;
        for check in checks(&reviewed) {
            self.forge.put_check(&check).await?;
        }
        let body = review_comment(&reviewed);
        self.forge.put_comment(number, MARKER, Some(&body), now).await?;
        let asked = if proposal.is_draft { Vec::new() } else { to_ask(&reviewed, proposal) };
        self.forge.ask(number, &asked, &labels(&reviewed)).await?;
        note.made = Some(made);
        self.notes.keep(number, &note).await?;
        Ok(true)
    }

    /// Looks what a merge would bring, and says that it is looked at where that takes long: GitHub wants a second between
    /// two writes, and nobody should wait for those that nobody reads.
    async fn found_in_time(
        &mut self,
        of: (&str, &Reviewable),
        reviews: &[Review],
        recorded: (&Memory, Timestamp),
    ) -> Result<Reviewed, ReviewError> {
        let (forge, head) = (self.forge.clone(), of.1.proposal.head.clone());
        let mut found = std::pin::pin!(self.found(of, reviews, recorded));
        if let Ok(found) = tokio::time::timeout(QUIET, &mut found).await {
            return found;
        }
        if forge.check_of(&head, PLAN).await?.is_none() {
            for name in [VALIDATE, PLAN] {
                let running =
                    check(name, (&head, CheckState::Running), "is looked at", String::new());
                forge.put_check(&running).await?;
            }
        }
        found.await
    }

    /// Judges and plans what a merge of a proposal would bring.
    async fn found(
        &mut self,
        (base, proposal): (&str, &Reviewable),
        reviews: &[Review],
        (memory, now): (&Memory, Timestamp),
    ) -> Result<Reviewed, ReviewError> {
        let head = proposal.proposal.head.clone();
        let mut reviewed = Reviewed {
            base: base.to_owned(),
            head: head.clone(),
            from_fork: proposal.from_fork,
            ..Reviewed::default()
        };
        let (number, theirs) = (proposal.proposal.number, proposal.head_ref.clone());
        let (from, to) = (base.to_owned(), head.clone());
        let today = now.to_zoned(TimeZone::UTC).date();
        let sides = at(&mut self.bench, move |bench| {
            if !bench.fetch((number, &theirs, &to))? {
                let why = "its head is not there any more: it was pushed again".to_owned();
                return Ok(Err(Unmerged::Unreadable(why)));
            }
            bench.sides((&from, &to), today)
        });
        let sides = match sides.await? {
            Ok(sides) => sides,
            Err(unmerged) => {
                reviewed.unmerged = Some(unmerged);
                return Ok(reviewed);
            }
        };
        let plan = self.brought(&sides, (base, &head), (memory, now)).await?;
        reviewed.findings.clone_from(&sides.findings);
        reviewed.errors_before = sides.errors_before();
        reviewed.owners_required = sides.settings().required;
        reviewed.approval = self.approval(&sides, proposal, reviews).await?;
        reviewed.reach = reach(&sides, &plan);
        reviewed.costs = costs(&sides, &plan);
        reviewed.plan = Some(plan);
        Ok(reviewed)
    }

    /// Says what owners must approve of a proposal, and what of that is there.
    async fn approval(
        &mut self,
        sides: &Sides,
        proposal: &Reviewable,
        reviews: &[Review],
    ) -> Result<Approval, ReviewError> {
        let settings = sides.settings().clone();
        let breaking = settings.breaking_change.iter().flat_map(|rule| rule.from.clone());
        let asked: BTreeSet<String> = sides
            .touched
            .paths
            .iter()
            .flat_map(|path| sides.owners.owners_of(path).to_vec())
            .chain(settings.fallback.clone())
            .chain(breaking)
            .collect();
        let now = self.now();
        let keepers = Keepers {
            forge: &*self.forge,
            listed: &sides.base.catalog.settings.teams,
            store: &*self.engine.store,
        };
        let members = self.teams.members(keepers, &asked, now).await?;
        let people = People {
            approved_by: standing(&said(reviews), &proposal.proposal.head),
            authors: owners_of(&proposal.authors),
            stranger: proposal.has_unknown_author,
            members,
        };
        Ok(approval(&sides.owners, &settings, &sides.touched, &people))
    }

    /// Plans both sides against the record, and keeps what the proposal brings.
    async fn brought(
        &mut self,
        sides: &Sides,
        (base, head): (&str, &str),
        (memory, now): (&Memory, Timestamp),
    ) -> Result<Plan, ReviewError> {
        let store = self.engine.store.clone();
        let mut plans = Vec::new();
        for (judged, commit) in [(&sides.base, base), (&sides.merged, head)] {
            let known = Arc::new(known_outputs(&*store, &judged.catalog).await?);
            let bench = self.bench.bench().as_mut().ok_or(ReviewError::Broken)?;
            let builder = &mut bench.builder;
            let desired = desired(builder, judged, known);
            let author = sides.author.clone();
            let commit = commit.to_owned();
            let state = Head { commit, author, descends: true, ..Head::default() };
            let of = (self.engine.catalog.as_str(), &state);
            let (actual, mut facts) = gather((&*store, memory), &desired, of, now).await?;
            facts.forecasting = false;
            facts.revision.last = None;
            let wanted = (&*judged.catalog, &desired, &actual);
            plans.push(plan_beside_others((&*store, memory), wanted, (facts, now)).await?);
        }
        let (Some(after), Some(before)) = (plans.pop(), plans.pop()) else {
            return Err(ReviewError::Broken);
        };
        let services = sides.base.catalog.changed_services(&sides.merged.catalog);
        Ok(difference(&before, after, &services))
    }

    /// Reads what is recorded, and what people decided.
    ///
    /// It is read once a look: what happens meanwhile is seen by the next one.
    pub(super) async fn memory(&mut self) -> Result<Arc<Memory>, ReviewError> {
        if let Some(memory) = &self.memory {
            return Ok(memory.clone());
        }
        let mut memory = Memory::load(&*self.engine.store).await?;
        for decision in self.engine.store.decisions_after(0).await? {
            memory.take_decision(&decision);
        }
        let memory = Arc::new(memory);
        self.memory = Some(memory.clone());
        Ok(memory)
    }
}

fn desired(
    builder: &mut DesiredBuilder,
    judged: &Judged,
    known: Arc<crate::reconcile::KnownOutputs>,
) -> Desired {
    let mut desired = builder.build(&judged.catalog, &judged.misfits, known);
    desired.absent_is_unknown.clone_from(&judged.absent_is_unknown);
    desired
}

/// Keeps of a plan what another one has not.
fn difference(before: &Plan, mut after: Plan, services: &BTreeSet<String>) -> Plan {
    let known: BTreeSet<Digest> = before.changes.iter().map(|change| change.digest).collect();
    after.changes.retain(|change| !known.contains(&change.digest));
    let kept: BTreeSet<String> = after.changes.iter().map(|it| it.service.clone()).collect();
    let of = |service: &String| kept.contains(service) || services.contains(service);
    after.pending.retain(|service, _| kept.contains(service));
    after.blocked.retain(|service, why| before.blocked.get(service) != Some(why));
    after.outdated.retain(|unit, _| of(&unit.service) && !before.outdated.contains_key(unit));
    after.unknown.retain(|unit, _| of(&unit.service) && !before.unknown.contains_key(unit));
    after.running.retain(|service, _| of(service));
    after.expired.retain(|service, _| services.contains(service));
    after.suspended.retain(|service| services.contains(service));
    after.retained.retain(|unit| !before.retained.contains(unit));
    after.drifted.retain(|drift| of(&drift.unit.service));
    after.verdict.holds.retain(|hold| !before.verdict.holds.contains(hold));
    after.digest = after.compute_digest();
    after
}

/// Names everything that a review is made of.
fn of(
    (base, head): (&str, &str),
    (proposal, reviews): (&Reviewable, &[Review]),
    memory: &Memory,
) -> Digest {
    let state = crate::store::CatalogState { ticked_at: None, ..memory.state.clone() };
    let stalled: Vec<&String> = memory.stalled.keys().collect();
    let running: Vec<&String> = memory.runs.values().map(|run| &run.change.service).collect();
    Digest::of_json(&serde_json::json!({
        "base": base, "head": head, "draft": proposal.is_draft, "reviews": reviews,
        "decision": memory.last_decision, "state": state, "stalled": stalled, "running": running,
    }))
}

/// Nobody is asked to approve what they wrote.
fn to_ask(reviewed: &Reviewed, proposal: &Reviewable) -> Vec<String> {
    let authors = owners_of(&proposal.authors);
    let is_author =
        |owner: &String| authors.iter().any(|author| author.eq_ignore_ascii_case(owner));
    reviewers(reviewed).into_iter().filter(|owner| !is_author(owner)).collect()
}

fn remember(note: &mut ProposalNote, reviewed: &Reviewed, now: Timestamp) {
    let Some(plan) = &reviewed.plan else { return };
    let shown = |change: &crate::reconcile::Change| Shown {
        digest: change.digest,
        service: change.service.clone(),
        path: change.path.clone(),
    };
    let changes: Vec<Shown> = plan.changes.iter().map(shown).collect();
    let same = |last: &Showing| {
        last.head == reviewed.head && last.base == reviewed.base && last.changes == changes
    };
    if note.showings.last().is_some_and(same) {
        return;
    }
    let (base, head) = (reviewed.base.clone(), reviewed.head.clone());
    note.show(Showing { at: now, base, head, plan: plan.digest, changes });
}
