//! What takes back what a change did: each step by its own reverse, and what was changed by what stood there before.

use serde_json::{Value, json};

use super::actual::{StepRecord, UnitRecord};
use super::by_hand::bare_action;
use super::change::{ChangeKind, Effect, PlannedStep, UnitChange, When};
use super::evaluate::scope_of;
use super::failure_hooks::is_hook;
use super::steps::{add_run_scope, available, name_secrets, outputs_seen};
use super::undo::undo_effect;
use crate::catalog::Action;
use crate::id::StepPath;
use crate::kinds::{self, Reversal};

/// Plans what takes back a step, as it was recorded; nothing where it left nothing behind.
///
/// `sure` tells whether it is known to have taken effect; otherwise a person looks.
pub fn taken_back(
    unit: &UnitChange,
    step: &PlannedStep,
    record: Option<&UnitRecord>,
    sure: bool,
) -> Option<PlannedStep> {
    if step.effect == Effect::Adopt {
        return None;
    }
    let left = record.and_then(|record| left_by(record, step));
    let restores = step.previous.is_some() && unit.kind != ChangeKind::Replace;
    let is_there = left.is_some() || unit.kind == ChangeKind::Operate;
    if sure
        && is_there
        && !restores
        && let Some(own) = own_rollback(unit, step)
    {
        return Some(own);
    }
    let by_hand = (Effect::UndoByHand, step.config.clone());
    let (effect, config) = match (left, &step.previous) {
        _ if !sure => by_hand,
        // What an operation did has no reverse, and leaves no record.
        (None, _) if unit.kind == ChangeKind::Operate && leaves_something(step) => by_hand,
        (None, _) => return None,
        (Some(left), previous) => match (undo_effect(left)?, previous) {
            (_, Some(previous)) if unit.kind != ChangeKind::Replace => {
                (Effect::Restore, previous.clone())
            }
            (effect, _) => (effect, left.sent.clone()),
        },
    };
    Some(PlannedStep {
        path: StepPath(format!("{}~undo", step.path)),
        effect,
        when: When::Yes,
        depends_on: Vec::new(),
        config,
        forecast: None,
        outputs: serde_json::Map::new(),
        ..step.clone()
    })
}

/// Plans the `rollback` of an action in the place of its type's own reverse; a person does what can't be planned.
fn own_rollback(unit: &UnitChange, step: &PlannedStep) -> Option<PlannedStep> {
    let written = step.action.rollback.as_ref()?;
    let back = PlannedStep {
        path: StepPath(format!("{}~undo", step.path)),
        when: When::Yes,
        depends_on: Vec::new(),
        forecast: None,
        previous: None,
        outputs: serde_json::Map::new(),
        ..step.clone()
    };
    let planned = planned_rollback(unit, step, written);
    Some(match planned {
        Ok((action, config)) => PlannedStep { effect: Effect::Perform, action, config, ..back },
        Err(_) => PlannedStep { effect: Effect::UndoByHand, ..back },
    })
}

/// It sees what the action that it takes back answered, as all that comes after it does.
fn planned_rollback(
    unit: &UnitChange,
    step: &PlannedStep,
    written: &Value,
) -> Result<(Action, Value), String> {
    let kind = written.get("type").and_then(Value::as_str).unwrap_or_default();
    let config = written.get("config").cloned().unwrap_or_default();
    let mut action = bare_action(&format!("{}~rollback", step.action.id), kind, config.into());
    action.timeout.clone_from(&step.action.timeout);
    action.retry.clone_from(&step.action.retry);
    let kind = available(&action)?;
    let seen = unit.steps.iter().filter(|step| !is_hook(&step.path));
    let seen = seen.map(|step| (step.action.id.clone(), json!(outputs_seen(&step.action, None))));
    let mut scope = scope_of(&unit.inputs, &unit.inputs.fields, &unit.definition);
    let owner = unit.definition.owner();
    add_run_scope(&mut scope, &action, ("rollback", owner), &seen.collect());
    let config = kinds::render_config(kind, &action.config.value(), &scope);
    let mut config = config.map_err(|error| format!("action `{}`: {error}", action.id))?;
    name_secrets(kind, &mut config, owner);
    Ok((action, config))
}

/// Returns the step that another takes back, of the same unit.
pub fn taken_back_by<'a>(unit: &'a UnitChange, back: &PlannedStep) -> Option<&'a PlannedStep> {
    let path = back.path.0.strip_suffix("~undo")?;
    unit.steps.iter().find(|step| step.path.0 == path)
}

/// Tells whether a step of this type leaves anything that somebody would have to take away.
fn leaves_something(step: &PlannedStep) -> bool {
    kinds::find(&step.action.kind).is_none_or(|kind| kind.reversal != Reversal::Nothing)
}

/// Returns what a step left behind: a step that stands in for others has a name of its own where theirs is taken.
fn left_by<'a>(record: &'a UnitRecord, step: &PlannedStep) -> Option<&'a StepRecord> {
    record.steps.get(&recorded_as(record, step)).filter(|left| left.action == step.action.kind)
}

/// Names what a step leaves behind in the record of its unit.
pub fn recorded_as(record: &UnitRecord, step: &PlannedStep) -> String {
    let id = &step.action.id;
    let stands_in = step.failure.is_some();
    let taken = record.steps.get(id).is_some_and(|left| left.action != step.action.kind);
    if stands_in && taken { format!("{id}~manual") } else { id.clone() }
}
