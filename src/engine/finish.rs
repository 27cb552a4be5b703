//! What becomes of a unit: after each step that took effect, and once all of its steps are done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::adopt::adopted;
use super::call::Bench;
use crate::reconcile::{
    Applied, ChangeKind, Definition, Effect, PlannedStep, StepRecord, UnitChange, UnitRecord,
    intent_digest, is_hook, reads_of, recorded_as, step_digest, taken_back_by,
};
use crate::run::{Progress, Run, Wait};
use crate::secret::{Masker, Secret, sealed_hash, sensitive_output};
use crate::store::Sealer;
use crate::template::{self, Scope};

/// Seals those outputs of a step that make up a sensitive output of the item, or that its action says are sensitive.
pub fn seal_outputs(
    definition: &Definition,
    action: &str,
    outputs: Map<String, Value>,
    sealer: &Sealer,
) -> Map<String, Value> {
    let sensitive = sensitive_step_outputs(definition);
    // What people enter in place of machines is as secret as the output of the item that it becomes.
    let by_hand = definition.manual.iter().any(|manual| manual.id == action);
    let becomes = |name: &str| definition.outputs.get(name).is_some_and(|output| output.sensitive);
    outputs
        .into_iter()
        .map(|(name, value)| {
            if let Some(value) = sensitive_output(&value) {
                return (name, sealer.seal(value));
            }
            let hidden =
                sensitive.contains(&(action.to_owned(), name.clone())) || by_hand && becomes(&name);
            let value =
                if hidden && sealed_hash(&value).is_none() { sealer.seal(&value) } else { value };
            (name, value)
        })
        .collect()
}

/// Hides in a result what is sealed among the outputs that were read from it.
pub(super) fn hide_sealed(
    result: &Value,
    clear: &Map<String, Value>,
    sealed: &Map<String, Value>,
) -> Value {
    let mut secrets = Vec::new();
    for (name, value) in clear {
        if sealed.get(name).is_some_and(|sealed| sealed_hash(sealed).is_some()) {
            collect(value, &mut secrets);
        }
    }
    Masker::new(&secrets).value(result)
}

/// Returns what is sealed in the record of a unit, so that it is masked in all that comes back.
pub(super) fn sealed_of(record: &UnitRecord, sealer: &Sealer) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for value in record.steps.values().flat_map(|step| step.outputs.values()) {
        if sealed_hash(value).is_some()
            && let Ok(opened) = sealer.open(value)
        {
            collect(&opened, &mut secrets);
        }
    }
    secrets
}

