//! The steps of a unit's change, rendered as far as they are known. Nothing is chosen later.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::actual::{StepRecord, UnitRecord};
use super::by_hand::no_failure;
use super::change::{Effect, PlannedStep, When};
use super::definition::Definition;
use super::evaluate::{Inputs, public, scope_of, secret_marker, secret_names};
use super::hooks;
use super::targets::refused_target;
use super::verify;
use crate::catalog::Action;
use crate::digest::Digest;
use crate::id::{StepPath, UnitKey};
use crate::kinds::{self, ActionKind};
use crate::template::{self, Scope, Target};

/// Values of `request` and `system` that are fixed only when a run starts.
const FIXED_BY_THE_RUN: [(&str, &[&str]); 2] = [
    ("request", &["id", "commit", "correlationId"]),
    ("system", &["date", "time", "timestamp", "uuid", "shortId"]),
];

/// What the steps of a unit are planned from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The unit.
    pub unit: &'a UnitKey,
    /// How it is fulfilled.
    pub definition: &'a Definition,
    /// What its templates see.
    pub inputs: &'a Inputs,
    /// What is recorded of it.
    pub record: Option<&'a UnitRecord>,
}

/// Which steps may be kept where nothing of them changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// Those that were done and are the same.
    Same,
    /// Those that were done, are the same, and were not seen to differ.
    Undrifted,
    /// None.
    Nothing,
}

/// Plans a list of actions, in the order in which they are done.
pub(super) fn performed(
    source: &Source<'_>,
    actions: &[Action],
    operation: &str,
    keeping: Keeping,
) -> Result<Vec<PlannedStep>, Vec<String>> {
    let ordered = with_hooks(source.definition, actions);
    let mut problems = Vec::new();
    let mut steps = Vec::new();
    let mut outputs = hooks::seen_before(source, actions);
    for (action, depends_on) in &ordered {
        let keeping = verify::keeping(source, action, &steps, keeping);
        match one(source, action, operation, (&outputs, keeping)) {
            Ok(mut step) => {
                step.depends_on = depends_on.iter().map(|id| path_of(source.unit, id)).collect();
                outputs.insert(action.id.clone(), json!(outputs_seen(action, Some(&step))));
                steps.push(step);
            }
            Err(why) => problems.push(why),
        }
    }
    if problems.is_empty() { Ok(steps) } else { Err(problems) }
}

fn one(
    source: &Source<'_>,
    action: &Action,
    operation: &str,
    (outputs, keeping): (&BTreeMap<String, Value>, Keeping),
) -> Result<PlannedStep, String> {
    let kind = available(action)?;
    let mut outputs = outputs.clone();
    // `observe` and `delete` may refer to what the step itself answers.
    outputs.insert(action.id.clone(), json!(outputs_seen(action, None)));
    let mut scope = scope_of(source.inputs, &source.inputs.fields, source.definition);
    add_run_scope(&mut scope, action, (operation, source.definition.owner()), &outputs);
    let mut config = kinds::render_config(kind, &action.config.value(), &scope)
        .map_err(|error| format!("action `{}`: {error}", action.id))?;
    name_secrets(kind, &mut config, source.definition.owner());
    let refused = || refused_target(kind, &config, (source.definition, source.inputs));
    if let Some(why) = shows_a_secret(kind, &config).or_else(refused) {
        return Err(format!("action `{}`: {why}", action.id));
    }
    let when = when_of(action, &scope)?;
    let record = record_of(source.record, action);
    let digest = step_digest(&action.kind, &config);
    let drifted = source
        .record
        .and_then(|record| record.observed.get(&action.id))
        .is_some_and(|observed| observed.observation.is_drift());
    let keep = match keeping {
        Keeping::Nothing => false,
        Keeping::Same => !kind.repeats,
        Keeping::Undrifted => !drifted,
    };
    let kept = record.filter(|record| keep && record.digest == digest && when != When::No);
    Ok(PlannedStep {
        path: path_of(source.unit, &action.id),
        effect: if kept.is_some() { Effect::Keep } else { Effect::Perform },
        when,
        depends_on: Vec::new(),
        action: action.clone(),
        config,
        previous: record.map(|record| record.sent.clone()),
        outputs: kept.map(|record| record.outputs.clone()).unwrap_or_default(),
        forecast: None,
        failure: None,
    })
}

