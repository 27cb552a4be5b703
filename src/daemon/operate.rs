//! Operations that people asked for: each is carried out once, like one whose time has come, or refused with the reason.

use serde_json::json;

use super::daemon::Daemon;
use super::error::TickError;
use crate::id::UnitKey;
use crate::reconcile::{Desired, Due, Unit, UnitRecord};
use crate::store::Operating;

impl Daemon {
    /// Adds what people asked for to what is due; what was carried out, or can't be, is asked for no more.
    pub(super) async fn add_asked(&mut self, desired: &Desired) -> Result<(), TickError> {
        for (decision, word) in self.driver.memory.state.operating.clone() {
            // A run of it may give way to a newer revision: only then is it known whether it comes once more.
            let mut runs = self.driver.memory.runs.values();
            if runs.any(|run| run.change.service == word.service) {
                continue;
            }
            let units: Vec<UnitKey> = desired
                .units_of(&word.service)
                .filter(|unit| unit.definition.operations.contains_key(&word.operation))
                .map(|unit| unit.key.clone())
                .collect();
            if let Some(why) = Self::why_not_operated(&word, &units, desired) {
                tracing::warn!(service = word.service, by = word.by, why, "not carried out");
                let engine = &self.driver.engine;
                let told = json!({
                    "service": word.service, "operation": word.operation, "decision": decision, "why": why,
                });
                let now = engine.clock.now();
                let told = ("operate.refused", &told);
                engine.store.write_and_tell(&engine.lease, &[], told, now).await?;
                self.asked_no_more(decision).await?;
                continue;
            }
            let due = Due::asked(&word.operation, (decision, word.at));
            let is_done =
                |record: &UnitRecord| record.fired.get(&due.kept_as()) == Some(&due.fired);
            let records = self.driver.engine.store.units(&units).await?;
            let done: Vec<UnitKey> =
                records.into_iter().filter(is_done).map(|record| record.row.key).collect();
            if done.len() == units.len() {
                self.asked_no_more(decision).await?;
                continue;
            }
            for unit in units.into_iter().filter(|unit| !done.contains(unit)) {
                self.driver.memory.due.entry(unit).or_insert_with(|| due.clone());
            }
        }
        Ok(())
    }

    /// On disk before the next of the same name begins, so that none comes twice.
    async fn asked_no_more(&mut self, decision: i64) -> Result<(), TickError> {
        self.driver.memory.state.operating.remove(&decision);
        self.save_state().await
    }

    fn why_not_operated(word: &Operating, units: &[UnitKey], desired: &Desired) -> Option<String> {
        // One that does not fit now, or that can't be read, may do so again.
        let waits =
            desired.blocked.contains_key(&word.service) || desired.absent_is_unknown.is_some();
        let mut all = desired.units_of(&word.service).peekable();
        if all.peek().is_none() {
            return (!waits).then(|| "the catalog has no such service".to_owned());
        }
        if units.is_empty() {
            return Some(format!("its item has no operation `{}`", word.operation));
        }
        let is_suspended = |unit: &std::sync::Arc<Unit>| unit.service.state == "suspended";
        let leads = |unit: &std::sync::Arc<Unit>| {
            unit.definition.operations.get(&word.operation)?.state.clone()
        };
        let all: Vec<_> = all.collect();
        if all.iter().any(|unit| is_suspended(unit)) {
            return Some("its `state` is suspended".to_owned());
        }
        let state = all.iter().find_map(|unit| leads(unit))?;
        Some(format!("it leads to the state `{state}`, which the service's file asks for"))
    }
}
