//! What is wrong with a form in itself: ids, conditions, limits, choices, defaults. It sees no service.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::form::{Field, FieldType, Form};
use super::form_certain::is_right;
use super::form_check::FieldCheck;
use super::form_conditions::{condition_problems, ring};
use super::form_never_visible::never_visible;
use super::form_pattern::pattern_problems;
use super::form_pattern_known::Pattern;
use super::form_visibility::{by_id, compare};
use super::schema::{Problem, compile, explain};
use crate::kinds::words::{bare, cut, listed, shown};

impl Form {
    /// Returns what is wrong with the form in itself; pointers are relative to it.
    pub fn problems(&self) -> Vec<Problem> {
        let fields = by_id(self);
        let mut problems = duplicates(self);
        let mut reported = BTreeSet::new();
        for (pointer, field) in located(self) {
            let mut add = |found: Vec<Problem>| {
                problems.extend(found.into_iter().map(|problem| Problem {
                    pointer: format!("{pointer}{}", problem.pointer),
                    ..problem
                }));
            };
            add(limits(field));
            add(nothing_fits(field));
            add(choices(field));
            add(pattern_problems(field));
            add(default(field));
            if let Some(condition) = &field.conditional {
                add(condition_problems(condition, field, &fields));
                add(ring(field, &fields, &mut reported));
                add(never_visible(field, &fields));
            }
        }
        Problem::sorted(problems)
    }
}

fn located(form: &Form) -> impl Iterator<Item = (String, &Field)> {
    form.groups.iter().enumerate().flat_map(|(group, fields)| {
        fields
            .fields
            .iter()
            .enumerate()
            .map(move |(field, value)| (format!("/groups/{group}/fields/{field}"), value))
    })
}

fn duplicates(form: &Form) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut twice = |what: &str, id: &str, pointer: String, at: String| {
        let message = format!("another {what}{at} has the id `{}` already", cut(id));
        let hint = format!("give one of the two {what}s another id, or take it away");
        problems.push(Problem::new("form/duplicate-id", pointer, message, Some(hint)));
    };
    let mut groups = BTreeSet::new();
    let mut fields = BTreeMap::new();
    for (index, group) in form.groups.iter().enumerate() {
        let pointer = format!("/groups/{index}");
        if !groups.insert(&group.id) {
            twice("group", &group.id, format!("{pointer}/id"), String::new());
        }
        for (at, field) in group.fields.iter().enumerate() {
            let Some(first) = fields.insert(&field.id, &group.name) else { continue };
            let place = format!(", in group `{}`,", cut(first));
            twice("field", &field.id, format!("{pointer}/fields/{at}/id"), place);
        }
    }
    problems
}

/// Limits that do not belong to the type, have the wrong type themselves, or leave nothing between them.
fn limits(field: &Field) -> Vec<Problem> {
    let mut problems = Vec::new();
    let given = field.validation.as_ref().and_then(Value::as_object);
    let allowed = field.kind.limits();
    for (name, value) in given.into_iter().flatten() {
        let pointer = format!("/validation/{name}");
        if !allowed.contains(&name.as_str()) {
            let message =
                format!("`{name}` means nothing for a field of type `{}`", field.kind.word());
            let hint = match allowed {
                [] => "this type has no limits".to_owned(),
                _ => format!("its limits: {}", listed(allowed)),
            };
            problems.push(Problem::new("form/limits", pointer, message, Some(hint)).at_key());
        } else if matches!(name.as_str(), "min" | "max") {
            problems.extend(wrong_limit(field.kind, &pointer, value));
        }
    }
    for (least, most) in [("min", "max"), ("minLength", "maxLength"), ("minItems", "maxItems")] {
        let (Some(low), Some(high)) = (field.limit(least), field.limit(most)) else { continue };
        if compare(low, high).is_some_and(std::cmp::Ordering::is_gt) {
            let message = format!("`{least}` {} is beyond `{most}` {}", bare(low), bare(high));
            problems.push(Problem::new(
                "form/limits",
                format!("/validation/{least}"),
                message,
                Some("correct one of the two".to_owned()),
            ));
        }
    }
    problems
}

