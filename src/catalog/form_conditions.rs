//! What is wrong with the conditions of a form: unknown fields, operators and values that make no sense, rings.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::form::{Condition, Field, FieldType};
use super::form_problems::violations;
use super::form_visibility::MAX_CHAIN;
use super::schema::Problem;
use crate::finding::nearest;
use crate::kinds::words::{cut, listed};

/// Returns what is wrong with the condition of a field.
pub(super) fn condition_problems(
    condition: &Condition,
    field: &Field,
    fields: &BTreeMap<&str, &Field>,
) -> Vec<Problem> {
    let problem = |place: &str, message: String, hint: Option<String>| {
        vec![Problem::new("form/condition", format!("/conditional/{place}"), message, hint)]
    };
    let Some(decider) = fields.get(condition.field.as_str()) else {
        let near = nearest(&condition.field, fields.keys().copied());
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        let found = problem("field", format!("no field `{}`", cut(&condition.field)), hint);
        return found.into_iter().map(|one| one.meant(&condition.field, near)).collect();
    };
    if decider.id == field.id {
        let hint = "name another field, or take the condition away".to_owned();
        return problem("field", "a field cannot decide over itself".to_owned(), Some(hint));
    }
    let operators = operators(decider.kind);
    if !operators.contains(&condition.operator.as_str()) {
        let kind = decider.kind.word();
        let message =
            format!("`{}` cannot be asked of a field of type `{kind}`", cut(&condition.operator));
        let hint = match operators {
            [] => format!("no condition can hang on a `{kind}`"),
            _ => match nearest(&condition.operator, operators.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("possible: {}", listed(operators)),
            },
        };
        return problem("operator", message, Some(hint));
    }
    let schema = match condition.operator.as_str() {
        "in" | "notIn" => json!({"type": "array", "minItems": 1, "items": one_value(decider)}),
        _ => one_value(decider),
    };
    violations(&schema, "/conditional/value", &condition.value, "form/condition")
}

/// Returns the operators that make sense for a field that decides.
fn operators(kind: FieldType) -> &'static [&'static str] {
    match kind {
        FieldType::String | FieldType::Textarea | FieldType::Email => {
            &["eq", "ne", "in", "notIn", "contains"]
        }
        FieldType::Number | FieldType::Date => {
            &["eq", "ne", "gt", "gte", "lt", "lte", "in", "notIn"]
        }
        FieldType::Boolean => &["eq", "ne"],
        FieldType::Select => &["eq", "ne", "in", "notIn"],
        FieldType::Multiselect => &["contains"],
        FieldType::File | FieldType::Password => &[],
    }
}

/// Returns the schema of one value that a field is compared with.
fn one_value(decider: &Field) -> Value {
    match decider.kind {
        FieldType::Number => json!({"type": "number"}),
        FieldType::Boolean => json!({"type": "boolean"}),
        FieldType::Select | FieldType::Multiselect => {
            json!({"enum": decider.values().collect::<Vec<_>>()})
        }
        FieldType::Date => json!({"type": "string", "format": "date"}),
        _ => json!({"type": "string"}),
    }
}

/// Conditions that end where they began, or hang on too many others; a ring is reported once.
pub(super) fn ring<'a>(
    field: &'a Field,
    fields: &BTreeMap<&'a str, &'a Field>,
    reported: &mut BTreeSet<&'a str>,
) -> Vec<Problem> {
    let problem = |message: String, hint: &str| {
        vec![Problem::new("form/condition", "/conditional/field", message, Some(hint.to_owned()))]
    };
    let mut path = vec![field.id.as_str()];
    let mut next = field.conditional.as_ref();
    while let Some(decider) = next.and_then(|condition| fields.get(condition.field.as_str())) {
        path.push(&decider.id);
        if decider.id == field.id {
            let fresh = !path.iter().any(|id| reported.contains(id));
            reported.extend(path.iter().copied());
            let message = format!("conditions go in a ring: {}", path.join(" → "));
            // A field that decides over itself is reported in its own words.
            let hint = "none of them is ever visible: take the condition of one of them away";
            return if fresh && path.len() > 2 { problem(message, hint) } else { Vec::new() };
        }
        if path.len() > MAX_CHAIN + 1 {
            // Whoever leads into a ring is not part of it.
            let repeats = path.iter().collect::<BTreeSet<_>>().len() < path.len();
            let message = format!("more than {MAX_CHAIN} conditions hang on one another");
            let hint = "let it hang on a field further up directly";
            return if repeats { Vec::new() } else { problem(message, hint) };
        }
        next = decider.conditional.as_ref();
    }
    Vec::new()
}
