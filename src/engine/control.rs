//! Does what people ask of runs: what they said is on disk before, and what follows from it is journaled with its
//! number, so that no crash does it twice or not at all. What does not fit the run is refused, and told.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::Value;

use super::dispatch::Went;
use super::drive::Driver;
use super::engine::{Doing, EngineError};
use super::finish::seal_outputs;
use crate::action;
use crate::catalog::{Catalog, Mode, OnFailure};
use crate::id::{RunId, StepPath, UnitKey};
use crate::reconcile::{Effect, PlannedStep, UnitChange, UnitRecord, is_hook, no_failure};
use crate::run::{
    Control, Event, Run, RunEvent, Said, StepEvent, StepState, call_off, finishing, give_way,
};
use crate::store::Decision;

impl Driver {
    /// Does what a person asked of a run, where it still makes sense.
    pub(super) async fn control(
        &mut self,
        (decision, reason): (&Decision, &str),
        (id, control): (&RunId, &Control),
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Some(run) = self.asked_of(id).await? else {
            let why = "there is no such run, or a newer one";
            tracing::warn!(run = %id, by = decision.by, %control, why);
            return self.tell_refused(decision, (id, control.word()), why).await;
        };
        let open = self.memory.runs.contains_key(id);
        let said = Said { by: decision.by.clone(), why: reason.to_owned(), decision: decision.seq };
        let done = match control {
            // An open run ends once no step of it is in effect; see `give_way`.
            Control::Cancel if open => Ok(()),
            Control::Decide { .. } => {
                let refusal = run.may(control).err().filter(|_| decision.seq > run.decision());
                if let Some(refusal) = refusal {
                    tracing::warn!(by = decision.by, instead = refusal.hint(), "{refusal}");
                    return self.tell_refused(decision, (id, control.word()), &refusal.why).await;
                }
                self.memory.runs.insert(id.clone(), run);
                self.answered_by((id, control), said, catalog).await
            }
            _ if decision.seq <= run.decision() => Ok(()),
            _ => {
                if let Err(refusal) = run.may(control) {
                    tracing::warn!(by = decision.by, instead = refusal.hint(), "{refusal}");
                    return self.tell_refused(decision, (id, control.word()), &refusal.why).await;
                }
                match self.word(&run, control, said).await? {
                    Ok(events) => {
                        self.memory.runs.insert(id.clone(), run);
                        self.journal(id, events, catalog).await
                    }
                    Err(why) => {
                        tracing::warn!(run = %id, by = decision.by, why, "`{control}` can't be done");
                        return self.tell_refused(decision, (id, control.word()), &why).await;
                    }
                }
            }
        };
        self.settle_memory(id);
        done
    }

    /// A run that has not ended is remembered, one that has is not; one that goes on has not stopped.
    fn settle_memory(&mut self, id: &RunId) {
        let Some(run) = self.memory.runs.get(id) else { return };
        if run.state.is_over() {
            let service = run.change.service.clone();
            self.memory.runs.remove(id);
            self.closed(id, &service);
        } else {
            self.memory.stalled.remove(&run.change.service);
            self.withdrawals.read_again();
        }
    }

    /// Returns a run that something is asked of: an open one, or the newest of its service.
    async fn asked_of(&self, id: &RunId) -> Result<Option<Run>, EngineError> {
        if let Some(run) = self.memory.runs.get(id) {
            return Ok(Some(run.clone()));
        }
        let store = &self.engine.store;
        let Some(run) = store.run(id).await.doing("reading a run")? else { return Ok(None) };
        let newest = store.runs(Some(&run.change.service), 1).await.doing("listing runs")?;
        Ok(newest.first().is_some_and(|newest| newest.id == *id).then_some(run))
    }

    /// Returns the events of a word that fits, or why there are none.
    async fn word(
        &self,
        run: &Run,
        control: &Control,
        said: Said,
    ) -> Result<Result<Vec<Event>, String>, EngineError> {
        let event = match control {
            Control::Cancel => return Ok(Ok(call_off(run, &said.by, &said.why))),
            Control::Pause => RunEvent::Paused { said },
            Control::Resume => RunEvent::Resumed { said },
            Control::Redrive => RunEvent::Redriven { said },
            Control::Retry { from_failed } => {
                let (effect, _) = self.next_effect(run).await?;
                run.retried(said, effect, *from_failed)
            }
            Control::Escalate => match run.handed_over(said, |_| true) {
                Ok(event) => event,
                Err(why) => return Ok(Err(why)),
            },
            Control::Rollback => {
                let (effect, records) = self.next_effect(run).await?;
                run.turned_back(said, effect, &records)
            }
            Control::Decide { .. } => return Ok(Ok(Vec::new())),
        };
        Ok(Ok(vec![Event::Run { event }]))
    }

    /// Returns an effect that no run of the units had, and what is recorded of them.
    pub(super) async fn next_effect(
        &self,
        run: &Run,
    ) -> Result<(u64, BTreeMap<UnitKey, UnitRecord>), EngineError> {
        let keys: Vec<UnitKey> = run.change.units.iter().map(|unit| unit.unit.clone()).collect();
        let records = self.engine.store.units(&keys).await.doing("reading units")?;
        let highest = records.iter().map(|record| record.effect).max().unwrap_or_default();
        let by_key = records.into_iter().map(|record| (record.row.key.clone(), record));
        Ok((highest.max(run.effect) + 1, by_key.collect()))
    }

