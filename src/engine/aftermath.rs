//! What follows the end of a run that failed: hooks, people in the place of machines, and taking back. It is journaled
//! with the end, so that no crash comes between.

use super::control::with_manual;
use super::drive::Driver;
use super::engine::EngineError;
use crate::catalog::ErrorHandling;
use crate::run::{Control, Event, Run, RunEvent, Said};

impl Driver {
    /// Adds to the events that fail a run what its items and its bundle want then.
    ///
    /// Hooks come first, and the run ends once they are over; then people do by hand what failed, where all that failed
    /// wants so; else what was done is taken back, where the bundle wants that.
    pub(super) async fn with_aftermath(
        &self,
        run: &Run,
        mut events: Vec<Event>,
    ) -> Result<Vec<Event>, EngineError> {
        let Some(Event::Run { event: RunEvent::Failed { why } }) = events.last() else {
            return Ok(events);
        };
        let why = why.clone();
        if let Some(hooked) = hooked(run, &events, &why) {
            events.pop();
            events.push(Event::Run { event: hooked });
            return Ok(events);
        }
        let mut events = with_manual(run, events);
        let fails = matches!(events.last(), Some(Event::Run { event: RunEvent::Failed { .. } }));
        if fails && run.change.error_handling == ErrorHandling::Rollback && !run.rolls_back {
            events.extend(self.compensation(run, &events, why).await?);
        }
        Ok(events)
    }

    /// Returns what takes back what a run did; nothing where that is nothing, or can't be.
    async fn compensation(
        &self,
        run: &Run,
        events: &[Event],
        why: String,
    ) -> Result<Option<Event>, EngineError> {
        let mut after = run.clone();
        let refused = events.iter().any(|event| after.apply(event).is_err());
        if refused || after.may(&Control::Rollback).is_err() {
            return Ok(None);
        }
        let (effect, records) = self.next_effect(&after).await?;
        let said = Said { by: "trueline".to_owned(), why, decision: 0 };
        let event = after.turned_back(said, effect, &records);
        let has_work = matches!(&event, RunEvent::RollingBack { units, .. } if !units.is_empty());
        Ok(has_work.then_some(Event::Run { event }))
    }
}

/// Returns the event that has hooks carried out before a run fails.
fn hooked(run: &Run, events: &[Event], why: &str) -> Option<RunEvent> {
    let mut before = run.clone();
    let (_, cancelled) = events.split_last()?;
    if cancelled.iter().any(|event| before.apply(event).is_err()) {
        return None;
    }
    match before.hooked(why)? {
        Ok(event) => Some(event),
        Err(refusal) => {
            tracing::warn!(run = %run.id, why = refusal, "its hooks can't be carried out");
            None
        }
    }
}
