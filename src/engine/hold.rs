//! Services for which a person stopped everything: nothing of theirs begins, and what is in effect is never cut. That a
//! service is held is remembered with the catalog's state; it is acted upon here, and nothing is decided.

use std::sync::Arc;

use super::dispatch::Went;
use super::drive::Driver;
use super::engine::EngineError;
use crate::catalog::Catalog;
use crate::id::RunId;
use crate::run::{Control, Event, Run, RunEvent, Said, finishing};
use crate::store::Decision;

impl Driver {
    /// Tells whether the service of a run is held.
    pub(super) fn is_on_hold(&self, id: &RunId) -> bool {
        let held = &self.memory.state.held;
        let run = || self.memory.runs.get(id);
        !held.is_empty() && run().is_some_and(|run| held.contains_key(&run.change.service))
    }

    /// Names the service of a run, where it is held: its release lets the run on.
    pub(super) fn on_hold(&self, run: &Run) -> Option<String> {
        let service = &run.change.service;
        self.memory.state.held.contains_key(service).then(|| service.clone())
    }

    /// Returns what is still done in a run in which nothing new starts.
    pub(super) fn only_finishing(&self, id: &RunId) -> Went {
        let now = self.engine.clock.now();
        let next = self.memory.runs.get(id).map(|run| finishing(run, now)).unwrap_or_default();
        (next.start, next.wake_at)
    }

    /// Lets a service on. The time that its run stood still does not count against it: it is told as a pause.
    pub(super) async fn released(
        &mut self,
        (decision, reason): (&Decision, &str),
        service: &str,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        self.admission.let_on(service);
        let stood_still = |run: &&Run| {
            run.change.service == service
                && run.decision() < decision.seq
                && run.may(&Control::Pause).is_ok()
        };
        let Some(run) = self.memory.runs.values().find(stood_still) else { return Ok(()) };
        let id = run.id.clone();
        let why = match reason {
            "" => "its service was held".to_owned(),
            reason => format!("its service was held: {reason}"),
        };
        let said = Said { by: decision.by.clone(), why, decision: decision.seq };
        let paused = RunEvent::Paused { said: said.clone() };
        let events = [paused, RunEvent::Resumed { said }].map(|event| Event::Run { event });
        self.journal(&id, events.into(), catalog).await
    }
}
