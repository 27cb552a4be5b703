//! Helpers that make texts of texts. What they make never grows beyond what a template may render to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::marker::is_only_markers;
use super::render::MAX_OUTPUT_BYTES;
use super::value_helpers::kind_of;
use crate::digest::Digest;

/// The text of a value, as it stands in plain text.
pub(super) fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Ok(String::new()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err(format!("needs a text, not {}", kind_of(value))),
    }
}

fn one(arguments: &[&Value], change: impl Fn(&str) -> String) -> Result<Value, String> {
    let text = arguments.first().map_or_else(|| Ok(String::new()), |value| text_of(value))?;
    Ok(Value::String(change(&text)))
}

pub(super) fn upper(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, str::to_uppercase)
}

pub(super) fn lower(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, str::to_lowercase)
}

pub(super) fn trim(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| text.trim().to_owned())
}

pub(super) fn base64(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| STANDARD.encode(text))
}

pub(super) fn sha256(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| Digest::of_bytes(text.as_bytes()).to_string())
}

/// Lower case letters, digits and single hyphens between them.
pub(super) fn slug(arguments: &[&Value]) -> Result<Value, String> {
    one(arguments, |text| {
        let lower = text.to_lowercase();
        let words =
            lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-")
    })
}

pub(super) fn replace(arguments: &[&Value]) -> Result<Value, String> {
    let texts = arguments.iter().map(|value| text_of(value)).collect::<Result<Vec<_>, _>>()?;
    let [text, from, to] = texts.as_slice() else { return Err("needs three texts".into()) };
    if from.is_empty() {
        return Err("needs something to look for".into());
    }
    let growth = text.matches(from.as_str()).count().saturating_mul(to.len());
    within(text.len().saturating_add(growth))?;
    Ok(Value::String(text.replace(from.as_str(), to)))
}

pub(super) fn concat(arguments: &[&Value]) -> Result<Value, String> {
    joined(arguments.iter().copied(), "")
}

pub(super) fn join(arguments: &[&Value]) -> Result<Value, String> {
    // A list that is not known yet stands there as the marker of one.
    if let Some(text @ Value::String(marker)) = arguments.first()
        && is_only_markers(marker)
    {
        return Ok((*text).clone());
    }
    let Some(Value::Array(items)) = arguments.first() else {
        let found = arguments.first().map_or("nothing", |value| kind_of(value));
        return Err(format!("needs a list, not {found}"));
    };
    let between = arguments.get(1).map_or_else(|| Ok(", ".to_owned()), |value| text_of(value))?;
    joined(items.iter(), &between)
}

fn joined<'a>(values: impl Iterator<Item = &'a Value>, between: &str) -> Result<Value, String> {
    let mut text = String::new();
    for (index, value) in values.enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        text.push_str(&text_of(value)?);
        within(text.len())?;
    }
    Ok(Value::String(text))
}

fn within(length: usize) -> Result<(), String> {
    if length > MAX_OUTPUT_BYTES { Err("makes more than 1 MiB".into()) } else { Ok(()) }
}
