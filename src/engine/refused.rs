//! Tells the audit chain which words of people were not acted upon, and why: they were taken for fitting when they were said,
//! and no longer were when their turn came.

use serde_json::{Value, json};

use super::drive::Driver;
use super::engine::{Doing, EngineError};
use crate::id::RunId;
use crate::store::{Decision, DecisionKind};

impl Driver {
    /// Tells that a word on a run was not acted upon.
    pub(super) async fn tell_refused(
        &self,
        decision: &Decision,
        (run, word): (&RunId, &str),
        why: &str,
    ) -> Result<(), EngineError> {
        let service = match &decision.decision {
            DecisionKind::Control { service, .. } => service.as_str(),
            _ => "",
        };
        let (by, seq) = (&decision.by, decision.seq);
        let detail = json!({
            "run": run, "service": service, "word": word, "decision": seq, "by": by, "why": why,
        });
        self.tell("run.refused", &detail).await
    }

    /// Tells that a task was completed that nobody waits for any more.
    pub(super) async fn tell_refused_task(
        &self,
        decision: &Decision,
        task: i64,
    ) -> Result<(), EngineError> {
        let (by, seq) = (&decision.by, decision.seq);
        let why = "it was not open any more";
        let detail = json!({"task": task, "decision": seq, "by": by, "why": why});
        self.tell("task.refused", &detail).await
    }

    async fn tell(&self, what: &str, detail: &Value) -> Result<(), EngineError> {
        let (store, lease) = (&self.engine.store, &self.engine.lease);
        let told = store.write_and_tell(lease, &[], (what, detail), self.engine.clock.now()).await;
        told.doing("telling what was refused")
    }
}
