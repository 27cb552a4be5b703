//! When fields are visible: conditions, chains of them, and values that are not known yet. It knows no types of fields.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::form::{Condition, Field, Form};
use crate::kinds::words::{bare, cut, listed};

/// How many conditions may hang on one another; a field behind more is never visible.
pub(super) const MAX_CHAIN: usize = 16;

/// Whether a field is visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It is visible.
    Yes,
    /// It is not.
    No,
    /// That depends on a value that is not known yet.
    Maybe,
}

/// Tells of every field whether it is visible; texts with `{{` are unknown where values are templates.
pub(super) fn shown<'a>(
    form: &'a Form,
    fields: &Map<String, Value>,
    templates: bool,
) -> BTreeMap<&'a str, Shown> {
    let by_id = by_id(form);
    by_id
        .iter()
        .map(|(id, field)| {
            let shown = match chain(&by_id, field) {
                Some(chain) => shown_by(&chain, fields, templates),
                None => Shown::No,
            };
            (*id, shown)
        })
        .collect()
}

/// Returns the fields of a form by id; of two with one id the first counts.
pub(super) fn by_id(form: &Form) -> BTreeMap<&str, &Field> {
    let mut by_id = BTreeMap::new();
    for field in form.fields() {
        by_id.entry(field.id.as_str()).or_insert(field);
    }
    by_id
}

/// One condition of a chain with the field that decides it.
pub(super) type Link<'a> = (&'a Condition, &'a Field);

/// Returns the conditions that a field hangs on, the nearest first; nothing where a field is unknown, or the chain is
/// a ring or too long, for then it is never visible.
pub(super) fn chain<'a>(
    by_id: &BTreeMap<&'a str, &'a Field>,
    field: &'a Field,
) -> Option<Vec<Link<'a>>> {
    let mut links = Vec::new();
    let mut next = field.conditional.as_ref();
    while let Some(condition) = next {
        let decider = by_id.get(condition.field.as_str())?;
        links.push((condition, *decider));
        if links.len() > MAX_CHAIN {
            return None;
        }
        next = decider.conditional.as_ref();
    }
    Some(links)
}

fn shown_by(chain: &[Link<'_>], fields: &Map<String, Value>, templates: bool) -> Shown {
    let mut shown = Shown::Yes;
    for (condition, decider) in chain.iter().rev() {
        let value = fields.get(&decider.id).or(decider.default.as_ref()).unwrap_or(&Value::Null);
        if is_unknown(value, templates) {
            shown = Shown::Maybe;
        } else if !holds(condition, value) {
            return Shown::No;
        }
    }
    shown
}

/// Tells whether a value holds something that is known only later.
pub(super) fn is_unknown(value: &Value, templates: bool) -> bool {
    match value {
        Value::String(text) => {
            crate::template::has_unknown(text) || (templates && text.contains("{{"))
        }
        Value::Array(items) => items.iter().any(|item| is_unknown(item, templates)),
        Value::Object(map) => map.values().any(|item| is_unknown(item, templates)),
        _ => false,
    }
}

/// Tells whether a condition holds for the value of the field that decides; no value is `null`.
pub(super) fn holds(condition: &Condition, value: &Value) -> bool {
    let wanted = &condition.value;
    let ordered = |allowed: &[Ordering]| {
        compare(value, wanted).is_some_and(|ordering| allowed.contains(&ordering))
    };
    match condition.operator.as_str() {
        "eq" => equal(value, wanted),
        "ne" => !equal(value, wanted),
        "gt" => ordered(&[Ordering::Greater]),
        "gte" => ordered(&[Ordering::Greater, Ordering::Equal]),
        "lt" => ordered(&[Ordering::Less]),
        "lte" => ordered(&[Ordering::Less, Ordering::Equal]),
        "in" => holds_one(wanted, value),
        "notIn" => !holds_one(wanted, value),
        "contains" => match (value, wanted) {
            (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
            _ => holds_one(value, wanted),
        },
        _ => false,
    }
}

fn holds_one(list: &Value, value: &Value) -> bool {
    list.as_array().is_some_and(|items| items.iter().any(|item| equal(item, value)))
}

/// Compares as JSON Schema does: `1` and `1.0` are one number.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => compare(a, b) == Some(Ordering::Equal),
        _ => a == b,
    }
}

/// Orders two numbers, or two texts (dates order as their texts do).
pub(super) fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
        },
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Writes a condition as people read it: "`size` is `large`".
pub(super) fn in_words(condition: &Condition) -> String {
    let verb = match condition.operator.as_str() {
        "eq" => "is",
        "ne" => "is not",
        "gt" => "is more than",
        "gte" => "is at least",
        "lt" => "is less than",
        "lte" => "is at most",
        "in" => "is one of",
        "notIn" => "is none of",
        _ => "contains",
    };
    let values: Vec<String> = match &condition.value {
        Value::Array(items) => items.iter().map(bare).collect(),
        value => vec![bare(value)],
    };
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    format!("`{}` {verb} {}", cut(&condition.field), listed(&values))
}