/// Limits that no value obeys, together with the choices, the step, the pattern, or being required.
fn nothing_fits(field: &Field) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |limit: &str, message: String, hint: &str| {
        let pointer = format!("/validation/{limit}");
        problems.push(Problem::new("form/limits", pointer, message, Some(hint.to_owned())));
    };
    let count = |limit: &str| field.limit(limit).and_then(Value::as_u64);
    let known = field.kind.limits();
    let choices = field.choices.len() as u64;
    if let Some(least) = count("minItems")
        && field.kind == FieldType::Multiselect
        && least > choices
    {
        let there = if choices == 1 { "choice there is" } else { "choices there are" };
        let message = format!("`minItems` {least} is more than the {choices} {there}");
        add("minItems", message, "lower it, or list more under `enum`");
    }
    for limit in ["maxLength", "maxItems"] {
        if field.required && known.contains(&limit) && count(limit) == Some(0) {
            let message = format!("the field is required, and `{limit}` 0 lets nothing be given");
            add(limit, message, "raise it, or take `required` away");
        }
    }
    if let Some(message) = no_multiple(field) {
        add("step", message, "correct one of the three");
    }
    if known.contains(&"pattern")
        && let Some(pattern) = field.limit("pattern").and_then(Value::as_str)
        && let Some((least, most)) = Pattern::of(pattern).lengths
    {
        if let Some(limit) = count("maxLength").filter(|limit| *limit < least) {
            let message = format!(
                "`maxLength` {limit} is less than the {least} characters that `pattern` asks for"
            );
            add("maxLength", message, "correct one of the two");
        }
        if let (Some(limit), Some(most)) = (count("minLength"), most)
            && limit > most
        {
            let message = format!(
                "`minLength` {limit} is more than the {most} characters that `pattern` allows"
            );
            add("minLength", message, "correct one of the two");
        }
    }
    problems
}

/// Says that no multiple of the step lies between the limits of a number, where that is so.
fn no_multiple(field: &Field) -> Option<String> {
    let number = |limit: &str| field.limit(limit).and_then(Value::as_f64);
    let (step, low, high) = (number("step")?, number("min")?, number("max")?);
    // What is divided is rounded: near a multiple nothing is certain.
    let first = (low / step - 1e-9).ceil();
    let is_none = field.kind == FieldType::Number && step > 0.0 && low <= high;
    (is_none && first * step > high + step * 1e-9).then(|| {
        let shown = |limit: &str| field.limit(limit).map(bare).unwrap_or_default();
        let (step, low, high) = (shown("step"), shown("min"), shown("max"));
        format!("no multiple of `step` {step} lies between `min` {low} and `max` {high}")
    })
}

fn wrong_limit(kind: FieldType, pointer: &str, value: &Value) -> Vec<Problem> {
    let schema = match kind {
        FieldType::Date => json!({"type": "string", "format": "date"}),
        // Nearly all limits are right, and a schema is costly to compile.
        _ if value.is_number() => return Vec::new(),
        _ => json!({"type": "number"}),
    };
    violations(&schema, pointer, value, "form/limits")
}

/// Returns what a schema says about a value, as problems of a rule.
pub(super) fn violations(
    schema: &Value,
    pointer: &str,
    value: &Value,
    rule: &'static str,
) -> Vec<Problem> {
    let Some(validator) = compile(schema) else { return Vec::new() };
    validator
        .iter_errors(value)
        .flat_map(|error| explain(&error, schema))
        .map(|problem| Problem {
            pointer: format!("{pointer}{}", problem.pointer),
            rule,
            ..problem
        })
        .collect()
}

fn choices(field: &Field) -> Vec<Problem> {
    let wanted = matches!(field.kind, FieldType::Select | FieldType::Multiselect);
    let problem = |pointer: &str, message: String, hint: Option<&str>| {
        Problem::new("form/choices", pointer, message, hint.map(str::to_owned))
    };
    match (wanted, field.choices.is_empty()) {
        (true, true) => {
            let message = format!("a field of type `{}` needs choices", field.kind.word());
            return vec![problem("", message, Some("list them under `enum`"))];
        }
        (false, false) => {
            let message = format!("a field of type `{}` has no choices", field.kind.word());
            let hint = Some("make it a `select` or `multiselect`, or take `enum` away");
            return vec![problem("/enum", message, hint).at_key()];
        }
        _ => {}
    }
    let mut seen = BTreeSet::new();
    let repeated = field.values().enumerate().filter(|(_, value)| !seen.insert(value.to_string()));
    repeated
        .map(|(index, value)| {
            let message = format!("the choice {} stands in this list twice", shown(value));
            problem(&format!("/enum/{index}"), message, Some("take one of the two away"))
        })
        .collect()
}

fn default(field: &Field) -> Vec<Problem> {
    let Some(default) = &field.default else { return Vec::new() };
    if default.as_str().is_some_and(|text| text.contains("{{")) {
        let message = "a default is static: `{{` stands for itself here".to_owned();
        let hint = "write the value itself; templates stand in the actions of the item".to_owned();
        return vec![Problem::new("form/default", "/default", message, Some(hint)).warning()];
    }
    if is_right(field, default) {
        return Vec::new();
    }
    FieldCheck::of(field)
        .problems("/default", default)
        .into_iter()
        .map(|problem| match problem.rule {
            "secret/in-clear" => problem,
            _ => Problem {
                message: format!("the default does not obey its field: {}", problem.message),
                rule: "form/default",
                ..problem
            },
        })
        .collect()
}

#[cfg(test)]
mod tests;
