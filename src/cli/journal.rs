//! The journal of a run as people and programs read it: a wire form of its own. Sealed outputs stay sealed.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::table::{Limit, cell, table, value};
use crate::engine::Told;
use crate::id::RunId;
use crate::run::RunState;
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
        Self::of_told(run, entries.iter().map(Told::of).collect(), limit)
    }

    /// The same of entries as a server tells them.
    pub(super) fn of_told(run: &RunId, mut entries: Vec<Told>, limit: Limit) -> Self {
        let total = entries.len();
        entries.drain(..total.saturating_sub(limit.items()));
        Self { version: "trueline.journal/v1", run: run.clone(), total, entries }
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
    line_of(&Told::of(entry))
}

fn line_of(told: &Told) -> String {
    let what = told.step.clone().unwrap_or_else(|| "run".to_owned());
    let words = [to_second(told.at), cell(&what), cell(&told.event), cell(&detail(told))];
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
        [to_second(entry.at), what, entry.event.to_string(), detail(entry)]
    });
    text += &table([""; 4], rows);
    text
}

/// Prints entries as they come, until nothing more happens to the run by itself: 0 where it succeeded, and 1 otherwise.
pub(super) async fn follow(
    context: &Context,
    (limit, pause): (Limit, Duration),
    mut read: impl AsyncFnMut() -> Result<(RunState, Vec<Told>), Failure>,
) -> Result<Exit, Failure> {
    let (mut state, mut entries) = read().await?;
    entries.drain(..entries.len().saturating_sub(limit.items()));
    let mut seen = 0;
    loop {
        for entry in entries.iter().filter(|entry| entry.seq > seen) {
            context.show(entry, || line_of(entry))?;
        }
        seen = entries.iter().map(|entry| entry.seq).fold(seen, i64::max);
        if state.is_over() {
            let is_well = state == RunState::Succeeded;
            return Ok(if is_well { Exit::Success } else { Exit::Findings });
        }
        tokio::time::sleep(pause).await;
        (state, entries) = read().await?;
    }
}