fn collect(value: &Value, secrets: &mut Vec<Secret>) {
    match value {
        Value::String(text) => secrets.push(Secret::new(text)),
        Value::Number(number) => secrets.push(Secret::new(number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, secrets)),
        Value::Object(map) => map.values().for_each(|item| collect(item, secrets)),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Seals the sensitive ones among the outputs that somebody has already who waits.
pub(super) fn seal_wait(definition: &Definition, action: &str, on: Wait, sealer: &Sealer) -> Wait {
    with_outputs(on, |outputs| seal_outputs(definition, action, outputs, sealer))
}

/// Opens what was sealed in what is waited for.
pub(super) fn open_wait(on: &Wait, sealer: &Sealer) -> Wait {
    with_outputs(on.clone(), |outputs| {
        let open = |(name, value): (String, Value)| {
            let opened = sealed_hash(&value).and_then(|_| sealer.open(&value).ok());
            (name, opened.unwrap_or(value))
        };
        outputs.into_iter().map(open).collect()
    })
}

fn with_outputs(
    mut on: Wait,
    change: impl FnOnce(Map<String, Value>) -> Map<String, Value>,
) -> Wait {
    if let Some(Value::Object(outputs)) = on.reference.get_mut("outputs") {
        *outputs = change(std::mem::take(outputs));
    }
    on
}

/// Returns `(action, output)` of all that sensitive outputs of an item are made of, except for what an output
/// that is not sensitive offers as it is: the item's author says that it need not be hidden.
fn sensitive_step_outputs(definition: &Definition) -> BTreeSet<(String, String)> {
    let read = |sensitive: bool| {
        let outputs = definition.outputs.values().filter(move |o| o.sensitive == sensitive);
        outputs.flat_map(|output| template::references(&output.value)).filter_map(|reference| {
            match reference.path.as_slice() {
                [root, action, name, ..] if root == "outputs" => {
                    Some((action.clone(), name.clone()))
                }
                _ => None,
            }
        })
    };
    let open: BTreeSet<(String, String)> = read(false).collect();
    let of_item = read(true).filter(|part| !open.contains(part));
    of_item.chain(sensitive_entries(definition)).collect()
}

/// Returns `(action, output)` of all that people enter and that is sensitive by the word of the task itself.
fn sensitive_entries(definition: &Definition) -> Vec<(String, String)> {
    let plain = [Some(&definition.before), Some(&definition.create), Some(&definition.after)];
    let by_people = [Some(&definition.manual), Some(&definition.failure_hooks)];
    let more =
        [definition.update.as_ref(), definition.delete.as_ref()].into_iter().chain(by_people);
    let lists = plain.into_iter().chain(more);
    let plain = lists.flatten().flatten().map(|action| (action.id.clone(), action));
    let operations = definition.operations.iter().flat_map(|(name, block)| {
        block.actions.iter().map(move |action| (format!("{name}~{}", action.id), action))
    });
    let mut found = Vec::new();
    for (id, action) in plain.chain(operations).filter(|(_, action)| action.kind == "manual-task") {
        let config = action.config.value();
        let declared = config.get("outputs").and_then(Value::as_array).into_iter().flatten();
        let sensitive = declared.filter(|it| it.get("sensitive") == Some(&Value::Bool(true)));
        let names = sensitive.filter_map(|output| output.get("name")?.as_str());
        found.extend(names.map(|name| (id.clone(), name.to_owned())));
    }
    found
}

/// Records what a step left behind; `record` is as it was before.
pub(super) fn after_step(
    bench: &Bench<'_>,
    step: &PlannedStep,
    (result, outputs): (&Value, &Map<String, Value>),
    now: Timestamp,
) -> Result<UnitRecord, String> {
    let mut record = bench.record.clone();
    record.observed.remove(&step.action.id);
    record.row.drifted = record.observed.values().any(|seen| seen.observation.is_drift());
    match step.effect {
        Effect::Undo | Effect::UndoByHand => {
            record.steps.remove(&recorded_as(&record, step));
        }
        // Hooks that follow a failure leave nothing behind that would belong to the unit.
        Effect::Perform if is_hook(&step.path) => {}
        // In the place of a reverse: what it takes back is gone.
        Effect::Perform if bench.run.rolls_back => {
            if let Some(gone) = taken_back_by(bench.unit, step) {
                record.steps.remove(&recorded_as(&record, gone));
            }
        }
        Effect::Perform | Effect::Restore
            if bench.unit.kind != ChangeKind::Operate && bench.unit.kind != ChangeKind::Delete =>
        {
            for former in &step.action.former_ids {
                record.steps.remove(former);
            }
            let restores = step.effect == Effect::Restore;
            let sent =
                |own| if restores { Ok(step.config.clone()) } else { bench.public(step, own) };
            let whole = sent(Some(outputs))?;
            // It is found again by what is known before it answers, which is the same where it reads nothing else.
            let config = &step.action.config;
            let early = config.may_read(&["output", "request", "system"]).then(|| sent(None));
            let early = early.transpose()?;
            let left = StepRecord {
                action: step.action.kind.clone(),
                digest: step_digest(&step.action.kind, early.as_ref().unwrap_or(&whole)),
                sent: whole,
                result: result.clone(),
                outputs: outputs.clone(),
                run: bench.run.id.clone(),
                at: now,
            };
            record.steps.insert(recorded_as(&record, step), left);
        }
        // What is taken over is recorded with the whole unit, for a refusal leaves no trace.
        Effect::Perform | Effect::Restore | Effect::Keep | Effect::Adopt => {}
    }
    if bench.run.rolls_back && record.applied.as_ref().is_some_and(|it| it.run == bench.run.id) {
        // What was applied is being taken back: until something is applied again, nothing is.
        (record.applied, record.row.applied) = (None, None);
    }
    Ok(record)
}

/// Tells whether all steps of a unit are done.
pub(super) fn is_done(run: &Run, unit: &UnitChange) -> bool {
    let mut own = unit.steps.iter().filter(|step| !is_hook(&step.path));
    own.all(|step| run.steps.get(&step.path).is_some_and(Progress::lets_on))
}

/// Returns the record of a unit all of whose steps are done; nothing where it was deleted.
pub(super) fn after_unit(bench: &Bench<'_>, now: Timestamp) -> Result<Option<UnitRecord>, String> {
    let unit = bench.unit;
    if unit.kind == ChangeKind::Delete {
        return Ok(None);
    }
    let mut record = adopted(bench, now)?.unwrap_or_else(|| bench.record.clone());
    let fields = bench.public_fields()?;
    let item = &unit.definition.item;
    let reads = reads_of(&unit.inputs, &unit.definition.reads());
    let intent = intent_digest(item, &fields, &unit.state, &reads);
    // A change that only operates leaves the definition as it was applied.
    let applied_before = record.applied.as_ref().filter(|_| unit.kind == ChangeKind::Operate);
    let definition = applied_before
        .map_or_else(|| unit.definition.clone(), |applied| applied.definition.clone());
    let definition_digest = definition.digest();
    record.applied = Some(Applied {
        intent,
        definition_digest,
        inputs: unit.inputs.clone(),
        outputs: outputs_of_unit(bench, &definition)?,
        definition,
        fields,
        state: unit.state.clone(),
        depends_on: unit.requires.clone(),
        siblings: unit.depends_on.clone(),
        deletion: unit.deletion,
        needs: lasting_needs(bench.run),
        commit: bench.run.commit.clone(),
        run: bench.run.id.clone(),
        at: now,
    });
    record.row.applied = Some((intent, definition_digest));
    record.row.retained = false;
    Ok(Some(record))
}

fn lasting_needs(run: &Run) -> Vec<crate::reconcile::Need> {
    let rule = |need: &&crate::reconcile::Need| need.kind == crate::reconcile::NeedKind::Rule;
    run.change.needs.iter().filter(rule).cloned().collect()
}

/// Returns what people entered under a name, where they did what machines could not.
fn entered(bench: &Bench<'_>, name: &str) -> Option<Value> {
    let by_hand = bench.unit.steps.iter();
    let by_hand = by_hand.filter(|step| step.failure.is_some() && !is_hook(&step.path));
    let mut known = by_hand.filter_map(|step| bench.run.steps.get(&step.path)?.outputs.get(name));
    known.next().cloned()
}

/// Evaluates what a unit offers to others; whatever is made of something sealed is sealed.
fn outputs_of_unit(
    bench: &Bench<'_>,
    definition: &Definition,
) -> Result<Map<String, Value>, String> {
    let steps = bench.outputs();
    let sealer = &bench.engine.sealer;
    let mut hidden: BTreeSet<(String, String)> = BTreeSet::new();
    let mut open: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (action, outputs) in &steps {
        for (name, value) in outputs {
            let value = match sealed_hash(value) {
                Some(_) => {
                    hidden.insert((action.clone(), name.clone()));
                    sealer.open(value).map_err(|error| error.to_string())?
                }
                None => value.clone(),
            };
            open.entry(action.clone()).or_default().insert(name.clone(), value);
        }
    }
    let mut scope = Scope::new();
    scope.set("outputs", serde_json::to_value(&open).unwrap_or_default());
    scope.set("fields", Value::Object(bench.public_fields()?));
    scope.set("metadata", definition.metadata.clone());
    scope.set("service", bench.unit.inputs.service.clone());
    scope.set("environment", bench.unit.inputs.environment.clone());
    let mut outputs = Map::new();
    for (name, output) in &definition.outputs {
        let value = match template::evaluate(&output.value, &scope) {
            Ok(value) => value,
            // What machines were to answer people enter under the name that the item offers it by.
            Err(error) => {
                let Some(entered) = entered(bench, name) else {
                    return Err(format!("output `{name}`: {error}"));
                };
                let plain = output.sensitive && sealed_hash(&entered).is_none();
                outputs.insert(name.clone(), if plain { sealer.seal(&entered) } else { entered });
                continue;
            }
        };
        let made_of_sealed = template::references(&output.value).iter().any(|reference| {
            matches!(reference.path.as_slice(),
                [root, action, name, ..] if root == "outputs" && hidden.contains(&(action.clone(), name.clone())))
        });
        let value = if output.sensitive || made_of_sealed { sealer.seal(&value) } else { value };
        outputs.insert(name.clone(), value);
    }
    Ok(outputs)
}
