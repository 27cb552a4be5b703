//! One entry of a run's journal, as the API tells it: a wire form of its own. Sealed outputs stay sealed.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::reconcile::show::masked;
use crate::run::{Event, RunEvent, Said, StepEvent};
use crate::store::JournalEntry;

/// One entry of a run's journal.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EntryWire {
    /// Its number in the run, from 1.
    seq: i64,
    #[schema(format = DateTime)]
    at: String,
    /// The step that it is about; the run itself where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    /// `started`, `succeeded`, `waiting`, …
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Sensitive values masked.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(required = false)]
    outputs: Map<String, Value>,
}

impl EntryWire {
    /// Takes it from a journal.
    pub(super) fn of(entry: &JournalEntry) -> Self {
        let wire = match &entry.event {
            Event::Run { event } => Self::of_run(event),
            Event::Step { path, event } => {
                Self { step: Some(path.to_string()), ..Self::of_step(event) }
            }
        };
        Self { seq: entry.seq, at: entry.at.to_string(), ..wire }
    }

    fn said(event: &'static str, why: Option<String>) -> Self {
        Self { event, why, ..Self::default() }
    }

    fn of_run(event: &RunEvent) -> Self {
        match event {
            RunEvent::Started => Self::said("started", None),
            RunEvent::Succeeded => Self::said("succeeded", None),
            RunEvent::Failed { why } => Self::said("failed", Some(why.clone())),
            RunEvent::NeedsDecision { why } => Self::said("needs-decision", Some(why.clone())),
            RunEvent::Parked { why } => Self::said("parked", Some(why.clone())),
            RunEvent::Superseded { commit } => {
                Self::said("superseded", Some(format!("by commit {commit}")))
            }
            RunEvent::Cancelled { by, why } => {
                Self::said("cancelled", Some(format!("{why} ({by})")))
            }
            RunEvent::Paused { said } => Self::said("paused", Some(told(said))),
            RunEvent::Resumed { said } => Self::said("resumed", Some(told(said))),
            RunEvent::Retried { said, .. } => Self::said("retried", Some(told(said))),
            RunEvent::Redriven { said } => Self::said("redriven", Some(told(said))),
            RunEvent::Escalated { said, .. } => Self::said("escalated", Some(told(said))),
            RunEvent::RollingBack { said, .. } => Self::said("rolling-back", Some(told(said))),
            RunEvent::RolledBack => Self::said("rolled-back", None),
            RunEvent::Hooked { why, .. } => Self::said("hooked", Some(why.clone())),
        }
    }

    fn of_step(event: &StepEvent) -> Self {
        match event {
            StepEvent::Ready => Self::said("ready", None),
            StepEvent::Started { attempt, .. } => {
                Self { attempt: Some(*attempt), ..Self::said("started", None) }
            }
            StepEvent::Succeeded { outputs, .. } => {
                Self { outputs: shown(outputs), ..Self::said("succeeded", None) }
            }
            StepEvent::Waiting { on } => Self::said("waiting", Some(on.told().into_owned())),
            StepEvent::Retry { fault, not_before } => Self {
                not_before: Some(not_before.to_string()),
                ..Self::said("retry", Some(fault.to_string()))
            },
            StepEvent::Unknown { fault, not_before } => Self {
                not_before: Some(not_before.to_string()),
                ..Self::said("unknown", Some(fault.to_string()))
            },
            StepEvent::Answered { said, happened, outputs } => {
                let what = if *happened { "it took effect" } else { "it did not take effect" };
                let why = format!("{what}: {} ({})", said.why, said.by);
                Self { outputs: shown(outputs), ..Self::said("answered", Some(why)) }
            }
            StepEvent::Failed { fault } => Self::said("failed", Some(fault.to_string())),
            StepEvent::NeedsDecision { fault } => {
                Self::said("needs-decision", Some(fault.to_string()))
            }
            StepEvent::Skipped { why } => Self::said("skipped", Some(why.clone())),
            StepEvent::Cancelled { why } => Self::said("cancelled", Some(why.clone())),
        }
    }
}

fn told(said: &Said) -> String {
    format!("{} ({})", said.why, said.by)
}

fn shown(outputs: &Map<String, Value>) -> Map<String, Value> {
    outputs.iter().map(|(name, one)| (name.clone(), masked(one))).collect()
}
