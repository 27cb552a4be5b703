//! What a run that gave way still waited for, carried into the run that took its place: where the very same would be sent, it
//! is not sent again, and the answer to what was sent counts. It asks nobody.

use super::drive::Driver;
use super::engine::{Doing, EngineError};
use crate::action;
use crate::digest::Digest;
use crate::reconcile::{Effect, PlannedStep};
use crate::run::{Event, Progress, Run, RunState, StepEvent};
use crate::store::Adrift;

/// Tells whether what a step waited for is nobody else's to find: actions that look for what they made find it themselves.
fn is_carried(adrift: &Adrift) -> bool {
    adrift.state == RunState::Superseded
        && !action::find(&adrift.action).is_some_and(action::Action::takes_up)
}

impl Driver {
    /// Returns the events by which a step goes on waiting for what an older run asked for under its key; nothing where it
    /// asks for something else, or nothing is waited for.
    pub(super) async fn carried(
        &mut self,
        (run, step): (&Run, &PlannedStep),
        sent: &Digest,
    ) -> Result<Option<Vec<Event>>, EngineError> {
        if step.effect != Effect::Perform || run.steps.get(&step.path).is_none_or(has_begun) {
            return Ok(None);
        }
        if self.withdrawals.adrift.is_none() {
            let all = self.engine.store.adrift().await.doing("reading what is adrift")?;
            self.withdrawals.adrift = Some(all);
        }
        let same = |adrift: &&Adrift| {
            adrift.service == run.change.service && adrift.step == step.path && is_carried(adrift)
        };
        let mut all = self.withdrawals.adrift.iter().flatten();
        let Some(adrift) = all.find(same).cloned() else { return Ok(None) };
        let journal = self.engine.store.journal(&adrift.run).await.doing("reading a journal")?;
        let begun = journal.into_iter().rev().find_map(|entry| match entry.event {
            Event::Step { path, event: StepEvent::Started { key, sent, .. } }
                if path == step.path =>
            {
                Some((key, sent))
            }
            _ => None,
        });
        let Some((key, _)) = begun.filter(|(_, before)| before == sent) else { return Ok(None) };
        let event = |event| Event::Step { path: step.path.clone(), event };
        let started = StepEvent::Started { attempt: 1, key, sent: *sent };
        Ok(Some(vec![event(started), event(StepEvent::Waiting { on: adrift.on })]))
    }

    /// Tells whether something adrift is kept for a step that an open run has not begun yet.
    pub(super) fn is_kept_for_later(&self, adrift: &Adrift) -> bool {
        let later = |run: &Run| {
            let step = run.steps.get(&adrift.step);
            run.change.service == adrift.service
                && step.is_some_and(|step| !has_begun(step) && !step.state.is_over())
        };
        is_carried(adrift) && self.memory.runs.values().any(later)
    }
}

fn has_begun(progress: &Progress) -> bool {
    progress.attempts > 0
}
