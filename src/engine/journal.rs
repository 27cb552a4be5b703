//! Writes the journal: events and what becomes of units, one step that is gathered with others, and memory.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::call::Bench;
use super::drive::Driver;
use super::engine::{Doing, EngineError};
use super::finish;
use super::memory::stall_of;
use crate::catalog::Catalog;
use crate::id::{RunId, StepPath, UnitKey};
use crate::reconcile::{UnitChange, UnitRecord};
use crate::run::{Event, Fault, FaultClass, Run, RunEvent, RunState, StepEvent, UNSENT};
use crate::store::{RunWrite, UnitWrite};

/// What an event leaves behind.
#[derive(Default)]
struct Left {
    /// What becomes of units.
    writes: Vec<UnitWrite>,
    /// Why that is not all that should have become of them.
    trouble: Option<String>,
}

impl Left {
    fn of(write: UnitWrite) -> Self {
        Self { writes: vec![write], trouble: None }
    }
}

/// Tells whether an event may leave something behind.
fn leaves(event: &Event) -> bool {
    match event {
        Event::Run { event } => matches!(
            event,
            RunEvent::Started
                | RunEvent::Retried { .. }
                | RunEvent::RollingBack { .. }
                | RunEvent::Superseded { .. }
        ),
        Event::Step { event, .. } => matches!(
            event,
            StepEvent::Succeeded { .. } | StepEvent::Answered { .. } | StepEvent::Skipped { .. }
        ),
    }
}

impl Driver {
    /// Journals events of a run, with what becomes of its units; durable, together with what else is journaled, before
    /// anything that they intend is set going.
    pub(super) async fn journal(
        &mut self,
        id: &RunId,
        events: Vec<Event>,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Some(mut run) = self.memory.runs.get(id).cloned() else { return Ok(()) };
        let illegal = |source| EngineError::Illegal { run: id.to_string(), source };
        let now = self.engine.clock.now();
        let mut writes = Vec::new();
        let mut entries = Vec::new();
        for event in events {
            if !leaves(&event) {
                run.apply_at(&event, now).map_err(illegal)?;
                entries.push((now, event));
                continue;
            }
            let mut after = run.clone();
            after.apply_at(&event, now).map_err(illegal)?;
            let left = self.left_by(&after, &event, catalog).await?;
            writes.extend(left.writes);
            let Some(why) = left.trouble else {
                run = after;
                entries.push((now, event));
                continue;
            };
            tracing::error!(run = %id, why, "what was done can't be recorded");
            for event in instead(&run, event, why) {
                run.apply_at(&event, now).map_err(illegal)?;
                entries.push((now, event));
            }
        }
        if !writes.is_empty() {
            self.memory.take_writes(&writes);
        }
        self.memory.runs.insert(id.clone(), run.clone());
        self.batch.runs.insert(id.clone());
        for (_, event) in &entries {
            self.after_event(id, event, now);
        }
        let run = Box::new(run);
        self.engine.store.gather(RunWrite::Appended { run, entries, units: writes });
        if self.batch.is_full() { self.send_off().await } else { Ok(()) }
    }

    /// Returns what an event leaves behind, of those that [`leaves`] tells of; `run` is as it is after it.
    async fn left_by(
        &self,
        run: &Run,
        event: &Event,
        catalog: &Arc<Catalog>,
    ) -> Result<Left, EngineError> {
        match event {
            Event::Run { event: RunEvent::Started } => self.left_by_start(run, catalog).await,
            Event::Step { path, event: StepEvent::Succeeded { result, outputs } } => {
                self.left_by_step(run, path, (result, outputs), catalog).await
            }
            Event::Step { path, event: StepEvent::Answered { happened: true, outputs, .. } } => {
                let result = run.steps.get(path).map(|progress| progress.result.clone());
                let result = result.unwrap_or_default();
                self.left_by_step(run, path, (&result, outputs), catalog).await
            }
            Event::Run {
                event: RunEvent::Retried { effect, .. } | RunEvent::RollingBack { effect, .. },
            } => self.left_by_effect(run, *effect, catalog).await,
            Event::Step { path, event: StepEvent::Skipped { .. } } => {
                let unit = run.change.units.iter().find(|unit| has_step(unit, path));
                match unit {
                    Some(unit) => self.left_by_unit(run, unit, catalog).await,
                    None => Ok(Left::default()),
                }
            }
            Event::Run { event: RunEvent::Superseded { .. } } => self.left_owed(run).await,
            _ => Ok(Left::default()),
        }
    }

