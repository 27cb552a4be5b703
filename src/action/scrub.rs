//! Makes what comes from outside fit to be stored and shown: no secrets, no markers, no control
//! characters, never more than an excerpt of what was not understood.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::action::Call;
use crate::run::Fault;
use crate::secret::{MASK, Masker, Secret};
use crate::template::strip_markers;

/// Keys of `authentication` that hold secrets once they are filled in.
const CREDENTIALS: [&str; 7] =
    ["token", "password", "key", "clientSecret", "accessKeyId", "secretAccessKey", "sessionToken"];

/// The longest excerpt of an answer, in bytes.
const EXCERPT_BYTES: usize = 2 << 10;

/// In how many bytes one byte of a secret is written at most, where something writes much.
const MOST_BYTES_OF_ONE: usize = 16;

/// Takes secrets and markers out of texts and values.
#[derive(Clone)]
pub(super) struct Scrub {
    secrets: Vec<Secret>,
    masker: Masker,
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
        secrets.extend(CREDENTIALS.into_iter().filter_map(text).map(Secret::new));
        if let (Some(username), Some(password)) = (text("username"), text("password")) {
            secrets.push(Secret::new(STANDARD.encode(format!("{username}:{password}"))));
        }
        Self { masker: Masker::new(&secrets), secrets }
    }

    /// Knows nothing yet.
    pub(super) fn none() -> Self {
        Self { secrets: Vec::new(), masker: Masker::default() }
    }

    /// Knows more: what the operator's settings named, or a token that was given for a secret.
    pub(super) fn with(&self, more: impl IntoIterator<Item = Secret>) -> Self {
        let secrets: Vec<Secret> = self.secrets.iter().cloned().chain(more).collect();
        Self { masker: Masker::new(&secrets), secrets }
    }

    /// Learns secrets that the action found by itself.
    pub(super) fn add(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        *self = self.with(secrets);
    }

    /// Cleans a text.
    pub(super) fn text(&self, text: &str) -> String {
        self.masker.text(&strip_markers(text))
    }

    /// Cleans the beginning and the end of long bytes, so many of each. What may belong to a secret that lies across a
    /// cut is left out.
    pub(super) fn ends(&self, bytes: &[u8], each: usize) -> (String, String) {
        let clean = |from: usize, to: usize| {
            let piece = bytes.get(from..to).unwrap_or_default();
            strip_markers(&String::from_utf8_lossy(piece)).into_bytes()
        };
        let text = |masked: Vec<u8>| String::from_utf8_lossy(&masked).into_owned();
        let head = self.masker.stream().push(&clean(0, boundary(bytes, each)));
        // A secret that begins before the end is recognised from its beginning on, however it is written.
        let longest = self.secrets.iter().map(|secret| secret.reveal().len()).max().unwrap_or(0);
        let end = boundary(bytes, bytes.len().saturating_sub(each));
        let before = boundary(bytes, end.saturating_sub(longest * MOST_BYTES_OF_ONE + each));
        let mut stream = self.masker.stream();
        drop(stream.push(&clean(before, end)));
        let mut tail = stream.push(&clean(end, bytes.len()));
        tail.extend(stream.finish());
        (text(head), text(tail))
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

/// Returns the place where the character begins that stands at a place.
fn boundary(bytes: &[u8], at: usize) -> usize {
    let goes_on = |at: usize| bytes.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000);
    (0..4).filter_map(|back| at.checked_sub(back)).find(|at| !goes_on(*at)).unwrap_or(at)
}

/// Takes markers out of an output; it stays in clear, for whoever needs it needs it as it is.
pub(super) fn without_markers(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(strip_markers(text)),
        Value::Array(items) => items.iter().map(without_markers).collect(),
        Value::Object(map) => Value::Object(
            map.iter().map(|(key, value)| (strip_markers(key), without_markers(value))).collect(),
        ),
        other => other.clone(),
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
    fn a_secret_across_a_cut_shows_no_part_of_itself() {
        let mut call = call(json!({}));
        let secret = "grün-hunter22-\u{10348}-ende";
        call.secrets = vec![Secret::new(secret)];
        let scrub = Scrub::of(&call);
        let encoded = STANDARD.encode(secret);
        for (form, part) in [(secret, 4), (encoded.as_str(), 5)] {
            for shift in 0..form.len() + 2 {
                let fill = "x".repeat(200 - shift);
                // It lies across the end of the beginning, and across the beginning of the end.
                let text = format!("{fill}{form}{}{form}{fill}", "y".repeat(5000));
                let (head, tail) = scrub.ends(text.as_bytes(), 200);
                let parts: Vec<char> = form.chars().collect();
                for piece in parts.windows(part).map(|piece| piece.iter().collect::<String>()) {
                    assert!(!head.contains(&piece) && !tail.contains(&piece), "{shift}: {piece}");
                }
                assert!(
                    head.starts_with(&fill[..fill.len().saturating_sub(170)]),
                    "{shift}: {head}"
                );
                assert!(tail.ends_with(&fill), "{shift}: {tail}");
            }
        }
    }

    #[test]
    fn a_number_that_is_a_secret_is_masked() {
        let mut call = call(json!({}));
        call.secrets = vec![Secret::new("123456")];
        assert_eq!(Scrub::of(&call).value(&json!({"pin": 123_456})), json!({"pin": MASK}));
    }
}
