//! Checks the JSON Schema that an action expects of an answer: it compiles, refers to nothing outside itself, and holds
//! no keyword that nobody knows. It fetches nothing.

use jsonschema::PatternOptions;
use serde_json::Value;

use super::problem::Fault;
use super::words::{cut, join};

/// Where it stands in a `config`.
const POINTER: &str = "/expect/schema";

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The largest compiled pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// What draft 2020-12 knows.
#[rustfmt::skip]
const KEYWORDS: [&str; 60] = [
    "$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary",
    "additionalProperties", "allOf", "anyOf", "const", "contains", "contentEncoding", "contentMediaType",
    "contentSchema", "default", "definitions", "dependencies", "dependentRequired", "dependentSchemas", "deprecated",
    "description", "else", "enum", "examples", "exclusiveMaximum", "exclusiveMinimum", "format", "if", "items",
    "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength",
    "minProperties", "minimum", "multipleOf", "not", "oneOf", "pattern", "patternProperties", "prefixItems",
    "properties", "propertyNames", "readOnly", "required", "then", "title", "type", "unevaluatedItems",
    "unevaluatedProperties", "uniqueItems", "writeOnly", "$recursiveRef",
];

/// Keywords that hold a schema.
const ONE: [&str; 13] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "allOf",
    "anyOf",
];

/// Keywords that hold schemas by names.
const NAMED: [&str; 5] =
    ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];

/// Returns what is wrong with the schema of the answer in a `config`, where there is one.
pub(super) fn problems(config: &Value) -> Vec<Fault> {
    let Some(schema) = config.pointer(POINTER).filter(|schema| schema.is_object()) else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    unknown_keywords(schema, POINTER, &mut faults);
    let draft =
        schema.get("$schema").and_then(Value::as_str).map(|text| text.trim_end_matches('#'));
    if draft.is_some_and(|draft| draft != DRAFT) {
        let message = "this cannot be used as JSON Schema: it names another draft".to_owned();
        faults.push(fault(format!("{POINTER}/$schema"), message, "write it after draft 2020-12"));
    }
    let compiled = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
        .offline()
        .build(schema);
    let Err(error) = compiled else { return faults };
    let before = faults.len();
    outside(schema, POINTER, &mut faults);
    if faults.len() == before {
        let place = error.instance_path().to_string();
        let message = format!("this cannot be used as JSON Schema: {error}");
        let hint =
            "write it after draft 2020-12; it may refer only to what stands in it, as `#/$defs/x`";
        faults.push(fault(format!("{POINTER}{place}"), message, hint));
    }
    faults
}

/// Finds references that lead out of a schema, in one that can't be used.
fn outside(schema: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    match schema {
        Value::Array(parts) => {
            for (index, part) in parts.iter().enumerate() {
                outside(part, &format!("{pointer}/{index}"), faults);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                let place = join(pointer, key);
                match (key.as_str(), value.as_str()) {
                    ("$ref" | "$dynamicRef", Some(to)) if !to.starts_with('#') => {
                        let message = format!(
                            "`{key}` leads to `{}`, and nothing outside this schema is read",
                            cut(to)
                        );
                        let hint = "copy what it leads to under `$defs`, and refer to it as `#/$defs/NAME`";
                        faults.push(fault(place, message, hint));
                    }
                    _ => outside(value, &place, faults),
                }
            }
        }
        _ => {}
    }
}

fn unknown_keywords(schema: &Value, pointer: &str, faults: &mut Vec<Fault>) {
    let Value::Object(map) = schema else {
        if let Value::Array(schemas) = schema {
            for (index, schema) in schemas.iter().enumerate() {
                unknown_keywords(schema, &format!("{pointer}/{index}"), faults);
            }
        }
        return;
    };
    for (key, value) in map {
        let place = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        if !KEYWORDS.contains(&key.as_str()) {
            let near = KEYWORDS.iter().find(|known| strsim::osa_distance(known, key) <= 2);
            let hint = near.map_or_else(
                || "take it away, or write a keyword of draft 2020-12".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("JSON Schema has no keyword `{key}`");
            faults.push(Fault { at_key: true, ..fault(place, message, &hint) });
        } else if ONE.contains(&key.as_str()) || matches!(key.as_str(), "oneOf" | "prefixItems") {
            unknown_keywords(value, &place, faults);
        } else if NAMED.contains(&key.as_str()) {
            for (name, schema) in value.as_object().into_iter().flatten() {
                let name = name.replace('~', "~0").replace('/', "~1");
                unknown_keywords(schema, &format!("{place}/{name}"), faults);
            }
        }
    }
}

fn fault(pointer: String, message: String, hint: &str) -> Fault {
    let hint = Some(hint.to_owned());
    Fault { pointer, at_key: false, rule: "schema/value", message, hint, mend: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, expected: &str) {
        let faults = problems(&json!({"expect": {"schema": schema}}));
        let said: Vec<String> =
            faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.message)).collect();
        let said = said.join("; ");
        assert!(
            said.contains(expected) && said.is_empty() == expected.is_empty(),
            "{schema}: {said}"
        );
    }

    #[test]
    fn a_schema_is_whole_in_itself() {
        check(
            &json!({"type": "object", "properties": {"typ": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"format": "date"}}}),
            "",
        );
        check(
            &json!({"$ref": "https://example.com/schema.json"}),
            "/expect/schema/$ref: `$ref` leads to `https://example.com/schema.json`, and nothing outside this schema is read",
        );
        check(
            &json!({"items": {"$ref": "file:///etc/passwd"}}),
            "/expect/schema/items/$ref: `$ref` leads to `file:///etc/passwd`, and nothing",
        );
        check(&json!({"$ref": "#/$defs/none"}), "cannot be used");
        check(&json!({"$schema": "https://example.com/mine"}), "cannot be used");
        check(&json!({"type": "objekt"}), "/expect/schema/type: this cannot be used");
        check(&json!({"format": "dtae"}), "cannot be used");
        check(&json!({"pattern": "("}), "cannot be used");
        assert!(problems(&json!({"expect": {"status": [200]}})).is_empty());
    }

    #[test]
    fn a_misspelt_keyword_is_named_wherever_it_stands() {
        check(
            &json!({"requierd": ["id"]}),
            "/expect/schema/requierd: JSON Schema has no keyword `requierd`",
        );
        check(
            &json!({"properties": {"a/b": {"anyOf": [{"mininum": 1}]}}}),
            "/expect/schema/properties/a~1b/anyOf/0/mininum",
        );
        let faults = problems(&json!({"expect": {"schema": {"requierd": []}}}));
        assert_eq!(faults[0].hint.as_deref(), Some("did you mean `required`?"));
    }
}
