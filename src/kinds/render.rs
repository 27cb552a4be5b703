//! Renders a whole `config`: every text by its slot. Keys stay as they are written.

use serde_json::{Map, Value};

use super::registry::{ActionKind, Decided, Slot};
use crate::template::{RenderError, Scope, Target, evaluate, is_template, render};

/// A text of a `config` could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`config{pointer}`: {message}")]
pub struct ConfigError {
    /// JSON pointer into the config.
    pub pointer: String,
    /// What went wrong, without any value.
    pub message: String,
}

/// Returns what the text at a JSON pointer of the `config` is rendered into.
pub fn target_of(kind: &ActionKind, config: &Value, pointer: &str) -> Target {
    slot_of(kind, pointer).map_or(Target::Text, |(slot, keys)| decide(slot, config, &keys))
}

/// Tells whether a text at a JSON pointer stands in a map or list whose lone paths keep their types.
pub fn is_structured(kind: &ActionKind, pointer: &str) -> bool {
    let above = std::iter::successors(Some(pointer), |at| Some(at.rsplit_once('/')?.0));
    above.skip(1).any(|at| slot_of(kind, at).is_some_and(|(slot, _)| slot.structured))
}

/// Renders every text of a `config`; keys, numbers and truth values stay as they are.
///
/// A map or list in a structured slot keeps the types of lone paths in it; every other text becomes a text.
pub fn render_config(
    kind: &ActionKind,
    config: &Value,
    scope: &Scope,
) -> Result<Value, ConfigError> {
    let mut walk = Walk { kind, config, scope, pointer: String::new() };
    walk.value(config, false)
}

struct Walk<'a> {
    kind: &'a ActionKind,
    config: &'a Value,
    scope: &'a Scope,
    pointer: String,
}

impl Walk<'_> {
    /// Recurses as deep as documents nest, which their reader bounds.
    fn value(&mut self, value: &Value, structured: bool) -> Result<Value, ConfigError> {
        match value {
            Value::String(text) => self.text(text, structured),
            Value::Array(items) => {
                let structured = structured || self.is_structured();
                let mut rendered = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    rendered.push(self.below(&index.to_string(), item, structured)?);
                }
                Ok(Value::Array(rendered))
            }
            Value::Object(map) => {
                let structured = structured || self.is_structured();
                let mut rendered = Map::new();
                for (key, item) in map {
                    rendered.insert(key.clone(), self.below(key, item, structured)?);
                }
                Ok(Value::Object(rendered))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
        }
    }

    fn below(&mut self, key: &str, item: &Value, structured: bool) -> Result<Value, ConfigError> {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let rendered = self.value(item, structured);
        self.pointer.truncate(length);
        rendered
    }

    fn is_structured(&self) -> bool {
        slot_of(self.kind, &self.pointer).is_some_and(|(slot, _)| slot.structured)
    }

    fn text(&self, text: &str, structured: bool) -> Result<Value, ConfigError> {
        let rendered = if structured {
            evaluate(text, self.scope)
        } else {
            let target = target_of(self.kind, self.config, &self.pointer);
            // What no value is put into may still be wrong for its target: a path that leads out.
            if target == Target::Text && !is_template(text) {
                return Ok(Value::String(text.to_owned()));
            }
            render(text, target, self.scope).map(Value::String)
        };
        rendered.map_err(|RenderError { message }| ConfigError {
            pointer: self.pointer.clone(),
            message,
        })
    }
}

/// Finds the slot that a pointer stands in, and the keys that its `*` stand for.
fn slot_of<'p>(kind: &ActionKind, pointer: &'p str) -> Option<(&'static Slot, Vec<&'p str>)> {
    kind.slots.iter().find_map(|slot| Some((slot, keys_of(slot.pointer, pointer)?)))
}

