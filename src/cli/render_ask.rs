//! Fields as the command line gives them: read by the types of the form. It renders nothing.

use serde_json::{Map, Value, json};

use super::local::unknown;
use super::output::Failure;
use crate::catalog::{Field, FieldType, Form};

/// Reads `NAME=VALUE` by the types of the form.
pub(super) fn given(form: &Form, texts: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut values = Map::new();
    for text in texts {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::usage(format!("`--field {text}` has no value"))
                .hint("write --field NAME=VALUE"));
        };
        let Some(field) = form.field(name) else {
            let known: Vec<&str> = form.fields().map(|field| field.id.as_str()).collect();
            return Err(unknown("field", name, &known));
        };
        values.insert(name.to_owned(), value_of(field, value)?);
    }
    Ok(values)
}

fn value_of(field: &Field, text: &str) -> Result<Value, Failure> {
    let json = || serde_json::from_str::<Value>(text).ok();
    let wrong = |expected: &str| {
        Failure::usage(format!("field `{}` takes {expected}, not `{text}`", field.id))
    };
    match field.kind {
        FieldType::String | FieldType::Textarea | FieldType::Date | FieldType::Email => {
            Ok(json!(text))
        }
        FieldType::Number => json().filter(Value::is_number).ok_or_else(|| wrong("a number")),
        FieldType::Boolean => {
            json().filter(Value::is_boolean).ok_or_else(|| wrong("true or false"))
        }
        FieldType::Select => Ok(choice(field, text)),
        FieldType::Multiselect => match json() {
            Some(list @ Value::Array(_)) => Ok(list),
            _ if text.is_empty() => Ok(json!([])),
            _ => Ok(text.split(',').map(|word| choice(field, word.trim())).collect()),
        },
        FieldType::File => {
            json().filter(Value::is_object).ok_or_else(|| wrong("{\"path\": …, \"sha256\": …}"))
        }
        // Only ever the name of a secret, never the secret itself.
        FieldType::Password => Ok(json!({"secret": text})),
    }
}

/// Finds the choice that a word means, which may be a number; the form finds fault with what is none.
fn choice(field: &Field, word: &str) -> Value {
    let same = |value: &&Value| match value {
        Value::String(text) => text == word,
        other => *word == *other.to_string(),
    };
    field.values().find(same).cloned().unwrap_or_else(|| json!(word))
}
