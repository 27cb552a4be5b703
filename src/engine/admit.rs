//! Lets attempts begin, and takes in their ends: what they count against, and what they tell of whom they ask.
//! It never decides whose turn it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use jiff::Timestamp;

use super::attempt::jitter;
use super::drive::Driver;
use super::engine::{Doing, EngineError};
use crate::action::{self, Operator};
use crate::id::{RunId, StepPath};
use crate::reconcile::{Effect, PlannedStep, When};
use crate::run::{
    Breaker, BreakerKey, Entry, InEffect, Place, Queue, Run, RunState, Turns, Verdict,
};
use crate::store::Store;

/// A step of a run.
pub(super) type Slot = (RunId, StepPath);

/// An attempt under way: what it counts against, and the turn of the breaker that it began in.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    place: Place,
    /// It only asks whether what its step waits for has come.
    looks: bool,
    turn: Option<(BreakerKey, u64)>,
    began: Instant,
}

/// What the driver keeps to choose what begins next.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// Whom not to ask.
    pub(super) breakers: BTreeMap<BreakerKey, Breaker>,
    /// What is in effect.
    pub(super) in_effect: InEffect,
    /// What each team had.
    pub(super) turns: Turns,
    /// Queued runs.
    pub(super) queued: Queue,
    /// Whom steps ask, where only their rendered `config` tells.
    pub(super) targets: BTreeMap<Slot, Option<String>>,
    /// Queued runs that come after a service, by that service: the end of its run lets them on.
    held_back: HashMap<String, Vec<(Place, Entry)>>,
}

impl Admission {
    /// Takes up what the store holds.
    pub(super) async fn load(store: &dyn Store, now: Timestamp) -> Result<Self, EngineError> {
        let known = store.breakers().await.doing("reading breakers")?;
        let breakers = known.into_iter().map(|(key, breaker)| (key, breaker.taken_up(now)));
        Ok(Self { breakers: breakers.collect(), ..Self::default() })
    }

    /// Takes a run out of the queue until a service is there.
    pub(super) fn hold_back(&mut self, service: String, (place, entry): (Place, Entry)) {
        self.queued.remove(&place, &entry);
        self.held_back.entry(service).or_default().push((place, entry));
    }

    /// Puts back into the queue what waits for a service.
    pub(super) fn let_on(&mut self, service: &str) {
        for (place, entry) in self.held_back.remove(service).unwrap_or_default() {
            self.queued.push(place, entry);
        }
    }

    /// Puts everything back that waits for services: whatever let them on is seen at the latest now.
    pub(super) fn let_on_all(&mut self) {
        for (place, entry) in self.held_back.drain().flat_map(|(_, held)| held) {
            self.queued.push(place, entry);
        }
    }

    /// Tells whether whom a step asks may be asked now.
    pub(super) fn may_ask(&self, place: &Place, now: Timestamp) -> bool {
        let breaker = place.breaker().and_then(|key| self.breakers.get(&key));
        breaker.is_none_or(|breaker| breaker.admits(now))
    }

    /// Returns when whom a step asks may be asked again, where that is known.
    pub(super) fn again(&self, place: &Place) -> Option<Timestamp> {
        place.breaker().and_then(|key| self.breakers.get(&key)?.again())
    }

    /// Returns when the first of those that are not asked now may be asked again.
    pub(super) fn first_again(&self, now: Timestamp) -> Option<Timestamp> {
        self.breakers.values().filter_map(Breaker::again).filter(|again| *again > now).min()
    }
}

/// Returns what a step counts against, as far as its plan tells.
pub(super) fn place_of(run: &Run, step: &PlannedStep, operator: &Operator) -> Place {
    let team = run.change.team.clone();
    if step.effect == Effect::UndoByHand {
        return Place { team, action: "manual-task".to_owned(), target: None };
    }
    let action = action::find(&step.action.kind);
    let target = action.and_then(|action| action.target(operator, &step.config));
    Place { team, action: step.action.kind.clone(), target }
}

/// Returns what a queued run counts against: as its first step does.
pub(super) fn place_of_run(run: &Run, operator: &Operator) -> Place {
    let mut steps = run.change.units.iter().flat_map(|unit| &unit.steps);
    let first = steps.find(|step| step.effect != Effect::Keep && step.when != When::No);
    match first {
        Some(step) => place_of(run, step, operator),
        None => Place { team: run.change.team.clone(), ..Place::default() },
    }
}

impl Driver {
    /// Lets an attempt begin whose place is free.
    pub(super) async fn admit(&mut self, place: Place, looks: bool) -> Result<Ticket, EngineError> {
        let mut turn = None;
        if let Some(key) = place.breaker() {
            let breaker = self.admission.breakers.entry(key.clone()).or_default();
            let before = breaker.state;
            // A look may find nobody to ask yet, so nobody waits for what comes of it.
            let number = if looks { breaker.turn() } else { breaker.begin() };
            let changed = breaker.state != before;
            if changed && let Err(error) = self.save_breaker(&key).await {
                let now = self.engine.clock.now();
                if let Some(breaker) = self.admission.breakers.get_mut(&key) {
                    breaker.give_back(number, now);
                }
                return Err(error);
            }
            turn = Some((key, number));
        }
        if !looks {
            self.admission.in_effect.take(&place);
        }
        Ok(Ticket { place, looks, turn, began: Instant::now() })
    }

