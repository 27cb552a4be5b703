//! `trueline why`: which documents, plan, approvals and run made a service what it is, and what it waits for. It only reads.

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::service::known;
use super::status::commands;
use super::why_documents::{self, DocumentsWire};
use super::why_text::text;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::digest::Digest;
use crate::engine::{UnitState, UnitView, View};
use crate::id::{RunId, UnitKey};
use crate::reconcile::{Change, Effect, UnitRecord};
use crate::run::{Event, Run, RunState, StepEvent};
use crate::store::{Decision, DecisionKind, JournalEntry, PlanNote, Store};

/// How many runs of a service are looked through for those of the same change.
const SEARCHED: u32 = 1_000;

/// What `why` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Id of the service.
    pub service: String,
}

/// Tells why.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let mut wire = WhyWire::read(&*store, &options.service).await?;
    why_documents::fill(context, &mut wire)?;
    context.show(&wire, || text(&wire, SystemClock.now()))?;
    Ok(Exit::Success)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WhyWire {
    version: &'static str,
    pub(super) service: String,
    pub(super) state: UnitState,
    pub(super) why: Option<String>,
    pub(super) commands: Vec<String>,
    pub(super) units: Vec<WhyUnit>,
    /// What is to be done next, where it is not as git wants it.
    pub(super) next: Option<ChangeWire>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WhyUnit {
    pub(super) unit: UnitKey,
    pub(super) state: UnitState,
    pub(super) why: Option<String>,
    pub(super) applied: Option<AppliedWire>,
}

/// What made a unit what it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AppliedWire {
    pub(super) item: String,
    pub(super) version: String,
    pub(super) state: String,
    pub(super) commit: String,
    pub(super) at: Timestamp,
    pub(super) documents: Option<DocumentsWire>,
    pub(super) change: Option<ChangeWire>,
    pub(super) run: RunWire,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangeWire {
    pub(super) digest: Digest,
    pub(super) kind: String,
    pub(super) path: String,
    pub(super) author: Option<String>,
    /// The plan that brought it first, of those that are kept.
    pub(super) plan: Option<PlanNote>,
    pub(super) approvals: Vec<ApprovalWire>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApprovalWire {
    pub(super) decision: i64,
    pub(super) by: String,
    pub(super) at: Timestamp,
    /// `plan`, where it approved a whole plan, or `change`.
    pub(super) of: &'static str,
    pub(super) subject: Digest,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunWire {
    pub(super) id: RunId,
    /// Nothing where the run is no longer kept.
    pub(super) state: Option<RunState>,
    /// What people said of it, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) said: Vec<String>,
    pub(super) steps: Vec<StepWire>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepWire {
    pub(super) step: String,
    pub(super) id: String,
    pub(super) action: String,
    pub(super) effect: Effect,
    pub(super) state: String,
    pub(super) attempts: u32,
    pub(super) key: Option<String>,
    pub(super) at: Option<Timestamp>,
}

impl WhyWire {
    pub(super) async fn read(store: &dyn Store, id: &str) -> Result<Self, Failure> {
        let view = View::read(store).await?;
        let service = known(&view, id)?;
        let decisions = store.decisions_after(0).await?;
        let keys: Vec<UnitKey> = service.units.iter().map(|unit| unit.key.clone()).collect();
        let records = store.units(&keys).await?;
        let mut units = Vec::new();
        for unit in &service.units {
            let record = records.iter().find(|record| record.row.key == unit.key);
            units.push(WhyUnit::read(store, (unit, record), &decisions).await?);
        }
        let planned = view.plan.as_ref().and_then(|plan| Some((plan, plan.change(id)?)));
        let next = match (planned, view.run_of(id)) {
            (_, Some(run)) => Some(ChangeWire::of_run(store, run, &decisions).await?),
            (Some((_, change)), None) => {
                let window = (Timestamp::MIN, Timestamp::MAX);
                Some(ChangeWire::read(store, change, (&decisions, window)).await?)
            }
            (None, None) => None,
        };
        Ok(Self {
            version: "trueline.why/v1",
            service: id.to_owned(),
            state: service.standing.state,
            why: service.standing.why.clone(),
            commands: planned.map(commands).unwrap_or_default(),
            units,
            next,
        })
    }
}

impl WhyUnit {
    async fn read(
        store: &dyn Store,
        (unit, record): (&UnitView, Option<&UnitRecord>),
        decisions: &[Decision],
    ) -> Result<Self, Failure> {
        let applied = match record.and_then(|record| record.applied.as_ref()) {
            None => None,
            Some(applied) => {
                let run = store.run(&applied.run).await?;
                let journal = store.journal(&applied.run).await?;
                let change = match &run {
                    Some(run) => Some(ChangeWire::of_run(store, run, decisions).await?),
                    None => None,
                };
                Some(AppliedWire {
                    item: applied.definition.item.clone(),
                    version: applied.definition.version.clone(),
                    state: applied.state.clone(),
                    commit: applied.commit.clone(),
                    at: applied.at,
                    documents: None,
                    change,
                    run: RunWire::of(&applied.run, run.as_ref(), (&unit.key, &journal)),
                })
            }
        };
        let standing = unit.standing.clone();
        Ok(Self { unit: unit.key.clone(), state: standing.state, why: standing.why, applied })
    }
}

impl ChangeWire {
    /// Takes the change of a run: the approvals that let it start, not those of the same change before or after.
    async fn of_run(store: &dyn Store, run: &Run, decisions: &[Decision]) -> Result<Self, Failure> {
        let runs = store.runs(Some(&run.change.service), SEARCHED).await?;
        let before = runs
            .iter()
            .filter(|other| other.change == run.change.digest && other.created_at < run.created_at);
        let since = before.map(|other| other.created_at).max().unwrap_or(Timestamp::MIN);
        Self::read(store, &run.change, (decisions, (since, run.created_at))).await
    }

    async fn read(
        store: &dyn Store,
        change: &Change,
        (decisions, (since, until)): (&[Decision], (Timestamp, Timestamp)),
    ) -> Result<Self, Failure> {
        let given = decisions.iter().filter(|decision| decision.at > since && decision.at <= until);
        let plans = store.plans_of(&change.digest).await?;
        Ok(Self {
            digest: change.digest,
            kind: change.kind().to_string(),
            path: change.path.clone(),
            author: change.author.clone(),
            plan: plans.into_iter().next(),
            approvals: given
                .filter_map(|decision| ApprovalWire::of(decision, &change.digest))
                .collect(),
        })
    }
}

impl ApprovalWire {
    fn of(decision: &Decision, change: &Digest) -> Option<Self> {
        let DecisionKind::Approve { subject, changes, .. } = &decision.decision else {
            return None;
        };
        let of = if subject == change { "change" } else { "plan" };
        (subject == change || changes.contains(change)).then(|| Self {
            decision: decision.seq,
            by: decision.by.clone(),
            at: decision.at,
            of,
            subject: *subject,
        })
    }
}

impl RunWire {
    fn of(id: &RunId, run: Option<&Run>, (unit, journal): (&UnitKey, &[JournalEntry])) -> Self {
        let Some(run) = run else {
            return Self { id: id.clone(), state: None, said: Vec::new(), steps: Vec::new() };
        };
        let own = run.change.units.iter().find(|change| change.unit == *unit);
        let steps = own.into_iter().flat_map(|unit| &unit.steps).filter_map(|step| {
            let progress = run.steps.get(&step.path)?;
            let done = journal.iter().rev().find(|entry| match &entry.event {
                Event::Step { path, event } => {
                    *path == step.path && !matches!(event, StepEvent::Ready)
                }
                Event::Run { .. } => false,
            });
            Some(StepWire {
                step: step.path.to_string(),
                id: step.action.id.clone(),
                action: step.action.kind.clone(),
                effect: step.effect,
                state: progress.state.to_string(),
                attempts: progress.attempts,
                key: progress.key.clone(),
                at: done.map(|entry| entry.at),
            })
        });
        let said = journal.iter().filter_map(said).collect();
        Self { id: id.clone(), state: Some(run.state), said, steps: steps.collect() }
    }
}

/// Says what a person said of a run or of a step.
fn said(entry: &JournalEntry) -> Option<String> {
    match &entry.event {
        Event::Run { event } => {
            event.said().map(|said| format!("{event} by {}: {}", said.by, said.why))
        }
        Event::Step { path, event: event @ StepEvent::Answered { said, .. } } => {
            Some(format!("{path} {event}, {}: {}", said.by, said.why))
        }
        Event::Step { .. } => None,
    }
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
