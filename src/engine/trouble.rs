//! Looks that fail: nobody can tell whether what a step waits for has come, which people are told once it lasts.

use std::sync::Arc;
use std::time::Duration;

use super::admit::Slot;
use super::drive::Driver;
use super::engine::EngineError;
use crate::catalog::Catalog;
use crate::run::{Event, Fault, StepEvent, StepState};

/// How many looks in a row fail before it is no passing matter.
const LASTS: u32 = 3;

/// For how long another reason is not worth a line of the journal.
const PAUSE: Duration = Duration::from_mins(10);

impl Driver {
    /// Takes in that a look failed; it is looked again.
    pub(super) async fn look_failed(
        &mut self,
        slot: Slot,
        fault: &Fault,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let now = self.engine.clock.now();
        let (id, path) = slot.clone();
        tracing::warn!(run = %id, step = %path, %fault, "looking again later");
        self.last_look.insert(slot.clone(), now);
        let failed = self.failed_looks.entry(slot).or_default();
        *failed = failed.saturating_add(1);
        if *failed < LASTS {
            return Ok(());
        }
        let progress = self.memory.runs.get(&id).and_then(|run| run.steps.get(&path));
        let Some((progress, StepState::Waiting { on })) = progress.map(|it| (it, &it.state)) else {
            return Ok(());
        };
        let lately = progress.since.is_some_and(|since| now < since + PAUSE);
        let is_told = on.trouble().is_some_and(|known| known == fault.message || lately);
        let troubled = on.clone().troubled(&fault.message);
        if is_told || troubled == *on {
            return Ok(());
        }
        let event = Event::Step { path, event: StepEvent::Waiting { on: troubled } };
        self.journal(&id, vec![event], catalog).await
    }
}
