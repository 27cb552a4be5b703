//! Values that a form's fields could have, and a form written out as YAML to be filled in. It reads no catalog.

use serde_json::{Map, Value, json};

use super::files::one_line;
use crate::catalog::{Field, FieldType, Form};

/// Writes the fields of a form: those that must be given with a sample, the others as comments.
///
/// Each line begins with the indent; `given` are values that are known already.
pub(super) fn fields_as_yaml(form: &Form, given: &Map<String, Value>, indent: &str) -> String {
    let values = samples(form, given);
    let visible = form.visible(&form.with_defaults(&values));
    let mut text = String::new();
    for field in form.fields() {
        let about = about(field);
        let line = match values.get(&field.id) {
            Some(value) => format!("{indent}{}: {}{about}\n", field.id, inline(value)),
            None if visible.contains(field.id.as_str()) => {
                let value = field.default.clone().unwrap_or_else(|| sample(field));
                format!("{indent}# {}: {}{about}\n", field.id, inline(&value))
            }
            None => format!("{indent}# {}: …{about}{}\n", field.id, condition(field)),
        };
        text.push_str(&line);
    }
    text
}

/// Returns a sample for every field that must be given, and what was given.
pub(super) fn samples(form: &Form, given: &Map<String, Value>) -> Map<String, Value> {
    let mut values = given.clone();
    values.retain(|id, _| form.field(id).is_some());
    // A sample may make another field visible; each round adds one at least, or is the last.
    loop {
        let known = form.with_defaults(&values);
        let visible = form.visible(&known);
        let missing = form.fields().find(|field| {
            field.is_demanded()
                && visible.contains(field.id.as_str())
                && !values.contains_key(&field.id)
        });
        let Some(field) = missing else { return values };
        values.insert(field.id.clone(), sample(field));
    }
}

/// Returns a value that fits a field as far as can be told; a pattern is met by its placeholder at most.
pub(super) fn sample(field: &Field) -> Value {
    let limit = |name: &str| field.limit(name).cloned();
    match field.kind {
        FieldType::String | FieldType::Textarea => json!(text(field)),
        FieldType::Number => limit("min").unwrap_or_else(|| json!(1)),
        FieldType::Boolean => json!(false),
        FieldType::Select => field.values().next().cloned().unwrap_or_default(),
        FieldType::Multiselect => {
            let least = limit("minItems").and_then(|least| least.as_u64()).unwrap_or(1);
            let least = usize::try_from(least).unwrap_or(1).max(1);
            field.values().take(least).cloned().collect()
        }
        FieldType::Date => limit("min").unwrap_or_else(|| json!("2030-01-01")),
        FieldType::Email => {
            json!(field.placeholder.as_deref().unwrap_or("somebody@example.com"))
        }
        FieldType::File => json!({"path": "files/change-me", "sha256": "0".repeat(64)}),
        FieldType::Password => json!({"secret": "CHANGE_ME"}),
    }
}

fn text(field: &Field) -> String {
    let length = |name: &str| {
        let limit = field.limit(name).and_then(Value::as_u64)?;
        usize::try_from(limit).ok()
    };
    let least = length("minLength").unwrap_or(0).min(1000);
    let most = length("maxLength").unwrap_or(usize::MAX);
    let words = field.placeholder.as_deref().unwrap_or("change-me");
    let mut text: String = words.chars().take(most).collect();
    while text.chars().count() < least {
        text.push('x');
    }
    text
}

/// Writes a value on one line of YAML.
pub(super) fn inline(value: &Value) -> String {
    let plain = serde_yaml::to_string(value).unwrap_or_default();
    let plain = plain.trim_end();
    let is_scalar = !value.is_array() && !value.is_object();
    // JSON is YAML too, and never breaks a line.
    if is_scalar && !plain.contains('\n') { plain.to_owned() } else { value.to_string() }
}

fn about(field: &Field) -> String {
    let mut words = vec![one_line(&field.name)];
    if field.is_demanded() {
        words.push("required".to_owned());
    }
    let choices: Vec<String> =
        field.values().take(8).map(|value| one_line(&inline(value))).collect();
    if !choices.is_empty() {
        words.push(format!("one of {}", choices.join(", ")));
    }
    if let Some(message) = field.limit("message").and_then(Value::as_str) {
        words.push(one_line(message));
    }
    format!(" # {}", words.join("; "))
}

fn condition(field: &Field) -> String {
    let Some(condition) = &field.conditional else { return String::new() };
    let (operator, value) = (one_line(&condition.operator), one_line(&inline(&condition.value)));
    format!("; only where {} {operator} {value}", one_line(&condition.field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &Value) -> Form {
        let groups = json!({"groups": [{"id": "g", "name": "G", "fields": fields}]});
        serde_json::from_value(groups).unwrap()
    }

    fn check(fields: &Value, given: &Value) -> String {
        fields_as_yaml(&form(fields), given.as_object().unwrap(), "  ")
    }

    #[test]
    fn what_must_be_given_has_a_sample() {
        let fields = json!([
            {"id": "name", "name": "Name", "type": "string", "required": true},
            {"id": "size", "name": "Size", "type": "select", "required": true, "enum": ["s", {"value": "l", "label": "Large"}]},
            {"id": "version", "name": "Version", "type": "string", "default": "16"},
            {"id": "count", "name": "Count", "type": "number", "required": true, "validation": {"min": 3}},
            {"id": "key", "name": "Key", "type": "password", "required": true},
            {"id": "phone", "name": "Phone", "type": "string", "required": true, "conditional": {"field": "size", "operator": "eq", "value": "l"}},
            {"id": "why", "name": "Why", "type": "textarea", "required": true, "validation": {"minLength": 12}, "conditional": {"field": "size", "operator": "eq", "value": "s"}},
        ]);
        insta::assert_snapshot!(check(&fields, &json!({"name": "no", "other": 1})), @r#"
          name: no # Name; required
          size: s # Size; required; one of s, l
          # version: '16' # Version
          count: 3 # Count; required
          key: {"secret":"CHANGE_ME"} # Key; required
          # phone: … # Phone; required; only where size eq l
          why: change-mexxx # Why; required
        "#);
    }

    #[test]
    fn nothing_in_a_form_can_break_out_of_its_line() {
        let fields = json!([
            {"id": "a", "name": "A\nkind: Evil", "type": "string", "required": true, "placeholder": "x\ny: z"},
            {"id": "b", "name": "B", "type": "string", "default": "# x\r\nz: 1", "validation": {"message": "m\u{2028}n"}},
        ]);
        let text = check(&fields, &json!({}));
        assert_eq!(text.lines().count(), 2, "{text}");
        let (tree, findings) = crate::yaml::parse(&"x.yaml".into(), text.as_bytes());
        assert_eq!(findings, []);
        assert_eq!(tree.unwrap().to_json(), json!({"a": "x\ny: z"}));
    }
}
