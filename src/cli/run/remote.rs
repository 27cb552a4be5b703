//! `trueline run` over the API of a server.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::journal::{self, JournalWire};
use super::super::output::demand_reason;
use super::super::run_control::{self, DecideOptions, Options as Word, RecordedWire, SAID};
use super::super::server::{Server, segment};
use super::super::table::cell;
use super::{
    Command, Context, Exit, Failure, RunLine, RunWire, RunsWire, SEARCHED, list_text, show_text,
};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::engine::Told;
use crate::id::RunId;
use crate::run::Control;

/// Between two looks at a journal that is followed.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    command: &Command,
) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    if let Some((word, control)) = command.word() {
        return say(context, server, word, &control).await;
    }
    match command {
        Command::List { service, limit } => {
            let of = [("service", service.as_deref())];
            let (runs, _) = server.list("/runs", &of, limit.items()).await?;
            let wire = RunsWire { version: "trueline.runs/v1", runs };
            context.show(&wire, || list_text(&wire, now))?;
        }
        Command::Show { id } => {
            let id = whole(server, id).await?;
            let mut wire: RunWire = server.get(&format!("/runs/{}", segment(&id.0))).await?;
            wire.version = "trueline.run/v1";
            context.show(&wire, || show_text(&wire, now))?;
        }
        Command::Logs { id, follow: true, limit } => {
            let id = whole(server, id).await?;
            return journal::follow(context, (*limit, PAUSE), async || {
                // The state first: whatever ended the run is in the journal then.
                let line: RunLine = server.get(&format!("/runs/{}", segment(&id.0))).await?;
                Ok((line.state, entries_of(server, &id).await?))
            })
            .await;
        }
        Command::Logs { id, limit, .. } => {
            let id = whole(server, id).await?;
            let entries = entries_of(server, &id).await?;
            let wire = JournalWire::of_told(&id, entries, *limit);
            context.show(&wire, || journal::text(&wire))?;
        }
        Command::Decide(options) => return decide(context, server, options).await,
        // The others are words, which were said above.
        _ => return Err(context.no_form("run export")),
    }
    Ok(Exit::Success)
}

async fn entries_of(server: &Server, id: &RunId) -> Result<Vec<Told>, Failure> {
    let path = format!("/runs/{}/journal", segment(&id.0));
    Ok(server.list(&path, &[], usize::MAX).await?.0)
}

/// Finds a run by its id or the beginning of it; never one of two.
async fn whole(server: &Server, id: &str) -> Result<RunId, Failure> {
    let path = format!("/runs/{}", segment(id));
    if !id.is_empty() && server.find::<RunLine>(&path).await?.is_some() {
        return Ok(RunId(id.to_owned()));
    }
    let most = usize::try_from(SEARCHED).unwrap_or(usize::MAX);
    let (runs, _): (Vec<RunLine>, _) = server.list("/runs", &[], most).await?;
    let mut found = runs.into_iter().filter(|run| !id.is_empty() && run.id.0.starts_with(id));
    match (found.next(), found.next()) {
        (Some(first), None) => Ok(first.id),
        (Some(first), Some(second)) => Err(Failure::usage(format!(
            "`{}` begins more than one run: {}, {}",
            cell(id),
            cell(&first.id.0),
            cell(&second.id.0)
        ))
        .hint("give more of its id")),
        (None, _) => {
            Err(Failure::usage(format!("there is no run `{}` that you can see", cell(id)))
                .hint("`trueline run list` shows those that there are"))
        }
    }
}

async fn say(
    context: &Context,
    server: &Server,
    options: &Word,
    control: &Control,
) -> Result<Exit, Failure> {
    demand_reason(&options.reason)?;
    let id = whole(server, &options.id).await?;
    let body = match control {
        Control::Retry { from_failed } => {
            json!({"reason": options.reason, "fromFailed": from_failed})
        }
        _ => json!({"reason": options.reason}),
    };
    said(context, server, (id, control.word()), &body).await
}

/// Says what became of a step.
async fn decide(
    context: &Context,
    server: &Server,
    options: &DecideOptions,
) -> Result<Exit, Failure> {
    demand_reason(&options.word.reason)?;
    let id = whole(server, &options.word.id).await?;
    let wire: RunWire = server.get(&format!("/runs/{}", segment(&id.0))).await?;
    let unknown = wire.steps.iter().filter(|step| step.is_undecided());
    let unknown: Vec<&str> = unknown.map(|step| step.step.as_str()).collect();
    let step = run_control::only_undecided(&unknown, options.step.as_deref())?;
    let outputs: Map<String, Value> = options.outputs.iter().map(run_control::output).collect();
    let (reason, happened) = (&options.word.reason, options.happened);
    // Absent and empty mean the same to the server.
    let body = json!({"reason": reason, "step": step, "happened": happened, "outputs": outputs});
    said(context, server, (id, "decide"), &body).await
}

async fn said(
    context: &Context,
    server: &Server,
    (run, word): (RunId, &'static str),
    body: &Value,
) -> Result<Exit, Failure> {
    let recorded = server.say(&format!("/runs/{}/{word}", segment(&run.0)), body).await?;
    let by = recorded.by.clone();
    let wire = RecordedWire { version: SAID, run, word, decision: recorded.decision, by };
    context.show(&wire, || format!("{word} of run {} recorded", cell(&wire.run.0)))?;
    recorded.remark(context);
    Ok(Exit::Success)
}
