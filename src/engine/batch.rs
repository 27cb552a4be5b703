//! Many runs' entries in one durable step: gathered while the driver goes from run to run, and flushed before anything
//! that they intend is set going. What could not be made durable never happened: it is read again what is.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::admit::Slot;
use super::attempt::Attempt;
use super::drive::Driver;
use super::engine::{Doing, EngineError};
use super::memory::stalled;
use crate::action::Call;
use crate::catalog::Catalog;
use crate::id::RunId;
use crate::reconcile::PlannedStep;

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
        self.end(done).await
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
        self.be_sure().await?;
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
        let flushed = self.engine.store.flush(&self.engine.lease).await;
        let Batch { going, mut runs, .. } = std::mem::take(&mut self.batch);
        let Err(error) = flushed.doing("making a journal durable") else {
            going.into_iter().for_each(|(slot, step, call)| self.set_going(slot, (step, call)));
            return Ok(());
        };
        for (slot, ..) in going {
            if let Some(ticket) = self.busy.remove(&slot) {
                self.give_back(ticket);
            }
        }
        self.batch.unsure.append(&mut runs);
        // Where it can't be read either, that is tried again before anything else is done.
        let _ = self.be_sure().await;
        Err(error)
    }

    /// Reads again what memory may be ahead of.
    pub(super) async fn be_sure(&mut self) -> Result<(), EngineError> {
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
