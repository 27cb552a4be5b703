//! Drives runs: journals what follows, starts steps, takes in what came of them. One task owns all of it.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::attempt::{Attempt, by_hand, guarded, jitter, perform};
use super::call::{Bench, Rendered};
use super::control::{lost_for_good, may_try_again, with_manual};
use super::engine::{Engine, EngineError};
use super::finish::{hide_sealed, open_wait, seal_outputs, seal_wait};
use super::forecast::{ForecastMade, Forecasting};
use super::memory::Memory;
use super::withdraw::Withdrawals;
use crate::action::{self, Outcome};
use crate::catalog::Catalog;
use crate::id::{RunId, StepPath};
use crate::reconcile::{Effect, PlannedStep, UnitChange, When};
use crate::run::{
    Event, Fault, FaultClass, Progress, RetryPolicy, Run, RunEvent, RunState, StepEvent, StepState,
    next, retry_delay, timeout_of,
};

/// What ended.
pub enum News {
    /// An attempt at a step.
    Attempt(Box<Attempt>),
    /// A forecast.
    Forecast(ForecastMade),
}

/// Drives the runs of one store.
pub struct Driver {
    /// What it works with.
    pub engine: Engine,
    /// What it remembers.
    pub memory: Memory,
    pub(super) in_flight: JoinSet<Attempt>,
    pub(super) busy: HashMap<(RunId, StepPath), bool>,
    pub(super) superseding: BTreeMap<RunId, String>,
    pub(super) last_look: HashMap<(RunId, StepPath), Timestamp>,
    pub(super) withdrawals: Withdrawals,
    pub(super) forecasting: Forecasting,
    /// Number of the last message from outside that was heard.
    pub(super) heard: i64,
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
        Ok(Self {
            engine,
            memory,
            in_flight: JoinSet::new(),
            busy: HashMap::new(),
            superseding: BTreeMap::new(),
            last_look: HashMap::new(),
            withdrawals: Withdrawals::default(),
            forecasting: Forecasting::default(),
            heard: 0,
        })
    }

    /// Tells whether a step is in effect.
    pub fn is_busy(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Lets newer revisions take the place of runs, at their next step boundary.
    pub fn supersede(&mut self, runs: Vec<RunId>, commit: &str) {
        for run in runs {
            self.superseding.entry(run).or_insert_with(|| commit.to_owned());
        }
    }

    /// Journals what follows and starts what may start; tells when to come again at the latest.
    pub async fn advance(
        &mut self,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        // What a restored record says of its runs is old: nothing goes on before a person said so.
        if self.memory.state.restored.is_some() {
            return Ok(None);
        }
        let mut wake: Option<Timestamp> = None;
        let mut runs: Vec<(crate::catalog::Priority, RunId)> =
            self.memory.runs.values().map(|run| (run.change.priority, run.id.clone())).collect();
        runs.sort();
        for (_, id) in runs {
            if let Some(at) = self.advance_run(&id, catalog).await? {
                wake = Some(wake.map_or(at, |earlier| earlier.min(at)));
            }
        }
        Ok(wake)
    }

    async fn advance_run(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        if let ControlFlow::Break(wake) = self.give_way(id, catalog).await? {
            return Ok(wake);
        }
        let Some(run) = self.memory.runs.get(id) else { return Ok(None) };
        if run.state == RunState::Queued {
            if !self.may_start(run) {
                return Ok(None);
            }
            self.journal(id, vec![Event::Run { event: RunEvent::Started }], catalog).await?;
        }
        self.resume(id, catalog).await?;
        let due = self.review(id, catalog).await?;
        loop {
            let Some(run) = self.memory.runs.get(id) else { return Ok(None) };
            let next = next(run, self.engine.clock.now());
            if next.events.is_empty() {
                let mut started = false;
                for path in next.start {
                    if self.in_flight.len() >= self.engine.limits.concurrency {
                        return Ok(None);
                    }
                    started |= self.start_step(id, &path, catalog).await?;
                }
                if started {
                    continue;
                }
                let look = self.look(id, catalog).await?;
                return Ok(next.wake_at.into_iter().chain(look).chain(due).min());
            }
            let events = with_manual(run, next.events);
            self.journal(id, events, catalog).await?;
        }
    }

    /// A queued run starts once what it comes after is there, and no other run of it is open.
    fn may_start(&self, run: &Run) -> bool {
        run.change.after.iter().all(|service| {
            let open = self.memory.runs.values().any(|other| other.change.service == *service);
            let rows = self.memory.rows.values().filter(|row| row.key.service == *service);
            let mut applied = rows.map(|row| row.applied.is_some());
            !open && applied.all(|applied| applied)
        })
    }

    /// Starts again, under the same key, what was in effect when the process ended.
    pub(super) async fn resume(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Some(run) = self.memory.runs.get(id) else { return Ok(()) };
        let lost: Vec<StepPath> = crate::run::interrupted(run)
            .into_iter()
            .filter(|path| !self.busy.contains_key(&(id.clone(), path.clone())))
            .collect();
        for path in lost {
            if self.memory.runs.get(id).is_some_and(|run| lost_for_good(run, &path)) {
                let fault = Fault::unknown("the process ended while it was under way");
                let event = StepEvent::NeedsDecision { fault };
                self.journal(id, vec![Event::Step { path, event }], catalog).await?;
                continue;
            }
            tracing::warn!(run = %id, step = %path, "resuming a step whose outcome is not known");
            self.start_step(id, &path, catalog).await?;
        }
        Ok(())
    }

    pub(super) fn find(run: &Run, path: &StepPath) -> Option<(UnitChange, PlannedStep)> {
        run.change.units.iter().find_map(|unit| {
            let step = unit.steps.iter().find(|step| step.path == *path)?;
            Some((unit.clone(), step.clone()))
        })
    }

    /// Journals the intent of an attempt and sets it going; false where another attempt is under way already.
    pub(super) async fn start_step(
        &mut self,
        id: &RunId,
        path: &StepPath,
        catalog: &Arc<Catalog>,
    ) -> Result<bool, EngineError> {
        let slot = (id.clone(), path.clone());
        let Some(run) = self.memory.runs.get(id).cloned() else { return Ok(false) };
        let Some((unit, step)) = Self::find(&run, path) else { return Ok(false) };
        if self.busy.contains_key(&slot) {
            return Ok(false);
        }
        let Some(record) = self.read(&unit.unit).await? else { return Ok(false) };
        let bench = Bench::of(&self.engine, catalog, (&run, &unit, &record)).await?;
        if step.when == When::Maybe {
            match bench.is_wanted(&step).await {
                Ok(true) => {}
                Ok(false) => {
                    let why = "its condition is false".to_owned();
                    let event =
                        Event::Step { path: path.clone(), event: StepEvent::Skipped { why } };
                    self.journal(id, vec![event], catalog).await?;
                    return Ok(true);
                }
                Err(fault) => {
                    self.refuse((id, path), fault, catalog).await?;
                    return Ok(true);
                }
            }
        }
        let rendered = match step.effect {
            Effect::Undo | Effect::UndoByHand | Effect::Restore => bench.render_undo(&step).await,
            Effect::Perform | Effect::Keep => bench.render(&step).await,
        };
        let Rendered { call, sent } = match rendered {
            Ok(rendered) => rendered,
            Err(fault) => {
                self.refuse((id, path), fault, catalog).await?;
                return Ok(true);
            }
        };
        let progress = run.steps.get(path);
        let attempt = progress.map_or(0, |progress| progress.attempts) + 1;
        let key =
            progress.and_then(|progress| progress.key.clone()).unwrap_or_else(|| call.key.clone());
        let call = action::Call { key: key.clone(), attempt, ..call };
        let event =
            Event::Step { path: path.clone(), event: StepEvent::Started { attempt, key, sent } };
        self.journal(id, vec![event], catalog).await?;
        self.set_going(slot, step, call);
        Ok(true)
    }

    fn set_going(&mut self, (run, path): (RunId, StepPath), step: PlannedStep, call: action::Call) {
        self.busy.insert((run.clone(), path.clone()), false);
        let ports = self.engine.ports.clone();
        self.in_flight.spawn(async move {
            let outcome = match step.effect {
                Effect::UndoByHand => Ok(Outcome::Task(by_hand(&call, &step))),
                Effect::Undo | Effect::Restore | Effect::Perform | Effect::Keep => {
                    let timeout = timeout_of(&step.action);
                    let work = perform(ports, step, call);
                    guarded(timeout, work).await
                }
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

    /// Waits for the next attempt or forecast to end; never comes back while none is under way.
    pub async fn news(&mut self) -> News {
        loop {
            tokio::select! {
                Some(ended) = self.in_flight.join_next() => if let Ok(attempt) = ended {
                    return News::Attempt(Box::new(attempt));
                },
                made = self.forecasting.next() => return News::Forecast(made),
            }
        }
    }

    /// Takes in what came of an attempt.
    pub async fn take(
        &mut self,
        attempt: Attempt,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Attempt { run: id, path, outcome, looked } = attempt;
        self.busy.remove(&(id.clone(), path.clone()));
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
                tracing::warn!(run = %id, step = %path, %fault, "looking again later");
                return Ok(());
            }
            Err(fault) => self.after_fault(&run, (&path, &step), fault),
        };
        self.journal(&id, vec![Event::Step { path, event }], catalog).await
    }

    /// A fault is tried again while its policy says so; then it needs a person.
    fn after_fault(
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
                if fault.class == FaultClass::Unknown {
                    return StepEvent::Unknown { fault, not_before };
                }
                StepEvent::Retry { fault, not_before }
            }
            (None, FaultClass::Unknown) => StepEvent::NeedsDecision { fault },
            (None, _) => StepEvent::Failed { fault },
        }
    }
}
