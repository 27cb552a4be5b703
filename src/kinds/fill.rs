//! Fills the markers of a rendered `config`, each escaped for its slot.

use serde_json::Value;

use super::registry::ActionKind;
use super::render::{ConfigError, target_of};
use crate::template;

/// Fills every marker of a `config` that was rendered before; a marker without a value is an error.
pub fn fill_markers(
    kind: &ActionKind,
    config: &Value,
    value_of: &dyn Fn(&str) -> Option<String>,
) -> Result<Value, ConfigError> {
    let mut filled = config.clone();
    walk(&mut filled, &mut String::new(), &mut |text, pointer| {
        let target = target_of(kind, config, pointer);
        *text = template::fill(text, target, value_of)
            .map_err(|error| ConfigError { pointer: pointer.to_owned(), message: error.message })?;
        Ok(())
    })?;
    Ok(filled)
}

/// Returns the paths of all markers in a `config`, each once.
pub fn markers_in(config: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut copy = config.clone();
    let noted: Result<(), ConfigError> = walk(&mut copy, &mut String::new(), &mut |text, _| {
        found.extend(template::marker_paths(text));
        Ok(())
    });
    debug_assert!(noted.is_ok(), "noting never fails");
    found.sort();
    found.dedup();
    found
}

type Visit<'a> = &'a mut dyn FnMut(&mut String, &str) -> Result<(), ConfigError>;

fn walk(value: &mut Value, pointer: &mut String, visit: Visit<'_>) -> Result<(), ConfigError> {
    let length = pointer.len();
    match value {
        Value::String(text) => visit(text, pointer)?,
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                walk(item, pointer, visit)?;
                pointer.truncate(length);
            }
        }
        Value::Object(map) => {
            for (key, item) in map.iter_mut() {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(item, pointer, visit)?;
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}