/// Puts the hooks around a list of actions, and spells out what comes before what.
fn with_hooks<'a>(
    definition: &'a Definition,
    actions: &'a [Action],
) -> Vec<(&'a Action, Vec<String>)> {
    let mut ordered: Vec<(&Action, Vec<String>)> = Vec::new();
    let mut gate: Vec<String> = Vec::new();
    for list in [&definition.before[..], actions, &definition.after[..]] {
        let explicit = in_order(list, &gate);
        let needed: BTreeSet<&String> = explicit.iter().flat_map(|(_, before)| before).collect();
        let last: Vec<String> = list
            .iter()
            .map(|action| &action.id)
            .filter(|id| !needed.contains(id))
            .cloned()
            .collect();
        if !last.is_empty() {
            gate = last;
        }
        ordered.extend(explicit);
    }
    ordered
}

/// Orders a list of actions so that what comes before stands before; the first ones come after `gate`.
pub(super) fn in_order<'a>(list: &'a [Action], gate: &[String]) -> Vec<(&'a Action, Vec<String>)> {
    let mut waiting: Vec<(&Action, Vec<String>)> = Vec::new();
    let mut above: Option<&String> = None;
    for action in list {
        let mut before = match (&action.depends_on, above) {
            (Some(named), _) => named.clone(),
            (None, Some(above)) => vec![above.clone()],
            (None, None) => Vec::new(),
        };
        if before.is_empty() {
            before = gate.to_vec();
        }
        waiting.push((action, before));
        above = Some(&action.id);
    }
    let own: BTreeSet<&String> = list.iter().map(|action| &action.id).collect();
    let mut done: BTreeSet<&String> = BTreeSet::new();
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let ready = |(_, before): &(&Action, Vec<String>)| {
            before.iter().all(|id| !own.contains(id) || done.contains(id))
        };
        // Cycles are findings long before; here the rest keeps its order rather than being lost.
        let next = waiting.iter().position(ready).unwrap_or(0);
        let (action, before) = waiting.remove(next);
        done.insert(&action.id);
        ordered.push((action, before));
    }
    ordered
}

pub(super) fn available(action: &Action) -> Result<&'static ActionKind, String> {
    let kind = kinds::find(&action.kind).ok_or_else(|| {
        format!("action `{}`: there is no action type `{}`", action.id, action.kind)
    })?;
    if !kind.available {
        return Err(format!(
            "action `{}`: `{}` is not available in this build",
            action.id, action.kind
        ));
    }
    if let Some(part) = (kind.lacks)(&action.config.value()).first() {
        return Err(format!(
            "action `{}`: {part} of `{}` is not available in this build",
            action.id, action.kind
        ));
    }
    Ok(kind)
}

/// What templates see of a run besides what they see of its unit.
const OF_THE_RUN: &[&str] = &["output", "request", "system", "secrets", "failure"];

/// Renders the `config` of an action in public, with what is known of the outputs of a unit's steps.
///
/// `fixed` holds what a run fixed of `request` and `system`; where it is empty, they are not known yet.
pub fn render_public(
    source: &Source<'_>,
    action: &Action,
    operation: &str,
    known: &BTreeMap<String, Map<String, Value>>,
    fixed: &Map<String, Value>,
) -> Result<Value, String> {
    let kind = available(action)?;
    let definition = source.definition;
    let lists = [&definition.before, &definition.create, &definition.after];
    let more = definition.update.iter().chain(&definition.delete).chain([&definition.manual]);
    let actions = lists.into_iter().chain(more).flatten();
    let mut outputs: BTreeMap<String, Value> = BTreeMap::new();
    // What no template of it reads is not made for it.
    let reads = action.config.may_read(&["output"]);
    for other in actions.chain(std::iter::once(action)).filter(|_| reads) {
        let answers = known.get(&other.id);
        let seen = output_names(other).into_iter().map(|name| {
            let path = format!("outputs.{}.{name}", other.id);
            let value = match answers.and_then(|answers| answers.get(&name)) {
                Some(value) => public(value, &path),
                None => Value::String(template::unknown(&path)),
            };
            (name, value)
        });
        outputs.insert(other.id.clone(), Value::Object(seen.collect()));
    }
    let mut scope = scope_of(source.inputs, &source.inputs.fields, definition);
    if action.config.may_read(OF_THE_RUN) {
        add_run_scope(&mut scope, action, (operation, definition.owner()), &outputs);
        for (root, value) in fixed {
            scope.set(root, value.clone());
        }
    }
    let mut config = kinds::render_config(kind, &action.config.value(), &scope)
        .map_err(|error| format!("action `{}`: {error}", action.id))?;
    name_secrets(kind, &mut config, definition.owner());
    Ok(config)
}