    /// An operation that gives way to a newer revision comes once more: its time is not lost.
    async fn left_owed(&self, run: &Run) -> Result<Left, EngineError> {
        let mut left = Left::default();
        for unit in run.change.units.iter().filter(|unit| !finish::is_done(run, unit)) {
            let Some(due) = &unit.due else { continue };
            let Some(mut record) = self.read(&unit.unit).await? else { continue };
            let Some(fired) = record.fired.get_mut(&due.kept_as()) else { continue };
            if *fired == due.fired {
                fired.owed = true;
                left.writes.push(UnitWrite::Put(Box::new(record)));
            }
        }
        Ok(left)
    }

    /// No later run begins with an effect that this one has used.
    async fn left_by_effect(
        &self,
        run: &Run,
        effect: u64,
        catalog: &Arc<Catalog>,
    ) -> Result<Left, EngineError> {
        let mut left = Left::default();
        for unit in &run.change.units {
            // One that has nothing to do is done: a run that stopped before it started left no record of that.
            let done = self.left_by_unit(run, unit, catalog).await?;
            left.trouble = left.trouble.or(done.trouble);
            let with_effect = |write| match write {
                UnitWrite::Put(record) => {
                    UnitWrite::Put(Box::new(UnitRecord { effect, ..*record }))
                }
                gone @ UnitWrite::Remove(_) => gone,
            };
            if !done.writes.is_empty() {
                left.writes.extend(done.writes.into_iter().map(with_effect));
                continue;
            }
            let Some(record) = self.read(&unit.unit).await? else { continue };
            left.writes.push(UnitWrite::Put(Box::new(UnitRecord { effect, ..record })));
        }
        Ok(left)
    }

    /// Units that have nothing to do are done with the start.
    async fn left_by_start(&self, run: &Run, catalog: &Arc<Catalog>) -> Result<Left, EngineError> {
        let mut all = Left::default();
        for unit in &run.change.units {
            let left = self.left_by_unit(run, unit, catalog).await?;
            all.writes.extend(left.writes);
            all.trouble = all.trouble.or(left.trouble);
        }
        Ok(all)
    }

    /// Returns what a step that took effect leaves behind, and the unit whose last step it was.
    async fn left_by_step(
        &self,
        run: &Run,
        path: &StepPath,
        answer: (&Value, &Map<String, Value>),
        catalog: &Arc<Catalog>,
    ) -> Result<Left, EngineError> {
        let found = run
            .change
            .units
            .iter()
            .find_map(|unit| Some((unit, unit.steps.iter().find(|step| step.path == *path)?)));
        let Some((unit, step)) = found else { return Ok(Left::default()) };
        let Some(record) = self.read(&unit.unit).await? else { return Ok(Left::default()) };
        let now = self.engine.clock.now();
        let bench = Bench::of(&self.engine, catalog, (run, unit, &record)).await?;
        match finish::after_step(&bench, step, answer, now) {
            Ok(record) if finish::is_done(run, unit) => {
                self.unit_done(run, unit, &record, catalog).await
            }
            Ok(record) => Ok(Left::of(UnitWrite::Put(Box::new(record)))),
            Err(why) => Ok(Left { trouble: Some(why), ..Left::default() }),
        }
    }

    /// Returns what becomes of a unit, where all of its steps are done.
    async fn left_by_unit(
        &self,
        run: &Run,
        unit: &UnitChange,
        catalog: &Arc<Catalog>,
    ) -> Result<Left, EngineError> {
        if !finish::is_done(run, unit) {
            return Ok(Left::default());
        }
        match self.read(&unit.unit).await? {
            Some(record) => self.unit_done(run, unit, &record, catalog).await,
            None => Ok(Left::default()),
        }
    }

    async fn unit_done(
        &self,
        run: &Run,
        unit: &UnitChange,
        record: &UnitRecord,
        catalog: &Arc<Catalog>,
    ) -> Result<Left, EngineError> {
        let bench = Bench::of(&self.engine, catalog, (run, unit, record)).await?;
        Ok(match finish::after_unit(&bench, self.engine.clock.now()) {
            Ok(Some(record)) => Left::of(UnitWrite::Put(Box::new(record))),
            Ok(None) => Left::of(UnitWrite::Remove(unit.unit.clone())),
            // What its steps left behind is kept, so that it is found, and taken away in the end.
            Err(why) => Left {
                writes: vec![UnitWrite::Put(Box::new(record.clone()))],
                trouble: Some(format!("the outputs of {} can't be made: {why}", unit.unit)),
            },
        })
    }

    pub(super) async fn read(&self, key: &UnitKey) -> Result<Option<UnitRecord>, EngineError> {
        let records =
            self.engine.store.units(std::slice::from_ref(key)).await.doing("reading a unit")?;
        Ok(records.into_iter().next())
    }

