//! Takes in what people decided: tasks that were done, requests to converge. Approvals are the planner's.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::drive::Driver;
use super::engine::{Doing, EngineError};
use super::finish::seal_outputs;
use crate::catalog::Catalog;
use crate::run::{BreakerKey, Event, StepEvent, StepState};
use crate::store::{Decision, DecisionKind, Task, TaskState};

impl Driver {
    /// Acts on decisions that were recorded since the last time; returns how many there were.
    pub async fn decide(&mut self, catalog: &Arc<Catalog>) -> Result<usize, EngineError> {
        self.be_sure().await?;
        let decisions = self.heed_all(catalog).await;
        let decisions = self.end(decisions).await?;
        if let Some(last) = decisions.last() {
            self.memory.state.decisions_seen = self.memory.state.decisions_seen.max(last.seq);
        }
        Ok(decisions.len())
    }

    async fn heed_all(&mut self, catalog: &Arc<Catalog>) -> Result<Vec<Decision>, EngineError> {
        let store = self.engine.store.clone();
        if self.memory.last_decision > 0
            && store.last_decision().await.doing("reading decisions")? <= self.memory.last_decision
        {
            return Ok(Vec::new());
        }
        let after = self.memory.last_decision;
        let decisions = store.decisions_after(after).await.doing("reading decisions")?;
        for decision in &decisions {
            let seen = self.memory.state.decisions_seen;
            let held = self.memory.state.held.len();
            self.memory.take_decision(decision);
            if decision.seq <= seen {
                continue;
            }
            match &decision.decision {
                DecisionKind::CompleteTask { task, outputs } => {
                    self.complete(*task, (decision, outputs), catalog).await?;
                }
                DecisionKind::Grant { approval, .. } | DecisionKind::Refuse { approval, .. } => {
                    self.heed(*approval).await?;
                }
                DecisionKind::Control { run, control, reason, .. } => {
                    Box::pin(self.control((decision, reason), (run, control), catalog)).await?;
                }
                DecisionKind::Release { service, reason }
                    if self.memory.state.held.len() < held =>
                {
                    Box::pin(self.released((decision, reason), service, catalog)).await?;
                }
                DecisionKind::ResetBreaker { action, target, .. } => {
                    let (action, target) = (action.clone(), target.clone());
                    self.reset_breaker(&BreakerKey { action, target }).await?;
                }
                _ => {}
            }
        }
        Ok(decisions)
    }

    async fn complete(
        &mut self,
        number: i64,
        (decision, outputs): (&Decision, &Map<String, Value>),
        catalog: &Arc<Catalog>,
    ) -> Result<(), EngineError> {
        let tasks = self.engine.store.tasks(true).await.doing("reading tasks")?;
        let Some(task) = tasks.into_iter().find(|task| task.number == number) else {
            tracing::warn!(task = number, by = decision.by, "this task is not open any more");
            return self.tell_refused_task(decision, number).await;
        };
        let waits = self.memory.runs.get(&task.run).and_then(|run| run.steps.get(&task.step));
        if !waits.is_some_and(|progress| matches!(progress.state, StepState::Waiting { .. })) {
            // Its step was journaled as done, and the process ended before the task was closed.
            return self.close_task(number, &decision.by).await;
        }
        let Some(run) = self.memory.runs.get(&task.run) else { return Ok(()) };
        let found = run.change.units.iter().find_map(|unit| {
            let step = unit.steps.iter().find(|step| step.path == task.step)?;
            Some((unit.definition.clone(), step.action.id.clone()))
        });
        let Some((definition, action)) = found else { return Ok(()) };
        let outputs = seal_outputs(&definition, &action, outputs.clone(), &self.engine.sealer);
        let result = json!({"task": number, "by": decision.by});
        let event = Event::Step {
            path: task.step.clone(),
            event: StepEvent::Succeeded { result, outputs },
        };
        self.journal(&task.run, vec![event], catalog).await?;
        self.close_task(number, &decision.by).await
    }

    async fn close_task(&self, number: i64, by: &str) -> Result<(), EngineError> {
        let store = &self.engine.store;
        let closed = store.close_task(&self.engine.lease, number, TaskState::Done, by).await;
        closed.doing("closing a task")
    }
}

/// Checks what somebody enters for a task against what it asks for; the problems, in words.
pub fn check_outputs(task: &Task, outputs: &Map<String, Value>) -> Vec<String> {
    let mut problems: Vec<String> = task
        .outputs
        .iter()
        .filter(|(name, kind)| !outputs.get(*name).is_some_and(|value| fits(value, kind)))
        .map(|(name, kind)| match outputs.get(name) {
            None => format!("output `{name}` ({kind}) is missing: --output {name}=…"),
            Some(_) => format!("output `{name}` is not a {kind}"),
        })
        .collect();
    let unknown = outputs.keys().filter(|name| !task.outputs.contains_key(*name));
    problems.extend(unknown.map(|name| format!("the task has no output `{name}`")));
    problems
}

/// Reads `name=value` pairs as the types that a task asks for.
pub fn typed_outputs(task: &Task, entered: &BTreeMap<String, String>) -> Map<String, Value> {
    typed_values(&task.outputs, entered)
}

/// Reads texts as the types that are named for them; what does not fit stays a text.
pub fn typed_values(
    kinds: &BTreeMap<String, String>,
    entered: &BTreeMap<String, String>,
) -> Map<String, Value> {
    entered
        .iter()
        .map(|(name, text)| {
            let value = match kinds.get(name).map(String::as_str) {
                Some("number") => text.parse::<serde_json::Number>().map(Value::Number).ok(),
                Some("boolean") => text.parse::<bool>().map(Value::Bool).ok(),
                _ => None,
            };
            (name.clone(), value.unwrap_or_else(|| Value::String(text.clone())))
        })
        .collect()
}

fn fits(value: &Value, kind: &str) -> bool {
    match kind {
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => value.is_string() || crate::secret::sealed_hash(value).is_some(),
    }
}
