//! Runs that end the process or break the driver down: they are parked, and everybody else goes on.
//!
//! A step that was in effect when the process ended is taken up again under its key. Who was so twice is a suspect,
//! and is tried alone: if the process ends again, it was not anybody else. Who was so as often as the limit says is
//! not tried again. Panics of the driver itself are caught, run by run, and counted too.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;

use super::admit::Slot;
use super::control::lost_for_good;
use super::dispatch::earlier;
use super::drive::{Begun, Driver};
use super::engine::EngineError;
use crate::catalog::Catalog;
use crate::id::{RunId, StepPath};
use crate::run::{Event, Fault, Run, StepEvent, interrupted, park};

/// How long a suspect is alone, and how long one waits for being alone, at most: others wait for it meanwhile.
const ALONE: Duration = Duration::from_mins(1);

/// Before a run that broke the driver down is driven again.
const PAUSE: Duration = Duration::from_secs(1);

/// Who is suspected to have ended the process.
#[derive(Debug, Default)]
pub(super) struct Suspicion {
    /// Who is tried alone, and until when nobody else starts.
    alone: Option<(Slot, Timestamp)>,
    /// Until when suspects wait for being alone, once there are some.
    until: Option<Timestamp>,
    /// Whether some wait for it.
    waits: bool,
}

/// Carries something out; a panic in it is told in words.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, String> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        let polled = AssertUnwindSafe(|| work.as_mut().poll(context));
        match std::panic::catch_unwind(polled) {
            Ok(polled) => polled.map(Ok),
            Err(panic) => Poll::Ready(Err(words(&*panic))),
        }
    })
    .await
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

impl Driver {
    /// Starts again, under the same key, what was in effect when the process ended; tells when to come again.
    pub(super) async fn resume(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        self.give_up(id, catalog).await?;
        let Some(run) = self.memory.runs.get(id) else { return Ok(None) };
        let lost: Vec<(StepPath, u32)> = self
            .lost(run)
            .map(|path| {
                let ends = run.steps.get(&path).map_or(0, |step| step.lost) + 1;
                (path, ends)
            })
            .collect();
        let most = self.engine.limits.crashes;
        if let Some((path, ends)) = lost.iter().find(|(_, ends)| *ends >= most) {
            if self.busy.keys().any(|(busy, _)| busy == id) {
                return Ok(None);
            }
            let why = format!("step `{path}` was in effect {ends} times when the process ended");
            tracing::error!(run = %id, why, "parked");
            let events = park(run, &why);
            self.journal(id, events, catalog).await?;
            return Ok(None);
        }
        let mut wake = None;
        for (path, ends) in lost {
            let is_suspect = ends + 1 >= most;
            wake = earlier(wake, self.take_up((id, &path), is_suspect, catalog).await?);
        }
        Ok(wake)
    }

    /// Returns the steps that were in effect when the process ended, and are not yet taken up again.
    fn lost(&self, run: &Run) -> impl Iterator<Item = StepPath> {
        let is_free = |path: &StepPath| !self.busy.contains_key(&(run.id.clone(), path.clone()));
        interrupted(run).into_iter().filter(is_free)
    }

    /// Leaves to a person what nobody can look up.
    async fn give_up(&mut self, id: &RunId, catalog: &Arc<Catalog>) -> Result<(), EngineError> {
        let Some(run) = self.memory.runs.get(id) else { return Ok(()) };
        let lost = self.lost(run).filter(|path| lost_for_good(run, path)).map(|path| {
            let fault = Fault::unknown("the process ended while it was under way");
            Event::Step { path, event: StepEvent::NeedsDecision { fault } }
        });
        let events: Vec<Event> = lost.collect();
        if events.is_empty() {
            return Ok(());
        }
        self.journal(id, events, catalog).await
    }

    async fn take_up(
        &mut self,
        (id, path): (&RunId, &StepPath),
        is_suspect: bool,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let now = self.engine.clock.now();
        let slot = (id.clone(), path.clone());
        let place = self.memory.runs.get(id).and_then(|run| {
            let (_, step) = Self::find(run, path)?;
            Some(self.place(run, step))
        });
        if let Some(place) = place.filter(|place| !self.admission.may_ask(place, now)) {
            return Ok(self.admission.again(&place));
        }
        if let Some((_, until)) = self.alone(now) {
            return Ok(Some(*until));
        }
        if is_suspect {
            let until = *self.suspicion.until.get_or_insert(now + ALONE);
            if !self.admission.in_effect.is_empty() && now < until {
                self.suspicion.waits = true;
                return Ok(Some(until));
            }
            self.suspicion.alone = Some((slot, now + ALONE));
        }
        tracing::warn!(run = %id, step = %path, is_suspect, "resuming a step whose outcome is not known");
        let begun = Box::pin(self.start_step(id, path, true, catalog)).await?;
        if is_suspect && !matches!(begun, Begun::Yes) {
            self.suspicion.alone = None;
        }
        Ok(None)
    }

    /// Returns who is tried alone just now.
    fn alone(&self, now: Timestamp) -> Option<&(Slot, Timestamp)> {
        let alone = self.suspicion.alone.as_ref();
        alone.filter(|(slot, until)| now < *until && self.busy.contains_key(slot))
    }

    /// Tells until when nothing else starts, for somebody is tried alone or waits for that.
    pub(super) fn quarantine(&self) -> Option<Timestamp> {
        let now = self.engine.clock.now();
        let alone = self.alone(now).map(|(_, until)| *until);
        let waits = self.suspicion.until.filter(|until| self.suspicion.waits && now < *until);
        alone.or(waits)
    }

    /// Says that suspects are looked for anew.
    pub(super) fn look_for_suspects(&mut self) {
        self.suspicion.waits = false;
    }

    /// Takes in that driving a run broke down; tells when it is driven again.
    pub(super) async fn broke_down(
        &mut self,
        id: &RunId,
        panic: String,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let again = self.engine.clock.now() + PAUSE;
        let (times, at, told) = self.broken_down.entry(id.clone()).or_default();
        (*times, *at, *told) = (*times + 1, Some(again), panic);
        tracing::error!(run = %id, times, "driving it broke down: {told}");
        if *times < self.engine.limits.crashes {
            return Ok(Some(again));
        }
        self.is_put_off(id, catalog).await
    }

    /// Tells until when a run is left alone that broke the driver down; parks it where that was too often.
    pub(super) async fn is_put_off(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let Some((times, again, told)) = self.broken_down.get(id) else { return Ok(None) };
        let now = self.engine.clock.now();
        if *times < self.engine.limits.crashes {
            return Ok(again.filter(|again| now < *again));
        }
        if self.busy.keys().any(|(busy, _)| busy == id) {
            return Ok(Some(now + PAUSE));
        }
        let why =
            format!("driving it broke down {times} times, which is a fault of Trueline's: {told}");
        let Some(run) = self.memory.runs.get(id) else { return Ok(None) };
        let events = park(run, &why);
        self.journal(id, events, catalog).await?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_in_words_and_goes_no_further() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        let late = async {
            tokio::task::yield_now().await;
            let nothing = "".parse::<u32>().ok();
            nothing.expect("words")
        };
        assert_eq!(caught(late).await, Err("words".to_owned()));
    }
}
