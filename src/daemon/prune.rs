//! Forgets old runs and requests a few at a time, while there is little else to do. It never asks anything of the outside.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use super::daemon::Daemon;
use super::error::TickError;
use crate::id::RunId;
use crate::store::{Retention, Store, StoreError};

/// How many runs are looked for at once; looking costs a walk over all of them.
const FOUND: u32 = 5_000;
/// How many go in one durable step.
const BATCH: usize = 50;
/// How long after a look that found all there was the next one comes.
const PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// How often a driver that is busy is not spared.
const BUSY: u32 = 20;

/// What is old.
#[derive(Default)]
struct Found {
    runs: VecDeque<RunId>,
    requests: VecDeque<String>,
}

impl Found {
    async fn look(
        store: &dyn Store,
        retention: Retention,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let runs = store.old_runs(&retention, now, FOUND).await?.into();
        let requests = store.old_service_requests(&retention, now, FOUND).await?.into();
        Ok(Self { runs, requests })
    }

    fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.requests.is_empty()
    }

    /// Tells whether there may be more than was looked for.
    fn is_full(&self) -> bool {
        let most = usize::try_from(FOUND).unwrap_or(usize::MAX);
        self.runs.len() >= most || self.requests.len() >= most
    }
}

/// Old runs and requests that are being forgotten.
#[derive(Default)]
pub(super) struct Pruning {
    looking: Option<JoinHandle<Result<Found, StoreError>>>,
    found: Found,
    again: Option<Timestamp>,
    spared: u32,
}

impl Daemon {
    /// Forgets a few old runs, or looks for some, unless there is more urgent work; returns how many went.
    pub(super) async fn prune(&mut self) -> Result<usize, TickError> {
        let pruning = &mut self.pruning;
        pruning.spared = if self.driver.is_busy() { pruning.spared + 1 } else { BUSY };
        if pruning.spared < BUSY || self.is_restored() {
            return Ok(0);
        }
        self.pruning.spared = 0;
        let now = self.driver.engine.clock.now();
        if self.pruning.found.is_empty() {
            self.look_for_old(now).await?;
        }
        self.forget(now).await
    }

    /// Looks for old runs beside the loop; takes in what an earlier look found.
    async fn look_for_old(&mut self, now: Timestamp) -> Result<(), TickError> {
        let (store, retention) =
            (self.driver.engine.store.clone(), self.driver.engine.limits.retention);
        let pruning = &mut self.pruning;
        let Some(looking) = &mut pruning.looking else {
            let is_due = pruning.again.is_none_or(|again| again <= now);
            if is_due && retention.runs.is_some() {
                let look = async move { Found::look(&*store, retention, now).await };
                pruning.looking = Some(tokio::spawn(look));
            }
            return Ok(());
        };
        if !looking.is_finished() {
            return Ok(());
        }
        let found = looking.await;
        pruning.looking = None;
        pruning.again = now.checked_add(PAUSE).ok();
        pruning.found = found.map_err(|_| TickError::Broken)??;
        if pruning.found.is_full() {
            pruning.again = None;
        }
        Ok(())
    }

    /// Forgets what was found: all of it where `apply` drives, and then is gone.
    pub async fn prune_all(&mut self) -> Result<usize, TickError> {
        if self.is_restored() {
            return Ok(0);
        }
        let engine = &self.driver.engine;
        let now = engine.clock.now();
        let retention = engine.limits.retention;
        self.pruning.found = Found::look(&*engine.store, retention, now).await?;
        let mut gone = 0;
        while !self.pruning.found.is_empty() {
            gone += self.forget(now).await?;
        }
        Ok(gone)
    }

    async fn forget(&mut self, now: Timestamp) -> Result<usize, TickError> {
        let found = &mut self.pruning.found;
        let engine = &self.driver.engine;
        let most = found.runs.len().min(BATCH);
        let runs: Vec<RunId> = found.runs.drain(..most).collect();
        if !runs.is_empty() {
            let gone = engine.store.prune_runs(&engine.lease, &runs, now).await?;
            tracing::info!(runs = gone, "old runs are forgotten");
            return Ok(gone);
        }
        let most = found.requests.len().min(BATCH);
        let requests: Vec<String> = found.requests.drain(..most).collect();
        if requests.is_empty() {
            return Ok(0);
        }
        let gone = engine.store.prune_service_requests(&engine.lease, &requests, now).await?;
        tracing::info!(requests = gone, "old requests are forgotten");
        Ok(gone)
    }
}
