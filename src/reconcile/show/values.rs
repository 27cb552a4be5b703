//! Values as people may see them: markers in words, secrets masked, control characters visible. Never the value of a secret.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::reasons::count;
use crate::reconcile::secret_name;
use crate::secret::{MASK, SEALED};
use crate::template::{has_sensitive, has_unknown, show_markers};

/// The longest line of JSON that is broken into several, in bytes.
const LONGEST_JSON: usize = 64 << 10;

/// Writes a text from outside so that it can't steer a terminal, reorder what is read, or break a line.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in show_markers(text).chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            c if is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Tells whether a character acts on its surroundings or can't be seen: controls, bidi, joiners, tags, markers.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{FEFF}' | '\u{E000}' | '\u{E001}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Keeps the start and the end of a text that is longer than it may be.
pub(super) fn cut(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let (head, tail) = (most * 3 / 4, most / 4);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…({})…{end}", count(length - head - tail, "more character"))
}

/// Tells whether a value must not be seen: it names a secret, or is sealed.
pub(super) fn is_secret(value: &Value) -> bool {
    secret_name(value).is_some() || value.get(SEALED).is_some()
}

/// Copies a value with secrets masked and markers in words.
pub fn masked(value: &Value) -> Value {
    match value {
        value if is_secret(value) => Value::String(MASK.to_owned()),
        Value::String(text) => Value::String(show_markers(text)),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(map) => {
            let entries = map.iter().map(|(key, item)| (show_markers(key), masked(item)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Writes a value on one line: texts in quotes, so that `"5"` and `5` differ, markers bare.
pub fn literal(value: &Value) -> String {
    match value {
        value if is_secret(value) => MASK.to_owned(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(literal).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(name, item)| format!("{}: {}", key(name), literal(item)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    let shown = show_markers(text);
    let lone = shown == MASK || shown == "(known after apply)";
    if lone && (has_unknown(text) || has_sensitive(text)) {
        return shown;
    }
    format!("\"{}\"", visible(&shown.replace('\\', "\\\\").replace('"', "\\\"")))
}

fn key(name: &str) -> String {
    let tame = |c: char| c.is_ascii_alphanumeric() || "-_./$".contains(c);
    let is_tame = !name.is_empty() && name.chars().all(tame);
    if is_tame { name.to_owned() } else { quoted(name) }
}

/// Writes a value over several lines, as one would in YAML; long texts line by line.
pub fn lines(value: &Value) -> Vec<String> {
    match value {
        value if is_secret(value) => vec![MASK.to_owned()],
        Value::String(text) => match block(text) {
            Some((_, lines)) => lines,
            None => vec![quoted(text)],
        },
        Value::Array(items) if !items.is_empty() => items.iter().flat_map(item_lines).collect(),
        Value::Object(map) if !map.is_empty() && !is_secret(value) => {
            map.iter().flat_map(|(name, item)| entry_lines(&key(name), item)).collect()
        }
        other => vec![literal(other)],
    }
}

fn item_lines(item: &Value) -> Vec<String> {
    let inner = match item {
        Value::String(_) => entry_lines("", item),
        _ => lines(item),
    };
    let lead = |(index, line): (usize, String)| match index {
        0 => format!("- {line}"),
        _ => format!("  {line}"),
    };
    inner.into_iter().enumerate().map(lead).collect()
}

/// One key with its value; an item of a list has no name.
fn entry_lines(name: &str, item: &Value) -> Vec<String> {
    let head = |rest: &str| match (name, rest) {
        ("", rest) => rest.to_owned(),
        (name, "") => format!("{name}:"),
        (name, rest) => format!("{name}: {rest}"),
    };
    let (first, inner) = match item {
        Value::String(text) => match block(text) {
            Some((sign, lines)) => (head(sign), lines),
            None => return vec![head(&quoted(text))],
        },
        Value::Array(items) if !items.is_empty() => (head(""), lines(item)),
        Value::Object(map) if !map.is_empty() && !is_secret(item) => (head(""), lines(item)),
        other => return vec![head(&literal(other))],
    };
    std::iter::once(first).chain(inner.into_iter().map(|line| format!("  {line}"))).collect()
}

/// A text of several lines, or a long line of JSON, line by line, and how it is announced.
fn block(text: &str) -> Option<(&'static str, Vec<String>)> {
    let shown = show_markers(text);
    if let Some(json) = broken_json(&shown) {
        return Some(("| (one line of JSON)", json.lines().map(visible).collect()));
    }
    if !shown.contains('\n') {
        return None;
    }
    let (sign, body) = match shown.strip_suffix('\n') {
        Some(body) => ("|", body),
        None => ("|-", &*shown),
    };
    Some((sign, body.split('\n').map(visible).collect()))
}

/// Breaks one line of JSON into several, and changes nothing else of it.
fn broken_json(text: &str) -> Option<String> {
    let compound = text.starts_with(['{', '[']);
    let fits = (40..LONGEST_JSON).contains(&text.len()) && !text.contains('\n');
    if !compound || !fits || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    let (mut broken, mut depth, mut in_text, mut escaped) = (String::new(), 0_usize, false, false);
    for c in text.chars() {
        let inside = in_text;
        in_text ^= c == '"' && !escaped;
        escaped = inside && c == '\\' && !escaped;
        match c {
            _ if inside || in_text => broken.push(c),
            '{' | '[' => {
                depth += 1;
                broken.push(c);
                new_line(&mut broken, depth);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if broken.trim_end().ends_with(['{', '[']) {
                    broken.truncate(broken.trim_end().len());
                } else {
                    new_line(&mut broken, depth);
                }
                broken.push(c);
            }
            ',' => {
                broken.push(c);
                new_line(&mut broken, depth);
            }
            ':' => broken.push_str(": "),
            c if c.is_whitespace() => {}
            c => broken.push(c),
        }
    }
    Some(broken)
}

fn new_line(broken: &mut String, depth: usize) {
    broken.push('\n');
    broken.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{sensitive, unknown};
    use serde_json::json;

    #[test]
    fn what_steers_a_terminal_is_seen_instead() {
        for (text, expected) in [
            ("\u{1b}[2Jgone\u{7}", "\\u{1b}[2Jgone\\u{7}"),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
            ("\u{9b}31m\u{200b}\u{feff}", "\\u{9b}31m\\u{200b}\\u{feff}"),
            ("one\ntwo\r\u{2028}", "one\\ntwo\\r\\u{2028}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
            ("Größe → 数\t✓", "Größe → 数\t✓"),
        ] {
            assert_eq!(visible(text), expected);
            assert_eq!(visible(&visible(text)), expected, "twice is once");
        }
    }

    #[test]
    fn values_keep_their_type_and_secrets_their_silence() {
        for (value, expected) in [
            (json!("5"), "\"5\""),
            (json!(5), "5"),
            (json!("a\"b\\c"), r#""a\"b\\c""#),
            (json!({"secret": "PASS"}), "(sensitive)"),
            (json!([{"$sealed": "hunter22", "$hash": "h"}]), "[(sensitive)]"),
            (json!(unknown("outputs.a.url")), "(known after apply)"),
            (json!(format!("x-{}", sensitive("secrets.t/K"))), "\"x-(sensitive)\""),
            (json!("(sensitive)"), "\"(sensitive)\""),
            (json!({"a b": null, "c": []}), "{\"a b\": null, c: []}"),
        ] {
            assert_eq!(literal(&value), expected);
        }
    }

    #[test]
    fn long_values_stand_over_lines() {
        let value = json!({
            "files": [{"path": "a.tf", "content": "x = 1\n\u{1b}[31my = 2\n"}, "z\nz"],
            "body": r#"{"name":"a, \"b\": {","list":[1,2],"empty":{}}"#,
            "password": {"secret": "PASS"},
        });
        insta::assert_snapshot!(lines(&value).join("\n"), @r#"
        body: | (one line of JSON)
          {
            "name": "a, \"b\": {",
            "list": [
              1,
              2
            ],
            "empty": {}
          }
        files:
          - content: |
              x = 1
              \u{1b}[31my = 2
            path: "a.tf"
          - |-
              z
              z
        password: (sensitive)
        "#);
    }

    #[test]
    fn a_cut_text_says_how_much_is_missing() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut(&"ä".repeat(100), 8), "ääääää…(92 more characters)…ää");
    }
}
