//! `trueline run`: lists and shows runs, and reads their journals. What people ask of runs is recorded elsewhere.

mod remote;

use std::borrow::Cow;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::journal::{self, JournalWire};
use super::output::{Exit, Failure};
use super::run_control::{DecideOptions, Options as Word, RetryOptions, decide, say};
use super::run_export::ExportWire;
use super::run_step::StepWire;
use super::table::{Limit, ago, block, cell, short_commit, table, value};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::digest::Digest;
use crate::engine::{Told, Waits, why_open};
use crate::id::RunId;
use crate::reconcile::show::visible;
use crate::run::{Control, Run, RunState};
use crate::store::{JournalEntry, RunSummary, Store};

/// How many runs are searched for the beginning of an id.
const SEARCHED: u32 = 1_000;

/// Between two looks at a journal that is followed.
const PAUSE: Duration = Duration::from_millis(500);

/// What `run` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists runs, newest first.
    List {
        /// Only of this service.
        #[arg(long, value_name = "ID")]
        service: Option<String>,
        #[command(flatten)]
        limit: Limit,
    },
    /// Shows one run, step by step.
    Show {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Prints the journal of a run: the newest entries, in their order.
    Logs {
        /// Its id, or the beginning of it.
        id: String,
        /// Goes on until nothing more happens to it by itself: 0 where it succeeded, 1 otherwise.
        #[arg(long, short)]
        follow: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Calls a run off, once no step of it is in effect; what it waits for is cancelled or taken back.
    #[command(visible_alias = "abort")]
    Cancel(Word),
    /// Stops a run for now: what is in effect finishes, nothing new starts.
    Pause(Word),
    /// Lets a run go on after a pause.
    Resume(Word),
    /// Has a run go on after it failed or was parked: what failed is done again, under new keys where it was refused.
    Retry(RetryOptions),
    /// Has a run go on under the keys that it had: where nobody knows an outcome, the other side is asked again.
    Redrive(Word),
    /// Has people do by hand what failed and what was not reached.
    Escalate(Word),
    /// Takes back what a run did, the last first.
    Rollback(Word),
    /// Says what became of a step whose outcome nobody knows; with the last such answer the run goes on.
    Decide(DecideOptions),
    /// Prints a run with its journal as one JSON file, without secrets, for `trueline replay`.
    Export {
        /// Its id, or the beginning of it.
        id: String,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        return Box::pin(remote::run(context, &server, &options.command)).await;
    }
    let store = context.existing_store().await?;
    let now = SystemClock.now();
    if let Some((word, control)) = options.command.word() {
        return say(context, word, control).await;
    }
    match &options.command {
        Command::List { service, limit } => {
            let wire = list(&*store, service.as_deref(), *limit).await?;
            context.show(&wire, || list_text(&wire, now))?;
        }
        Command::Show { id } => {
            let run = find(&*store, id).await?;
            let mut wire = RunWire::of(&run, &store.journal(&run.id).await?);
            if !run.state.is_over() {
                let open = store.open_runs().await?;
                let circumstances = context.circumstances(&*store, open.iter()).await?;
                wire.line = wire.line.because(circumstances.why(&run));
            }
            context.show(&wire, || show_text(&wire, now))?;
        }
        Command::Logs { id, follow: true, limit } => {
            let store: &dyn Store = &*store;
            let id = find(store, id).await?.id;
            return journal::follow(context, (*limit, PAUSE), async || {
                // The state first: whatever ended the run is in the journal then.
                let state = store.run_state(&id).await?.map(|(state, _)| state);
                let entries = store.journal(&id).await?;
                let state = state.ok_or_else(|| Failure::failed(format!("run {id} is gone")))?;
                Ok((state, entries.iter().map(Told::of).collect()))
            })
            .await;
        }
        Command::Logs { id, limit, .. } => {
            let run = find(&*store, id).await?;
            let wire = JournalWire::of(&run.id, &store.journal(&run.id).await?, *limit);
            context.show(&wire, || journal::text(&wire))?;
        }
        Command::Export { id } => {
            let run = find(&*store, id).await?;
            let wire = ExportWire::of(&context.name, &run, &store.journal(&run.id).await?);
            context.say(serde_json::to_string_pretty(&wire)?);
        }
        Command::Decide(options) => return decide(context, options).await,
        // The others are words, which were said above.
        _ => {}
    }
    Ok(Exit::Success)
}

impl Command {
    /// Returns what is asked of a run, where that is all there is to say.
    fn word(&self) -> Option<(&Word, Control)> {
        Some(match self {
            Command::Cancel(word) => (word, Control::Cancel),
            Command::Pause(word) => (word, Control::Pause),
            Command::Resume(word) => (word, Control::Resume),
            Command::Retry(options) => {
                (&options.word, Control::Retry { from_failed: options.from_failed })
            }
            Command::Redrive(word) => (word, Control::Redrive),
            Command::Escalate(word) => (word, Control::Escalate),
            Command::Rollback(word) => (word, Control::Rollback),
            _ => return None,
        })
    }
}

/// One run in a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunLine {
    pub(super) id: RunId,
    pub(super) service: String,
    pub(super) kind: String,
    pub(super) state: RunState,
    change: Digest,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Timestamp>,
    pub(super) why: Option<String>,
    /// Since when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<Timestamp>,
}

