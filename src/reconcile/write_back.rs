//! Which fields of a service would make what is observed what is wanted. It never guesses: a field is named only where
//! rendering with its new value gives just what was observed, and changes nothing else.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::actual::UnitRecord;
use super::change::FieldChange;
use super::desired::Unit;
use super::evaluate::Inputs;
use super::steps::{Source, render_public};
use super::upstream::KnownOutputs;
use crate::catalog::{Action, Catalog, Form, Held};
use crate::kinds;
use crate::secret::MASK;
use crate::template;

/// Returns the values of fields that would make what a step was observed to be what is wanted, or why there are none.
pub fn write_back(
    unit: &Unit,
    record: &UnitRecord,
    (catalog, known): (&Catalog, &KnownOutputs),
    (step, changes): (&str, &[FieldChange]),
) -> Result<BTreeMap<String, Value>, String> {
    let definition = &unit.definition;
    let applied = record.applied.as_ref().map(|applied| applied.definition_digest);
    if applied != Some(unit.definition_digest) {
        return Err("its definition is newer than what was applied".to_owned());
    }
    let lists = [&definition.before, &definition.create, &definition.after];
    let mut actions = lists.into_iter().flatten().chain(definition.update.iter().flatten());
    let action =
        actions.find(|action| action.id == step || action.former_ids.iter().any(|id| id == step));
    let action = action.ok_or_else(|| format!("its item has no action `{step}`"))?;
    let desk = Desk { unit, record, catalog, known, action, changes };
    let (config, inputs) = desk.rendered(&BTreeMap::new())?;
    let mut chosen: BTreeMap<String, Value> = BTreeMap::new();
    for change in changes {
        let (field, value) = desk.behind(change, (&config, &inputs))?;
        if chosen.insert(field.clone(), value.clone()).is_some_and(|other| other != value) {
            return Err(format!("field `{field}` would have two values"));
        }
    }
    let (after, _) = desk.rendered(&chosen)?;
    let differs = leaves(&config, &after);
    match changes.iter().find(|change| !differs.iter().any(|pair| is_pair(change, pair))) {
        Some(change) => Err(format!("no field gives what is observed at {}", change.name)),
        None => Ok(chosen),
    }
}

struct Desk<'a> {
    unit: &'a Unit,
    record: &'a UnitRecord,
    catalog: &'a Catalog,
    known: &'a KnownOutputs,
    action: &'a Action,
    changes: &'a [FieldChange],
}

impl Desk<'_> {
    /// Renders what is observed of the step, with other values of the service's fields.
    fn rendered(&self, fields: &BTreeMap<String, Value>) -> Result<(Value, Inputs), String> {
        let mut unit = self.unit.clone();
        if !fields.is_empty() {
            let mut service = (*unit.service).clone();
            let mut all = service.fields.to_map();
            all.extend(fields.clone());
            service.fields = all.into_iter().map(|(id, value)| (id.into(), value)).collect();
            unit.service = Held::from(service);
        }
        let inputs = unit.inputs(self.catalog, self.known)?;
        let source = Source {
            unit: &unit.key,
            definition: &unit.definition,
            inputs: &inputs,
            record: Some(self.record),
        };
        let steps = self.record.steps.iter();
        let outputs = steps.map(|(id, step)| (id.clone(), step.outputs.clone())).collect();
        let config = render_public(&source, self.action, "update", &outputs, &Map::new())?;
        // Messages and titles may name a field too; what is not observed does not count.
        let observed = kinds::find(&self.action.kind).and_then(|kind| kind.observable);
        let part = observed.filter(|_| self.action.kind != "rest-api");
        let config = part.and_then(|part| config.pointer(part)).cloned().unwrap_or(config);
        Ok((config, inputs))
    }

    fn form(&self) -> &Form {
        match &self.unit.part {
            Some((bundle, _)) => &bundle.presentation.form,
            None => &self.unit.item.presentation.form,
        }
    }

    /// Finds the one field, and its value, that explains a difference.
    fn behind(
        &self,
        change: &FieldChange,
        (config, inputs): (&Value, &Inputs),
    ) -> Result<(String, Value), String> {
        let (Some(before), Some(after)) =
            (plain(change.before.as_ref()), plain(change.after.as_ref()))
        else {
            return Err(format!("{} is not one plain value on both sides", change.name));
        };
        let given = self.unit.service.fields.to_map();
        let values = if self.unit.part.is_some() { &inputs.outer } else { &inputs.fields };
        let mut found: Vec<(String, Value)> = Vec::new();
        for field in self.form().fields() {
            let Some(value) = values.get(&field.id) else { continue };
            let Some(text) = plain(Some(value)).filter(|_| !field.immutable) else { continue };
            let is_template = |given: &Value| given.as_str().is_some_and(template::is_template);
            if given.get(&field.id).is_some_and(is_template) {
                continue;
            }
            let fitting =
                inverse(&text, &before, &after).into_iter().filter_map(|new| typed(value, new));
            for new in fitting {
                let trial = BTreeMap::from([(field.id.clone(), new.clone())]);
                if self.explains(change, &trial, (config, inputs)) {
                    found.push((field.id.clone(), new));
                }
            }
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(format!("no field alone stands behind {}", change.name)),
            _ => Err(format!("more than one field may stand behind {}", change.name)),
        }
    }

    /// Tells whether new values give what is observed, and nothing that is not.
    fn explains(
        &self,
        change: &FieldChange,
        trial: &BTreeMap<String, Value>,
        (config, inputs): (&Value, &Inputs),
    ) -> bool {
        let mut fields = self.unit.service.fields.to_map();
        let problems = self.form().check(&fields).len();
        fields.extend(trial.clone());
        if self.form().check(&fields).len() > problems {
            return false;
        }
        let Ok((after, trial)) = self.rendered(trial) else { return false };
        let mut immutable = self.unit.definition.immutable.iter();
        if immutable.any(|name| inputs.fields.get(name) != trial.fields.get(name)) {
            return false;
        }
        let differs = leaves(config, &after);
        let observed =
            |pair: &(Value, Value)| self.changes.iter().any(|change| is_pair(change, pair));
        differs.iter().any(|pair| is_pair(change, pair)) && differs.iter().all(observed)
    }
}

