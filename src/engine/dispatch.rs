//! Chooses what begins next, and brings runs as far as they go without anything beginning. It carries out no step.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::admit::Round;
use super::drive::{Begun, Driver};
use super::engine::EngineError;
use super::poison::caught;
use crate::catalog::Catalog;
use crate::id::{RunId, StepPath, UnitKey};
use crate::reconcile::{ChangeKind, UnitRow};
use crate::run::{
    Entry, Event, Place, Queue, Run, RunEvent, RunState, StepState, finishing, next, time_out,
    whose_turn,
};

/// The steps of a run that may start, and when to come again.
pub(super) type Went = (Vec<StepPath>, Option<Timestamp>);

/// What is left to be done after a round.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    /// When to go through all runs again.
    wake: Option<Timestamp>,
    /// Steps that may start and found no place.
    ready: Queue,
}

/// The earlier of two moments.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

impl Driver {
    /// Goes through all runs: journals what follows, and starts what may start; tells when to come again at the latest.
    pub(super) async fn advance_all(
        &mut self,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        // What a restored record says of its runs is old: nothing goes on before a person said so.
        if self.memory.state.restored.is_some() {
            return Ok(None);
        }
        self.look_for_suspects();
        let ends = |id: &RunId| {
            self.superseding.contains_key(id) || self.memory.cancelling.contains_key(id)
        };
        let moves = |run: &&Run| run.state != RunState::Queued || ends(&run.id);
        let ids: Vec<RunId> =
            self.memory.runs.values().filter(moves).map(|run| run.id.clone()).collect();
        if self.busy.is_empty() {
            self.admission.let_on_all();
        }
        self.agenda = Agenda::default();
        self.advance_some(ids, catalog).await
    }

    /// The same, where only some runs may have moved since the last time.
    pub(super) async fn advance_some(
        &mut self,
        ids: impl IntoIterator<Item = RunId>,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let Agenda { mut wake, ready } = std::mem::take(&mut self.agenda);
        let mut round = Round { ready, ..Round::default() };
        for id in ids {
            wake = earlier(wake, self.go_on(&id, &mut round, catalog).await?);
        }
        wake = earlier(wake, self.dispatch(&mut round, catalog).await?);
        self.agenda = Agenda { wake, ready: round.ready };
        Ok(wake)
    }

    /// Brings a run as far as it goes by itself; what may start then is added to the round.
    async fn go_on(
        &mut self,
        id: &RunId,
        round: &mut Round,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        if let Some(until) = self.is_put_off(id, catalog).await? {
            return Ok(Some(until));
        }
        let went = match caught(Box::pin(self.follow(id, catalog))).await {
            Ok(went) => went?,
            Err(panic) => return self.broke_down(id, panic, catalog).await,
        };
        let Some((paths, wake)) = went else { return Ok(None) };
        for path in paths {
            if let Some((place, entry)) = self.entry(id, &path) {
                round.ready.push(place, entry);
            }
        }
        Ok(wake)
    }

