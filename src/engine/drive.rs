//! Drives runs: journals what follows, starts steps, takes in what came of them. One task owns all of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::admit::{Admission, Slot, Ticket};
use super::attempt::{Attempt, by_hand, guarded, jitter, perform};
use super::batch::{Batch, Flights};
use super::call::{Bench, Rendered};
use super::control::may_try_again;
use super::dispatch::{Agenda, tried_for_too_long};
use super::engine::{Engine, EngineError};
use super::finish::{hide_sealed, open_wait, seal_outputs, seal_wait};
use super::forecast::{ForecastMade, Forecasting};
use super::memory::Memory;
use super::metrics::Metrics;
use super::poison::Suspicion;
use super::withdraw::Withdrawals;
use crate::action::{self, Outcome};
use crate::catalog::Catalog;
use crate::id::{RunId, StepPath};
use crate::reconcile::{Effect, PlannedStep, UnitChange, When};
use crate::run::{
    BreakerState, Event, Fault, FaultClass, Place, Progress, RetryPolicy, Run, StepEvent,
    StepState, Verdict, retry_delay, timeout_of,
};

/// What ended.
pub enum News {
    /// An attempt at a step.
    Attempt(Box<Attempt>),
    /// A forecast.
    Forecast(ForecastMade),
    /// What was journaled could not be made durable: it never happened.
    Unwritten(EngineError),
}

/// Drives the runs of one store.
pub struct Driver {
    /// What it works with.
    pub engine: Engine,
    /// What it remembers.
    pub memory: Memory,
    /// What is counted.
    pub metrics: Metrics,
    pub(super) in_flight: JoinSet<Attempt>,
    pub(super) busy: HashMap<Slot, Ticket>,
    pub(super) admission: Admission,
    pub(super) suspicion: Suspicion,
    /// How often driving a run broke down, when it is driven again, and what was said.
    pub(super) broken_down: HashMap<RunId, (u32, Option<Timestamp>, String)>,
    pub(super) superseding: BTreeMap<RunId, String>,
    pub(super) last_look: BTreeMap<Slot, Timestamp>,
    /// What was journaled and is not durable yet.
    pub(super) batch: Batch,
    /// What is on its way to the disk.
    pub(super) flights: Flights,
    pub(super) agenda: Agenda,
    /// Services with the runs of theirs that have not ended.
    pub(super) open: BTreeSet<(String, RunId)>,
    /// How many looks of a step failed in a row.
    pub(super) failed_looks: BTreeMap<Slot, u32>,
    pub(super) withdrawals: Withdrawals,
    pub(super) forecasting: Forecasting,
    /// Number of the last message from outside that was heard.
    pub(super) heard: i64,
}

/// What came of starting a step.
pub(super) enum Begun {
    /// An attempt is under way.
    Yes,
    /// Nothing: it is under way already, or its run is gone.
    No,
    /// It waits for this place, as only its rendered `config` told.
    Held(Place),
    /// It was left out, or failed before it reached the outside world.
    Over,
}

/// What was heard from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// How many waiting steps are looked at for it.
    pub steps: usize,
    /// Something happened to the catalog's repository.
    pub catalog: bool,
}

impl Driver {
    /// Takes up what the store holds: runs that had not ended go on where they were.
    pub async fn new(engine: Engine) -> Result<Self, EngineError> {
        let memory = Memory::load(&*engine.store).await?;
        let admission = Admission::load(&*engine.store, engine.clock.now()).await?;
        let runs: Vec<RunId> = memory.runs.keys().cloned().collect();
        let metrics = Metrics::of(Arc::clone(&engine.ports.operator.github_memory));
        let mut driver = Self {
            engine,
            memory,
            metrics,
            in_flight: JoinSet::new(),
            busy: HashMap::new(),
            admission,
            suspicion: Suspicion::default(),
            broken_down: HashMap::new(),
            superseding: BTreeMap::new(),
            last_look: BTreeMap::new(),
            batch: Batch::default(),
            flights: Flights::default(),
            agenda: Agenda::default(),
            open: BTreeSet::new(),
            failed_looks: BTreeMap::new(),
            withdrawals: Withdrawals::default(),
            forecasting: Forecasting::default(),
            heard: 0,
        };
        runs.iter().for_each(|run| driver.queue(run));
        Ok(driver)
    }

    /// Says whom nobody is to ask just now, and why.
    pub fn shut(&self) -> Vec<String> {
        let breakers = self.admission.breakers.iter();
        let shut = breakers.filter(|(_, breaker)| breaker.state != BreakerState::Closed);
        shut.map(|(key, breaker)| format!("{key} is {breaker}")).collect()
    }

    /// Tells whether a step is in effect, or begins once its intent is durable.
    pub fn is_busy(&self) -> bool {
        !self.in_flight.is_empty() || self.flights.begin_any()
    }

