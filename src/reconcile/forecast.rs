//! Forecasts: what a program says that a step would bring about. They join the change that is approved; here is
//! decided which steps have one, and nothing is run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change::{Change, ChangeKind, Effect, PlannedStep, UnitChange, When};
use super::facts::Facts;
use super::plan::Pending;
use super::steps::step_digest;
use crate::digest::Digest;
use crate::kinds;
use crate::template::has_unknown;

/// What a step would bring about, as its program says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Covers all that it says; part of the digest of the change.
    pub digest: Digest,
    /// In one line: `1 to add, 0 to change, 0 to destroy`.
    pub summary: String,
    /// What changes, line by line: a sign, then what; secrets masked. At most as much as a person reads.
    pub lines: Vec<String>,
    /// Where its action keeps what is to be carried out; no part of the digest.
    pub reference: Value,
}

/// What came of the wish to have a forecast.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "forecast", rename_all = "lowercase")]
pub enum Forecasted {
    /// This.
    Made(Forecast),
    /// It can't be told beforehand: the step goes on without.
    Nothing,
    /// It could not be made.
    Failed {
        /// Why.
        why: String,
    },
}

/// Forecasts by what they were made of.
pub type Forecasts = BTreeMap<Digest, Forecasted>;

/// Returns the steps of a change that have a forecast, each with what it is known by: the step as rendered, and what
/// was recorded of its unit.
pub fn forecast_steps(
    change: &Change,
) -> impl Iterator<Item = (&UnitChange, &PlannedStep, Digest)> {
    let steps =
        change.units.iter().flat_map(|unit| unit.steps.iter().map(move |step| (unit, step)));
    steps
        .filter(|(unit, step)| has_forecast(unit.kind, step))
        .map(|(unit, step)| (unit, step, key_of(unit, step)))
}

/// Tells whether a step has a forecast: what it is given must be known, and nothing before it may take away what it
/// starts from.
fn has_forecast(kind: ChangeKind, step: &PlannedStep) -> bool {
    let in_place = matches!(
        kind,
        ChangeKind::Create | ChangeKind::Update | ChangeKind::Correct | ChangeKind::Adopt
    );
    in_place
        && step.effect == Effect::Perform
        && step.when == When::Yes
        && kinds::forecasts(&step.action.kind, &step.config)
        && !has_unknown(&step.config.to_string())
}

fn key_of(unit: &UnitChange, step: &PlannedStep) -> Digest {
    Digest::of_json(&json!({
        "unit": unit.unit, "uid": unit.uid, "step": step.path, "from": unit.from,
        "sent": step_digest(&step.action.kind, &step.config),
    }))
}

/// Puts what was forecast into a change.
pub(super) fn join(change: &mut Change, known: &Forecasts) {
    for unit in &mut change.units {
        for index in 0..unit.steps.len() {
            let Some(step) = unit.steps.get(index).filter(|step| has_forecast(unit.kind, step))
            else {
                continue;
            };
            let Some(Forecasted::Made(forecast)) = known.get(&key_of(unit, step)) else { continue };
            let forecast = forecast.clone();
            if let Some(step) = unit.steps.get_mut(index) {
                step.forecast = Some(forecast);
            }
        }
    }
}

/// Says which forecasts a change waits for.
pub(super) fn missing(change: &Change, facts: &Facts) -> Vec<Pending> {
    if !facts.forecasting {
        return Vec::new();
    }
    let missing = forecast_steps(change).filter_map(|(_, step, key)| {
        let why = match facts.forecasts.get(&key) {
            None => None,
            Some(Forecasted::Failed { why }) => Some(why.clone()),
            Some(Forecasted::Made(_) | Forecasted::Nothing) => return None,
        };
        Some(Pending::Forecast { step: step.path.clone(), why })
    });
    missing.collect()
}

#[cfg(test)]
mod tests {
    use super::super::show::sample::{change, step, unit};
    use super::*;
    use crate::template::unknown;

    fn wanting(kind: ChangeKind, config: Value) -> Change {
        let mut wanting = unit("db", kind);
        wanting.steps = vec![step("provision", "terraform", config)];
        change("db", vec![wanting])
    }

    fn made(change: &Change, summary: &str) -> Forecasts {
        let forecast = |key| {
            let digest = Digest::of_bytes(summary.as_bytes());
            let (summary, lines) = (summary.to_owned(), Vec::new());
            (key, Forecasted::Made(Forecast { digest, summary, lines, reference: json!({}) }))
        };
        forecast_steps(change).map(|(_, _, key)| forecast(key)).collect()
    }

    fn waits(change: &Change, forecasts: Forecasts) -> String {
        let facts = Facts { forecasting: true, forecasts, ..Facts::default() };
        let said: Vec<String> = missing(change, &facts).iter().map(ToString::to_string).collect();
        said.join("; ")
    }

    #[test]
    fn a_change_waits_for_its_forecast_and_is_another_one_with_it() {
        let mut known = wanting(ChangeKind::Create, json!({"contentTemplate": "x"}));
        let before = known.compute_digest();
        assert_eq!(waits(&known, Forecasts::new()), "forecasting provision");
        assert!(missing(&known, &Facts::default()).is_empty(), "a review waits for nothing");
        let mut failed = made(&known, "");
        failed.values_mut().for_each(|one| *one = Forecasted::Failed { why: "no program".into() });
        assert_eq!(waits(&known, failed), "provision can't be forecast: no program");
        let forecasts = made(&known, "1 to add");
        join(&mut known, &forecasts);
        let first = known.compute_digest();
        assert_ne!(first, before);
        assert_eq!(waits(&known, forecasts), "");
        let forecasts = made(&known, "2 to add");
        join(&mut known, &forecasts);
        assert_ne!(known.compute_digest(), first);
    }

    #[test]
    fn what_can_not_be_told_yet_is_not_waited_for() {
        let none = |change: &Change| assert_eq!(forecast_steps(change).count(), 0);
        none(&wanting(ChangeKind::Create, json!({"contentTemplate": unknown("outputs.net.id")})));
        none(&wanting(ChangeKind::Replace, json!({"contentTemplate": "x"})));
        none(&wanting(ChangeKind::Create, json!({"repositoryMapping": {}})));
        let mut kept = wanting(ChangeKind::Update, json!({}));
        assert_eq!(forecast_steps(&kept).count(), 1);
        kept.units[0].steps[0].effect = Effect::Keep;
        none(&kept);
    }
}
