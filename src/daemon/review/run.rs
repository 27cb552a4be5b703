//! Looks at proposals when something pokes, and every so often. It never waits for the loop that reconciles.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::error::ReviewError;
use super::pass::Reviewer;
use crate::causes::chain;
use crate::store::{ABOUT_REVIEWS, is_about_proposals};

/// When proposals are looked at.
#[derive(Debug)]
pub struct Pokes {
    /// Between two looks that nobody pokes.
    pub poll: Duration,
    /// Between two looks for messages of others.
    pub messages: Duration,
    /// Pokes the loop that reconciles, which waits for what is known of owners.
    pub poke: mpsc::Sender<()>,
}

/// Between a look that failed and the next.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks at proposals until it is told to stop, or another process took over.
pub async fn run(
    mut reviewer: Reviewer,
    pokes: Pokes,
    stop: impl Future<Output = ()>,
) -> Result<(), ReviewError> {
    tokio::pin!(stop);
    let mut heard = newest(&mut reviewer, 0).await?.0;
    let mut next = Instant::now();
    let mut listen = next + pokes.messages;
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = sleep_until(next) => {
                let passed = reviewer.pass().await;
                next = Instant::now() + pokes.poll;
                match passed {
                    Ok(passed) => {
                        // A poke that is under way already does for this one, too.
                        let _ = passed.verified.then(|| pokes.poke.try_send(()));
                    }
                    Err(error) if error.is_lease_lost() => return Err(error),
                    Err(error) => {
                        tracing::warn!("proposals can't be looked at: {}", chain(&error));
                        next = Instant::now() + PAUSE.max(pokes.poll.min(PAUSE));
                    }
                }
            }
            () = sleep_until(listen) => {
                listen = Instant::now() + pokes.messages;
                match newest(&mut reviewer, heard).await {
                    Ok((last, true)) => (heard, next) = (last, Instant::now()),
                    Ok((last, false)) => heard = last,
                    Err(error) => tracing::warn!("messages can't be read: {}", chain(&error)),
                }
            }
        }
    }
}

/// Returns the number of the newest message, and whether one since another is about proposals or the branch.
async fn newest(reviewer: &mut Reviewer, since: i64) -> Result<(i64, bool), ReviewError> {
    let arrived = reviewer.engine.store.arrivals_after(since).await?;
    let mut is_ours = false;
    for (_, about) in &arrived {
        is_ours |= is_about_proposals(about);
        let head = about.strip_prefix(ABOUT_REVIEWS).and_then(|rest| rest.strip_prefix(':'));
        reviewer.again.extend(head.map(str::to_owned));
    }
    Ok((arrived.last().map_or(since, |(seq, _)| *seq), is_ours))
}
