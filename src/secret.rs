//! Secrets: values that never show themselves, and a mask that hides them in any text.

mod forms;
mod masker;

use std::fmt;

pub use masker::{MaskStream, Masker};

/// What stands wherever a secret would.
pub const MASK: &str = "(sensitive)";

/// A secret value; `Debug` and `Display` print the mask, and it does not serialise.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Gives the value to the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Replaces every secret in a text, in whatever encoding it stands there; see [`Masker`].
pub fn mask(text: &str, secrets: &[Secret]) -> String {
    Masker::new(secrets).text(text)
}

/// Key of a sealed value's ciphertext in JSON; [`crate::store`] writes and opens it.
pub const SEALED: &str = "$sealed";

/// Key of a sealed value's keyed hash, by which it is compared without being opened.
pub const SEALED_HASH: &str = "$hash";

/// Returns the keyed hash of a sealed value; `None` for any other value.
pub fn sealed_hash(value: &serde_json::Value) -> Option<&str> {
    value.get(SEALED)?;
    value.get(SEALED_HASH)?.as_str()
}

/// Key under which an action hands over an output that must be sealed, whatever the catalog says of it.
const SENSITIVE_OUTPUT: &str = "$sensitive";

/// Marks an output that must be sealed, whatever the catalog says of it.
pub fn as_sensitive_output(value: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({SENSITIVE_OUTPUT: value})
}

/// Returns the value of an output that must be sealed; `None` for any other value.
pub fn sensitive_output(value: &serde_json::Value) -> Option<&serde_json::Value> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get(SENSITIVE_OUTPUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("hunter22");
        assert_eq!(format!("{secret} {secret:?}"), "(sensitive) (sensitive)");
    }

    #[test]
    fn every_form_is_masked() {
        let secret = Secret::new("a\"b/c&d");
        let text = r#"raw a"b/c&d json a\"b/c&d url a%22b%2Fc%26d"#;
        assert_eq!(mask(text, &[secret]), "raw (sensitive) json (sensitive) url (sensitive)");
    }
}
