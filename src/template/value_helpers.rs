//! Helpers that compare values or write them as JSON.

use std::cmp::Ordering;

use serde_json::Value;

/// Says what a value is, with its article.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// Tells whether a value counts as true: not false, zero, empty or nothing.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "all helpers have one signature")]
pub(super) fn json(arguments: &[&Value]) -> Result<Value, String> {
    Ok(Value::String(arguments.first().map_or_else(String::new, ToString::to_string)))
}

#[expect(clippy::unnecessary_wraps, reason = "all helpers have one signature")]
pub(super) fn not(arguments: &[&Value]) -> Result<Value, String> {
    Ok(Value::Bool(!arguments.iter().copied().all(is_truthy)))
}

pub(super) fn eq(arguments: &[&Value]) -> Result<Value, String> {
    same(arguments).map(Value::Bool)
}

pub(super) fn ne(arguments: &[&Value]) -> Result<Value, String> {
    same(arguments).map(|same| Value::Bool(!same))
}

pub(super) fn gt(arguments: &[&Value]) -> Result<Value, String> {
    ordered(arguments, Ordering::is_gt)
}

pub(super) fn gte(arguments: &[&Value]) -> Result<Value, String> {
    ordered(arguments, Ordering::is_ge)
}

pub(super) fn lt(arguments: &[&Value]) -> Result<Value, String> {
    ordered(arguments, Ordering::is_lt)
}

pub(super) fn lte(arguments: &[&Value]) -> Result<Value, String> {
    ordered(arguments, Ordering::is_le)
}

fn same(arguments: &[&Value]) -> Result<bool, String> {
    let [a, b] = arguments else { return Err("needs two values".into()) };
    let (Value::Number(x), Value::Number(y)) = (a, b) else { return Ok(a == b) };
    Ok(if x.is_f64() || y.is_f64() { x.as_f64() == y.as_f64() } else { x == y })
}

fn ordered(arguments: &[&Value], wanted: fn(Ordering) -> bool) -> Result<Value, String> {
    let [a, b] = arguments else { return Err("needs two values".into()) };
    let order = match (a, b) {
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => number(a).zip(number(b)).and_then(|(a, b)| a.partial_cmp(&b)),
    };
    match order {
        Some(order) => Ok(Value::Bool(wanted(order))),
        None => Err(format!("does not compare {} with {}", kind_of(a), kind_of(b))),
    }
}

/// The number that a value is, or that its text spells.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
