//! Has forecasts made for changes that wait for one, and keeps them while they are wanted. Nothing outside changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;

use super::attempt::guarded;
use super::call::{fill, marker_of};
use super::drive::Driver;
use super::engine::{Engine, EngineError};
use super::start::new_record;
use crate::action;
use crate::digest::Digest;
use crate::id::StepPath;
use crate::reconcile::{
    Forecast, Forecasted, Plan, PlannedStep, UnitChange, UnitRecord, forecast_steps, record_of,
};
use crate::run::{Fault, FaultClass, timeout_of};

/// Forecasts that are made at once.
const AT_ONCE: usize = 4;

/// What came of the wish to have a forecast.
#[derive(Debug)]
pub struct ForecastMade {
    key: Digest,
    step: StepPath,
    outcome: Result<Option<Forecast>, Fault>,
}

/// Forecasts that are being made, and those that must not be tried yet.
#[derive(Default)]
pub(super) struct Forecasting {
    underway: JoinSet<ForecastMade>,
    asked: BTreeSet<Digest>,
    put_off: BTreeMap<Digest, Timestamp>,
}

impl Forecasting {
    /// Waits for the next forecast; never comes back while none is being made.
    pub(super) async fn next(&mut self) -> ForecastMade {
        loop {
            match self.underway.join_next().await {
                Some(Ok(made)) => return made,
                // They catch their own panics; a cancelled one has nobody waiting for it.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }
}

impl Driver {
    /// Begins to make the forecasts that a plan waits for, and forgets those that nothing waits for any more.
    pub async fn forecast(&mut self, plan: &Plan) -> Result<(), EngineError> {
        let now = self.engine.clock.now();
        let mut wanted: BTreeSet<Digest> = BTreeSet::new();
        for (unit, step, key) in plan.changes.iter().flat_map(forecast_steps) {
            wanted.insert(key);
            let is_known = match self.memory.state.forecasts.get(&key) {
                Some(Forecasted::Made(_) | Forecasted::Nothing) => true,
                Some(Forecasted::Failed { .. }) => {
                    self.forecasting.put_off.get(&key).is_some_and(|again| *again > now)
                }
                None => false,
            };
            let is_full = self.forecasting.asked.len() >= AT_ONCE;
            let is_barred = !plan.may_forecast(&unit.unit.service);
            if is_known || is_full || is_barred || self.forecasting.asked.contains(&key) {
                continue;
            }
            let record = self.read(&unit.unit).await?;
            let record = record.filter(|_| unit.uid.is_some());
            self.begin_to_forecast((unit.clone(), step.clone()), record, key);
        }
        self.memory.state.forecasts.retain(|key, _| wanted.contains(key));
        self.forecasting.put_off.retain(|key, _| wanted.contains(key));
        Ok(())
    }

    fn begin_to_forecast(
        &mut self,
        (unit, step): (UnitChange, PlannedStep),
        record: Option<UnitRecord>,
        key: Digest,
    ) {
        self.forecasting.asked.insert(key);
        let engine = self.engine.clone();
        let path = step.path.clone();
        tracing::info!(step = %path, service = unit.unit.service, "forecasting");
        self.forecasting.underway.spawn(async move {
            let timeout = timeout_of(&step.action);
            let work = async move { ask(&engine, (&unit, &step), record).await };
            ForecastMade { key, step: path, outcome: guarded(timeout, work).await }
        });
    }

    /// Waits for the next forecast; never comes back while none is being made.
    pub async fn forecasted(&mut self) -> ForecastMade {
        self.forecasting.next().await
    }

    /// Tells whether forecasts are being made.
    pub fn is_forecasting(&self) -> bool {
        !self.forecasting.underway.is_empty()
    }

    /// Takes in a forecast; the next plan has it.
    pub fn take_forecast(&mut self, made: ForecastMade) {
        let ForecastMade { key, step, outcome } = made;
        self.forecasting.asked.remove(&key);
        let forecasted = match outcome {
            Ok(Some(forecast)) => {
                tracing::info!(%step, summary = forecast.summary, "forecast");
                Forecasted::Made(forecast)
            }
            Ok(None) => Forecasted::Nothing,
            Err(fault) => {
                let pause = match fault.class {
                    FaultClass::Transient => Duration::from_secs(30),
                    FaultClass::Terminal | FaultClass::Unknown => Duration::from_mins(5),
                };
                self.forecasting.put_off.insert(key, self.engine.clock.now() + pause);
                tracing::warn!(%step, %fault, "can't be forecast");
                Forecasted::Failed { why: fault.message }
            }
        };
        self.memory.state.forecasts.insert(key, forecasted);
    }
}

/// Asks an action what a step would bring about.
async fn ask(
    engine: &Engine,
    (unit, step): (&UnitChange, &PlannedStep),
    record: Option<UnitRecord>,
) -> Result<Option<Forecast>, Fault> {
    let kind = &step.action.kind;
    let Some(action) = action::find(kind) else { return Ok(None) };
    // What is not there yet has no name that its effects are known by: it goes by the unit's own.
    let marker = match &record {
        Some(record) => marker_of(&engine.catalog, record, &step.path),
        None => format!("forecast-{}-{}-{}", engine.catalog, unit.unit, step.action.id),
    };
    let record = record.unwrap_or_else(|| new_record(unit));
    let (config, secrets) = fill(engine, &record, (kind, &step.config)).await?;
    let call = action::Call {
        key: marker.clone(),
        marker,
        attempt: 1,
        title: format!("{} {}", unit.unit, step.action.id),
        service: unit.unit.service.clone(),
        config,
        outputs: step.action.outputs.clone(),
        previous: record_of(Some(&record), &step.action).cloned(),
        secrets,
        correlation: "forecast".to_owned(),
        timeout: timeout_of(&step.action),
        before: Vec::new(),
        arrived: None,
        forecast: None,
    };
    action.forecast(&engine.ports, &call).await
}