impl RunLine {
    /// Says what an open run waits for, and since when.
    pub(super) fn because(self, waits: Option<Waits>) -> Self {
        let (why, since) = waits.map_or((None, None), |waits| (Some(waits.what), waits.since));
        Self { why: why.or(self.why), since, ..self }
    }

    /// Takes it from what the store lists.
    pub(super) fn of(run: RunSummary) -> Self {
        Self {
            id: run.id,
            service: run.service,
            kind: run.kind,
            state: run.state,
            change: run.change,
            created_at: run.created_at,
            updated_at: Some(run.updated_at),
            why: run.why,
            since: None,
        }
    }

    /// Takes it from an open run, with what it waits for.
    pub(super) fn of_open(run: &Run) -> Self {
        Self {
            id: run.id.clone(),
            service: run.change.service.clone(),
            kind: run.change.kind().to_string(),
            state: run.state,
            change: run.change.digest,
            created_at: run.created_at,
            updated_at: None,
            why: why_open(run),
            since: None,
        }
    }

    /// Returns its cells: id, service, kind, state, age, why.
    pub(super) fn cells(&self, now: Timestamp) -> [String; 6] {
        [
            self.id.to_string(),
            self.service.clone(),
            self.kind.clone(),
            self.state.to_string(),
            ago(now, self.created_at),
            self.why_since(now),
        ]
    }

    /// Says why, with since when where that is known.
    fn why_since(&self, now: Timestamp) -> String {
        let why = self.why.clone().unwrap_or_default();
        match self.since {
            Some(since) => format!("{why} (since {})", ago(now, since)),
            None => why,
        }
    }
}

#[derive(Debug, Serialize)]
struct RunsWire {
    version: &'static str,
    runs: Vec<RunLine>,
}

async fn list(store: &dyn Store, service: Option<&str>, limit: Limit) -> Result<RunsWire, Failure> {
    let runs = store.runs(service, limit.limit).await?;
    Ok(RunsWire { version: "trueline.runs/v1", runs: runs.into_iter().map(RunLine::of).collect() })
}

fn list_text(wire: &RunsWire, now: Timestamp) -> String {
    if wire.runs.is_empty() {
        return "no runs".to_owned();
    }
    runs_table(&wire.runs, now)
}

/// Writes a table of runs.
pub(super) fn runs_table(runs: &[RunLine], now: Timestamp) -> String {
    let head = ["RUN", "SERVICE", "KIND", "STATE", "AGE", "WHY"];
    table(head, runs.iter().map(|run| run.cells(now)))
}

