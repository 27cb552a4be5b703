//! `trueline request` over the API of a server. The server files and follows; here it is asked, and waited for.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::follow::{LogLine, exit_of, settles, show_logs, show_status, text_of};
use super::{
    Command, Context, Exit, Failure, ListWire, RequestLine, RequestWire, SEARCHED, VERSION, cell,
    list_text, remote_submit, show_text, standing_text, word,
};
use crate::cli::output::demand_reason;
use crate::cli::server::{Server, segment};
use crate::cli::table::Limit;
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::engine::request::RequestWord;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);

/// A word that was recorded.
#[derive(Debug, Deserialize)]
struct Spoken {
    request: RequestLine,
    decision: Option<i64>,
}

/// Runs it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    command: &Command,
) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    match command {
        Command::Submit(options) => return remote_submit::run(context, server, options).await,
        Command::Retry(options) => {
            let word = RequestWord::Retry { from_failed: options.from_failed };
            return say(context, server, &options.word, word).await;
        }
        Command::Abort(options) => return say(context, server, options, RequestWord::Abort).await,
        Command::Escalate(options) => {
            return say(context, server, options, RequestWord::Escalate).await;
        }
        Command::Status { id, watch } => {
            let mut line = find(server, id).await?;
            if *watch && !settles(line.state) {
                context.remark(standing_text(&line));
                line = wait(context, server, line, None).await?;
            }
            return show_status(context, &line);
        }
        Command::Logs { id, follow, limit } => {
            let line = find(server, id).await?;
            return logs(context, server, line, (*follow, *limit)).await;
        }
        Command::Get { id } => {
            let path = path(&find(server, id).await?.id, "");
            let mut wire: RequestWire = server.get(&path).await?;
            wire.version = VERSION;
            context.show(&wire, || show_text(&wire, now))?;
        }
        Command::List { service, is_in, mine, limit } => {
            let state = is_in.map(|state| state.to_string());
            let asked = [
                ("service", service.as_deref()),
                ("state", state.as_deref()),
                ("mine", mine.then_some("true")),
            ];
            let (items, more) = server.list("/requests", &asked, limit.items()).await?;
            let wire = ListWire { version: "trueline.requests/v1", more, items };
            context.show(&wire, || list_text(&wire, now))?;
        }
    }
    Ok(Exit::Success)
}

fn path(id: &str, rest: &str) -> String {
    format!("/requests/{}{rest}", segment(id))
}

/// Finds a request by its id or the beginning of it.
async fn find(server: &Server, id: &str) -> Result<RequestLine, Failure> {
    if !id.is_empty()
        && let Some(line) = server.find(&path(id, "")).await?
    {
        return Ok(line);
    }
    let most = usize::try_from(SEARCHED).unwrap_or(usize::MAX);
    let (known, _): (Vec<RequestLine>, _) = server.list("/requests", &[], most).await?;
    let begins = |line: &RequestLine| !id.is_empty() && line.id.starts_with(id);
    let mut found: Vec<_> = known.into_iter().filter(begins).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::usage(format!("there is no request `{}` that you can see", cell(id)))
            .hint("`trueline request list` shows those that there are")),
        count => Err(Failure::usage(format!("{count} requests begin with `{}`", cell(id)))
            .hint("give more of the id")),
    }
}

/// Looks until nothing more happens by itself, or the time is over; tells each new state.
pub(super) async fn wait(
    context: &Context,
    server: &Server,
    mut line: RequestLine,
    limit: Option<Duration>,
) -> Result<RequestLine, Failure> {
    let until = limit.map(|limit| Instant::now() + limit);
    while !settles(line.state) && until.is_none_or(|until| Instant::now() < until) {
        let rest = until.map(|until| until.saturating_duration_since(Instant::now()));
        sleep(rest.map_or(PAUSE, |rest| rest.min(PAUSE))).await;
        let next: RequestLine = server.get(&path(&line.id, "")).await?;
        if next.state != line.state {
            context.remark(standing_text(&next));
        }
        line = next;
    }
    Ok(line)
}

/// Prints what happened to a request and to its run.
async fn logs(
    context: &Context,
    server: &Server,
    mut line: RequestLine,
    (follow, limit): (bool, Limit),
) -> Result<Exit, Failure> {
    let logs = path(&line.id, "/logs");
    let (mut lines, _): (Vec<LogLine>, _) = server.list(&logs, &[], usize::MAX).await?;
    let first = lines.len().saturating_sub(limit.items());
    if !follow || settles(line.state) {
        show_logs(context, (line.id, lines.split_off(first)))?;
        return Ok(Exit::Success);
    }
    let mut seen: BTreeSet<LogLine> = lines.drain(..first).collect();
    loop {
        for one in lines {
            if seen.insert(one.clone()) {
                context.show(&one, || text_of(&one))?;
            }
        }
        if settles(line.state) {
            return Ok(exit_of(line.state));
        }
        line = wait(context, server, line, Some(PAUSE)).await?;
        (lines, _) = server.list(&logs, &[], usize::MAX).await?;
    }
}

async fn say(
    context: &Context,
    server: &Server,
    options: &word::Options,
    said: RequestWord,
) -> Result<Exit, Failure> {
    demand_reason(&options.reason)?;
    let id = find(server, &options.id).await?.id;
    let body = match said {
        RequestWord::Retry { from_failed } => {
            json!({"reason": options.reason, "fromFailed": from_failed})
        }
        _ => json!({"reason": options.reason}),
    };
    let spoken: Spoken = server.post(&path(&id, &format!("/{}", said.name())), &body).await?;
    word::told(context, said, (spoken.decision, spoken.request))?;
    Ok(Exit::Success)
}
