//! Drops what is recorded of services that people had forgotten, or says why not. It takes nothing away outside.

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::error::TickError;
use crate::id::UnitKey;
use crate::reconcile::{Desired, UnitRecord};
use crate::store::{Forgetting, UnitWrite};

impl Daemon {
    /// Acts on the words to forget services: each once, told in the audit chain whatever comes of it.
    pub(super) async fn forget_services(&mut self, desired: &Desired) -> Result<(), TickError> {
        let words = self.driver.memory.state.forgetting.clone();
        for (service, word) in &words {
            let memory = &self.driver.memory;
            let own = memory.rows.range(UnitKey::service(service)..).map(|(key, _)| key);
            let own: Vec<UnitKey> =
                own.take_while(|key| key.service == *service).cloned().collect();
            let engine = &self.driver.engine;
            let now = engine.clock.now();
            let refused = self.why_remembered((service, word), &own, desired);
            let (writes, what, detail) = if let Some(why) = refused {
                tracing::warn!(service, by = word.by, why, "not forgotten");
                let told = json!({"service": service, "decision": word.decision, "why": why});
                (Vec::new(), "forget.refused", told)
            } else {
                tracing::info!(service, by = word.by, units = own.len(), "forgotten");
                let records = engine.store.units(&own).await?;
                let left: Vec<Value> = records.iter().map(left_outside).collect();
                let told = json!({"service": service, "decision": word.decision, "units": left});
                (own.into_iter().map(UnitWrite::Remove).collect(), "service.forgotten", told)
            };
            engine.store.write_and_tell(&engine.lease, &writes, (what, &detail), now).await?;
            let memory = &mut self.driver.memory;
            memory.take_writes(&writes);
            if !writes.is_empty() {
                memory.stalled.remove(service);
                memory.requested.remove(service);
                memory.state.forgotten.insert(service.clone());
            }
            memory.state.forgetting.remove(service);
            // On disk before anything is made anew, so that what is made then is not forgotten too.
            self.save_state().await?;
        }
        Ok(())
    }

    /// Says why a service is not forgotten; nothing where it is.
    fn why_remembered(
        &self,
        (service, word): (&str, &Forgetting),
        own: &[UnitKey],
        desired: &Desired,
    ) -> Option<String> {
        let mut runs = self.driver.memory.runs.values();
        if let Some(run) = runs.find(|run| run.change.service == service) {
            return Some(format!("run {} is {}; cancel it first", run.id, run.state));
        }
        if own.is_empty() {
            return Some("nothing is recorded of it".to_owned());
        }
        if word.still_wanted {
            return None;
        }
        let is_there = self.catalog.services.contains_key(service)
            || desired.units_of(service).next().is_some()
            || desired.blocked.contains_key(service);
        if is_there {
            return Some("its file is still in the catalog, and it would be made anew".to_owned());
        }
        desired.absent_is_unknown.clone()
    }
}

/// Tells what stays outside, so that people find it.
fn left_outside(record: &UnitRecord) -> Value {
    let steps = record.steps.iter().map(|(id, step)| {
        json!({"step": id, "action": step.action, "result": step.result, "run": step.run})
    });
    let steps: Vec<Value> = steps.collect();
    json!({"unit": record.row.key, "uid": record.row.uid, "steps": steps})
}