/// Finds a run by its id or the beginning of it; never one of two.
pub(super) async fn find(store: &dyn Store, id: &str) -> Result<Run, Failure> {
    if let Some(run) = store.run(&RunId(id.to_owned())).await? {
        return Ok(run);
    }
    let runs = store.runs(None, SEARCHED).await?;
    let mut found = runs.into_iter().filter(|run| !id.is_empty() && run.id.0.starts_with(id));
    let (first, second) = (found.next(), found.next());
    let Some(first) = first else {
        return Err(Failure::usage(format!("there is no run `{}`", cell(id)))
            .hint("`trueline run list` shows those that there are"));
    };
    if let Some(second) = second {
        return Err(Failure::usage(format!(
            "`{}` begins more than one run: {}, {}{}",
            cell(id),
            first.id,
            second.id,
            if found.next().is_some() { ", …" } else { "" }
        ))
        .hint("give more of its id"));
    }
    let run = store.run(&first.id).await?;
    run.ok_or_else(|| Failure::usage(format!("run {} is gone", first.id)))
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunWire {
    #[serde(skip_deserializing)]
    version: &'static str,
    #[serde(flatten)]
    line: RunLine,
    commit: String,
    team: String,
    environment: Option<String>,
    /// People do a part of it by hand.
    escalated: bool,
    /// What a person said of it last, and who.
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    /// What can be asked of it now.
    possible: Vec<Cow<'static, str>>,
    steps: Vec<StepWire>,
}

impl RunWire {
    fn of(run: &Run, entries: &[JournalEntry]) -> Self {
        let mut line = RunLine::of_open(run);
        if run.state.is_over() {
            line.why = crate::engine::why_over(entries);
        }
        let steps = run.change.units.iter().flat_map(|unit| &unit.steps);
        let known = steps.filter_map(|step| Some(StepWire::of(step, run.steps.get(&step.path)?)));
        Self {
            version: "trueline.run/v1",
            line,
            commit: run.commit.clone(),
            team: run.change.team.clone(),
            environment: run.change.environment.clone(),
            escalated: run.escalated,
            said: run.said.as_ref().map(|said| format!("{} ({})", said.why, said.by)),
            possible: run.possible().into_iter().map(Cow::Borrowed).collect(),
            steps: known.collect(),
        }
    }
}

fn show_text(wire: &RunWire, now: Timestamp) -> String {
    let line = &wire.line;
    let escalated = if wire.escalated { " (escalated)" } else { "" };
    let state = format!("{}{escalated}", line.state);
    let mut text = table(
        ["", ""],
        [
            ["Run".to_owned(), line.id.to_string()],
            ["Service".to_owned(), format!("{} of team {}", line.service, wire.team)],
            ["Change".to_owned(), format!("{} {}", line.kind, line.change.short())],
            ["Commit".to_owned(), short_commit(&wire.commit)],
            ["State".to_owned(), state],
            ["Made".to_owned(), format!("{} ({})", ago(now, line.created_at), line.created_at)],
        ],
    );
    if let Some(why) = &line.why {
        let lead = if line.state.is_over() { "Why" } else { "Waits" };
        let since = line.since.map(|since| format!(" (since {})", ago(now, since)));
        text += &block("", &format!("{lead}: {why}{}", since.unwrap_or_default()));
    }
    if let Some(said) = &wire.said {
        text += &block("", &format!("Said: {said}"));
    }
    if line.state.is_over() && !wire.possible.is_empty() {
        text += &block("", &format!("Possible: trueline run {}", wire.possible.join(", ")));
    }
    text.push('\n');
    let head = ["STEP", "ACTION", "EFFECT", "STATE", "ATTEMPTS", "WHY"];
    text += &table(head, wire.steps.iter().map(|step| step.cells(now)));
    let outputs = wire.steps.iter().flat_map(|step| {
        step.outputs.iter().map(move |(name, output)| {
            format!("  {} {}: {}\n", visible(&step.step), visible(name), value(output))
        })
    });
    let outputs: String = outputs.collect();
    if !outputs.is_empty() {
        text += "\nOutputs\n";
        text += &outputs;
    }
    text
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
