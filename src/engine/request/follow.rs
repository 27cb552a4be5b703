//! Looks after open requests while a daemon runs: those that were taken down are filed, those that are filed are followed. It
//! drives nothing.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::desk::{Desk, RequestError, chain};
use crate::store::{ABOUT_CATALOG, ABOUT_REVIEWS, RequestState, ServiceRequest};

/// How often requests are looked at.
#[derive(Clone, Copy, Debug)]
pub struct FollowPace {
    /// Between two looks at what is recorded.
    pub every: Duration,
    /// Between two questions to the forge about what is filed there; a message of it asks at once.
    pub forge: Duration,
}

impl FollowPace {
    /// Returns the pace for a forge, which is on this machine or elsewhere.
    pub fn of(is_here: bool) -> Self {
        let forge = Duration::from_secs(if is_here { 1 } else { 60 });
        Self { every: Duration::from_millis(300), forge }
    }
}

/// After a request failed to get on outside, how long until it is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks after open requests until it is told to stop.
pub async fn follow(desk: Desk, pace: FollowPace, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    let (mut heard, mut next, mut paused) = (0, Instant::now(), Instant::now());
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = sleep(pace.every) => {}
        }
        let now = Instant::now();
        let is_told = match news(&desk, &mut heard).await {
            Ok(is_told) => is_told,
            Err(error) => {
                tracing::warn!("messages can't be read: {}", chain(&error));
                false
            }
        };
        let asks = now >= next || is_told;
        if asks {
            next = now + pace.forge;
        }
        match pass(&desk, asks, now >= paused).await {
            Ok(0) => {}
            Ok(_) => paused = Instant::now() + PAUSE,
            Err(error) => tracing::warn!("requests can't be looked at: {}", chain(&error)),
        }
    }
}

/// Looks at all open requests once; returns how many failed to get on outside.
async fn pass(desk: &Desk, asks: bool, tries: bool) -> Result<usize, RequestError> {
    let mut failed = 0;
    for request in desk.store.open_service_requests().await? {
        if is_stuck(&request) && !tries {
            continue;
        }
        match desk.look(request, asks).await {
            Ok(now) => failed += usize::from(is_stuck(&now)),
            Err(error @ RequestError::Store(_)) => return Err(error),
            Err(error) => tracing::warn!("a request can't be looked at: {}", chain(&error)),
        }
    }
    Ok(failed)
}

/// Tells whether what was tried last for a request failed outside.
fn is_stuck(request: &ServiceRequest) -> bool {
    let progress = &request.progress;
    let tried = progress.why.as_ref().is_some_and(|why| why.starts_with("tried again: "));
    tried && (progress.state == RequestState::Submitted || progress.aborted.is_some())
}

/// Tells whether messages have come that are about proposals or the branch.
async fn news(desk: &Desk, heard: &mut i64) -> Result<bool, RequestError> {
    let arrived = desk.store.arrivals_after(*heard).await?;
    let is_first = *heard == 0;
    *heard = arrived.last().map_or(*heard, |(seq, _)| *seq);
    let is_ours = |about: &str| about == ABOUT_REVIEWS || about == ABOUT_CATALOG;
    Ok(!is_first && arrived.iter().any(|(_, about)| is_ours(about)))
}