    /// Takes in the end of an attempt, with what it told of whom it asked, where it told something.
    pub(super) async fn dismiss(
        &mut self,
        ticket: Ticket,
        verdict: Option<Verdict>,
    ) -> Result<(), EngineError> {
        if !ticket.looks {
            self.metrics.attempted(&ticket.place.action, ticket.began.elapsed());
            self.admission.in_effect.give_back(&ticket.place);
        }
        let (Some((key, turn)), Some(verdict)) = (ticket.turn, verdict) else { return Ok(()) };
        let now = self.engine.clock.now();
        let policy = self.engine.limits.breaker;
        let Some(breaker) = self.admission.breakers.get_mut(&key) else { return Ok(()) };
        let before = breaker.state.word();
        if !breaker.end(turn, verdict, &policy, (now, jitter())) {
            return Ok(());
        }
        if breaker.state.word() != before {
            tracing::warn!(action = key.action, target = key.target, "{} is {breaker}", key.target);
        }
        self.save_breaker(&key).await
    }

    /// Takes back that an attempt began: it did not.
    pub(super) fn give_back(&mut self, ticket: Ticket) {
        if !ticket.looks {
            self.admission.in_effect.give_back(&ticket.place);
        }
        let Some((key, turn)) = ticket.turn else { return };
        if let Some(breaker) = self.admission.breakers.get_mut(&key) {
            breaker.give_back(turn, self.engine.clock.now());
        }
    }

    /// Closes a breaker, for a person says so; of one that has nothing to remember nothing comes.
    pub(super) async fn reset_breaker(&mut self, key: &BreakerKey) -> Result<(), EngineError> {
        let Some(breaker) = self.admission.breakers.get(key) else { return Ok(()) };
        if breaker.is_unmarked() {
            return Ok(());
        }
        let closed = breaker.reset();
        let now = self.engine.clock.now();
        let saved = self.engine.store.save_breaker(&self.engine.lease, (key, &closed), now).await;
        saved.doing("recording a breaker")?;
        tracing::info!(action = key.action, target = key.target, "a person closed a breaker");
        self.admission.breakers.insert(key.clone(), closed);
        Ok(())
    }

    async fn save_breaker(&self, key: &BreakerKey) -> Result<(), EngineError> {
        let Some(breaker) = self.admission.breakers.get(key) else { return Ok(()) };
        let now = self.engine.clock.now();
        let saved = self.engine.store.save_breaker(&self.engine.lease, (key, breaker), now).await;
        saved.doing("recording a breaker")
    }

    /// Returns whom steps ask, with whether they may.
    pub fn breakers(&self) -> impl Iterator<Item = (&BreakerKey, &Breaker)> {
        self.admission.breakers.iter()
    }

    /// Returns what a step counts against.
    pub(super) fn place(&self, run: &Run, step: &PlannedStep) -> Place {
        let place = place_of(run, step, &self.engine.ports.operator);
        let slot = (run.id.clone(), step.path.clone());
        match self.admission.targets.get(&slot) {
            Some(target) => Place { target: target.clone(), ..place },
            None => place,
        }
    }

    /// Counts the looks under way.
    pub(super) fn looks_under_way(&self) -> usize {
        self.busy.values().filter(|ticket| ticket.looks).count()
    }

    /// Keeps the queue in step with a run: in it while it is queued.
    pub(super) fn queue(&mut self, id: &RunId) {
        let Some(run) = self.memory.runs.get(id) else { return };
        let place = place_of_run(run, &self.engine.ports.operator);
        let entry = Entry { priority: run.change.priority, run: id.clone(), step: None };
        self.open.insert((run.change.service.clone(), id.clone()));
        if run.state == RunState::Queued {
            self.admission.queued.push(place, entry);
        } else {
            self.admission.queued.remove(&place, &entry);
        }
    }

    /// Forgets what was kept of a run of a service that ended.
    pub(super) fn forget(&mut self, id: &RunId, service: &str) {
        self.superseding.remove(id);
        self.broken_down.remove(id);
        self.closed(id, service);
        forget_slots(&mut self.last_look, id);
        forget_slots(&mut self.failed_looks, id);
        forget_slots(&mut self.admission.targets, id);
    }

    /// Says that a run of a service is no longer open: what comes after it may start.
    pub(super) fn closed(&mut self, id: &RunId, service: &str) {
        self.open.remove(&(service.to_owned(), id.clone()));
        self.admission.let_on(service);
    }

    /// Takes a run out of the queue, whatever becomes of it.
    pub(super) fn unqueue(&mut self, run: &Run) {
        let place = place_of_run(run, &self.engine.ports.operator);
        let entry = Entry { priority: run.change.priority, run: run.id.clone(), step: None };
        self.admission.queued.remove(&place, &entry);
    }
}

/// What may begin in one round, and what was passed over in it.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) ready: Queue,
    pub(super) passed: BTreeSet<Entry>,
}

/// Takes the slots of a run out of a map.
fn forget_slots<V>(map: &mut BTreeMap<Slot, V>, id: &RunId) {
    let first = (id.clone(), StepPath(String::new()));
    let of_run = map.range(&first..).map(|(slot, _)| slot).take_while(|slot| slot.0 == *id);
    for slot in of_run.cloned().collect::<Vec<_>>() {
        map.remove(&slot);
    }
}
