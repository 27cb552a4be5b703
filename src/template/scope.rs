//! The scope: the values that a template can see, by name of their root.

use handlebars::Context;
use serde_json::{Map, Value};

/// Names of the roots that a template may refer to; `env` and `output` are aliases.
pub const ROOTS: [&str; 12] = [
    "fields",
    "metadata",
    "service",
    "request",
    "system",
    "environment",
    "env",
    "secrets",
    "outputs",
    "output",
    "components",
    "services",
];

/// The values that a template can see.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Held as the renderer wants it, so that no rendering copies it.
    roots: Context,
}

impl Default for Scope {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.values() == other.values()
    }
}

impl Scope {
    /// Makes a scope that sees nothing.
    pub fn new() -> Self {
        Self { roots: Context::from(Value::Object(Map::new())) }
    }

    /// Puts a value under a root, and under its alias.
    pub fn set(&mut self, root: &str, value: Value) {
        if let Value::Object(map) = self.roots.data_mut() {
            match root {
                "environment" => map.insert("env".to_owned(), value.clone()),
                "outputs" => map.insert("output".to_owned(), value.clone()),
                _ => None,
            };
            map.insert(root.to_owned(), value);
        }
    }

    /// Returns all roots as one JSON object.
    pub fn values(&self) -> &Value {
        self.roots.data()
    }

    pub(super) fn context(&self) -> &Context {
        &self.roots
    }

    /// Returns the value at a path, `["fields", "size"]`.
    pub fn get(&self, path: &[String]) -> Option<&Value> {
        path.iter().try_fold(self.values(), |value, part| match value {
            Value::Object(map) => map.get(part),
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }
}
