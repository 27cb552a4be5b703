//! Names: the keys of units and runs, and the patterns that ids of documents obey.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

/// Names a unit: a service, or one component of a service of a bundle (`service/component`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitKey {
    /// Id of the service.
    pub service: String,
    /// Id of the component, where the service is of a bundle.
    pub component: Option<String>,
}

impl UnitKey {
    /// Names a service of an item.
    pub fn service(service: impl Into<String>) -> Self {
        Self { service: service.into(), component: None }
    }

    /// Names a component of a service of a bundle.
    pub fn component(service: impl Into<String>, component: impl Into<String>) -> Self {
        Self { service: service.into(), component: Some(component.into()) }
    }
}

impl fmt::Display for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.component {
            Some(component) => write!(f, "{}/{component}", self.service),
            None => f.write_str(&self.service),
        }
    }
}

impl fmt::Debug for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UnitKey {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once('/') {
            Some((service, component)) => Self::component(service, component),
            None => Self::service(text),
        })
    }
}

impl Serialize for UnitKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnitKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(match text.parse() {
            Ok(key) => key,
            Err(never) => match never {},
        })
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Made when a unit is first seen, and kept through renames: what its effects are known by.
    Uid
);
text_id!(
    /// Names a run; sorts by the time it was made.
    RunId
);
text_id!(
    /// Names a step in its run: `<action>`, or `<component>/<action>`; a step that undoes ends in `~undo`.
    StepPath
);

/// Tells whether a text is an id of an item, bundle, component, action or environment (kebab-case).
pub fn is_kebab(text: &str, longest: usize) -> bool {
    let mut chars = text.chars();
    text.len() <= longest
        && chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.ends_with('-')
}

/// Tells whether a text is an id of a field or group (camelCase).
pub fn is_camel(text: &str) -> bool {
    let mut chars = text.chars();
    text.len() <= 64
        && chars.next().is_some_and(|c| c.is_ascii_lowercase())
        && chars.all(|c| c.is_ascii_alphanumeric())
}

/// Returns what some file system takes for the same name: in lower case, and with each accent composed with its letter.
pub fn as_one_file(name: &str) -> Cow<'_, str> {
    if !name.is_ascii() {
        return Cow::Owned(name.nfc().collect::<String>().to_lowercase().nfc().collect());
    }
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

/// Says how two names that some file system takes for the same differ: behind `the name differs from … `.
pub fn how_files_differ(name: &str, other: &str) -> &'static str {
    if name.to_lowercase() == other.to_lowercase() {
        return "in case only";
    }
    if name.nfc().eq(name.chars()) {
        return "only in how its accents are stored: they are one character with their letter here (Unicode NFC)";
    }
    "only in how its accents are stored: they are characters of their own here (Unicode NFD)"
}

/// Tells whether Windows keeps a name for a device, so that no file or folder can have it, whatever ending follows.
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ');
    if stem.len() == 3 {
        return ["con", "prn", "aux", "nul"].iter().any(|device| stem.eq_ignore_ascii_case(device));
    }
    let numbered = stem.len() == 4 && matches!(stem.as_bytes().last(), Some(b'1'..=b'9'));
    let port = stem.get(..3).unwrap_or_default();
    numbered && (port.eq_ignore_ascii_case("com") || port.eq_ignore_ascii_case("lpt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_key_round_trips() {
        for text in ["payments-db", "shop/database"] {
            let key: UnitKey = match text.parse() {
                Ok(key) => key,
                Err(never) => match never {},
            };
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn file_systems_take_some_names_for_one() {
        let same = |one: &str, other: &str| as_one_file(one) == as_one_file(other);
        assert!(same("Payments", "payments") && same("\u{c9}t\u{e9}", "e\u{301}te\u{301}"));
        assert!(
            !same("payments", "payment") && !same("\u{e9}", "e") && !same("stra\u{df}e", "strasse")
        );
        assert_eq!(how_files_differ("\u{c9}", "\u{e9}"), "in case only");
        assert!(how_files_differ("\u{e9}", "e\u{301}").ends_with("(Unicode NFC)"));
        assert!(how_files_differ("e\u{301}", "\u{e9}").ends_with("(Unicode NFD)"));
    }

    #[test]
    fn windows_keeps_names_for_devices() {
        for name in ["con", "AUX", "nul.yaml", "com1.tar.gz", "LPT9", "prn .txt"] {
            assert!(is_device(name), "{name}");
        }
        for name in
            ["", "co", "cons", "com0", "com", "com10", "lpt", "aux-db.yaml", "my.con", "c\u{f6}n"]
        {
            assert!(!is_device(name), "{name}");
        }
    }

    #[test]
    fn ids_follow_their_patterns() {
        assert!(is_kebab("a-b2", 64) && !is_kebab("a-", 64) && !is_kebab("2a", 64));
        assert!(is_camel("instanceName") && !is_camel("Instance") && !is_camel("a-b"));
    }
}
