//! Tells of common values that a field surely takes, compiling no schema for it. What it does not know it leaves open.

use serde_json::Value;

use super::form::{Field, FieldType};
use super::form_pattern_known::Pattern;

/// Tells whether a field surely takes a value; `false` says nothing.
pub(super) fn is_right(field: &Field, value: &Value) -> bool {
    match (field.kind, value) {
        (FieldType::Boolean, Value::Bool(_)) => true,
        (FieldType::Select, Value::String(_)) => field.values().any(|choice| choice == value),
        (FieldType::String | FieldType::Textarea, Value::String(text)) => {
            let is_taken = |pattern: &Value| {
                pattern.as_str().is_some_and(|pattern| Pattern::of(pattern).takes(value))
            };
            has_length(field, text) && field.limit("pattern").is_none_or(is_taken)
        }
        (FieldType::Number, Value::Number(number)) => {
            number.as_i64().is_some_and(|number| is_between(field, number))
        }
        _ => false,
    }
}

fn has_length(field: &Field, text: &str) -> bool {
    let limit = |name, otherwise| field.limit(name).map_or(Some(otherwise), Value::as_u64);
    let length = text.chars().count() as u64;
    limit("minLength", 0).is_some_and(|least| least <= length)
        && limit("maxLength", u64::MAX).is_some_and(|most| length <= most)
}

fn is_between(field: &Field, number: i64) -> bool {
    let limit = |name, otherwise| field.limit(name).map_or(Some(otherwise), Value::as_i64);
    limit("min", i64::MIN).is_some_and(|least| least <= number)
        && limit("max", i64::MAX).is_some_and(|most| number <= most)
        && limit("step", 1).is_some_and(|step| step > 0 && number % step == 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::form_check::FieldCheck;
    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let words = prop::sample::select(vec!["", "a", "large", "éé", "12", "x\ny"]);
        prop_oneof![
            words.prop_map(|word| json!(word)),
            (-20_i64..200).prop_map(|number| json!(number)),
            Just(json!(1.5)),
            Just(json!(10.0)),
            any::<bool>().prop_map(|value| json!(value)),
            Just(json!(null)),
            Just(json!(["large"])),
        ]
    }

    fn limits() -> impl Strategy<Value = Value> {
        let names = ["pattern", "minLength", "maxLength", "min", "max", "step", "message"];
        let limit = (prop::sample::select(names.to_vec()), value());
        prop::collection::vec(limit, 0..3).prop_map(|limits| {
            limits.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_certain_breaks_no_schema(
            kind in prop::sample::select(vec!["string", "textarea", "number", "boolean", "select", "email", "date"]),
            limits in limits(),
            choices in prop::collection::vec(value(), 0..3),
            value in value(),
        ) {
            let field = json!({"id": "a", "name": "A", "type": kind, "enum": choices, "validation": limits});
            let field: Field = serde_json::from_value(field).unwrap();
            if is_right(&field, &value) {
                prop_assert_eq!(FieldCheck::of(&field).problems("", &value), vec![]);
            }
        }
    }

    #[test]
    fn what_people_write_is_certain() {
        for (field, value) in [
            (json!({"type": "select", "enum": ["a", {"value": "b", "label": "B"}]}), json!("b")),
            (
                json!({"type": "number", "validation": {"min": 20, "max": 100, "step": 10}}),
                json!(30),
            ),
            (json!({"type": "string", "validation": {"maxLength": 3}}), json!("éé")),
            (json!({"type": "boolean"}), json!(false)),
        ] {
            let mut field = field;
            field["id"] = json!("a");
            field["name"] = json!("A");
            assert!(is_right(&serde_json::from_value(field).unwrap(), &value), "{value}");
        }
    }
}
