//! The journal of a run as people and programs read it: a wire form of its own. Sealed outputs stay sealed.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::table::{Limit, cell, table, value};
use crate::id::RunId;
use crate::reconcile::show::masked;
use crate::run::{Event, RunEvent, Said, StepEvent};
use crate::store::JournalEntry;

#[derive(Debug, Serialize)]
pub(super) struct JournalWire {
    version: &'static str,
    run: RunId,
    total: usize,
    entries: Vec<EntryWire>,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryWire {
    seq: i64,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    outputs: Map<String, Value>,
}

impl JournalWire {
    /// Keeps the newest entries of a journal.
    pub(super) fn of(run: &RunId, entries: &[JournalEntry], limit: Limit) -> Self {
        let left_out = entries.len().saturating_sub(limit.items());
        Self {
            version: "trueline.journal/v1",
            run: run.clone(),
            total: entries.len(),
            entries: entries.iter().skip(left_out).map(EntryWire::of).collect(),
        }
    }
}

impl EntryWire {
    fn of(entry: &JournalEntry) -> Self {
        let wire = match &entry.event {
            Event::Run { event } => Self::of_run(event),
            Event::Step { path, event } => {
                Self { step: Some(path.to_string()), ..Self::of_step(event) }
            }
        };
        Self { seq: entry.seq, at: entry.at, ..wire }
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
            StepEvent::Started { attempt, key, .. } => Self {
                attempt: Some(*attempt),
                key: Some(key.clone()),
                ..Self::said("started", None)
            },
            StepEvent::Succeeded { outputs, .. } => Self {
                outputs: outputs.iter().map(|(name, one)| (name.clone(), masked(one))).collect(),
                ..Self::said("succeeded", None)
            },
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
                    outputs: outputs
                        .iter()
                        .map(|(name, one)| (name.clone(), masked(one)))
                        .collect(),
                    ..Self::said("answered", Some(format!("{what}: {}", told(said))))
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

    fn detail(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.attempt.map(|attempt| format!("attempt {attempt}")));
        parts.extend(self.key.as_ref().map(|key| format!("key {key}")));
        parts.extend(self.why.clone());
        parts.extend(self.not_before.map(|at| format!("not before {}", to_second(at))));
        parts.extend(self.outputs.iter().map(|(name, one)| format!("{name}: {}", value(one))));
        parts.join(", ")
    }
}

/// Says why a run ended as it did.
pub(super) fn why_over(entries: &[JournalEntry]) -> Option<String> {
    entries.iter().rev().find_map(|entry| match &entry.event {
        Event::Run { event } => EntryWire::of_run(event).why,
        Event::Step { .. } => None,
    })
}

/// What a person said, with who did.
fn told(said: &Said) -> String {
    format!("{} ({})", said.why, said.by)
}

fn to_second(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// Writes one entry on a line.
pub(super) fn line(entry: &JournalEntry) -> String {
    let wire = EntryWire::of(entry);
    let what = wire.step.clone().unwrap_or_else(|| "run".to_owned());
    let words = [to_second(wire.at), cell(&what), wire.event.to_owned(), cell(&wire.detail())];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("  ")
}

/// Writes it as lines, oldest first.
pub(super) fn text(wire: &JournalWire) -> String {
    if wire.entries.is_empty() {
        return "nothing happened to it yet".to_owned();
    }
    let mut text = match wire.total.saturating_sub(wire.entries.len()) {
        0 => String::new(),
        earlier => format!("… {earlier} earlier; --limit shows them\n"),
    };
    let rows = wire.entries.iter().map(|entry| {
        let what = entry.step.clone().unwrap_or_else(|| "run".to_owned());
        [to_second(entry.at), what, entry.event.to_owned(), entry.detail()]
    });
    text += &table([""; 4], rows);
    text
}