/// Returns a plain value as text; nothing for what has parts, holds a secret, or is not known.
fn plain(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value?.to_string(),
        _ => return None,
    };
    let hidden =
        text.contains(MASK) || template::has_sensitive(&text) || template::has_unknown(&text);
    (!hidden).then_some(text)
}

/// Returns what may stand in the place of a value, where a text that was made of it is another now.
fn inverse(value: &str, before: &str, after: &str) -> Vec<String> {
    let mut found = Vec::new();
    if value.is_empty() {
        return found;
    }
    for (at, _) in before.match_indices(value) {
        let (start, end) = (before.get(..at), before.get(at + value.len()..));
        let inside = start.zip(end).and_then(|(start, end)| {
            after.strip_prefix(start)?.strip_suffix(end).filter(|text| !text.is_empty())
        });
        if let Some(inside) = inside.map(str::to_owned).filter(|text| !found.contains(text)) {
            found.push(inside);
        }
    }
    found
}

/// Reads a text as what the field holds now.
fn typed(like: &Value, text: String) -> Option<Value> {
    match like {
        Value::Number(_) => text.parse().ok().map(Value::Number),
        Value::Bool(_) => text.parse().ok().map(Value::Bool),
        _ => Some(Value::String(text)),
    }
}

fn is_pair(change: &FieldChange, (before, after): &(Value, Value)) -> bool {
    let same = |one: Option<&Value>, other: &Value| {
        plain(one).is_some_and(|one| plain(Some(other)) == Some(one))
    };
    same(change.before.as_ref(), before) && same(change.after.as_ref(), after)
}

/// Lists the plain values that differ, also inside of texts that hold JSON.
fn leaves(before: &Value, after: &Value) -> Vec<(Value, Value)> {
    let mut found = Vec::new();
    walk(before, after, &mut found);
    found
}

fn walk(before: &Value, after: &Value, found: &mut Vec<(Value, Value)>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(one), Value::Object(other)) if one.keys().eq(other.keys()) => {
            one.values().zip(other.values()).for_each(|(one, other)| walk(one, other, found));
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).for_each(|(one, other)| walk(one, other, found));
        }
        (Value::String(one), Value::String(other)) => match (inner(one), inner(other)) {
            (Some(one), Some(other)) => walk(&one, &other, found),
            _ => found.push((before.clone(), after.clone())),
        },
        _ => found.push((before.clone(), after.clone())),
    }
}

/// Reads the document that a text holds.
fn inner(text: &str) -> Option<Value> {
    text.trim_start().starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_is_made_of_is_found_again() {
        assert_eq!(inverse("small", "small", "large"), ["large"]);
        assert_eq!(inverse("b", "ab-b", "ab-x"), ["x"]);
        assert_eq!(inverse("1", "size=1;", "size=12;"), ["12"]);
        assert_eq!(inverse("small", "a small b", "other"), [""; 0]);
        assert_eq!(inverse("x", "x", ""), [""; 0]);
        assert_eq!(inverse("", "", "x"), [""; 0]);
    }
}
