//! `trueline breaker`: lists whom nobody asks just now, and records that they are to be asked again. It closes none itself.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure, demand_reason};
use super::server::{Server, segment};
use super::table::{ago, cell, table};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::engine::breaker_of;
use crate::run::{Breaker, BreakerKey, BreakerState};
use crate::store::{DecisionKind, Store};

/// What `breaker` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists breakers that are open, or that count failures; open ones first.
    List,
    /// Has one closed by hand: whom it is of is asked again at once, and its failures are forgotten.
    Reset {
        /// Whom it asks: a host, with its port where that is unusual.
        target: String,
        /// The type of action, where several ask them.
        #[arg(long, value_name = "TYPE")]
        action: Option<String>,
        /// Why; it is kept with who says so.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Serialize)]
struct BreakersWire {
    version: &'static str,
    items: Vec<BreakerLine>,
}

/// One breaker.
#[derive(Debug, Serialize, Deserialize)]
struct BreakerLine {
    action: String,
    target: String,
    state: String,
    failures: u32,
    openings: u32,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    why: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Told {
    items: Vec<BreakerLine>,
}

#[derive(Debug, Serialize)]
struct ResetWire {
    version: &'static str,
    action: String,
    target: String,
    decision: i64,
    by: String,
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let server = context.asks()?;
    let lines = match &server {
        Some(server) => server.get::<Told>("/breakers").await?.items,
        None => lines(&*context.existing_store().await?).await?,
    };
    match &options.command {
        Command::List => {
            let wire = BreakersWire { version: "trueline.breakers/v1", items: lines };
            context.show(&wire, || text(&wire.items, SystemClock.now()))?;
        }
        Command::Reset { target, action, reason } => {
            demand_reason(reason)?;
            let named = (action.as_deref(), target.as_str());
            match &server {
                Some(server) => reset_there(context, server, (&lines, named, reason)).await?,
                None => reset(context, named, reason).await?,
            }
        }
    }
    Ok(Exit::Success)
}

impl BreakerLine {
    fn of((key, breaker): (BreakerKey, Breaker)) -> Self {
        let until = match breaker.state {
            BreakerState::Open { until } => Some(until),
            BreakerState::Closed | BreakerState::HalfOpen => None,
        };
        Self {
            action: key.action,
            target: key.target,
            state: breaker.state.word().to_owned(),
            failures: breaker.failures,
            openings: breaker.openings,
            since: breaker.since,
            until,
            why: breaker.why,
        }
    }
}

async fn lines(store: &dyn Store) -> Result<Vec<BreakerLine>, Failure> {
    let mut lines: Vec<_> = store.breakers().await?.into_iter().map(BreakerLine::of).collect();
    // Those that hold something up come first.
    lines.sort_by_key(|line| line.state == "closed");
    Ok(lines)
}

fn text(lines: &[BreakerLine], now: Timestamp) -> String {
    if lines.is_empty() {
        return "everybody is asked: no breaker is open, and no failure counts towards one"
            .to_owned();
    }
    let row = |line: &BreakerLine| {
        let until = line.until.map(|until| format!("{until:.0}"));
        [
            line.target.clone(),
            line.action.clone(),
            line.state.clone(),
            line.failures.to_string(),
            line.since.map(|since| ago(now, since)).unwrap_or_default(),
            until.unwrap_or_default(),
            line.why.clone().unwrap_or_default(),
        ]
    };
    let head = ["WHOM", "BY", "STATE", "FAILURES", "SINCE", "ASKED AGAIN", "WHY"];
    table(head, lines.iter().map(row))
}

async fn reset(
    context: &Context,
    named: (Option<&str>, &str),
    reason: &str,
) -> Result<(), Failure> {
    let store = context.existing_store().await?;
    let found = breaker_of(&*store, named).await?;
    let (BreakerKey { action, target }, _) = found
        .map_err(|refused| Failure::failed(cell(&refused.message)).hint(cell(&refused.hint)))?;
    let (reason, by) = (reason.to_owned(), context.person());
    let word =
        DecisionKind::ResetBreaker { action: action.clone(), target: target.clone(), reason };
    let decision = record(context, &word).await?;
    told(context, (action, target), (decision, by.clone()))?;
    context.remark(format!("said as {} (self-declared)", cell(&by)));
    if store.holder().await?.is_none() {
        context.remark("nobody drives: `trueline serve` or `trueline apply` acts on it");
    }
    Ok(())
}

async fn reset_there(
    context: &Context,
    server: &Server,
    (lines, (action, target), reason): (&[BreakerLine], (Option<&str>, &str), &str),
) -> Result<(), Failure> {
    let is_it = |line: &&BreakerLine| {
        line.target == target && action.is_none_or(|action| line.action == action)
    };
    let found: Vec<&BreakerLine> = lines.iter().filter(is_it).collect();
    let line = match found.as_slice() {
        [line] => line,
        [] => {
            let target = cell(target);
            return Err(Failure::failed(format!(
                "no breaker of {target} is open, and no failure counts towards one"
            ))
            .hint("trueline breaker list"));
        }
        several => {
            let actions: Vec<&str> = several.iter().map(|line| line.action.as_str()).collect();
            let (target, actions) = (cell(target), cell(&actions.join(", ")));
            return Err(Failure::failed(format!("{target} is asked by several: {actions}"))
                .hint("say which with --action"));
        }
    };
    let path = format!("/breakers/{}/{}/reset", segment(&line.action), segment(&line.target));
    let recorded = server.say(&path, &json!({"reason": reason})).await?;
    let key = (line.action.clone(), line.target.clone());
    told(context, key, (recorded.decision, recorded.by.clone()))?;
    recorded.remark(context);
    Ok(())
}

fn told(
    context: &Context,
    (action, target): (String, String),
    (decision, by): (i64, String),
) -> Result<(), Failure> {
    let wire = ResetWire { version: "trueline.breaker-reset/v1", action, target, decision, by };
    context.show(&wire, || {
        format!("{} is asked again by `{}`", cell(&wire.target), cell(&wire.action))
    })
}