    /// Lets newer revisions take the place of runs, at their next step boundary.
    pub fn supersede(&mut self, runs: Vec<RunId>, commit: &str) {
        for run in runs {
            self.superseding.entry(run).or_insert_with(|| commit.to_owned());
        }
    }

    pub(super) fn find<'r>(
        run: &'r Run,
        path: &StepPath,
    ) -> Option<(&'r UnitChange, &'r PlannedStep)> {
        let mut units = run.change.units.iter();
        units.find_map(|unit| Some((unit, unit.steps.iter().find(|step| step.path == *path)?)))
    }

    /// Journals the intent of an attempt and sets it going; where it takes up a lost one, its place counts for nothing.
    pub(super) async fn start_step(
        &mut self,
        id: &RunId,
        path: &StepPath,
        takes_up: bool,
        catalog: &Arc<Catalog>,
    ) -> Result<Begun, EngineError> {
        let slot = (id.clone(), path.clone());
        let Some(run) = self.memory.runs.get(id).cloned() else { return Ok(Begun::No) };
        let Some((unit, step)) = Self::find(&run, path) else { return Ok(Begun::No) };
        if self.busy.contains_key(&slot) {
            return Ok(Begun::No);
        }
        let Some(record) = self.read(&unit.unit).await? else { return Ok(Begun::No) };
        let bench = Bench::of(&self.engine, catalog, (&run, unit, &record)).await?;
        let rendered = match rendered(&bench, step).await {
            Ok(Some(rendered)) => rendered,
            Ok(None) => {
                let why = "its condition is false".to_owned();
                let event = Event::Step { path: path.clone(), event: StepEvent::Skipped { why } };
                self.journal(id, vec![event], catalog).await?;
                return Ok(Begun::Over);
            }
            Err(fault) => {
                let key = bench.key_of(step);
                self.refuse((id, path), (fault, &key), catalog).await?;
                return Ok(Begun::Over);
            }
        };
        drop(bench);
        let Rendered { call, sent } = rendered;
        if let Some(events) = self.carried((&run, step), &sent).await? {
            self.journal(id, events, catalog).await?;
            return Ok(Begun::Over);
        }
        let place = self.place_as_rendered(&run, step, &call);
        if !takes_up && !self.is_free(&place, self.engine.clock.now()) {
            return Ok(Begun::Held(place));
        }
        let progress = run.steps.get(path);
        let attempt = progress.map_or(0, |progress| progress.attempts) + 1;
        let key =
            progress.and_then(|progress| progress.key.clone()).unwrap_or_else(|| call.key.clone());
        let call = action::Call { key: key.clone(), attempt, ..call };
        let event =
            Event::Step { path: path.clone(), event: StepEvent::Started { attempt, key, sent } };
        self.journal(id, vec![event], catalog).await?;
        let ticket = self.admit(place, false).await?;
        self.busy.insert(slot.clone(), ticket);
        self.batch.going.push((slot, step.clone(), call));
        Ok(Begun::Yes)
    }

    /// Returns what a step counts against, and remembers whom it asks where only its rendered `config` tells.
    fn place_as_rendered(&mut self, run: &Run, step: &PlannedStep, call: &action::Call) -> Place {
        let planned = self.place(run, step);
        if planned.target.is_some() {
            return planned;
        }
        let action = action::find(&planned.action);
        let operator = &self.engine.ports.operator;
        let target = action.and_then(|action| action.target(operator, &call.config));
        if target.is_some() {
            let slot = (run.id.clone(), step.path.clone());
            self.admission.targets.insert(slot, target.clone());
        }
        Place { target, ..planned }
    }

    /// Carries out a step whose intent is durable.
    pub(super) fn set_going(
        &mut self,
        (run, path): Slot,
        (step, call): (PlannedStep, action::Call),
    ) {
        let ports = self.engine.ports.clone();
        self.in_flight.spawn(async move {
            let outcome = if step.effect == Effect::UndoByHand {
                Ok(Outcome::Task(by_hand(&call, &step)))
            } else {
                let timeout = timeout_of(&step.action);
                guarded(timeout, perform(ports, step, call)).await
            };
            Attempt { run, path, outcome, looked: false }
        });
    }

    /// Waits for the next attempt to end; never comes back while none is under way.
    pub async fn finished(&mut self) -> Attempt {
        loop {
            match self.in_flight.join_next().await {
                Some(Ok(attempt)) => return attempt,
                // Attempts catch their own panics; a cancelled one has nobody waiting for it.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Waits for the next attempt or forecast to end, and sets going what has become durable; never comes back while
    /// nothing is under way.
    pub async fn news(&mut self) -> News {
        loop {
            tokio::select! {
                (batch, arrived) = self.flights.arrived() => {
                    if let Err(error) = self.landed(batch, arrived) {
                        return News::Unwritten(error);
                    }
                }
                Some(ended) = self.in_flight.join_next() => if let Ok(attempt) = ended {
                    return News::Attempt(Box::new(attempt));
                },
                made = self.forecasting.next() => return News::Forecast(made),
            }
        }
    }

    /// Takes in what came of an attempt; it is durable with the next flush.
    pub(super) async fn take_one(
        &mut self,
        attempt: Attempt,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let ticket = self.busy.remove(&(attempt.run.clone(), attempt.path.clone()));
        // Who looks and is to wait on may have asked nobody.
        let waits = attempt.looked && matches!(attempt.outcome, Ok(Outcome::Waiting { .. }));
        let verdict = (!waits).then(|| Verdict::of(&attempt.outcome));
        let taken = self.take_in(attempt, catalog).await;
        if let Some(ticket) = ticket {
            self.dismiss(ticket, verdict).await?;
        }
        taken
    }

    async fn take_in(
        &mut self,
        attempt: Attempt,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Attempt { run: id, path, outcome, looked } = attempt;
        if outcome.is_ok() {
            self.failed_looks.remove(&(id.clone(), path.clone()));
        }
        self.last_look.insert((id.clone(), path.clone()), self.engine.clock.now());
        let Some(run) = self.memory.runs.get(&id).cloned() else { return Ok(()) };
        let Some((unit, step)) = Self::find(&run, &path) else { return Ok(()) };
        let event = match outcome {
            Ok(Outcome::Done { result, outputs }) => {
                let clear = outputs.clone();
                let outputs =
                    seal_outputs(&unit.definition, &step.action.id, outputs, &self.engine.sealer);
                StepEvent::Succeeded { result: hide_sealed(&result, &clear, &outputs), outputs }
            }
            Ok(Outcome::Waiting { on }) => {
                let waits = run.steps.get(&path).is_some_and(|progress| {
                    matches!(&progress.state, StepState::Waiting { on: known } if open_wait(known, &self.engine.sealer) == on)
                });
                if waits {
                    return Ok(());
                }
                self.remember_proposal((&run, &path), &on).await?;
                let id = &step.action.id;
                StepEvent::Waiting { on: seal_wait(&unit.definition, id, on, &self.engine.sealer) }
            }
            Ok(Outcome::Task(task)) => {
                StepEvent::Waiting { on: self.open_task((&run, &path), task).await? }
            }
            Ok(Outcome::Approval(request)) => {
                let on = self.open_approval((&run, &path), request, catalog).await?;
                StepEvent::Waiting { on }
            }
            Err(fault) if looked && fault.class != FaultClass::Terminal => {
                return self.look_failed((id, path), &fault, catalog).await;
            }
            Err(fault) => self.after_fault(&run, (&path, step), fault),
        };
        self.journal(&id, vec![Event::Step { path, event }], catalog).await
    }

    /// A fault is tried again while its policy says so; then it needs a person.
    pub(super) fn after_fault(
        &self,
        run: &Run,
        (path, step): (&StepPath, &PlannedStep),
        fault: Fault,
    ) -> StepEvent {
        let attempts = run.steps.get(path).map_or(1, Progress::tries);
        let policy = RetryPolicy::of(&step.action);
        let again = match fault.class {
            FaultClass::Terminal => None,
            FaultClass::Unknown if !may_try_again(step) => None,
            FaultClass::Transient | FaultClass::Unknown => retry_delay(&policy, attempts, jitter()),
        };
        match (again, fault.class) {
            (Some(delay), _) => {
                let asked = Duration::from_millis(fault.retry_after_ms.unwrap_or_default());
                let delay = delay.max(asked.min(Duration::from_hours(1)));
                let not_before = self.engine.clock.now() + delay;
                let since = run.steps.get(path).and_then(|progress| progress.tried_since);
                let most = self.engine.limits.step;
                match (tried_for_too_long(since, not_before, most), fault.class) {
                    (false, FaultClass::Unknown) => StepEvent::Unknown { fault, not_before },
                    (false, _) => StepEvent::Retry { fault, not_before },
                    (true, FaultClass::Unknown) => StepEvent::NeedsDecision { fault },
                    (true, _) => StepEvent::Failed { fault },
                }
            }
            (None, FaultClass::Unknown) => StepEvent::NeedsDecision { fault },
            (None, _) => StepEvent::Failed { fault },
        }
    }
}

/// Renders a step; nothing where its condition turns out to be false.
async fn rendered(bench: &Bench<'_>, step: &PlannedStep) -> Result<Option<Rendered>, Fault> {
    if step.when == When::Maybe && !bench.is_wanted(step).await? {
        return Ok(None);
    }
    match step.effect {
        Effect::Undo | Effect::UndoByHand | Effect::Restore => {
            bench.render_undo(step).await.map(Some)
        }
        Effect::Perform | Effect::Keep | Effect::Adopt => bench.render(step).await.map(Some),
    }
}
