//! Many runs' entries in one durable step: gathered while the driver goes from run to run, and flushed before anything
//! that they intend is set going. While one batch is on its way to the disk, the next is worked out from what ended meanwhile.
//! What could not be made durable never happened, nor what was worked out from it: it is read again what is.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::admit::Slot;
use super::attempt::Attempt;
use super::drive::Driver;
use super::engine::{Doing, EngineError};
use super::memory::stalled;
use crate::action::Call;
use crate::catalog::Catalog;
use crate::id::RunId;
use crate::reconcile::PlannedStep;
use crate::store::StoreError;

/// How many runs are gathered at most: others wait for their sync.
const MOST: usize = 256;

/// What was journaled since the last flush.
#[derive(Default)]
pub(super) struct Batch {
    /// Steps whose intent is journaled.
    pub(super) going: Vec<(Slot, PlannedStep, Call)>,
    /// The runs.
    pub(super) runs: BTreeSet<RunId>,
    /// Runs of which memory knows more than what is durable.
    unsure: BTreeSet<RunId>,
}

/// A batch on its way to the disk, and how that ends.
type Flight = (Batch, JoinHandle<Result<(), StoreError>>);

/// The batch that is on its way, where one is.
#[derive(Default)]
pub(super) struct Flights(Option<Flight>);

impl Flights {
    /// Waits until the batch that is on its way has arrived, or not; never comes back where none is.
    pub(super) async fn arrived(&mut self) -> (Batch, Result<(), EngineError>) {
        let Some((_, task)) = &mut self.0 else { return std::future::pending().await };
        let written = task.await.unwrap_or_else(|_| Err(StoreError::Lost));
        let batch = self.0.take().map(|(batch, _)| batch).unwrap_or_default();
        (batch, written.doing("making a journal durable"))
    }

    /// Tells whether a batch is on its way.
    fn is_any(&self) -> bool {
        self.0.is_some()
    }

    /// Tells whether a step begins once the batch that is on its way has arrived.
    pub(super) fn begin_any(&self) -> bool {
        self.0.as_ref().is_some_and(|(batch, _)| !batch.going.is_empty())
    }
}

impl Batch {
    pub(super) fn is_full(&self) -> bool {
        self.runs.len() >= MOST
    }
}

impl Driver {
    /// Goes through all runs: journals what follows, and starts what may start; tells when to come again at the latest.
    pub async fn advance(
        &mut self,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        self.be_sure().await?;
        let done = Box::pin(self.advance_all(catalog)).await;
        self.end(done).await
    }

    /// Takes in what came of an attempt.
    pub async fn take(
        &mut self,
        attempt: Attempt,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        self.be_sure().await?;
        let done = Box::pin(self.take_one(attempt, catalog)).await;
        self.end(done).await
    }

    /// Takes in what came of an attempt and of all others that have ended meanwhile, and goes on with their runs, in
    /// one durable step; tells when to come again at the latest.
    pub async fn take_all(
        &mut self,
        first: Attempt,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let mut attempts = vec![first];
        while attempts.len() < MOST {
            match self.in_flight.try_join_next() {
                Some(Ok(attempt)) => attempts.push(attempt),
                Some(Err(_)) => {}
                None => break,
            }
        }
        let done = Box::pin(self.take_each(attempts, catalog)).await;
        if done.is_err() {
            return self.end(done).await;
        }
        self.send_off().await.and(done)
    }

    async fn take_each(
        &mut self,
        attempts: Vec<Attempt>,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        // The end of a look, or of who was tried alone, is what others wait for.
        let all = attempts.iter().any(|attempt| attempt.looked)
            || self.quarantine().is_some()
            || self.memory.state.restored.is_some();
        if !self.batch.unsure.is_empty() {
            self.be_sure().await?;
        }
        let mut moved = BTreeSet::new();
        let mut failed = None;
        for attempt in attempts {
            moved.insert(attempt.run.clone());
            let taken = self.take_one(attempt, catalog).await;
            failed = failed.or(taken.err());
        }
        match failed {
            Some(error) => Err(error),
            None if all => self.advance_all(catalog).await,
            None => self.advance_some(moved, catalog).await,
        }
    }

    /// Ends a piece of work: what it journaled becomes durable, however it ended.
    pub(super) async fn end<T>(&mut self, done: Result<T, EngineError>) -> Result<T, EngineError> {
        let flushed = self.flush().await;
        let done = done?;
        flushed.map(|()| done)
    }

    /// Makes durable what was journaled, and then sets going what it intends.
    pub(super) async fn flush(&mut self) -> Result<(), EngineError> {
        self.send_off().await?;
        self.land().await
    }

    /// Sends what was journaled on its way to the disk, once what was sent before has arrived.
    pub(super) async fn send_off(&mut self) -> Result<(), EngineError> {
        self.land().await?;
        if self.batch.runs.is_empty() && self.batch.going.is_empty() {
            return Ok(());
        }
        let unsure = std::mem::take(&mut self.batch.unsure);
        let batch = std::mem::replace(&mut self.batch, Batch { unsure, ..Batch::default() });
        let (store, lease) = (self.engine.store.clone(), self.engine.lease.clone());
        let task = tokio::spawn(async move { store.flush(&lease).await });
        self.flights.0 = Some((batch, task));
        Ok(())
    }

    /// Waits for the batch that is on its way, if one is, and sets going what it intends.
    pub(super) async fn land(&mut self) -> Result<(), EngineError> {
        if !self.flights.is_any() {
            return Ok(());
        }
        let (batch, arrived) = self.flights.arrived().await;
        self.landed(batch, arrived)
    }

    /// Sets going what a batch intends that has arrived; one that has not never happened, nor what came after it.
    pub(super) fn landed(
        &mut self,
        batch: Batch,
        arrived: Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let Err(error) = arrived else {
            let going = batch.going.into_iter();
            going.for_each(|(slot, step, call)| self.set_going(slot, (step, call)));
            return Ok(());
        };
        let later = std::mem::take(&mut self.batch);
        self.engine.store.let_go();
        for (slot, ..) in batch.going.into_iter().chain(later.going) {
            if let Some(ticket) = self.busy.remove(&slot) {
                self.give_back(ticket);
            }
        }
        // They are read again before anything else is done.
        self.batch.unsure.extend(batch.runs.into_iter().chain(later.runs).chain(later.unsure));
        Err(error)
    }

    /// Waits for what is on its way to the disk, and reads again what memory may be ahead of.
    pub async fn be_sure(&mut self) -> Result<(), EngineError> {
        self.land().await?;
        if self.batch.unsure.is_empty() {
            return Ok(());
        }
        let store = self.engine.store.clone();
        let stalled = stalled(&*store, &self.memory.state.forgotten).await?;
        let rows = store.unit_rows().await.doing("reading units")?;
        for id in self.batch.unsure.clone() {
            let durable = store.run(&id).await.doing("reading a run")?;
            if let Some(run) = self.memory.runs.remove(&id) {
                self.unqueue(&run);
                self.closed(&id, &run.change.service);
            }
            if let Some(run) = durable.filter(|run| !run.state.is_over()) {
                self.memory.runs.insert(id.clone(), run);
                self.queue(&id);
            }
            self.batch.unsure.remove(&id);
        }
        self.memory.stalled = stalled;
        self.memory.rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
        // It is a copy, and is taken again from the records.
        self.memory.fired.clear();
        self.memory.unit_writes += 1;
        Ok(())
    }
}
