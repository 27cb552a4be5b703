//! Writes the journal: events and what becomes of units in one durable step, and only then memory.

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
use crate::run::{Event, Fault, Run, RunEvent, RunState, StepEvent};
use crate::store::{TaskState, UnitWrite};

impl Driver {
    /// Journals events of a run, with what becomes of its units.
    pub(super) async fn journal(
        &mut self,
        id: &RunId,
        events: Vec<Event>,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Some(mut run) = self.memory.runs.get(id).cloned() else { return Ok(()) };
        let now = self.engine.clock.now();
        let mut writes = Vec::new();
        let mut entries = Vec::new();
        for event in events {
            run.apply(&event)
                .map_err(|source| EngineError::Illegal { run: id.to_string(), source })?;
            if let Event::Step { path, event: StepEvent::Succeeded { result, outputs } } = &event {
                writes.extend(self.left_by(&run, path, (result, outputs), catalog).await?);
            }
            entries.push((now, event));
        }
        self.engine
            .store
            .append(&self.engine.lease, &run, &entries, &writes)
            .await
            .doing("appending to a journal")?;
        self.memory.take_writes(&writes);
        self.memory.runs.insert(id.clone(), run);
        for (_, event) in &entries {
            self.after_event(id, event, now).await?;
        }
        Ok(())
    }

    /// Returns what a step that took effect leaves behind, and the unit whose last step it was.
    async fn left_by(
        &self,
        run: &Run,
        path: &StepPath,
        answer: (&Value, &Map<String, Value>),
        catalog: &Arc<Catalog>,
    ) -> Result<Vec<UnitWrite>, EngineError> {
        let found = run
            .change
            .units
            .iter()
            .find_map(|unit| Some((unit, unit.steps.iter().find(|step| step.path == *path)?)));
        let Some((unit, step)) = found else { return Ok(Vec::new()) };
        let Some(record) = self.read(&unit.unit).await? else { return Ok(Vec::new()) };
        let now = self.engine.clock.now();
        let bench = Bench::of(&self.engine, catalog, (run, unit, &record)).await?;
        let record = match finish::after_step(&bench, step, answer, now) {
            Ok(record) => record,
            Err(why) => {
                tracing::error!(run = %run.id, step = %path, why, "what the step left behind can't be recorded");
                return Ok(Vec::new());
            }
        };
        if !finish::is_done(run, unit) {
            return Ok(vec![UnitWrite::Put(Box::new(record))]);
        }
        self.unit_done(run, unit, &record, catalog).await
    }

    async fn unit_done(
        &self,
        run: &Run,
        unit: &UnitChange,
        record: &UnitRecord,
        catalog: &Arc<Catalog>,
    ) -> Result<Vec<UnitWrite>, EngineError> {
        let bench = Bench::of(&self.engine, catalog, (run, unit, record)).await?;
        Ok(match finish::after_unit(&bench, self.engine.clock.now()) {
            Ok(Some(record)) => vec![UnitWrite::Put(Box::new(record))],
            Ok(None) => vec![UnitWrite::Remove(unit.unit.clone())],
            Err(why) => {
                tracing::error!(run = %run.id, unit = %unit.unit, why, "the unit's outputs can't be made");
                vec![UnitWrite::Put(Box::new(record.clone()))]
            }
        })
    }

    /// Records the units of a run that had nothing to do from the start.
    pub(super) async fn units_done_at_once(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Some(run) = self.memory.runs.get(id).cloned() else { return Ok(()) };
        let mut writes = Vec::new();
        for unit in run.change.units.iter().filter(|unit| finish::is_done(&run, unit)) {
            if let Some(record) = self.read(&unit.unit).await? {
                writes.extend(self.unit_done(&run, unit, &record, catalog).await?);
            }
        }
        if !writes.is_empty() {
            self.engine
                .store
                .write_units(&self.engine.lease, &writes)
                .await
                .doing("recording units")?;
            self.memory.take_writes(&writes);
        }
        Ok(())
    }

    pub(super) async fn read(&self, key: &UnitKey) -> Result<Option<UnitRecord>, EngineError> {
        let records =
            self.engine.store.units(std::slice::from_ref(key)).await.doing("reading a unit")?;
        Ok(records.into_iter().next())
    }

    /// Tidies up behind an event: tasks that nobody needs any more, runs that ended.
    async fn after_event(
        &mut self,
        id: &RunId,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        match event {
            Event::Step { path, event } => {
                tracing::info!(run = %id, step = %path, "{event}");
                if matches!(event, StepEvent::Cancelled { .. }) {
                    self.close_tasks_of(id, Some(path)).await?;
                }
                self.last_look.insert((id.clone(), path.clone()), now);
            }
            Event::Run { event } => {
                tracing::info!(run = %id, "{event}");
                let Some(run) = self.memory.runs.get(id) else { return Ok(()) };
                if !run.state.is_over() {
                    return Ok(());
                }
                let (service, state) = (run.change.service.clone(), run.state);
                let stall = match event {
                    RunEvent::Failed { why } | RunEvent::NeedsDecision { why } => {
                        Some(stall_of(run, why.clone()))
                    }
                    _ => None,
                };
                self.memory.runs.remove(id);
                self.superseding.remove(id);
                self.last_look.retain(|(run, _), _| run != id);
                if let Some(stall) = stall {
                    self.memory.stalled.insert(service, stall);
                }
                if state != RunState::Succeeded {
                    self.close_tasks_of(id, None).await?;
                }
            }
        }
        Ok(())
    }

    async fn close_tasks_of(&self, id: &RunId, path: Option<&StepPath>) -> Result<(), EngineError> {
        let tasks = self.engine.store.tasks(true).await.doing("reading tasks")?;
        for task in tasks
            .iter()
            .filter(|task| task.run == *id && path.is_none_or(|path| task.step == *path))
        {
            self.engine
                .store
                .close_task(&self.engine.lease, task.number, TaskState::Cancelled, "trueline")
                .await
                .doing("closing a task")?;
        }
        Ok(())
    }

    /// Journals that a step failed before it reached the outside world.
    pub(super) async fn refuse(
        &mut self,
        (id, path): (&RunId, &StepPath),
        fault: Fault,
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let attempts =
            self.memory.runs.get(id).and_then(|run| run.steps.get(path)).map_or(0, |p| p.attempts);
        let started = StepEvent::Started {
            attempt: attempts + 1,
            key: format!("refused-{id}-{path}"),
            sent: crate::digest::Digest::of_bytes(b""),
        };
        let event = |event| Event::Step { path: path.clone(), event };
        self.journal(id, vec![event(started), event(StepEvent::Failed { fault })], catalog).await
    }
}
