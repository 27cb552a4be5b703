//! `trueline request retry`, `abort` and `escalate`: what a person says on a request. It records the word, once it makes sense.

use clap::Args;
use serde::Serialize;

use super::desk::desk;
use super::follow::fresh;
use super::{RequestLine, standing_text};
use crate::cli::context::Context;
use crate::cli::output::{Exit, Failure, demand_reason};
use crate::cli::table::cell;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::engine::request::{RequestWord, say_on_request};
use crate::store::Store;

/// What is said with every word on a request.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Its id, or the beginning of it.
    pub(super) id: String,
    /// Why; it is kept with who says so.
    #[arg(long)]
    pub(super) reason: String,
}

/// What `retry` takes.
#[derive(Debug, Args)]
pub(super) struct RetryOptions {
    #[command(flatten)]
    pub(super) word: Options,
    /// Leaves alone what succeeded.
    #[arg(long)]
    pub(super) from_failed: bool,
}

#[derive(Debug, Serialize)]
struct SpokenWire {
    version: &'static str,
    word: &'static str,
    decision: Option<i64>,
    #[serde(flatten)]
    line: RequestLine,
}

pub(super) async fn retry(context: &Context, options: &RetryOptions) -> Result<Exit, Failure> {
    let word = RequestWord::Retry { from_failed: options.from_failed };
    say(context, &options.word, word).await
}

pub(super) async fn abort(context: &Context, options: &Options) -> Result<Exit, Failure> {
    say(context, options, RequestWord::Abort).await
}

pub(super) async fn escalate(context: &Context, options: &Options) -> Result<Exit, Failure> {
    say(context, options, RequestWord::Escalate).await
}

async fn say(context: &Context, options: &Options, word: RequestWord) -> Result<Exit, Failure> {
    demand_reason(&options.reason)?;
    let store = context.existing_store().await?;
    let request = fresh(context, store.clone(), &options.id).await?;
    let (actor, now) = (context.actor(), SystemClock.now());
    let said = say_on_request(&*store, request, (word, &options.reason), (&actor, now)).await?;
    let spoken =
        said.map_err(|refused| Failure::failed(cell(&refused.message)).hint(cell(&refused.hint)))?;
    let mut request = spoken.request;
    if spoken.decision.is_none() {
        // What is about the proposal needs no driver.
        request = desk(context, store.clone()).await?.look(request, true).await?;
    }
    let (line, decision) = (RequestLine::of(&request), spoken.decision);
    told(context, word, (decision, line))?;
    context.remark(format!("said as {} (self-declared)", cell(&actor.name)));
    if decision.is_some() && store.holder().await?.is_none() {
        context.remark("nobody drives: `trueline serve` or `trueline apply` acts on it");
    }
    Ok(Exit::Success)
}

/// Shows what was recorded.
pub(super) fn told(
    context: &Context,
    word: RequestWord,
    (decision, line): (Option<i64>, RequestLine),
) -> Result<(), Failure> {
    let (version, word) = ("trueline.request-word/v1", word.name());
    let wire = SpokenWire { version, word, decision, line };
    context.show(&wire, || format!("{word} recorded; {}", standing_text(&wire.line)))
}
