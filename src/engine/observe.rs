//! The drift sweep: looks at what steps left behind, against what was last written. It changes nothing outside.

use std::time::Duration;

use crate::action;
use crate::id::UnitKey;
use crate::kinds;
use crate::reconcile::{Observation, Observed, StepRecord, UnitRecord};
use crate::run::Fault;
use crate::store::UnitWrite;

use super::call::{fill, marker_of};
use super::drive::Driver;
use super::engine::{Doing, EngineError};

/// Units whose records are read at once.
const BATCH: usize = 200;

impl Driver {
    /// Looks at every unit that can be looked at and has no open run; returns how many differ from before.
    pub async fn sweep(&mut self) -> Result<usize, EngineError> {
        let running: Vec<&String> =
            self.memory.runs.values().map(|run| &run.change.service).collect();
        let keys: Vec<UnitKey> = self
            .memory
            .rows
            .values()
            .filter(|row| {
                row.applied.is_some() && !row.retained && !running.contains(&&row.key.service)
            })
            .map(|row| row.key.clone())
            .collect();
        let mut changed = 0;
        for batch in keys.chunks(BATCH) {
            let records = self.engine.store.units(batch).await.doing("reading units")?;
            let mut writes = Vec::new();
            for record in records {
                if let Some(record) = self.observe(record).await {
                    writes.push(UnitWrite::Put(Box::new(record)));
                }
            }
            if !writes.is_empty() {
                changed += writes.len();
                let written = self.engine.store.write_units(&self.engine.lease, &writes).await;
                written.doing("recording observations")?;
                self.memory.take_writes(&writes);
            }
        }
        Ok(changed)
    }

    /// Returns the record of a unit with what was seen, where that is not what was seen before.
    async fn observe(&self, mut record: UnitRecord) -> Option<UnitRecord> {
        let now = self.engine.clock.now();
        let mut changed = false;
        for (id, step) in record.steps.clone() {
            if !is_observable(&step) {
                continue;
            }
            let observation = self.look_at(&record, (&id, &step)).await;
            let before = record.observed.get(&id).map(|seen| &seen.observation);
            if before.unwrap_or(&Observation::Same) == &observation {
                continue;
            }
            if let Observation::Unknown { reason } = &observation {
                tracing::warn!(unit = %record.row.key, step = id, reason, "can't be observed");
            }
            changed = true;
            record.observed.insert(id, Observed { at: now, observation });
        }
        record.row.drifted = record.observed.values().any(|seen| seen.observation.is_drift());
        changed.then_some(record)
    }

    async fn look_at(&self, record: &UnitRecord, (id, step): (&str, &StepRecord)) -> Observation {
        let unknown = |fault: Fault| Observation::Unknown { reason: fault.message };
        let Some(action) = action::find(&step.action) else {
            return Observation::Unknown { reason: "not available in this build".to_owned() };
        };
        let (config, secrets) = match fill(&self.engine, record, (&step.action, &step.sent)).await {
            Ok(filled) => filled,
            Err(fault) => return unknown(fault),
        };
        let marker = marker_of(
            &self.engine.catalog,
            record,
            &crate::reconcile::path_of(&record.row.key, id),
        );
        let call = action::Call {
            key: marker.clone(),
            marker,
            title: format!("{} {id}", record.row.key),
            service: record.row.key.service.clone(),
            config,
            outputs: std::collections::BTreeMap::new(),
            previous: Some(step.clone()),
            secrets,
            correlation: step.run.to_string(),
        };
        let seen = tokio::time::timeout(
            Duration::from_secs(30),
            action.observe(&self.engine.ports, &call),
        );
        match seen.await {
            Ok(Ok(observation)) => observation,
            Ok(Err(fault)) => unknown(fault),
            Err(_) => Observation::Unknown { reason: "no answer within 30 s".to_owned() },
        }
    }
}

/// Tells whether what a step left behind can be looked at.
fn is_observable(step: &StepRecord) -> bool {
    kinds::find(&step.action)
        .and_then(|kind| kind.observable)
        .is_some_and(|pointer| pointer.is_empty() || step.sent.pointer(pointer).is_some())
}
