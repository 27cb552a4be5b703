//! `trueline request`: asks for services and for changes of them, which become proposals, and follows what becomes of that. It
//! merges nothing.

mod desk;
mod follow;
mod remote;
mod remote_submit;
mod submit;
#[cfg(test)]
mod tests;
mod word;

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::output::{Exit, Failure};
use super::table::{Limit, ago, block, cell, short_commit, table};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::store::{
    Before, Moment, Numbered, RequestFilter, RequestKind, RequestState, ServiceRequest,
    ServiceRequestStore as _, Store,
};

pub(super) use desk::start;
pub(super) use submit::{follow_remark, outcome_text, put_down};

/// Version of the wire form of one request.
const VERSION: &str = "trueline.request/v1";

/// How many requests are searched for the beginning of an id.
const SEARCHED: u32 = 2_000;

/// What `request` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Asks for a service of an item, for a change of a service, or for its end.
    Submit(Box<submit::Options>),
    /// Lists requests, newest first.
    List {
        /// Only for this service.
        #[arg(long, value_name = "ID")]
        service: Option<String>,
        /// Only in this state: submitted, proposed, processing, failed, completed, …
        #[arg(long = "in", value_name = "STATE", value_parser = state)]
        is_in: Option<RequestState>,
        /// Only those that you asked for.
        #[arg(long)]
        mine: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Shows a request with the file that it proposes.
    Get {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Tells how far a request is: 0 completed, 1 failed, rejected or aborted, 4 not there yet.
    Status {
        /// Its id, or the beginning of it.
        id: String,
        /// Goes on until nothing more happens by itself.
        #[arg(long)]
        watch: bool,
    },
    /// Prints what happened to a request, and the journal of the run that carries it out.
    Logs {
        /// Its id, or the beginning of it.
        id: String,
        /// Goes on until nothing more happens by itself.
        #[arg(long, short)]
        follow: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Has what failed tried again.
    Retry(word::RetryOptions),
    /// Calls a request off: closes its proposal, or has its run called off.
    #[command(visible_alias = "cancel")]
    Abort(word::Options),
    /// Has people do by hand what failed.
    Escalate(word::Options),
}

fn state(text: &str) -> Result<RequestState, String> {
    let read = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    read.map_err(|error| error.to_string())
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        return Box::pin(remote::run(context, &server, &options.command)).await;
    }
    match &options.command {
        Command::Submit(options) => return submit::run(context, options).await,
        Command::Retry(options) => return word::retry(context, options).await,
        Command::Abort(options) => return word::abort(context, options).await,
        Command::Escalate(options) => return word::escalate(context, options).await,
        Command::Status { id, watch } => return follow::status(context, id, *watch).await,
        Command::Logs { id, follow, limit } => {
            return follow::logs(context, id, (*follow, *limit)).await;
        }
        Command::Get { id } => {
            let store = context.existing_store().await?;
            let wire = RequestWire::of(&follow::fresh(context, store, id).await?);
            context.show(&wire, || show_text(&wire, SystemClock.now()))?;
        }
        Command::List { service, is_in, mine, limit } => {
            let store = context.existing_store().await?;
            let by = mine.then(|| context.person());
            let filter = RequestFilter { service: service.clone(), state: *is_in, by };
            let page = Before { number: None, limit: limit.limit.saturating_add(1) };
            let mut found = store.service_requests_page(&filter, page).await?;
            let more = found.len() > limit.items();
            found.truncate(limit.items());
            let items = found.iter().map(|one| RequestLine::of(&one.row)).collect();
            let wire = ListWire { version: "trueline.requests/v1", more, items };
            context.show(&wire, || list_text(&wire, SystemClock.now()))?;
        }
    }
    Ok(Exit::Success)
}

/// Finds a request by its id or the beginning of it.
pub(super) async fn find(store: &dyn Store, id: &str) -> Result<ServiceRequest, Failure> {
    if let Some(request) = store.service_request(id).await? {
        return Ok(request);
    }
    let page = Before { number: None, limit: SEARCHED };
    let known = store.service_requests_page(&RequestFilter::default(), page).await?;
    let begins = |one: &Numbered<ServiceRequest>| !id.is_empty() && one.row.id.starts_with(id);
    let mut found: Vec<_> = known.into_iter().filter(begins).collect();
    match found.len() {
        1 => Ok(found.remove(0).row),
        0 => Err(Failure::usage(format!("there is no request `{}`", cell(id)))
            .hint("`trueline request list` shows those that there are")),
        count => Err(Failure::usage(format!("{count} requests begin with `{}`", cell(id)))
            .hint("give more of the id")),
    }
}

#[derive(Debug, Serialize)]
struct ListWire {
    version: &'static str,
    more: bool,
    items: Vec<RequestLine>,
}

/// One request in a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestLine {
    pub(super) id: String,
    pub(super) kind: RequestKind,
    pub(super) service: String,
    offer: String,
    team: String,
    by: String,
    pub(super) state: RequestState,
    pub(super) why: Option<String>,
    pub(super) proposal: Option<u64>,
    pub(super) url: Option<String>,
    pub(super) run: Option<String>,
    #[serde(alias = "createdAt")]
    at: Timestamp,
}

