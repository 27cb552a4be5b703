//! The journal of a run as people and programs read it: a wire form of its own. Sealed outputs stay sealed.

use jiff::Timestamp;
use serde::Serialize;

use super::table::{Limit, cell, table, value};
use crate::engine::Told;
use crate::id::RunId;
use crate::store::JournalEntry;

#[derive(Debug, Serialize)]
pub(super) struct JournalWire {
    version: &'static str,
    run: RunId,
    total: usize,
    entries: Vec<Told>,
}

impl JournalWire {
    /// Keeps the newest entries of a journal.
    pub(super) fn of(run: &RunId, entries: &[JournalEntry], limit: Limit) -> Self {
        let left_out = entries.len().saturating_sub(limit.items());
        Self {
            version: "trueline.journal/v1",
            run: run.clone(),
            total: entries.len(),
            entries: entries.iter().skip(left_out).map(Told::of).collect(),
        }
    }
}

/// Says the rest of an entry on one line.
fn detail(told: &Told) -> String {
    let mut parts = Vec::new();
    parts.extend(told.attempt.map(|attempt| format!("attempt {attempt}")));
    parts.extend(told.key.as_ref().map(|key| format!("key {key}")));
    parts.extend(told.why.clone());
    parts.extend(told.not_before.map(|at| format!("not before {}", to_second(at))));
    parts.extend(told.outputs.iter().map(|(name, one)| format!("{name}: {}", value(one))));
    parts.join(", ")
}

fn to_second(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// Writes one entry on a line.
pub(super) fn line(entry: &JournalEntry) -> String {
    let wire = Told::of(entry);
    let what = wire.step.clone().unwrap_or_else(|| "run".to_owned());
    let words = [to_second(wire.at), cell(&what), wire.event.to_owned(), cell(&detail(&wire))];
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
        [to_second(entry.at), what, entry.event.to_owned(), detail(entry)]
    });
    text += &table([""; 4], rows);
    text
}
