//! `trueline proposal list --ours`: how everything stands that Trueline filed, or is about to file. While the daemon
//! serves, it looks now and then; this looks now, and changes nothing.

use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinHandle;

use super::context::Context;
use super::output::{Exit, Failure};
use super::table::{Limit, Listed, ago, cell, table};
use crate::clock::Clock;
use crate::daemon::outgoing::{self, Keeper, Known, Line, Unseen};
use crate::daemon::{Daemon, SystemClock};

/// Between two looks of the daemon.
const EVERY: Duration = Duration::from_mins(1);

/// The same where everything is on this machine, and a look costs nobody anything.
const LOCAL: Duration = Duration::from_secs(3);

#[derive(Debug, Serialize)]
struct OursWire {
    version: &'static str,
    #[serde(flatten)]
    proposals: Listed<Line>,
    /// Repositories that could not be looked at.
    unseen: Vec<Unseen>,
}

/// Looks, and shows it.
pub(super) async fn run(context: &Context, limit: Limit) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let ports = context.ports()?;
    let catalog = context.catalog.strip_prefix("git+").unwrap_or(&context.catalog);
    let board = outgoing::gather(&*store, &ports, Some(catalog), &mut Known::default()).await?;
    show(context, (Listed::of(board.lines, limit), board.unseen))?;
    Ok(Exit::Success)
}

/// Shows how they stand, and what could not be looked at.
pub(super) fn show(
    context: &Context,
    (proposals, unseen): (Listed<Line>, Vec<Unseen>),
) -> Result<(), Failure> {
    let wire = OursWire { version: "trueline.proposals-ours/v1", proposals, unseen };
    context.show(&wire, || text(&wire))
}

/// Begins to look now and then while a daemon drives.
pub(super) fn start(context: &Context, daemon: &Daemon) -> JoinHandle<()> {
    let catalog = context.catalog.strip_prefix("git+").unwrap_or(&context.catalog);
    let has_issue = context.config.forge.dashboard.unwrap_or(true);
    let engine = daemon.driver.engine.clone();
    let every = if context.config.forge.github.is_some() { EVERY } else { LOCAL };
    let keeper = Keeper::new(engine, Some(catalog.to_owned()), has_issue);
    tokio::spawn(async move {
        if let Err(error) = outgoing::run(keeper, every, std::future::pending()).await {
            tracing::error!("how proposals stand is no longer looked up: {error}");
        }
    })
}

fn text(wire: &OursWire) -> String {
    let now = SystemClock.now();
    let mut text = if wire.proposals.total == 0 {
        "nothing is open, and nothing waits\n".to_owned()
    } else {
        let rows = wire.proposals.items.iter().map(|line| {
            let why = line.why.clone().unwrap_or_default();
            let ask = line.ask.as_ref().map(|ask| format!("ask again: {ask}"));
            let notes = [Some(why).filter(|why| !why.is_empty()), ask];
            [
                line.standing.to_string(),
                line.repository.clone(),
                line.number.map(|number| number.to_string()).unwrap_or_default(),
                ago(now, line.since),
                line.service.clone().unwrap_or_default(),
                line.title.clone(),
                notes.into_iter().flatten().collect::<Vec<_>>().join("; "),
            ]
        });
        let head = ["STATE", "REPOSITORY", "NUMBER", "AGE", "SERVICE", "TITLE", "WHY"];
        table(head, rows) + &wire.proposals.rest()
    };
    for unseen in &wire.unseen {
        let (repository, why) = (cell(&unseen.repository), cell(&unseen.why));
        text.extend(["not seen: ", &repository, ": ", &why, "\n"]);
    }
    text
}