fn keys_of<'p>(pattern: &str, pointer: &'p str) -> Option<Vec<&'p str>> {
    let mut keys = Vec::new();
    let mut parts = pointer.split('/');
    for wanted in pattern.split('/') {
        match parts.next()? {
            key if wanted == "*" => keys.push(key),
            key if key == wanted => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(keys)
}

fn decide(slot: &Slot, config: &Value, keys: &[&str]) -> Target {
    match slot.decided {
        Decided::Always => slot.target,
        Decided::ByWord(pointer, word) => match config.pointer(pointer) {
            Some(found) if found != word => Target::Text,
            _ => slot.target,
        },
        Decided::ByEnding(pointer) => {
            let mut keys = keys.iter();
            let pointer: Vec<&str> = pointer
                .split('/')
                .map(|part| if part == "*" { keys.next().copied().unwrap_or(part) } else { part })
                .collect();
            let name = config.pointer(&pointer.join("/")).and_then(Value::as_str);
            name.map_or(slot.target, target_of_file)
        }
        Decided::ByKey => keys.last().map_or(slot.target, |key| target_of_file(key)),
    }
}

/// What the texts of a file are, by the ending of its name.
fn target_of_file(name: &str) -> Target {
    match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("json") => Target::Json,
        Some("tf" | "tfvars" | "hcl") => Target::Hcl,
        _ => Target::Text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::find;
    use crate::template::unknown;

    fn scope() -> Scope {
        let mut scope = Scope::new();
        let hostile = "a\"b/\n${x}";
        scope.set("fields", json!({"name": "db-1", "size": 20, "tags": ["a"], "hostile": hostile}));
        scope.set("environment", json!({"api": "http://127.0.0.1:8080"}));
        scope.set("outputs", json!({"net": {"id": unknown("outputs.net.id")}}));
        scope
    }

    fn rendered(kind: &str, config: &Value) -> Result<Value, String> {
        render_config(find(kind).unwrap(), config, &scope()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_text_is_escaped_for_its_place() {
        let config = json!({
            "endpoint": {"url": "{{environment.api}}/v1/{{fields.hostile}}", "method": "PUT"},
            "headers": {"X-Name": "{{fields.name}}"},
            "query": {"q": "{{fields.hostile}}"},
            "body": {"contentTemplate": "{\"name\":\"{{fields.hostile}}\",\"size\":{{fields.size}}}"},
            "expect": {"status": [201]},
        });
        let expected = json!({
            "endpoint": {"url": "http://127.0.0.1:8080/v1/a%22b%2F%0A%24%7Bx%7D", "method": "PUT"},
            "headers": {"X-Name": "db-1"},
            "query": {"q": "a\"b/\n${x}"},
            "body": {"contentTemplate": "{\"name\":\"a\\\"b/\\n${x}\",\"size\":20}"},
            "expect": {"status": [201]},
        });
        assert_eq!(rendered("rest-api", &config), Ok(expected));
    }

    #[test]
    fn a_structured_body_keeps_types() {
        let body = json!({
            "name": "{{fields.hostile}}", "size": "{{fields.size}}", "more": ["{{fields.tags}}", true],
            "net": "{{outputs.net.id}}", "text": "{{fields.size}} GB",
        });
        let config = json!({"endpoint": {"url": "http://h/"}, "body": {"contentTemplate": body}});
        let body = json!({
            "name": "a\"b/\n${x}", "size": 20, "more": [["a"], true],
            "net": unknown("outputs.net.id"), "text": "20 GB",
        });
        let config = rendered("rest-api", &config).unwrap();
        assert_eq!(config["body"]["contentTemplate"], body);
    }

    #[test]
    fn a_file_is_escaped_by_its_ending() {
        let config = json!({
            "repository": "acme/x",
            "files": [
                {"path": "a/{{fields.name}}.json", "contentTemplate": "\"{{fields.hostile}}\""},
                {"path": "a/{{fields.name}}.tf", "contentTemplate": "\"{{fields.hostile}}\""},
                {"path": "a.md", "contentTemplate": "{{fields.hostile}}"},
            ],
        });
        let git = find("git-commit").unwrap();
        assert_eq!(target_of(git, &config, "/files/0/path"), Target::Path);
        assert_eq!(target_of(git, &config, "/files/0/contentTemplate"), Target::Json);
        assert_eq!(target_of(git, &config, "/files/1/contentTemplate"), Target::Hcl);
        assert_eq!(target_of(git, &config, "/files/2/contentTemplate"), Target::Text);
        assert_eq!(target_of(git, &config, "/commitMessage"), Target::Message);
        assert_eq!(target_of(git, &config, "/pullRequest/title"), Target::Message);
        assert_eq!(target_of(git, &config, "/pullRequest/body"), Target::Markdown);
        let files = rendered("git-commit", &config).unwrap()["files"].clone();
        assert_eq!(files[0]["path"], "a/db-1.json");
        assert_eq!(files[0]["contentTemplate"], r#""a\"b/\n${x}""#);
        assert_eq!(files[1]["contentTemplate"], r#""a\"b/\n$${x}""#);
        assert_eq!(files[2]["contentTemplate"], "a\"b/\n${x}");
    }

    #[test]
    fn what_else_decides_is_looked_at() {
        let target = |kind: &str, config: Value, pointer: &str| {
            target_of(find(kind).unwrap(), &config, pointer)
        };
        let body = "/body/contentTemplate";
        assert_eq!(target("rest-api", json!({"body": {}}), body), Target::Json);
        assert_eq!(target("rest-api", json!({"body": {"type": "text"}}), body), Target::Text);
        assert_eq!(target("terraform", json!({}), "/contentTemplate"), Target::Hcl);
        let json_file = json!({"filename": "main.tf.json"});
        assert_eq!(target("terraform", json_file, "/contentTemplate"), Target::Json);
        assert_eq!(target("terraform", json!({}), "/files/vars.tfvars"), Target::Hcl);
        assert_eq!(target("terraform", json!({}), "/files/a.sh"), Target::Text);
        assert_eq!(target("jira-ticket", json!({}), "/ticket/descriptionTemplate"), Target::Jira);
    }

    #[test]
    fn an_error_says_where() {
        let check = |kind: &str, config: Value, expected: &str| {
            assert_eq!(rendered(kind, &config), Err(expected.to_owned()));
        };
        check(
            "rest-api",
            json!({"endpoint": {"url": "http://h/{{fields.nam}}"}}),
            "`config/endpoint/url`: `fields.nam` is not known; did you mean `name`?",
        );
        check(
            "rest-api",
            json!({"headers": {"a/b": "{{fields.hostile}}"}}),
            "`config/headers/a~1b`: `fields.hostile` holds a line break or control character, which no header may",
        );
        check(
            "git-commit",
            json!({"files": [{"path": "../outside"}]}),
            "`config/files/0/path`: the path holds an empty name, `.` or `..`",
        );
    }
}
