//! `trueline request status` and `logs`, and what waits for a request: each look files, follows and writes down what a daemon
//! would, so that it works without one, too.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::desk::desk;
use super::{RequestLine, find, standing_text};
use crate::cli::context::Context;
use crate::cli::journal;
use crate::cli::output::{Exit, Failure};
use crate::cli::table::{Limit, cell};
use crate::engine::Told;
use crate::engine::request::Desk;
use crate::id::RunId;
use crate::store::{JournalEntry, RequestState, ServiceRequest, SqliteStore, Store};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Between two questions to a forge elsewhere.
const ELSEWHERE: Duration = Duration::from_secs(15);

/// Looks once at a request, and returns how it stands; what a daemon wrote counts where the forge can't be reached.
pub(super) async fn fresh(
    context: &Context,
    store: Arc<SqliteStore>,
    id: &str,
) -> Result<ServiceRequest, Failure> {
    let request = find(&*store, id).await?;
    if request.progress.state.is_over() {
        return Ok(request);
    }
    match desk(context, store).await {
        Ok(desk) => Ok(desk.look(request, true).await?),
        Err(failure) => {
            context.remark(format!("as it was seen last: {failure}"));
            Ok(request)
        }
    }
}

/// Tells the exit code of how a request stands.
pub(super) fn exit_of(state: RequestState) -> Exit {
    match state {
        RequestState::Completed => Exit::Success,
        RequestState::Failed | RequestState::Rejected | RequestState::Aborted => Exit::Findings,
        _ => Exit::Waiting,
    }
}

#[derive(Debug, Serialize)]
struct StatusWire<'a> {
    version: &'static str,
    #[serde(flatten)]
    line: &'a RequestLine,
}

/// Shows how far a request is; returns the exit code that says it.
pub(super) fn show_status(context: &Context, line: &RequestLine) -> Result<Exit, Failure> {
    let wire = StatusWire { version: "trueline.request-status/v1", line };
    context.show(&wire, || standing_text(line))?;
    Ok(exit_of(line.state))
}

/// Tells how far a request is.
pub(super) async fn status(context: &Context, id: &str, watch: bool) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let mut request = fresh(context, store.clone(), id).await?;
    if watch && !is_settled(&request) {
        context.remark(standing_text(&RequestLine::of(&request)));
        let desk = desk(context, store).await?;
        request = wait(context, &desk, request, None).await?;
    }
    show_status(context, &RequestLine::of(&request))
}

/// Looks until nothing more happens by itself, or the time is over; tells each new state.
pub(super) async fn wait(
    context: &Context,
    desk: &Desk,
    mut request: ServiceRequest,
    limit: Option<Duration>,
) -> Result<ServiceRequest, Failure> {
    let until = limit.map(|limit| Instant::now() + limit);
    let mut ask_next = Instant::now();
    let mut told = request.progress.state;
    while !is_settled(&request) && until.is_none_or(|until| Instant::now() < until) {
        sleep(PAUSE).await;
        let asks = desk.is_here() || Instant::now() >= ask_next;
        if asks {
            ask_next = Instant::now() + ELSEWHERE;
        }
        // A daemon may have written since.
        let there = desk.store().service_request(&request.id).await?;
        request = desk.look(there.unwrap_or(request), asks).await?;
        if request.progress.state != told {
            told = request.progress.state;
            context.remark(standing_text(&RequestLine::of(&request)));
        }
    }
    Ok(request)
}

fn is_settled(request: &ServiceRequest) -> bool {
    settles(request.progress.state)
}

/// Tells whether nothing more comes of a request by itself.
pub(super) fn settles(state: RequestState) -> bool {
    state.is_over() || state == RequestState::Failed
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogLine {
    at: Timestamp,
    /// The run; nothing where it is about the request itself.
    run: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<String>,
    event: String,
    why: Option<String>,
}

#[derive(Debug, Serialize)]
struct LogsWire {
    version: &'static str,
    request: String,
    items: Vec<LogLine>,
}

/// Shows what happened to a request, as one list.
pub(super) fn show_logs(
    context: &Context,
    (request, items): (String, Vec<LogLine>),
) -> Result<(), Failure> {
    let wire = LogsWire { version: "trueline.request-logs/v1", request, items };
    context.show(&wire, || wire.items.iter().map(text_of).collect())
}

/// Prints what happened to a request and to its run.
pub(super) async fn logs(
    context: &Context,
    id: &str,
    (follow, limit): (bool, Limit),
) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let mut request = fresh(context, store.clone(), id).await?;
    let mut lines = happened(&*store, &request).await?;
    let first = lines.len().saturating_sub(limit.items());
    if !follow || is_settled(&request) {
        let items: Vec<LogLine> = lines.drain(first..).map(|(_, line)| line).collect();
        show_logs(context, (request.id, items))?;
        return Ok(Exit::Success);
    }
    let desk = desk(context, store.clone()).await?;
    let mut seen: BTreeSet<String> = lines.drain(..first).map(|(key, _)| key).collect();
    loop {
        for (key, line) in lines {
            if seen.insert(key) {
                context.show(&line, || text_of(&line))?;
            }
        }
        if is_settled(&request) {
            return Ok(exit_of(request.progress.state));
        }
        request = wait(context, &desk, request, Some(PAUSE)).await?;
        lines = happened(&*store, &request).await?;
    }
}

/// Reads what happened, oldest first, each with what it is known again by.
async fn happened(
    store: &dyn Store,
    request: &ServiceRequest,
) -> Result<Vec<(String, LogLine)>, Failure> {
    let mut lines: Vec<(String, LogLine)> = Vec::new();
    for moment in &request.progress.history {
        let event = moment.state.to_string();
        let key = format!("{}/{event}", moment.at);
        let (at, why) = (moment.at, moment.why.clone());
        lines.push((key, LogLine { at, run: None, step: None, event, why }));
    }
    if let Some(run) = &request.progress.run {
        for entry in store.journal(&RunId(run.clone())).await? {
            let Told { at, step, event, why, .. } = Told::of(&entry);
            let line = LogLine { at, run: Some(run.clone()), step, event: event.into_owned(), why };
            lines.push((key_of(run, &entry), line));
        }
    }
    lines.sort_by_key(|(_, line)| line.at);
    Ok(lines)
}

fn key_of(run: &str, entry: &JournalEntry) -> String {
    // What it says can't change, so its line is its name as well.
    format!("{run}/{}/{}", entry.seq, journal::line(entry).len())
}

/// Says it on one line.
pub(super) fn text_of(line: &LogLine) -> String {
    let at = line.at.round(jiff::Unit::Second).unwrap_or(line.at);
    let about = match (&line.step, &line.run) {
        (Some(step), _) => cell(step),
        (None, Some(run)) => format!("run {}", cell(run)),
        (None, None) => "request".to_owned(),
    };
    let why = line.why.as_ref().map(|why| format!(": {}", cell(why))).unwrap_or_default();
    format!("{at}  {about} {}{why}\n", cell(&line.event))
}