    /// Takes in what a person says became of a step; with the last such answer the run goes on.
    async fn answered_by(
        &mut self,
        (id, control): (&RunId, &Control),
        said: Said,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Control::Decide { step, happened, outputs } = control else { return Ok(()) };
        let Some(run) = self.memory.runs.get(id).cloned() else { return Ok(()) };
        if said.decision > run.decision() {
            let Some((unit, planned)) = Self::find(&run, step) else { return Ok(()) };
            let sealer = &self.engine.sealer;
            let outputs =
                seal_outputs(&unit.definition, &planned.action.id, outputs.clone(), sealer);
            let event = StepEvent::Answered { said: said.clone(), happened: *happened, outputs };
            self.journal(id, vec![Event::Step { path: step.clone(), event }], catalog).await?;
        } else if said.decision < run.decision() {
            return Ok(());
        }
        let Some(run) = self.memory.runs.get(id).cloned() else { return Ok(()) };
        let retry = Control::Retry { from_failed: true };
        if run.undecided().is_some() || run.may(&retry).is_err() {
            return Ok(());
        }
        let (effect, _) = self.next_effect(&run).await?;
        let event = run.retried(said, effect, true);
        self.journal(id, vec![Event::Run { event }], catalog).await
    }

    /// Ends a run whose place a newer revision takes or that a person called off, once no step is in effect; until
    /// then nothing new starts in it, and what is in effect is never cut. Tells what is looked up, and when to come
    /// again.
    pub(super) async fn give_way(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<ControlFlow<Went>, EngineError> {
        let called_off = self.memory.cancelling.get(id).cloned();
        if called_off.is_none() && self.is_on_hold(id) {
            return Ok(ControlFlow::Break(self.only_finishing(id)));
        }
        let newer = self.superseding.get(id).cloned();
        if called_off.is_none() && newer.is_none() {
            return Ok(ControlFlow::Continue(()));
        }
        let Some(run) = self.memory.runs.get(id) else {
            return Ok(ControlFlow::Break((Vec::new(), None)));
        };
        if run.is_in_effect() || self.busy.keys().any(|(busy, _)| busy == id) {
            let next = finishing(run, self.engine.clock.now());
            return Ok(ControlFlow::Break((next.start, next.wake_at)));
        }
        let events = match (called_off, newer) {
            (Some((by, why)), _) => call_off(run, &by, &why),
            (None, Some(commit)) => give_way(run, &commit),
            (None, None) => Vec::new(),
        };
        self.journal(id, events, catalog).await?;
        self.memory.cancelling.remove(id);
        Ok(ControlFlow::Break((Vec::new(), None)))
    }
}

/// Adds to the events that fail a run what their items want then: that people do by hand what failed.
pub(super) fn with_manual(run: &Run, mut events: Vec<Event>) -> Vec<Event> {
    let Some(Event::Run { event: RunEvent::Failed { why } }) = events.last() else { return events };
    let said = Said { by: "trueline".to_owned(), why: why.clone(), decision: 0 };
    let mut after = run.clone();
    if run.rolls_back || run.adopts() || events.iter().any(|event| after.apply(event).is_err()) {
        return events;
    }
    let failed = |step: &PlannedStep| {
        let ours = !is_hook(&step.path);
        let progress = after.steps.get(&step.path).filter(|progress| !progress.by_hand && ours);
        progress.is_some_and(|it| matches!(it.state, StepState::Failed { .. }))
    };
    let fails = |unit: &UnitChange| unit.steps.iter().any(failed);
    let by_hand = |unit: &UnitChange| {
        let definition = &unit.definition;
        definition.mode == Mode::Automatic && definition.on_failure == OnFailure::Manual
    };
    let mut failing = after.change.units.iter().filter(|unit| fails(unit)).peekable();
    if failing.peek().is_none() || !failing.all(by_hand) {
        return events;
    }
    match after.handed_over(said, fails) {
        Ok(event) => events.push(Event::Run { event }),
        Err(why) => tracing::warn!(run = %run.id, why, "its manual actions can't be opened"),
    }
    events
}

/// What the templates of a step see of the failure that people stand in for.
pub(super) fn failure_of(step: &PlannedStep) -> (String, Value) {
    ("failure".to_owned(), step.failure.clone().unwrap_or_else(no_failure))
}

/// Names the step that a step's effects are found by: what restores a thing looks for it as what made it was.
pub(super) fn looked_for(step: &PlannedStep) -> StepPath {
    let made = step.path.0.rsplit_once('~').filter(|_| step.effect == Effect::Restore);
    made.map_or_else(|| step.path.clone(), |(made, _)| StepPath(made.to_owned()))
}

/// Tells whether an attempt whose outcome nobody knows may be followed by another: the action looks first, or the
/// other side knows the key again.
pub(super) fn may_try_again(step: &PlannedStep) -> bool {
    step.effect == Effect::Adopt
        || action::find(&step.action.kind).is_none_or(|action| action.may_repeat(&step.config))
}

/// Tells whether nobody can look up a step that was in effect when the process ended.
pub(super) fn lost_for_good(run: &Run, path: &StepPath) -> bool {
    let planned = run.planned_steps().find(|step| step.path == *path);
    planned.is_some_and(|step| !may_try_again(step))
}
