//! `trueline replay`: runs an exported run again against the answers it recorded. It reaches nothing, and writes nothing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::journal::line;
use super::output::{Exit, Failure};
use super::run_export::{ExportWire, VERSION};
use super::table::{cell, count};
use crate::id::RunId;
use crate::run::{Event, Replayed, RunState, replay};
use crate::store::JournalEntry;

/// The largest export that is read, in bytes.
const MAX_BYTES: u64 = 256 << 20;
/// How many entries are shown before the first difference.
const BEFORE: usize = 3;

/// What `replay` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// The file that `trueline run export` printed.
    pub file: PathBuf,
}

/// Replays: 0 the same journal, 1 another one.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let export = read(&options.file)?;
    let told = compared(&export)?;
    let wire = ReplayWire::of(&export, &told);
    context.show(&wire, || wire.text(&export, &told))?;
    Ok(if wire.same { Exit::Success } else { Exit::Findings })
}

fn read(path: &Path) -> Result<ExportWire, Failure> {
    let wrong = |why: String| {
        Failure::usage(format!("{}: {why}", path.display()))
            .hint("give a file that `trueline run export` printed")
    };
    let length = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if length > MAX_BYTES {
        return Err(wrong("larger than 256 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let export: ExportWire = serde_json::from_str(&text)
        .map_err(|error| wrong(format!("not the export of a run: {}", cell(&error.to_string()))))?;
    if export.version != VERSION {
        return Err(wrong(format!("`{}` is not {VERSION}", cell(&export.version))));
    }
    Ok(export)
}

/// Replays an export.
pub(super) fn compared(export: &ExportWire) -> Result<Replayed, Failure> {
    Ok(replay(export.fresh()?, &export.events()))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReplayWire {
    version: &'static str,
    run: RunId,
    same: bool,
    entries: usize,
    answers: usize,
    /// The state that the export says, and the one that the replay came to.
    recorded: RunState,
    replayed: RunState,
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<DifferenceWire>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DifferenceWire {
    entry: usize,
    recorded: Option<Event>,
    replayed: Option<Event>,
    refused: Option<String>,
}

impl ReplayWire {
    fn of(export: &ExportWire, told: &Replayed) -> Self {
        let difference = told.difference.as_ref().map(|difference| DifferenceWire {
            entry: difference.index + 1,
            recorded: export.journal.get(difference.index).map(|entry| entry.event.clone()),
            replayed: difference.replayed.clone(),
            refused: difference.refused.as_ref().map(ToString::to_string),
        });
        let same = difference.is_none() && told.run.state == export.state;
        Self {
            version: "trueline.replay/v1",
            run: export.run.clone(),
            same,
            entries: export.journal.len(),
            answers: told.answers,
            recorded: export.state,
            replayed: told.run.state,
            difference,
        }
    }

    fn text(&self, export: &ExportWire, told: &Replayed) -> String {
        let run = cell(&self.run.0);
        let Some(difference) = &self.difference else {
            if !self.same {
                return format!(
                    "run {run}: the export says {}, and its journal leads to {}",
                    self.recorded, self.replayed
                );
            }
            let entries = count(self.entries, "event");
            let answers = count(self.answers, "answer");
            return format!("run {run}: the same journal, {entries} of which {answers}");
        };
        let mut text = format!("run {run}: another journal, from entry {} on\n", difference.entry);
        let from = (difference.entry - 1).saturating_sub(BEFORE);
        let shown = |sign: char, seq: usize, event: &Event| {
            let entry = export.journal.get(seq - 1);
            let at = entry.map_or(jiff::Timestamp::UNIX_EPOCH, |entry| entry.at);
            let entry = JournalEntry {
                seq: i64::try_from(seq).unwrap_or(i64::MAX),
                at,
                event: event.clone(),
            };
            format!("{sign} {seq:>4}  {}\n", line(&entry))
        };
        for (seq, entry) in (1..).zip(&export.journal).skip(from).take(difference.entry - 1 - from)
        {
            text += &shown(' ', seq, &entry.event);
        }
        if let Some(recorded) = &difference.recorded {
            text += &shown('-', difference.entry, recorded);
        }
        match (&difference.replayed, &difference.refused) {
            (_, Some(refused)) => {
                let _ = writeln!(text, "  refused: {}", cell(refused));
            }
            (Some(replayed), None) => text += &shown('+', difference.entry, replayed),
            (None, None) => {
                let _ =
                    writeln!(text, "  nothing would have happened: the run is {}", told.run.state);
            }
        }
        text
    }
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