    /// Journals what follows from a run's state; the steps that may start then, and when to come again.
    async fn follow(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Went>, EngineError> {
        // What was in effect when the process ended comes to its end first.
        let resumed = self.resume(id, catalog).await?;
        if let ControlFlow::Break((start, wake)) = self.give_way(id, catalog).await? {
            return Ok(Some((start, earlier(wake, resumed))));
        }
        let due = self.review(id, catalog).await?;
        loop {
            let Some(run) = self.memory.runs.get(id) else { return Ok(None) };
            let next = next(run, self.engine.clock.now());
            if !next.events.is_empty() {
                let events = self.with_aftermath(run, next.events).await?;
                self.journal(id, events, catalog).await?;
                continue;
            }
            let until = match self.times_out(run) {
                // A step is in effect, and is never cut; nothing more starts, but what is looked up.
                Some(Err(events)) if events.is_empty() => {
                    let next = finishing(run, self.engine.clock.now());
                    return Ok(Some((next.start, earlier(next.wake_at, resumed))));
                }
                Some(Err(events)) => {
                    let events = self.with_aftermath(run, events).await?;
                    self.journal(id, events, catalog).await?;
                    continue;
                }
                Some(Ok(until)) => Some(until),
                None => None,
            };
            let look = self.look(id, catalog).await?;
            let wake = [next.wake_at, look, due, resumed, until].into_iter().flatten().min();
            return Ok(Some((next.start, wake)));
        }
    }

    /// Tells until when a run may take, or what happens to one that took longer; nothing where it may take for ever.
    fn times_out(&self, run: &Run) -> Option<Result<Timestamp, Vec<Event>>> {
        let most = self.engine.limits.run?;
        // Its hooks have the time that they take: it failed already.
        let runs = matches!(run.state, RunState::Running | RunState::Waiting);
        if !runs || run.failing.is_some() {
            return None;
        }
        let until = run.since.checked_add(most).ok()?;
        if self.engine.clock.now() < until {
            return Some(Ok(until));
        }
        let most = SignedDuration::try_from(most).unwrap_or(SignedDuration::MAX);
        let why = format!("it took longer than {most:#} (limits.runTimeout)");
        Some(Err(time_out(run, &why)))
    }

    /// Starts what may start, by turns, as long as there are free places.
    async fn dispatch(
        &mut self,
        round: &mut Round,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let mut wake = None;
        while self.quarantine().is_none() {
            let Some((place, entry)) = self.pick(round) else { break };
            if entry.step.is_some() {
                round.ready.remove(&place, &entry);
                wake = earlier(wake, self.start_entry((place, entry), round, catalog).await?);
                continue;
            }
            let queued = self.memory.runs.get(&entry.run);
            let first = queued.and_then(|run| self.on_hold(run).or_else(|| self.comes_after(run)));
            if let Some(service) = first {
                self.admission.hold_back(service, (place, entry));
                continue;
            }
            wake = earlier(wake, self.begin(&entry.run, round, catalog).await?);
        }
        Ok(earlier(wake, earlier(self.quarantine(), self.admission.first_again(self.now()))))
    }

    fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    fn pick(&self, round: &Round) -> Option<(Place, Entry)> {
        let now = self.now();
        let admission = &self.admission;
        let picked = whose_turn(
            [&round.ready, &admission.queued],
            &admission.turns,
            |place| !self.is_free(place, now),
            &round.passed,
        );
        picked.map(|(place, entry)| (place.clone(), entry.clone()))
    }

    /// Tells whether an attempt may begin at a place.
    pub(super) fn is_free(&self, place: &Place, now: Timestamp) -> bool {
        let admission = &self.admission;
        let capacity = &self.engine.limits.capacity;
        admission.in_effect.full(place, capacity).is_none() && admission.may_ask(place, now)
    }

    /// Starts a queued run, with its first step: who gets a turn uses it.
    async fn begin(
        &mut self,
        id: &RunId,
        round: &mut Round,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let started = vec![Event::Run { event: RunEvent::Started }];
        match caught(self.journal(id, started, catalog)).await {
            Ok(journaled) => journaled?,
            Err(panic) => {
                let entry = self.memory.runs.get(id).map(|run| run.change.priority);
                let passed = entry.map(|priority| Entry { priority, run: id.clone(), step: None });
                round.passed.extend(passed);
                return self.broke_down(id, panic, catalog).await;
            }
        }
        let mut own = Round::default();
        let wake = self.go_on(id, &mut own, catalog).await?;
        let now = self.now();
        let mut first = None;
        while let Some((place, entry)) = own.ready.pop() {
            if first.is_none() && self.is_free(&place, now) {
                first = Some((place, entry));
            } else {
                round.ready.push(place, entry);
            }
        }
        let Some(first) = first else { return Ok(wake) };
        Ok(earlier(wake, self.start_entry(first, round, catalog).await?))
    }

    /// Starts a step whose turn it is.
    async fn start_entry(
        &mut self,
        (place, entry): (Place, Entry),
        round: &mut Round,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let Some(path) = entry.step else { return Ok(None) };
        let step = self.memory.runs.get(&entry.run).and_then(|run| run.steps.get(&path));
        let may_start = |state: &StepState| {
            let goes_on = matches!(state, StepState::Ready { .. }) && !self.is_on_hold(&entry.run);
            goes_on || matches!(state, StepState::Unknown { .. })
        };
        if !step.is_some_and(|step| may_start(&step.state)) {
            // Another step of its run failed meanwhile, before it reached the outside world.
            return Ok(None);
        }
        let begun = match caught(Box::pin(self.start_step(&entry.run, &path, false, catalog))).await
        {
            Ok(begun) => begun?,
            Err(panic) => return self.broke_down(&entry.run, panic, catalog).await,
        };
        match begun {
            Begun::Yes => {
                self.admission.turns.take(&place.team, entry.priority);
                Ok(None)
            }
            // Only its rendered `config` told whom it asks, and there it has to wait.
            Begun::Held(place) => {
                let again = self.admission.again(&place);
                let entry = Entry { step: Some(path), ..entry };
                round.ready.push(place, entry);
                Ok(again)
            }
            Begun::No => Ok(None),
            Begun::Over => self.go_on(&entry.run, round, catalog).await,
        }
    }

    fn entry(&self, id: &RunId, path: &StepPath) -> Option<(Place, Entry)> {
        let run = self.memory.runs.get(id)?;
        let step = run
            .change
            .units
            .iter()
            .find_map(|unit| unit.steps.iter().find(|step| step.path == *path))?;
        let entry =
            Entry { priority: run.change.priority, run: id.clone(), step: Some(path.clone()) };
        Some((self.place(run, step), entry))
    }

    /// Names a service that a queued run comes after, and that is not there yet, or has a run that is open; a deletion
    /// comes after what is not gone yet.
    fn comes_after(&self, run: &Run) -> Option<String> {
        let goes = run.change.kind() == ChangeKind::Delete;
        let is_missing = |service: &&String| {
            let rows = self.memory.rows.range(UnitKey::service(*service)..);
            let mut rows = rows.take_while(|(key, _)| key.service == **service);
            let is_waited_for = |row: &UnitRow| match goes {
                true => !row.retained,
                false => row.applied.is_none(),
            };
            self.has_open_run(service) || rows.any(|(_, row)| is_waited_for(row))
        };
        run.change.after.iter().find(is_missing).cloned()
    }

    fn has_open_run(&self, service: &str) -> bool {
        let first = (service.to_owned(), RunId(String::new()));
        self.open.range(first..).next().is_some_and(|(open, _)| open == service)
    }
}

/// How long a retry may be put off: until a step was tried for as long as it may be.
pub(super) fn tried_for_too_long(
    tried_since: Option<Timestamp>,
    not_before: Timestamp,
    most: Option<Duration>,
) -> bool {
    let until = tried_since.zip(most).and_then(|(since, most)| since.checked_add(most).ok());
    until.is_some_and(|until| not_before > until)
}
