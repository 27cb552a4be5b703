//! What steps wait for: tasks of people, proposals, and the looks that ask whether it has come.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::attempt::{Attempt, guarded};
use super::call::{Bench, Rendered};
use super::drive::Driver;
use super::engine::{Doing, EngineError};
use super::finish::open_wait;
use crate::action::{self, TaskRequest};
use crate::catalog::Catalog;
use crate::id::{RunId, StepPath};
use crate::reconcile::Effect;
use crate::run::{Fault, Run, StepState, Wait};
use crate::store::{Proposal, Task, TaskState};

impl Driver {
    /// Remembers a proposal that a step waits for, so that people find it.
    pub(super) async fn remember_proposal(
        &mut self,
        (run, path): (&Run, &StepPath),
        on: &Wait,
    ) -> Result<(), EngineError> {
        let repository = on.reference.get("repository").and_then(Value::as_str);
        let number = on.reference.get("number").and_then(Value::as_u64);
        let (Some(repository), Some(number)) = (repository, number) else { return Ok(()) };
        let proposal = Proposal {
            repository: repository.to_owned(),
            number,
            run: Some(run.id.clone()),
            step: Some(path.clone()),
            service: run.change.service.clone(),
        };
        self.withdrawals.read_again();
        self.engine
            .store
            .save_proposal(&self.engine.lease, &proposal)
            .await
            .doing("recording a proposal")
    }

    /// Opens the task that a step asks for.
    pub(super) async fn open_task(
        &self,
        (run, path): (&Run, &StepPath),
        request: TaskRequest,
    ) -> Result<Wait, EngineError> {
        let task = Task {
            number: 0,
            run: run.id.clone(),
            step: path.clone(),
            service: run.change.service.clone(),
            title: request.title.clone(),
            instructions: request.instructions,
            outputs: request.outputs,
            state: TaskState::Open,
            created_at: self.engine.clock.now(),
            done_by: None,
        };
        let number =
            self.engine.store.open_task(&self.engine.lease, &task).await.doing("opening a task")?;
        let what = format!("task {number} “{}”", request.title);
        Ok(Wait { on: "task".to_owned(), reference: json!({"task": number}), what })
    }

    /// Asks whether what steps wait for has come; tells when to ask again.
    pub(super) async fn look(
        &mut self,
        id: &RunId,
        catalog: &Arc<Catalog>,
    ) -> Result<Option<Timestamp>, EngineError> {
        let Some(run) = self.memory.runs.get(id).cloned() else { return Ok(None) };
        let now = self.engine.clock.now();
        let mut again: Option<Timestamp> = None;
        for (path, progress) in &run.steps {
            let StepState::Waiting { on } = &progress.state else { continue };
            let slot = (id.clone(), path.clone());
            if on.on == "task" || self.busy.contains_key(&slot) {
                continue;
            }
            let due =
                self.last_look.get(&slot).map_or(now, |last| *last + self.engine.limits.look_every);
            if due > now {
                again = Some(again.map_or(due, |earlier| earlier.min(due)));
                continue;
            }
            let Some((unit, step)) = Self::find(&run, path) else { continue };
            let Some(record) = self.read(&unit.unit).await? else { continue };
            let bench = Bench::of(&self.engine, catalog, (&run, &unit, &record)).await?;
            let rendered = match step.effect {
                Effect::Undo | Effect::UndoByHand => bench.render_undo(&step).await,
                Effect::Perform | Effect::Keep => bench.render(&step).await,
            };
            let Ok(Rendered { call, .. }) = rendered else { continue };
            let call = action::Call { key: progress.key.clone().unwrap_or_default(), ..call };
            self.busy.insert(slot, true);
            let (ports, on, run, path) = (
                self.engine.ports.clone(),
                open_wait(on, &self.engine.sealer),
                id.clone(),
                path.clone(),
            );
            self.in_flight.spawn(async move {
                let work = async move {
                    match action::find(&step.action.kind) {
                        Some(action) => action.look(&ports, &call, &on).await,
                        None => Err(Fault::terminal("the action is not available in this build")),
                    }
                };
                let outcome = guarded(Duration::from_mins(1), work).await;
                Attempt { run, path, outcome, looked: true }
            });
        }
        Ok(again)
    }
}