/// Says where a rendered `config` would show a secret to others, if anywhere.
pub fn shows_a_secret(kind: &ActionKind, config: &Value) -> Option<String> {
    let place = kinds::exposed(kind, config)?;
    Some(format!("`config{place}` would hold a secret, where others read it"))
}

/// Puts the marker of a secret where a `config` names one.
pub fn name_secrets(kind: &ActionKind, config: &mut Value, owner: &str) {
    for pointer in kind.secrets {
        if let Some(Value::String(text)) = config.pointer_mut(pointer)
            && !template::has_sensitive(text)
        {
            *text = secret_marker(owner, text);
        }
    }
}

fn when_of(action: &Action, scope: &Scope) -> Result<When, String> {
    let Some(condition) = &action.when else { return Ok(When::Yes) };
    let text = template::render(condition, Target::Text, scope)
        .map_err(|error| format!("action `{}`: `when`: {error}", action.id))?;
    if template::has_unknown(&text) {
        return Ok(When::Maybe);
    }
    decide(&text).ok_or_else(|| {
        format!(
            "action `{}`: `when` gives `{}`, neither `true` nor `false`",
            action.id,
            template::show_markers(&text)
        )
    })
}

/// Reads what a condition rendered to.
pub fn decide(text: &str) -> Option<When> {
    match text.trim() {
        "true" => Some(When::Yes),
        "false" => Some(When::No),
        _ => None,
    }
}

/// What the templates of later steps see of a step: known outputs in public, markers for the rest.
pub(super) fn outputs_seen(action: &Action, step: Option<&PlannedStep>) -> Map<String, Value> {
    let known = step.map(|step| &step.outputs);
    output_names(action)
        .into_iter()
        .map(|name| {
            let path = format!("outputs.{}.{name}", action.id);
            let value = match known.and_then(|known| known.get(&name)) {
                Some(value) => public(value, &path),
                None => Value::String(template::unknown(&path)),
            };
            (name, value)
        })
        .collect()
}

/// Returns the names of the outputs of an action: mapped by its author, or offered by its type.
pub fn output_names(action: &Action) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = action.outputs.keys().cloned().collect();
    if let Some(kind) = kinds::find(&action.kind) {
        names.extend((kind.outputs)(&action.config.value()));
    }
    names
}

/// Adds what a plan can know of `request`, `system`, `secrets` and `outputs`.
pub(super) fn add_run_scope(
    scope: &mut Scope,
    action: &Action,
    (operation, owner): (&str, &str),
    outputs: &BTreeMap<String, Value>,
) {
    for (root, names) in FIXED_BY_THE_RUN {
        let mut values: Map<String, Value> = names
            .iter()
            .map(|name| {
                ((*name).to_owned(), Value::String(template::unknown(&format!("{root}.{name}"))))
            })
            .collect();
        if root == "request" {
            values.insert("operation".to_owned(), json!(operation));
            let user =
                |part: &str| Value::String(template::unknown(&format!("request.user.{part}")));
            let user = ["name", "email", "teams"].map(|part| (part.to_owned(), user(part)));
            let user = Value::Object(user.into_iter().collect());
            values.insert("user".to_owned(), user);
        }
        scope.set(root, Value::Object(values));
    }
    let secrets: Map<String, Value> = secret_names(&action.config.value())
        .into_iter()
        .map(|name| (name.clone(), Value::String(secret_marker(owner, &name))))
        .collect();
    scope.set("secrets", Value::Object(secrets));
    scope.set("outputs", json!(outputs));
    scope.set("failure", no_failure());
}

/// Returns what is recorded of an action, also under an id that it had before.
pub fn record_of<'a>(record: Option<&'a UnitRecord>, action: &Action) -> Option<&'a StepRecord> {
    let steps = &record?.steps;
    std::iter::once(&action.id).chain(&action.former_ids).find_map(|id| steps.get(id))
}

/// Digest of what a step sends or writes.
pub fn step_digest(kind: &str, config: &Value) -> Digest {
    Digest::of_json(&json!({"kind": kind, "config": config}))
}

/// Names a step in its run.
pub fn path_of(unit: &UnitKey, action: &str) -> StepPath {
    match &unit.component {
        Some(component) => StepPath(format!("{component}/{action}")),
        None => StepPath(action.to_owned()),
    }
}