    /// Tidies up in memory behind an event.
    fn after_event(&mut self, id: &RunId, event: &Event, now: Timestamp) {
        match event {
            Event::Step { path, event } => {
                tracing::info!(run = %id, step = %path, "{event}");
                if matches!(event, StepEvent::Failed { .. } | StepEvent::Waiting { .. }) {
                    self.withdrawals.read_again();
                }
                self.last_look.insert((id.clone(), path.clone()), now);
            }
            Event::Run { event } => {
                tracing::info!(run = %id, "{event}");
                self.queue(id);
                let Some(run) = self.memory.runs.get(id) else { return };
                if !run.state.is_over() {
                    return;
                }
                let (service, state) = (run.change.service.clone(), run.state);
                let ended = run.clone();
                self.metrics.run_ended(run.change.kind(), state);
                let stall = match event {
                    RunEvent::Failed { why }
                    | RunEvent::NeedsDecision { why }
                    | RunEvent::Parked { why }
                    | RunEvent::Cancelled { why, .. } => Some(stall_of(run, why.clone())),
                    RunEvent::RolledBack => Some(stall_of(run, run.why_taken_back())),
                    _ => None,
                };
                self.memory.runs.remove(id);
                self.memory.adoption_ended(&ended);
                self.forget(id, &service);
                if let Some(stall) = stall {
                    self.memory.stalled.insert(service, stall);
                }
                if state != RunState::Succeeded {
                    self.withdrawals.read_again();
                }
            }
        }
    }

    /// Journals that a step failed before it reached the outside world. Where that may pass, as when nobody tells its
    /// secrets just now, it is tried again like any other, under the key that it is to be sent with.
    pub(super) async fn refuse(
        &mut self,
        (id, path): (&RunId, &StepPath),
        (fault, key): (Fault, &str),
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Some(run) = self.memory.runs.get(id) else { return Ok(()) };
        let events = match fault.class {
            FaultClass::Transient => self.put_off(run, path, (&fault, key)),
            FaultClass::Terminal | FaultClass::Unknown => None,
        };
        let events = events.unwrap_or_else(|| refused(run, path, fault));
        self.journal(id, events, catalog).await
    }

    /// Returns the events of a step that is tried again later; nothing where it is not to be.
    fn put_off(
        &self,
        run: &Run,
        path: &StepPath,
        (fault, key): (&Fault, &str),
    ) -> Option<Vec<Event>> {
        let (_, step) = Self::find(run, path)?;
        let progress = run.steps.get(path)?;
        // An attempt before this one may have taken effect, and is still to be looked up.
        let class = match progress.state.is_in_effect() {
            true => FaultClass::Unknown,
            false => fault.class,
        };
        let event = |event| Event::Step { path: path.clone(), event };
        let started = event(StepEvent::Started {
            attempt: progress.attempts + 1,
            key: progress.key.clone().unwrap_or_else(|| key.to_owned()),
            sent: crate::digest::Digest::of_bytes(b""),
        });
        let mut after = run.clone();
        after.apply_at(&started, self.engine.clock.now()).ok()?;
        let then = self.after_fault(&after, (path, step), Fault { class, ..fault.clone() });
        Some(vec![started, event(then)])
    }
}

/// Returns the events of a step that fails before it reaches the outside world.
fn refused(run: &Run, path: &StepPath, fault: Fault) -> Vec<Event> {
    let progress = run.steps.get(path);
    let known = progress.and_then(|progress| progress.key.clone());
    let started = StepEvent::Started {
        attempt: progress.map_or(0, |progress| progress.attempts) + 1,
        // An attempt before this one may have taken effect: its key stays.
        key: known.unwrap_or_else(|| format!("{UNSENT}{}-{path}", run.id)),
        sent: crate::digest::Digest::of_bytes(b""),
    };
    let event = |event| Event::Step { path: path.clone(), event };
    if progress.is_some_and(|progress| progress.state.is_in_effect()) {
        let message = format!("an attempt may have taken effect, and can't be looked up: {fault}");
        return vec![event(StepEvent::NeedsDecision { fault: Fault::unknown(message) })];
    }
    vec![event(started), event(StepEvent::Failed { fault })]
}

/// Returns what happens instead of an event whose traces can't be recorded: the run stops, and a person decides.
fn instead(run: &Run, event: Event, why: String) -> Vec<Event> {
    match event {
        Event::Step { path, event: StepEvent::Succeeded { .. } } => {
            let fault = Fault::terminal(format!("it took effect, but {why}"));
            vec![Event::Step { path, event: StepEvent::Failed { fault } }]
        }
        Event::Step { path, .. } => refused(run, &path, Fault::terminal(why)),
        Event::Run { .. } => {
            vec![Event::Run { event: RunEvent::Cancelled { why, by: "trueline".to_owned() } }]
        }
    }
}

fn has_step(unit: &UnitChange, path: &StepPath) -> bool {
    unit.steps.iter().any(|step| step.path == *path)
}