impl RequestLine {
    pub(super) fn of(request: &ServiceRequest) -> Self {
        let progress = &request.progress;
        Self {
            id: request.id.clone(),
            kind: request.kind,
            service: request.service.clone(),
            offer: request.offer.clone(),
            team: request.team.clone(),
            by: request.by.clone(),
            state: progress.state,
            why: progress.why.clone(),
            proposal: progress.proposal,
            url: progress.url.clone(),
            run: progress.run.clone(),
            at: request.at,
        }
    }
}

/// One request in full.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestWire {
    #[serde(skip_deserializing)]
    version: &'static str,
    #[serde(flatten)]
    line: RequestLine,
    environment: Option<String>,
    reason: String,
    path: String,
    base: String,
    branch: String,
    merged: Option<String>,
    history: Vec<Moment>,
    content: Option<String>,
}

impl RequestWire {
    fn of(request: &ServiceRequest) -> Self {
        Self {
            version: VERSION,
            line: RequestLine::of(request),
            environment: request.environment.clone(),
            reason: request.reason.clone(),
            path: request.path.clone(),
            base: request.base.clone(),
            branch: request.branch.clone(),
            merged: request.progress.merged.clone(),
            history: request.progress.history.clone(),
            content: request.content.clone(),
        }
    }
}

/// Says how far a request is, on one line.
pub(super) fn standing_text(line: &RequestLine) -> String {
    let mut text = format!("request {} is {}", cell(&line.id), line.state);
    // Writing to a String cannot fail.
    if let Some(number) = line.proposal {
        let _ = write!(text, ", proposal {number}");
    }
    if let Some(run) = &line.run {
        let _ = write!(text, ", run {}", cell(run));
    }
    if let Some(why) = &line.why {
        let _ = write!(text, ": {}", cell(why));
    }
    text
}

fn list_text(wire: &ListWire, now: Timestamp) -> String {
    if wire.items.is_empty() {
        return "no requests".to_owned();
    }
    let rows = wire.items.iter().map(|line| {
        [
            line.id.clone(),
            line.kind.to_string(),
            line.service.clone(),
            line.by.clone(),
            line.state.to_string(),
            line.proposal.map(|number| number.to_string()).unwrap_or_default(),
            ago(now, line.at),
            line.why.clone().unwrap_or_default(),
        ]
    });
    let head = ["REQUEST", "KIND", "SERVICE", "BY", "STATE", "PROPOSAL", "AGE", "WHY"];
    let more = if wire.more { "… and more; --limit shows them\n" } else { "" };
    table(head, rows) + more
}

fn show_text(wire: &RequestWire, now: Timestamp) -> String {
    let line = &wire.line;
    let why = line.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    let mut rows = vec![
        ["Request".to_owned(), format!("{} to {} {}", line.id, line.kind, line.service)],
        ["State".to_owned(), format!("{}{why}", line.state)],
        ["By".to_owned(), format!("{}, {}", line.by, ago(now, line.at))],
        ["Of".to_owned(), format!("{} of {}", line.offer, line.team)],
        ["File".to_owned(), wire.path.clone()],
        ["Branch".to_owned(), wire.branch.clone()],
    ];
    if !wire.reason.trim().is_empty() {
        rows.push(["Reason".to_owned(), wire.reason.clone()]);
    }
    let url = line.url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
    rows.extend(line.proposal.map(|number| ["Proposal".to_owned(), format!("{number}{url}")]));
    rows.extend(wire.merged.as_ref().map(|id| ["Merged as".to_owned(), short_commit(id)]));
    rows.extend(line.run.as_ref().map(|run| ["Run".to_owned(), run.clone()]));
    let mut text = table([""; 2], rows);
    text.push('\n');
    for moment in &wire.history {
        let at = moment.at.round(jiff::Unit::Second).unwrap_or(moment.at);
        let _ = writeln!(text, "  {at}  {}", moment.state);
    }
    if let Some(content) = &wire.content {
        text.push('\n');
        text += &block("  ", content);
    }
    text
}
