//! The drift sweep: looks at what steps left behind, against what was last written. It changes nothing outside.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::call::{fill, marker_of};
use super::drive::Driver;
use super::engine::{Doing, Engine, EngineError};
use super::finish::sealed_of;
use super::health::health_of;
use crate::action;
use crate::id::{RunId, UnitKey};
use crate::kinds;
use crate::reconcile::{HEALTH, Observation, Observed, StepRecord, UnitRecord, path_of};
use crate::run::Fault;
use crate::store::UnitWrite;

/// Units that are looked at together.
const BATCH: usize = 100;
/// Steps that are looked at at once.
const AT_ONCE: usize = 8;

/// What was seen of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    unit: UnitKey,
    step: String,
    /// The run whose work was looked at; an older look says nothing about newer work.
    run: RunId,
    observation: Observation,
}

/// Looks at what the steps of some units left behind.
pub async fn observe(engine: Engine, keys: Vec<UnitKey>) -> Result<Vec<Seen>, EngineError> {
    let mut seen = Vec::new();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    for batch in keys.chunks(BATCH) {
        let records = engine.store.units(batch).await.doing("reading units")?;
        let mut looks = JoinSet::new();
        for record in records.into_iter().map(Arc::new) {
            if let Some(applied) =
                record.applied.as_ref().filter(|it| it.definition.health.is_some())
            {
                let (unit, run) = (record.row.key.clone(), applied.run.clone());
                let (engine, record, places) = (engine.clone(), record.clone(), places.clone());
                looks.spawn(async move {
                    let _place = places.acquire().await;
                    let observation = health_of(&engine, &record).await?;
                    Some(Seen { unit, step: HEALTH.to_owned(), run, observation })
                });
            }
            for (id, step) in record.steps.iter().filter(|(_, step)| is_observable(step)) {
                let (engine, record, places) = (engine.clone(), record.clone(), places.clone());
                let (id, step) = (id.clone(), step.clone());
                looks.spawn(async move {
                    let _place = places.acquire().await;
                    let observation = look_at(&engine, &record, (&id, &step)).await;
                    Some(Seen {
                        unit: record.row.key.clone(),
                        step: id,
                        run: step.run,
                        observation,
                    })
                });
            }
        }
        while let Some(look) = looks.join_next().await {
            seen.extend(look.ok().flatten());
        }
    }
    Ok(seen)
}

async fn look_at(
    engine: &Engine,
    record: &UnitRecord,
    (id, step): (&str, &StepRecord),
) -> Observation {
    let unknown = |fault: Fault| Observation::Unknown { reason: fault.message };
    let Some(action) = action::find(&step.action) else {
        return Observation::Unknown { reason: "not available in this build".to_owned() };
    };
    let (config, mut secrets) = match fill(engine, record, (&step.action, &step.sent)).await {
        Ok(filled) => filled,
        Err(fault) => return unknown(fault),
    };
    secrets.extend(sealed_of(record, &engine.sealer));
    let marker = marker_of(&engine.catalog, record, &path_of(&record.row.key, id));
    let call = action::Call {
        key: marker.clone(),
        marker,
        attempt: 1,
        title: format!("{} {id}", record.row.key),
        service: record.row.key.service.clone(),
        config,
        outputs: BTreeMap::new(),
        previous: Some(step.clone()),
        secrets,
        correlation: step.run.to_string(),
        timeout: action.patience(),
        before: Vec::new(),
        arrived: None,
        forecast: None,
    };
    let patience = action.patience();
    match tokio::time::timeout(patience, action.observe(&engine.ports, &call)).await {
        Ok(Ok(observation)) => observation,
        Ok(Err(fault)) => unknown(fault),
        Err(_) => {
            Observation::Unknown { reason: format!("no answer within {} s", patience.as_secs()) }
        }
    }
}

/// Tells whether what a step left behind can be looked at.
fn is_observable(step: &StepRecord) -> bool {
    kinds::find(&step.action)
        .and_then(|kind| kind.observable)
        .is_some_and(|pointer| pointer.is_empty() || step.sent.pointer(pointer).is_some())
}

impl Driver {
    /// Returns the units that a sweep looks at: applied, looked after, and without an open run.
    pub fn observable(&self) -> Vec<UnitKey> {
        let running: Vec<&String> =
            self.memory.runs.values().map(|run| &run.change.service).collect();
        let rows = self.memory.rows.values();
        let due = rows.filter(|row| {
            row.applied.is_some() && !row.retained && !running.contains(&&row.key.service)
        });
        due.map(|row| row.key.clone()).collect()
    }

    /// Takes in what was seen; returns how many units look different from before.
    pub async fn take_seen(&mut self, seen: Vec<Seen>) -> Result<usize, EngineError> {
        let mut by_unit: BTreeMap<UnitKey, Vec<Seen>> = BTreeMap::new();
        for one in seen {
            by_unit.entry(one.unit.clone()).or_default().push(one);
        }
        let mut changed = 0;
        for (key, seen) in by_unit {
            let Some(record) = self.read(&key).await? else { continue };
            if let Some(record) = self.with_seen(record, seen) {
                let writes = [UnitWrite::Put(Box::new(record))];
                let written = self.engine.store.write_units(&self.engine.lease, &writes).await;
                written.doing("recording observations")?;
                self.memory.take_writes(&writes);
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// Returns the record with what was seen, where that is not what was seen before.
    fn with_seen(&self, mut record: UnitRecord, seen: Vec<Seen>) -> Option<UnitRecord> {
        let mut changed = false;
        for one in seen {
            let of = match one.step.as_str() {
                HEALTH => record.applied.as_ref().map(|applied| &applied.run),
                step => record.steps.get(step).map(|step| &step.run),
            };
            let current = of == Some(&one.run);
            let before = record.observed.get(&one.step).map(|seen| &seen.observation);
            // Of health it is told, too, that it is well.
            let before = before.or((one.step == HEALTH).then_some(&Observation::Absent));
            if !current || before.unwrap_or(&Observation::Same) == &one.observation {
                continue;
            }
            match &one.observation {
                Observation::Unknown { reason } if one.step == HEALTH => {
                    tracing::warn!(unit = %record.row.key, reason, "not healthy");
                }
                Observation::Same if one.step == HEALTH => {
                    tracing::info!(unit = %record.row.key, "healthy");
                }
                Observation::Unknown { reason } => {
                    tracing::warn!(unit = %record.row.key, step = one.step, reason, "can't be observed");
                }
                Observation::Different { .. } | Observation::Absent => {
                    tracing::warn!(unit = %record.row.key, step = one.step, "drifted");
                }
                Observation::Same => {
                    tracing::info!(unit = %record.row.key, step = one.step, "as it was written again");
                }
            }
            changed = true;
            let at = self.engine.clock.now();
            record.observed.insert(one.step, Observed { at, observation: one.observation });
        }
        record.row.drifted = record.observed.values().any(|seen| seen.observation.is_drift());
        changed.then_some(record)
    }
}
