//! What steps wait for: tasks of people, proposals, and the looks that ask whether it has come.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::approvals::APPROVAL;
use super::attempt::{Attempt, guarded};
use super::call::{Bench, Rendered};
use super::dispatch::earlier;
use super::drive::{Driver, Heard};
use super::engine::{Doing, EngineError};
use super::finish::open_wait;
use crate::action::{self, TaskRequest};
use crate::catalog::Catalog;
use crate::id::{RunId, StepPath};
use crate::reconcile::{Effect, PlannedStep, UnitChange};
use crate::run::{Fault, Place, Run, StepState, Wait};
use crate::store::{ABOUT_CATALOG, Proposal, Task, TaskState};

/// Between two looks whether the time of a callback ran out.
const CALLBACK_PAUSE: Duration = Duration::from_secs(30);

/// Between two looks at a pull request elsewhere: GitHub tells of it where webhooks are set up.
const TOLD_PAUSE: Duration = Duration::from_secs(15);

/// Between two looks whether there is room for one more proposal: many may wait for it.
const TURN_PAUSE: Duration = Duration::from_mins(1);

impl Driver {
    /// Takes in what others posted: steps that wait for it are looked at now. Tells how many there are, and whether
    /// the catalog was among it.
    pub async fn hear(&mut self) -> Result<Heard, EngineError> {
        let after = self.heard;
        let store = self.engine.store.clone();
        let told = store.arrivals_after(after).await.doing("reading what others posted")?;
        let mut heard = Heard::default();
        for (seq, about) in told {
            self.heard = self.heard.max(seq);
            heard.catalog |= about == ABOUT_CATALOG;
            let waiting = self.memory.runs.iter().flat_map(|(id, run)| {
                let steps = run.steps.iter().filter(|(_, progress)| {
                    let StepState::Waiting { on } = &progress.state else { return false };
                    on.reference.get("about").and_then(Value::as_str) == Some(&about)
                });
                steps.map(|(path, _)| (id.clone(), path.clone()))
            });
            for slot in waiting {
                heard.steps += 1;
                self.last_look.remove(&slot);
            }
        }
        Ok(heard)
    }

    /// Opens what was posted to the callback that a step waits for.
    async fn arrived(&self, on: &Wait) -> Result<Option<Value>, EngineError> {
        let about = on.reference.get("about").and_then(Value::as_str);
        let Some(about) = about.filter(|_| on.on == "callback") else { return Ok(None) };
        let sealed = self.engine.store.arrived(about).await.doing("reading what others posted")?;
        sealed.map(|sealed| self.engine.sealer.open(&sealed)).transpose().doing("opening an answer")
    }

    /// Remembers a proposal that a step waits for, so that people find it.
    pub(super) async fn remember_proposal(
        &self,
        (run, path): (&Run, &StepPath),
        on: &Wait,
    ) -> Result<(), EngineError> {
        if on.on != "proposal" {
            return Ok(());
        }
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
        for (path, progress) in run.live() {
            let StepState::Waiting { on } = &progress.state else { continue };
            let slot = (id.clone(), path.clone());
            if matches!(on.on.as_str(), "task" | APPROVAL) || self.busy.contains_key(&slot) {
                continue;
            }
            // A callback is heard of when it comes; until then only its time can run out. What others may tell us of,
            // or nobody can hurry, is not asked for at every turn either.
            let has_about = on.reference.get("about").is_some();
            let pause = match on.on.as_str() {
                "callback" => self.engine.limits.look_every.max(CALLBACK_PAUSE),
                "proposal" if has_about => self.engine.limits.look_every.max(TOLD_PAUSE),
                "turn" => self.engine.limits.look_every.max(TURN_PAUSE),
                _ => self.engine.limits.look_every,
            };
            let due = self.last_look.get(&slot).map_or(now, |last| *last + pause);
            if due > now {
                again = earlier(again, Some(due));
                continue;
            }
            let Some((unit, step)) = Self::find(&run, path) else { continue };
            let mut place = self.place(&run, step);
            if on.on == "callback" {
                // Whom the step asked is not asked again.
                place.target = None;
            }
            if !self.admission.may_ask(&place, now) {
                again = earlier(again, self.admission.again(&place));
                continue;
            }
            // The end of any look is when the next one begins.
            if self.looks_under_way() >= self.engine.limits.capacity.all {
                return Ok(again);
            }
            self.look_once((&run, path, on), (unit, step, place), catalog).await?;
        }
        Ok(again)
    }

    /// Asks once whether what a step waits for has come.
    async fn look_once(
        &mut self,
        (run, path, on): (&Run, &StepPath, &Wait),
        (unit, step, place): (&UnitChange, &PlannedStep, Place),
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let Some(record) = self.read(&unit.unit).await? else { return Ok(()) };
        let bench = Bench::of(&self.engine, catalog, (run, unit, &record)).await?;
        let rendered = match step.effect {
            Effect::Undo | Effect::UndoByHand | Effect::Restore => bench.render_undo(step).await,
            Effect::Perform | Effect::Keep | Effect::Adopt => bench.render(step).await,
        };
        drop(bench);
        let call = match rendered {
            Ok(Rendered { call, .. }) => call,
            Err(fault) => {
                return self.look_failed((run.id.clone(), path.clone()), &fault, catalog).await;
            }
        };
        let arrived = self.arrived(on).await?;
        let key = run.steps.get(path).and_then(|progress| progress.key.clone());
        let call = action::Call { key: key.unwrap_or_default(), arrived, ..call };
        let ticket = self.admit(place, true).await?;
        let slot = (run.id.clone(), path.clone());
        self.busy.insert(slot.clone(), ticket);
        let (ports, on) =
            (self.engine.ports.clone(), open_wait(on, &self.engine.sealer).untroubled());
        let kind = step.action.kind.clone();
        self.in_flight.spawn(async move {
            let work = async move {
                match action::find(&kind) {
                    Some(action) => action.look(&ports, &call, &on).await,
                    None => Err(Fault::terminal("the action is not available in this build")),
                }
            };
            let outcome = guarded(Duration::from_mins(1), work).await;
            let (run, path) = slot;
            Attempt { run, path, outcome, looked: true }
        });
        Ok(())
    }
}
