//! Which parts of a `config` others read, so that no secret may stand there. It masks nothing.

use serde_json::Value;

use super::registry::ActionKind;
use crate::template::has_sensitive;

/// Which parts of a `config` others read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// None.
    Nothing,
    /// All of it; the action masks what is a secret before anybody reads it.
    Masked,
    /// What these JSON pointers name, and what is below; a step that would show a secret there is refused.
    Never(&'static [&'static str]),
}

impl Shown {
    fn covers(self, pointer: &str) -> bool {
        let below = |part: &&str| {
            pointer.strip_prefix(*part).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match self {
            Shown::Nothing => false,
            Shown::Masked => true,
            Shown::Never(parts) => parts.iter().any(below),
        }
    }
}

/// Tells whether others read what stands at a pointer of a `config`.
pub fn is_shown(kind: &ActionKind, config: &Value, pointer: &str) -> bool {
    (kind.shown)(config).covers(pointer)
}

/// Finds a secret's marker in a rendered `config` where it would be shown unmasked; returns the JSON pointer to it.
pub fn exposed(kind: &ActionKind, rendered: &Value) -> Option<String> {
    match (kind.shown)(rendered) {
        Shown::Nothing | Shown::Masked => None,
        shown @ Shown::Never(_) => find(rendered, &mut String::new(), shown),
    }
}

fn find(value: &Value, pointer: &mut String, shown: Shown) -> Option<String> {
    let length = pointer.len();
    let mut below = |key: &str, item: &Value| {
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let found = find(item, pointer, shown);
        pointer.truncate(length);
        found
    };
    match value {
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| below(&index.to_string(), item))
        }
        Value::Object(map) => map.iter().find_map(|(key, item)| below(key, item)),
        Value::String(text) => {
            (has_sensitive(text) && shown.covers(pointer)).then(|| pointer.clone())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::find as kind;
    use crate::template::sensitive;

    #[test]
    fn what_others_read_is_known_by_its_place() {
        let check = |name: &str, config: Value, pointer: &str, expected: bool| {
            assert_eq!(
                is_shown(kind(name).unwrap(), &config, pointer),
                expected,
                "{name}{pointer}"
            );
        };
        check("manual-task", Value::Null, "/instructions", true);
        check("command", Value::Null, "/args/0", true);
        check("command", Value::Null, "/argsx", false);
        check("command", Value::Null, "/stdin", false);
        check("rest-api", Value::Null, "/headers/authorization", false);
        check("terraform", Value::Null, "/variables/password", false);
        check("terraform", json!({"repositoryMapping": {}}), "/variables/password", true);
    }

    #[test]
    fn a_secret_is_found_where_it_would_be_shown() {
        let secret = format!("a {}", sensitive("secrets.team/KEY"));
        let check = |name: &str, config: Value, expected: Option<&str>| {
            assert_eq!(exposed(kind(name).unwrap(), &config).as_deref(), expected, "{name}");
        };
        check(
            "git-commit",
            json!({"files": [{"path": "a"}, {"path": "b", "contentTemplate": secret}]}),
            Some("/files/1/contentTemplate"),
        );
        check("git-commit", json!({"files": [{"path": "a", "contentTemplate": "b"}]}), None);
        check("github-workflow", json!({"inputs": {"a/b": secret}}), Some("/inputs/a~1b"));
        check("command", json!({"stdin": secret, "env": {"A": secret}, "args": ["x"]}), None);
        check("command", json!({"args": ["x", secret]}), Some("/args/1"));
        check("terraform", json!({"contentTemplate": secret}), None);
        check(
            "terraform",
            json!({"contentTemplate": secret, "repositoryMapping": {}}),
            Some("/contentTemplate"),
        );
        check("manual-task", json!({"title": secret}), None);
        check("rest-api", json!({"endpoint": {"url": secret}}), None);
    }
}
