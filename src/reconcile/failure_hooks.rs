//! The steps that an item's author wants carried out when a run failed. They know why, and what is left.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::by_hand::standing_in;
use super::change::{PlannedStep, UnitChange};
use super::steps::outputs_seen;
use crate::id::StepPath;

/// What the end of such a step's name begins with; no action can have an id like it.
const HOOK: &str = "onFailure";

/// Tells whether a step is carried out because its run failed.
pub fn is_hook(path: &StepPath) -> bool {
    path.0.rsplit_once('~').is_some_and(|(_, end)| end.starts_with(HOOK))
}

/// Tells at the how manieth failure of its run a step is carried out.
pub fn round_of(path: &StepPath) -> usize {
    let number = path.0.rsplit_once('~').and_then(|(_, end)| end.strip_prefix(HOOK));
    number.map_or(0, |number| number.parse().unwrap_or(1))
}

/// Plans what follows the failure of a unit, at the how manieth of its run; nothing where nothing does.
pub fn after_failure(
    unit: &UnitChange,
    failure: &Map<String, Value>,
    round: usize,
) -> Result<Vec<PlannedStep>, String> {
    let number = if round > 1 { round.to_string() } else { String::new() };
    let seen = unit.steps.iter().filter(|step| !is_hook(&step.path));
    let outputs: BTreeMap<String, Value> = seen
        .map(|step| (step.action.id.clone(), json!(outputs_seen(&step.action, Some(step)))))
        .collect();
    standing_in(
        unit,
        (&unit.definition.failure_hooks, &format!("~{HOOK}{number}")),
        failure,
        (&[], outputs),
    )
}
