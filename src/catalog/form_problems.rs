//! What is wrong with a form in itself: ids, conditions, limits, choices, defaults. It sees no service.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::form::{Field, FieldType, Form};
use super::form_certain::is_right;
use super::form_check::FieldCheck;
use super::form_conditions::{condition_problems, ring};
use super::form_never_visible::never_visible;
use super::form_pattern::pattern_problems;
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
    let groups = form
        .groups
        .iter()
        .enumerate()
        .map(|(index, group)| (format!("/groups/{index}/id"), "group", group.id.as_str()));
    let fields =
        located(form).map(|(pointer, field)| (format!("{pointer}/id"), "field", field.id.as_str()));
    let mut seen = BTreeSet::new();
    groups
        .chain(fields)
        .filter(|(_, what, id)| !seen.insert((*what, *id)))
        .map(|(pointer, what, id)| {
            let message = format!("{what} `{}` is there already", cut(id));
            let hint = format!("ids of {what}s are unique in the whole form");
            Problem::new("form/duplicate-id", pointer, message, Some(hint))
        })
        .collect()
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
    let choices = field.choices.len() as u64;
    if let Some(least) = field.limit("minItems").and_then(Value::as_u64)
        && field.kind == FieldType::Multiselect
        && least > choices
    {
        let message = format!("`minItems` {least} is more than the {choices} choices there are");
        problems.push(Problem::new("form/limits", "/validation/minItems", message, None));
    }
    problems
}

fn wrong_limit(kind: FieldType, pointer: &str, value: &Value) -> Vec<Problem> {
    let schema = match kind {
        FieldType::Date => json!({"type": "string", "format": "date"}),
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
            let message = format!("choice {} is there already", shown(value));
            problem(&format!("/enum/{index}"), message, None)
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
