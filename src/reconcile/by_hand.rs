//! What people do in place of steps that failed or were not reached, with what is known of the failure. It chooses
//! nothing: that a person, or the item, wants it so was said before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::change::{ChangeKind, Effect, PlannedStep, UnitChange, When};
use super::evaluate::scope_of;
use super::steps::{add_run_scope, available, in_order, name_secrets, outputs_seen, path_of};
use crate::catalog::{Action, Config};
use crate::id::StepPath;
use crate::kinds;
use crate::template::show_markers;

/// What the end of a step's name says that people do instead.
const BY_HAND: &str = "~manual";

/// The members of `failure`, as templates see them.
const MEMBERS: [&str; 8] =
    ["step", "action", "message", "class", "attempts", "run", "unit", "remaining"];

/// What `failure` is to templates where nothing failed: each of its members, empty.
pub fn no_failure() -> Value {
    let members = MEMBERS.iter().map(|name| ((*name).to_owned(), json!("")));
    Value::Object(members.collect())
}

/// Tells whether a step stands in for others that people take over.
pub fn is_by_hand(path: &StepPath) -> bool {
    path.0.ends_with(BY_HAND)
}

/// Plans what people do in place of the steps that are left of a unit: the item's manual actions for what was to be
/// made, and a task for each step that was to take something away, or belongs to an operation.
pub fn by_hand(
    unit: &UnitChange,
    left: &[&PlannedStep],
    failure: &Map<String, Value>,
) -> Result<Vec<PlannedStep>, String> {
    let makes = !matches!(unit.kind, ChangeKind::Delete | ChangeKind::Operate);
    let mut steps: Vec<PlannedStep> = Vec::new();
    let mut made = false;
    for step in left {
        let takes_away = matches!(step.effect, Effect::Undo | Effect::UndoByHand);
        if makes && !takes_away {
            made = true;
            continue;
        }
        let before = steps.last().map(|step: &PlannedStep| step.path.clone());
        let stand_in = if takes_away { taken_away(step) } else { told(step, failure)? };
        steps.push(PlannedStep { depends_on: before.into_iter().collect(), ..stand_in });
    }
    if made {
        let last: Vec<StepPath> = steps.last().map(|step| step.path.clone()).into_iter().collect();
        if unit.definition.manual.is_empty() {
            return Err(format!("{} has no manual actions that its run knows of", unit.unit));
        }
        let list = (&unit.definition.manual[..], BY_HAND);
        steps.extend(standing_in(unit, list, failure, (&last, BTreeMap::new()))?);
    }
    Ok(steps)
}

fn taken_away(step: &PlannedStep) -> PlannedStep {
    let path = StepPath(format!("{}{BY_HAND}", step.path));
    PlannedStep { path, effect: Effect::UndoByHand, forecast: None, ..step.clone() }
}

/// A task that says what the step was to do; what it says is no template of the item's author.
fn told(step: &PlannedStep, failure: &Map<String, Value>) -> Result<PlannedStep, String> {
    let config = serde_json::to_string_pretty(&step.config).unwrap_or_default();
    let mut failure = failure.clone();
    failure.insert("given".to_owned(), json!(show_markers(&config)));
    failure.insert("doing".to_owned(), json!(format!("{} ({})", step.path, step.action.kind)));
    let task = json!({
        "title": "Do by hand: {{failure.unit}} {{failure.doing}}",
        "instructions": "{{failure.step}} failed: {{failure.message}}\n\nDo what this step was to do, then complete \
                         this task. It was to be given:\n\n{{failure.given}}",
    });
    let action = bare_action(&step.action.id, "manual-task", Config::from(task));
    let kind = available(&action)?;
    let mut scope = crate::template::Scope::new();
    scope.set("failure", Value::Object(failure.clone()));
    let config = kinds::render_config(kind, &action.config.value(), &scope);
    let config = config.map_err(|error| format!("step `{}`: {error}", step.path))?;
    let path = StepPath(format!("{}{BY_HAND}", step.path));
    Ok(stand_in(path, action, config, failure))
}

/// Makes an action of no item's author: what a step needs to be carried out, and no more.
pub(super) fn bare_action(id: &str, kind: &str, config: Config) -> Action {
    Action {
        id: id.to_owned(),
        kind: kind.to_owned(),
        depends_on: None,
        when: None,
        timeout: None,
        retry: None,
        config,
        outputs: BTreeMap::new(),
        verify: None,
        rollback: None,
        former_ids: Vec::new(),
    }
}

fn stand_in(
    path: StepPath,
    action: Action,
    config: Value,
    failure: Map<String, Value>,
) -> PlannedStep {
    PlannedStep {
        path,
        effect: Effect::Perform,
        when: When::Yes,
        depends_on: Vec::new(),
        action,
        config,
        previous: None,
        outputs: Map::new(),
        forecast: None,
        failure: Some(Value::Object(failure)),
    }
}

/// Plans actions that know of a failure, their steps named by what they stand for; the first ones come after `last`, and
/// `outputs` are seen by all.
pub(super) fn standing_in(
    unit: &UnitChange,
    (list, suffix): (&[Action], &str),
    failure: &Map<String, Value>,
    (last, mut outputs): (&[StepPath], BTreeMap<String, Value>),
) -> Result<Vec<PlannedStep>, String> {
    let definition = &unit.definition;
    let own: BTreeSet<&String> = list.iter().map(|action| &action.id).collect();
    let mut steps = Vec::new();
    for (action, before) in in_order(list, &[]) {
        let kind = available(action)?;
        let mut seen = outputs.clone();
        seen.insert(action.id.clone(), json!(outputs_seen(action, None)));
        let mut scope = scope_of(&unit.inputs, &unit.inputs.fields, definition);
        add_run_scope(&mut scope, action, (operation(unit), definition.owner()), &seen);
        scope.set("failure", Value::Object(failure.clone()));
        let mut config = kinds::render_config(kind, &action.config.value(), &scope)
            .map_err(|error| format!("action `{}`: {error}", action.id))?;
        name_secrets(kind, &mut config, definition.owner());
        let path = |id: &str| StepPath(format!("{}{suffix}", path_of(&unit.unit, id)));
        let mut step = stand_in(path(&action.id), action.clone(), config, failure.clone());
        // Its condition is decided when its turn comes: then all that it reads is known.
        step.when = if action.when.is_some() { When::Maybe } else { When::Yes };
        step.depends_on = before.iter().filter(|id| own.contains(id)).map(|id| path(id)).collect();
        if step.depends_on.is_empty() {
            step.depends_on = last.to_vec();
        }
        outputs.insert(action.id.clone(), json!(outputs_seen(action, Some(&step))));
        steps.push(step);
    }
    Ok(steps)
}

fn operation(unit: &UnitChange) -> &'static str {
    match unit.kind {
        ChangeKind::Create | ChangeKind::Replace | ChangeKind::Adopt => "create",
        ChangeKind::Delete => "delete",
        _ => "update",
    }
}
