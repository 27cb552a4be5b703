//! The `config` of an action: kept as text, for most are looked at once and stay for as long as the catalog does.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// What templates read by other names than those of the roots: letters that are written otherwise, whatever a word is for, and the
/// helpers that read `system`.
const READS_WITHOUT_NAMES: [&str; 7] =
    ["\\u", "@root", "lookup", "this", "date", "timestamp", "uuid"];

/// The `config` of an action, its strings templates.
///
/// As a tree it takes ten times the room of its text, and a catalog has thousands.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Config(Box<RawValue>);

impl Config {
    /// Returns it as a value.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }

    /// Tells whether a template in it may read something of what stands under some names; where it says no, none does: who reads
    /// writes the name, or one of the words that do without.
    pub fn may_read(&self, names: &[&str]) -> bool {
        let text = self.0.get();
        let has = |word: &str| text.contains(word);
        READS_WITHOUT_NAMES.into_iter().any(has) || names.iter().any(|name| has(name))
    }
}

impl Default for Config {
    fn default() -> Self {
        Value::Null.into()
    }
}

impl From<Value> for Config {
    fn from(value: Value) -> Self {
        Self(serde_json::value::to_raw_value(&value).expect("a value can be written"))
    }
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get() || self.value() == other.value()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_the_value_that_it_was_made_of() {
        let value = json!({"url": "https://x.example", "deep": [{"a": 1.5, "b": null, "c": "\u{1F600}\n"}]});
        let config: Config = serde_json::from_value(value.clone()).expect("from a value");
        assert_eq!(config.value(), value);
        assert_eq!(json!(config), value);
        let text = serde_json::to_string(&config).expect("writes");
        assert_eq!(text, value.to_string());
        assert_eq!(serde_json::from_str::<Config>(&text).expect("reads"), config);
    }

    #[test]
    fn how_it_is_written_makes_no_difference() {
        let spaced: Config = serde_json::from_str("{ \"b\": 1, \"a\": 2 }").expect("reads");
        assert_eq!(spaced, Config::from(json!({"a": 2, "b": 1})));
        assert_ne!(spaced, Config::from(json!({"a": 2, "b": 3})));
        assert_eq!(Config::default().value(), Value::Null);
    }

    #[test]
    fn what_no_template_of_it_names_none_reads() {
        for (text, reads) in [
            ("{{fields.size}} of {{service.id}}", false),
            ("{{outputs.make.url}}", true),
            ("{{output.make.url}}", true),
            ("{{#each fields.disks}}{{@root.outputs.make.url}}{{/each}}", true),
            ("{{lookup fields.a \"b\"}}", true),
            ("{{date}}", true),
            ("{{timestamp \"%H\"}}", true),
            ("{{uuid}}", true),
        ] {
            let config = Config::from(json!({"url": text}));
            assert_eq!(config.may_read(&["output"]), reads, "{text}");
        }
    }
}
