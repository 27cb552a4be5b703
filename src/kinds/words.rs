//! Values and texts of documents as parts of a sentence: short, on one line. It finds no fault.

use serde_json::Value;

/// How many words are listed before the list is cut.
const LISTED: usize = 16;

/// How much of a value is shown.
const SHOWN: usize = 60;

/// Names the type of a value and, where it is short, the value: "number `1.4`".
pub(super) fn kind_and_value(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("number `{number}`"),
        Value::String(text) => format!("text `{}`", cut(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

/// Shows a value in a sentence.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "empty text".to_owned(),
        Value::String(text) => format!("`{}`", cut(text)),
        other => kind_and_value(other),
    }
}

/// Writes a value as a document would, without quotes.
pub fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Cuts a text that somebody wrote to what fits a sentence, on one line.
pub fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).flat_map(one_line).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn one_line(char: char) -> impl Iterator<Item = char> {
    let escaped = char.is_control().then(|| char.escape_default());
    let kept = escaped.is_none().then_some(char);
    escaped.into_iter().flatten().chain(kept)
}

/// Lists words as people read them.
pub fn listed(words: &[&str]) -> String {
    let mut list =
        words.iter().take(LISTED).map(|word| format!("`{}`", cut(word))).collect::<Vec<_>>();
    if words.len() > LISTED {
        list.push(format!("and {} more", words.len() - LISTED));
    }
    list.join(", ")
}

/// Appends a key to a JSON pointer.
pub fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
