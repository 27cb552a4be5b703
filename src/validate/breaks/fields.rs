//! What a change of a form breaks for those who filled it. It looks at no filled form.

use serde_json::{Map, Value};

use super::Break;
use crate::catalog::{Condition, Field, FieldType, Form};

/// Compares two forms, field by field.
pub(super) fn compare(before: &Form, after: &Form, breaks: &mut Vec<Break>) {
    for field in before.fields().filter(|field| after.field(&field.id).is_none()) {
        let what = format!("field `{}` is gone", field.id);
        breaks.push(Break::new("/presentation/form/groups", what));
    }
    for (index, group) in after.groups.iter().enumerate() {
        for (at, field) in group.fields.iter().enumerate() {
            let pointer = format!("/presentation/form/groups/{index}/fields/{at}");
            match before.field(&field.id) {
                Some(old) => of_field((old, field), &pointer, (before, after), breaks),
                None if field.is_demanded() && may_be_shown(field, before, after) => {
                    let what = format!("the new field `{}` must be given", field.id);
                    breaks.push(Break::new(format!("{pointer}/required"), what));
                }
                None => {}
            }
        }
    }
}

fn of_field(
    (old, new): (&Field, &Field),
    pointer: &str,
    (before, after): (&Form, &Form),
    breaks: &mut Vec<Break>,
) {
    let mut add =
        |key: &str, what: String| breaks.push(Break::new(format!("{pointer}/{key}"), what));
    let id = &new.id;
    if !takes_all(old, new.kind) {
        let (was, is) = (old.kind.word(), new.kind.word());
        return add("type", format!("field `{id}` is of type {is} now, and was of type {was}"));
    }
    let wider = match (&old.conditional, &new.conditional) {
        (None, Some(_)) => {
            add("conditional", format!("field `{id}` is shown under a condition only now"));
            false
        }
        (Some(old), Some(new)) if old != new && !is_wider(old, new) => {
            add("conditional", format!("field `{id}` is shown under another condition now"));
            false
        }
        (old, new) => old != new,
    };
    if new.is_demanded() && may_be_shown(new, before, after) {
        if !old.is_demanded() {
            let key = if old.required { "default" } else { "required" };
            add(key, format!("field `{id}` must be given now"));
        } else if wider {
            add("required", format!("field `{id}` must be given where it was not shown before"));
        }
    }
    if new.immutable && !old.immutable {
        add("immutable", format!("a change of field `{id}` deletes and makes anew now"));
    }
    if matches!(new.kind, FieldType::Select | FieldType::Multiselect) {
        let lost = old.values().filter(|value| !new.values().any(|other| other == *value));
        let lost: Vec<String> = lost.map(plain).collect();
        if !lost.is_empty() {
            add("enum", format!("field `{id}` no longer takes {}", super::listed(lost)));
        }
    }
    for limit in new.kind.limits() {
        let (was, is) = (old.limit(limit), new.limit(limit));
        if let (true, Some(is)) = (is_narrower(limit, was, is), is) {
            let was =
                was.map_or("there was none".to_owned(), |was| format!("it was `{}`", plain(was)));
            let what = format!("field `{id}` has the `{limit}` `{}` now, and {was}", plain(is));
            add(&format!("validation/{limit}"), what);
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Tells whether a type takes every value that a field took, limits aside.
fn takes_all(old: &Field, new: FieldType) -> bool {
    if old.kind == new {
        return true;
    }
    let is_text = matches!(new, FieldType::String | FieldType::Textarea);
    is_text
        && match old.kind {
            FieldType::String | FieldType::Textarea | FieldType::Date | FieldType::Email => true,
            FieldType::Select => old.values().all(Value::is_string),
            _ => false,
        }
}

/// Returns the values that a condition asks for, where it lists them.
fn wanted(condition: &Condition) -> Option<Vec<&Value>> {
    match (condition.operator.as_str(), &condition.value) {
        ("in", Value::Array(values)) => Some(values.iter().collect()),
        ("eq" | "contains", value) => Some(vec![value]),
        _ => None,
    }
}

/// Tells whether a condition surely holds wherever another held.
fn is_wider(old: &Condition, new: &Condition) -> bool {
    let many = |one: &Condition| one.operator == "contains";
    match (wanted(old), wanted(new)) {
        (Some(then), Some(now)) => {
            old.field == new.field
                && many(old) == many(new)
                && then.iter().all(|value| now.contains(value))
        }
        _ => false,
    }
}

/// Tells whether services of the old form may be shown a field: not where its condition asks for a choice that
/// is new, or for another value of a new field than its default.
fn may_be_shown(field: &Field, before: &Form, after: &Form) -> bool {
    let Some(condition) = &field.conditional else { return true };
    let Some(decider) = before.field(&condition.field) else {
        return after.visible(&Map::new()).contains(field.id.as_str());
    };
    let is_old = |value: &&Value| decider.values().any(|choice| choice == *value);
    match wanted(condition) {
        Some(values) if !decider.choices.is_empty() => values.iter().any(is_old),
        _ => true,
    }
}

/// Tells whether a limit keeps out what was let in.
fn is_narrower(limit: &str, was: Option<&Value>, is: Option<&Value>) -> bool {
    let Some(is) = is else { return false };
    match (limit, was) {
        ("message", _) => false,
        ("minLength" | "minItems", None) => is.as_u64() != Some(0),
        (_, None) => true,
        ("min" | "minLength" | "minItems", Some(was)) => is_less(was, is),
        ("max" | "maxLength" | "maxItems" | "maxBytes", Some(was)) => is_less(is, was),
        ("mediaTypes", Some(was)) => {
            let has = |kind: &Value| is.as_array().is_some_and(|kinds| kinds.contains(kind));
            was.as_array().is_none_or(|kinds| !kinds.iter().all(has))
        }
        ("step", Some(was)) => match (was.as_f64(), is.as_f64()) {
            (Some(was), Some(is)) => (was / is).fract() != 0.0,
            _ => was != is,
        },
        (_, Some(was)) => was != is,
    }
}

/// Compares numbers as numbers and dates as texts.
fn is_less(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one < other,
        _ => one.as_str() < other.as_str(),
    }
}
