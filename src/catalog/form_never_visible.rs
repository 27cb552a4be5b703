//! Finds fields that no service can ever see: conditions that no value of the deciding field fulfils. It knows no services.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::form::{Condition, Field, FieldType};
use super::form_check::FieldCheck;
use super::form_conditions::condition_problems;
use super::form_visibility::{compare, holds, in_words};
use super::schema::Problem;
use crate::kinds::words::cut;

/// Warns about a field whose condition no value of the deciding field fulfils.
///
/// Fields that hang on such a field are not told again.
pub(super) fn never_visible(field: &Field, fields: &BTreeMap<&str, &Field>) -> Vec<Problem> {
    let Some(condition) = &field.conditional else { return Vec::new() };
    let Some(decider) = fields.get(condition.field.as_str()) else { return Vec::new() };
    // What makes no sense is told as such.
    let fulfilled = |values: Vec<Value>| values.iter().any(|value| holds(condition, value));
    if candidates(decider, condition).is_none_or(fulfilled)
        || !condition_problems(condition, field, fields).is_empty()
    {
        return Vec::new();
    }
    let required = if field.required { "required field" } else { "field" };
    let message = format!(
        "{required} `{}` can never be visible: there is no value with which {}",
        cut(&field.id),
        in_words(condition)
    );
    let hint = format!(
        "compare with a value that `{}` can have, or take `{}` away",
        cut(&decider.id),
        cut(&field.id)
    );
    vec![Problem::new("form/never-visible", "/conditional", message, Some(hint)).warning()]
}

/// Returns values of a field of which one fulfils a condition where any value does; nothing where nobody can list them.
fn candidates(decider: &Field, condition: &Condition) -> Option<Vec<Value>> {
    let named = match condition.operator.as_str() {
        "eq" => Some(vec![condition.value.clone()]),
        "in" => condition.value.as_array().cloned(),
        _ => None,
    };
    let mut values = match (decider.kind, named) {
        (FieldType::Select, _) => decider.values().cloned().collect(),
        (FieldType::Boolean, _) => vec![json!(true), json!(false)],
        (FieldType::Multiselect | FieldType::File | FieldType::Password, _) => return None,
        (_, Some(mut named)) => {
            let check = FieldCheck::of(decider);
            named.retain(|value| check.problems("", value).is_empty());
            named
        }
        (FieldType::Number, None) => numbers(decider, condition),
        _ => return None,
    };
    if !decider.required && decider.default.is_none() {
        values.push(Value::Null);
    }
    Some(values)
}

/// Every number that the condition or a limit names, and one in each gap between them.
fn numbers(decider: &Field, condition: &Condition) -> Vec<Value> {
    let limits = ["min", "max"].map(|name| decider.limit(name));
    let wanted = match &condition.value {
        Value::Array(items) => items.as_slice(),
        value => std::slice::from_ref(value),
    };
    let all = wanted.iter().chain(limits.into_iter().flatten());
    let mut points: Vec<f64> = all.filter_map(Value::as_f64).collect();
    points.sort_by(f64::total_cmp);
    let gaps = points.iter().zip(points.iter().skip(1));
    let between: Vec<f64> = gaps.map(|(low, high)| f64::midpoint(*low, *high)).collect();
    let around = [points.first().map(|low| low - 1.0), points.last().map(|high| high + 1.0)];
    points.extend(between.into_iter().chain(around.into_iter().flatten()));
    let [least, most] = limits;
    let within = |value: &Value| {
        least.is_none_or(|least| compare(value, least).is_none_or(std::cmp::Ordering::is_ge))
            && most.is_none_or(|most| compare(value, most).is_none_or(std::cmp::Ordering::is_le))
    };
    points.into_iter().map(|point| json!(point)).filter(within).collect()
}
