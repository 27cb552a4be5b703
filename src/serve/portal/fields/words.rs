//! What is said of a field in words: its default, its choices, when it is asked for.

use serde_json::Value;

use crate::catalog::{Condition, Field, FieldType, Form as CatalogForm};
use crate::reconcile::show::literal;
use crate::serve::portal::marks::told;

/// Returns a choice as it is sent, and as it is shown.
pub(super) fn choice(choice: &Value) -> (String, String) {
    let value = choice.get("value").unwrap_or(choice);
    let sent = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let label = choice.get("label").and_then(Value::as_str).map(told);
    let label = label.unwrap_or_else(|| value.as_str().map_or_else(|| literal(value), told));
    (sent, label)
}

/// Returns what can be chosen: as it is sent, and as it is shown.
pub(super) fn choices(field: &Field) -> Vec<(String, String)> {
    match field.kind {
        FieldType::Boolean => [("true", "Yes"), ("false", "No")]
            .map(|(one, name)| (one.to_owned(), name.to_owned()))
            .into(),
        _ => field.choices.iter().map(choice).collect(),
    }
}

/// Names a value of a field as people choose it.
pub(super) fn named(field: &Field, value: &Value) -> String {
    let sent = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let known = choices(field).into_iter().find(|(own, _)| *own == sent).map(|(_, name)| name);
    known.unwrap_or_else(|| value.as_str().map_or_else(|| literal(value), told))
}

/// Names the default of a field.
pub(super) fn default_of(field: &Field) -> Option<String> {
    let default = field.default.as_ref()?;
    match default {
        Value::Array(items) if items.is_empty() => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) => {
            let all: Vec<String> = items.iter().map(|item| named(field, item)).collect();
            Some(all.join(", "))
        }
        other => Some(named(field, other)),
    }
}

/// Says when a field is asked for.
pub(super) fn only_where(asked: &CatalogForm, condition: &Condition) -> String {
    let decider = asked.field(&condition.field);
    let name = decider.map_or_else(|| told(&condition.field), |field| told(&field.name));
    let word = match condition.operator.as_str() {
        "eq" => "is",
        "ne" => "is not",
        "gt" => "is more than",
        "gte" => "is at least",
        "lt" => "is less than",
        "lte" => "is at most",
        "in" => "is one of",
        "notIn" => "is none of",
        "contains" => "holds",
        other => other,
    };
    let show = |value: &Value| match decider {
        Some(field) => named(field, value),
        None => literal(value),
    };
    let value = match &condition.value {
        Value::Array(items) => items.iter().map(show).collect::<Vec<_>>().join(", "),
        one => show(one),
    };
    format!("Only where {name} {word} {value}.")
}
