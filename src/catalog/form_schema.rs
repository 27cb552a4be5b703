//! The JSON Schema that a form compiles to. It says which values a service may give; [`Form::check`] says it to people.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::form::{Condition, Field, FieldType, Form};
use super::form_visibility::{by_id, chain, holds};

const SECRET_NAME: &str = "^[A-Z][A-Z0-9_]{0,63}$";
const FILE_PATH: &str = "^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$";
const SHA256: &str = "^[0-9a-f]{64}$";

impl Form {
    /// Returns the JSON Schema of the `fields` of a service.
    ///
    /// Conditions are part of it, except those that order dates, which JSON Schema cannot say, and the limits of dates
    /// are given as `formatMinimum` and `formatMaximum`, which some readers know.
    pub fn schema(&self) -> Value {
        let by_id = by_id(self);
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut rules = Vec::new();
        for (id, field) in &by_id {
            properties.insert((*id).to_owned(), described(field));
            match field.conditional {
                None if field.is_demanded() => required.push(json!(id)),
                None => {}
                Some(_) => rules.extend(conditional(&by_id, field)),
            }
        }
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        if !required.is_empty() {
            put(&mut schema, "required", Value::Array(required));
        }
        if !rules.is_empty() {
            put(&mut schema, "allOf", Value::Array(rules));
        }
        schema
    }
}

fn put(schema: &mut Value, key: &str, value: Value) {
    if let Value::Object(map) = schema {
        map.insert(key.to_owned(), value);
    }
}

fn described(field: &Field) -> Value {
    let mut schema = value_schema(field);
    put(&mut schema, "title", json!(field.name));
    if let Some(description) = &field.description {
        put(&mut schema, "description", json!(description));
    }
    if let Some(default) = &field.default {
        put(&mut schema, "default", default.clone());
    }
    schema
}

/// Returns the JSON Schema of a field's value.
pub(super) fn value_schema(field: &Field) -> Value {
    let mut schema = match field.kind {
        FieldType::String | FieldType::Textarea => json!({"type": "string"}),
        FieldType::Number => number(field),
        FieldType::Boolean => json!({"type": "boolean"}),
        FieldType::Select => json!({"enum": field.values().collect::<Vec<_>>()}),
        FieldType::Multiselect => json!({
            "type": "array",
            "uniqueItems": true,
            "items": {"enum": field.values().collect::<Vec<_>>()},
        }),
        FieldType::Date => json!({"type": "string", "format": "date"}),
        FieldType::Email => json!({"type": "string", "format": "email"}),
        FieldType::File => json!({
            "type": "object",
            "required": ["path", "sha256"],
            "properties": {
                "path": {
                    "type": "string",
                    "pattern": FILE_PATH,
                    "description": "A path below the folder of the service.",
                    "examples": ["files/policy.json"],
                },
                "sha256": {
                    "type": "string",
                    "pattern": SHA256,
                    "description": "A SHA-256 digest of 64 lower-case hexadecimal digits.",
                },
            },
            "additionalProperties": false,
        }),
        FieldType::Password => json!({
            "type": "object",
            "required": ["secret"],
            "properties": {"secret": {"type": "string", "pattern": SECRET_NAME}},
            "additionalProperties": false,
        }),
    };
    for (limit, keyword) in keywords(field.kind) {
        if let Some(value) = field.limit(limit) {
            put(&mut schema, keyword, value.clone());
        }
    }
    schema
}

/// Returns which limit is which keyword.
fn keywords(kind: FieldType) -> &'static [(&'static str, &'static str)] {
    match kind {
        FieldType::String | FieldType::Textarea => {
            &[("pattern", "pattern"), ("minLength", "minLength"), ("maxLength", "maxLength")]
        }
        FieldType::Email => &[("pattern", "pattern")],
        FieldType::Multiselect => &[("minItems", "minItems"), ("maxItems", "maxItems")],
        FieldType::Date => &[("min", "formatMinimum"), ("max", "formatMaximum")],
        _ => &[],
    }
}

fn number(field: &Field) -> Value {
    let step = field.limit("step").and_then(Value::as_f64);
    let mut schema = match step {
        Some(step) if step.fract() == 0.0 => json!({"type": "integer"}),
        _ => json!({"type": "number"}),
    };
    // A limit that is not a number is the author's mistake, which is reported elsewhere.
    for (limit, keyword) in [("min", "minimum"), ("max", "maximum"), ("step", "multipleOf")] {
        if let Some(value) = field.limit(limit).filter(|value| value.is_number()) {
            put(&mut schema, keyword, value.clone());
        }
    }
    schema
}

/// Says that a field is given only, and if demanded always, where it is visible.
fn conditional(by_id: &BTreeMap<&str, &Field>, field: &Field) -> Option<Value> {
    let hidden = json!({"properties": {&field.id: false}});
    let Some(chain) = chain(by_id, field) else { return Some(hidden) };
    let conditions: Option<Vec<Value>> =
        chain.iter().map(|(condition, decider)| condition_schema(condition, decider)).collect();
    let mut rule = json!({"if": {"allOf": conditions?}, "else": hidden});
    if field.is_demanded() {
        put(&mut rule, "then", json!({"required": [field.id]}));
    }
    Some(rule)
}

/// Returns the schema that holds of the fields where a condition does; nothing where JSON Schema cannot say it.
fn condition_schema(condition: &Condition, decider: &Field) -> Option<Value> {
    let wanted = &condition.value;
    let ordered =
        |keyword: &str| wanted.is_number().then(|| json!({"type": "number", keyword: wanted}));
    let value = match condition.operator.as_str() {
        "eq" => json!({"const": wanted}),
        "ne" => json!({"not": {"const": wanted}}),
        "gt" => ordered("exclusiveMinimum")?,
        "gte" => ordered("minimum")?,
        "lt" => ordered("exclusiveMaximum")?,
        "lte" => ordered("maximum")?,
        "in" => json!({"enum": wanted.as_array()?}),
        "notIn" => json!({"not": {"enum": wanted.as_array()?}}),
        "contains" if decider.kind == FieldType::Multiselect => {
            json!({"type": "array", "contains": {"const": wanted}})
        }
        "contains" => json!({"type": "string", "pattern": literal(wanted.as_str()?)}),
        _ => return None,
    };
    let mut schema = json!({"properties": {&decider.id: value}});
    // Where nothing is given the default decides, and where there is none, `null`.
    if !holds(condition, decider.default.as_ref().unwrap_or(&Value::Null)) {
        put(&mut schema, "required", json!([decider.id]));
    }
    Some(schema)
}

/// Writes a text as a pattern that finds it, in the syntax that ECMA 262 and this program share.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for char in text.chars() {
        if r"\^$.|?*+()[]{}/".contains(char) {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}
