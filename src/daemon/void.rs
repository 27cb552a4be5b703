//! Approvals of changes that became different: they are void, once, and it is told whose and what became different.

use std::collections::BTreeSet;

use serde_json::json;

use super::daemon::Daemon;
use super::error::TickError;
use crate::digest::Digest;
use crate::reconcile::{Plan, became};

impl Daemon {
    /// Voids the approvals of changes in whose place the plan has others.
    pub(super) async fn void_approvals(&mut self, plan: &Plan) -> Result<(), TickError> {
        let pending = &plan.pending;
        self.driver.memory.state.voided.retain(|service, _| pending.contains_key(service));
        let decided = &self.driver.memory.decided;
        let live: BTreeSet<Digest> =
            plan.changes.iter().map(|change| change.digest).chain([plan.digest]).collect();
        let stale = decided.approvals.keys().filter(|digest| !live.contains(digest));
        let stale: Vec<Digest> =
            stale.filter(|digest| !decided.approved_plans.contains(digest)).copied().collect();
        let seen = (plan.digest, stale.len());
        if stale.is_empty() || self.voided_for == Some(seen) {
            return Ok(());
        }
        for digest in stale {
            let store = self.driver.engine.store.clone();
            let plans = store.plans_by_prefix(&digest.to_string()).await?;
            let before = plans.iter().flat_map(|plan| &plan.changes).find(|it| it.digest == digest);
            let Some(before) = before else { continue };
            let Some(after) = plan.change(&before.service) else { continue };
            let by = self.driver.memory.decided.approvals.get(&digest).cloned().unwrap_or_default();
            let changed = became(before, after);
            let service = &before.service;
            let detail = json!({"service": service, "subject": digest, "by": by,
                                "became": after.digest, "changed": changed});
            let engine = &self.driver.engine;
            let now = engine.clock.now();
            store.write_and_tell(&engine.lease, &[], ("approval.void", &detail), now).await?;
            let by: Vec<String> = by.into_iter().collect();
            let told = format!("the approval of {} is void: {}", by.join(", "), changed.join("; "));
            tracing::warn!(service, "{told}");
            self.driver.memory.state.voided.insert(service.clone(), told);
            self.driver.memory.use_up(digest);
        }
        self.voided_for = Some(seen);
        Ok(())
    }
}
