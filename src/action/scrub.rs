//! Makes what comes from outside fit to be stored and shown: no secrets, no markers, no control
//! characters, never more than an excerpt of what was not understood.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::action::Call;
use crate::run::Fault;
use crate::secret::{MASK, Secret, mask};
use crate::template::strip_markers;

/// The longest excerpt of an answer, in bytes.
const EXCERPT_BYTES: usize = 2 << 10;

/// Takes secrets and markers out of texts and values.
pub(super) struct Scrub {
    secrets: Vec<Secret>,
}

impl Scrub {
    /// Knows the secrets of a call, and its credentials even where the catalog wrote them in clear.
    pub(super) fn of(call: &Call) -> Self {
        let mut secrets = call.secrets.clone();
        let text = |key: &str| {
            call.config
                .pointer("/authentication")
                .and_then(|auth| auth.get(key))
                .and_then(Value::as_str)
        };
        secrets.extend(["token", "password", "key"].into_iter().filter_map(text).map(Secret::new));
        if let (Some(username), Some(password)) = (text("username"), text("password")) {
            secrets.push(Secret::new(STANDARD.encode(format!("{username}:{password}"))));
        }
        Self { secrets }
    }

    /// Knows these as well: the operator's own, which a call does not name.
    pub(super) fn also(mut self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        self.secrets.extend(secrets);
        self
    }

    /// Cleans a text.
    pub(super) fn text(&self, text: &str) -> String {
        mask(&strip_markers(text), &self.secrets)
    }

    /// Cleans a JSON value, keys included.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.text(&text);
                if masked == text { value.clone() } else { Value::String(masked) }
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, value)| (self.text(key), self.value(value)))
                    .collect::<Map<_, _>>(),
            ),
            other => other.clone(),
        }
    }

    /// Cleans a fault.
    pub(super) fn fault(&self, fault: &Fault) -> Fault {
        Fault { message: self.text(&fault.message), ..fault.clone() }
    }

    /// Returns the beginning of bytes as one clean line of text, masked before it is cut.
    pub(super) fn excerpt(&self, bytes: &[u8]) -> String {
        let text = self.text(&String::from_utf8_lossy(bytes));
        let words: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .collect();
        let line = words.join(" ");
        let end = line.floor_char_boundary(EXCERPT_BYTES);
        match line.get(..end) {
            Some(start) if end < line.len() => format!("{start}…"),
            _ => line,
        }
    }
}

/// Tells whether a value held a secret before it was cleaned.
pub(super) fn is_masked(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(MASK) || crate::template::has_sensitive(text),
        Value::Array(items) => items.iter().any(is_masked),
        Value::Object(map) => map.values().any(is_masked),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::testing::call;
    use crate::template::{sensitive, unknown};

    #[test]
    fn secrets_and_markers_never_come_through() {
        let scrub = Scrub::of(&call(json!({
            "authentication": {"type": "basic", "username": "robot", "password": "correct horse"},
        })));
        let value = json!({"a": ["x hunter22 y", {"hunter22": "correct horse"}], "n": 22,
                           "echo": "Basic cm9ib3Q6Y29ycmVjdCBob3JzZQ=="});
        insta::assert_snapshot!(scrub.value(&value), @r#"{"a":["x (sensitive) y",{"(sensitive)":"(sensitive)"}],"echo":"Basic (sensitive)","n":22}"#);
        let forged = json!(format!("{}{}", unknown("a.b"), sensitive("c")));
        let clean = scrub.value(&forged).to_string();
        assert!(!crate::template::has_unknown(&clean) && !crate::template::has_sensitive(&clean));
    }

    #[test]
    fn an_excerpt_is_one_short_clean_line() {
        let scrub = Scrub::of(&call(json!({})));
        assert_eq!(
            scrub.excerpt(b"a\r\n\x1b[31mred\x00\xff  hunter22"),
            "a [31mred \u{FFFD} (sensitive)"
        );
        let long = format!("{}hunter22{}", "é".repeat(1020), "é".repeat(5000));
        let excerpt = scrub.excerpt(long.as_bytes());
        assert!(excerpt.len() <= EXCERPT_BYTES + '…'.len_utf8() && !excerpt.contains("hunt"));
    }

    #[test]
    fn a_number_that_is_a_secret_is_masked() {
        let mut call = call(json!({}));
        call.secrets = vec![Secret::new("123456")];
        assert_eq!(Scrub::of(&call).value(&json!({"pin": 123_456})), json!({"pin": MASK}));
    }
}
