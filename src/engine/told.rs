//! What an entry of a run's journal tells people and programs, in words. Sealed outputs stay sealed.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::reconcile::show::masked;
use crate::run::{Event, RunEvent, Said, StepEvent};
use crate::store::JournalEntry;

/// One entry of a journal, told.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Its number in the run, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The step that it is about; the run itself where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// `started`, `succeeded`, `waiting`, …
    pub event: Cow<'static, str>,
    /// Which attempt began, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The key that it was made under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// When it is tried again at the earliest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Why, or what is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What was answered, sensitive values masked.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub outputs: Map<String, Value>,
}

impl Told {
    /// Tells an entry.
    pub fn of(entry: &JournalEntry) -> Self {
        let wire = match &entry.event {
            Event::Run { event } => Self::of_run(event),
            Event::Step { path, event } => {
                Self { step: Some(path.to_string()), ..Self::of_step(event) }
            }
        };
        Self { seq: entry.seq, at: entry.at, ..wire }
    }

    fn said(event: &'static str, why: Option<String>) -> Self {
        Self { event: Cow::Borrowed(event), why, ..Self::default() }
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
            RunEvent::Paused { said } => Self::said("paused", Some(words(said))),
            RunEvent::Resumed { said } => Self::said("resumed", Some(words(said))),
            RunEvent::Retried { said, .. } => Self::said("retried", Some(words(said))),
            RunEvent::Redriven { said } => Self::said("redriven", Some(words(said))),
            RunEvent::Escalated { said, .. } => Self::said("escalated", Some(words(said))),
            RunEvent::RollingBack { said, .. } => Self::said("rolling-back", Some(words(said))),
            RunEvent::RolledBack => Self::said("rolled-back", None),
            RunEvent::Hooked { why, .. } => Self::said("hooked", Some(why.clone())),
        }
    }

    fn of_step(event: &StepEvent) -> Self {
        match event {
            StepEvent::Ready => Self::said("ready", None),
            StepEvent::Started { attempt, key, .. } => Self {
                attempt: Some(*attempt),
                key: Some(key.clone()),
                ..Self::said("started", None)
            },
            StepEvent::Succeeded { outputs, .. } => {
                Self { outputs: shown(outputs), ..Self::said("succeeded", None) }
            }
            StepEvent::Waiting { on } => Self::said("waiting", Some(on.told().into_owned())),
            StepEvent::Retry { fault, not_before } => Self {
                not_before: Some(*not_before),
                ..Self::said("retry", Some(fault.to_string()))
            },
            StepEvent::Unknown { fault, not_before } => Self {
                not_before: Some(*not_before),
                ..Self::said("unknown", Some(fault.to_string()))
            },
            StepEvent::Answered { said, happened, outputs } => {
                let what = if *happened { "it took effect" } else { "it did not take effect" };
                Self {
                    outputs: shown(outputs),
                    ..Self::said("answered", Some(format!("{what}: {}", words(said))))
                }
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

/// Says why a run ended as it did; of one that succeeded there is nothing to say.
pub fn why_over(entries: &[JournalEntry]) -> Option<String> {
    let events = entries.iter().rev().filter_map(|entry| match &entry.event {
        Event::Run { event } => Some(event),
        Event::Step { .. } => None,
    });
    let mut failing = events.take_while(|event| !matches!(event, RunEvent::Succeeded));
    failing.find_map(|event| Told::of_run(event).why)
}

/// What a person said, with who did.
fn words(said: &Said) -> String {
    format!("{} ({})", said.why, said.by)
}

fn shown(outputs: &Map<String, Value>) -> Map<String, Value> {
    outputs.iter().map(|(name, one)| (name.clone(), masked(one))).collect()
}
