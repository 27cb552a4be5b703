//! What a unit's templates see, and its fields resolved as far as they are known.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::definition::Definition;
use crate::digest::Digest;
use crate::secret::sealed_hash;
use crate::template::{self, Scope};

/// What a unit's templates see, frozen into a change and kept with what was applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inputs {
    /// Fields with defaults, resolved where they are known; markers elsewhere.
    pub fields: Map<String, Value>,
    /// Fields whose value is known only later: field → template.
    #[serde(default)]
    pub open: BTreeMap<String, Value>,
    /// What `fields` means in the templates of `open`: the bundle's own fields.
    #[serde(default)]
    pub outer: Map<String, Value>,
    /// The service: `id`, `team`, `environment`, `name`, `description`, `labels`.
    pub service: Value,
    /// The environment's variables, and its `id`.
    pub environment: Value,
}

impl Inputs {
    /// Returns what the templates of actions see of it, but for the fields.
    #[must_use]
    pub fn without_fields(&self) -> Self {
        let (service, environment) = (self.service.clone(), self.environment.clone());
        Self { service, environment, ..Self::default() }
    }
}

/// What other units offer: `components` and `services` as templates see them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upstream {
    /// Component → `{outputs: {name: value}}`.
    pub components: Value,
    /// Service → `{outputs: {name: value}}`.
    pub services: Value,
}

/// Evaluates the texts of a value with its types kept; markers stand for what is not known yet.
pub fn evaluate_deep(value: &Value, scope: &Scope) -> Result<Value, String> {
    match value {
        Value::String(text) if template::is_template(text) => {
            template::evaluate(text, scope).map_err(|error| error.to_string())
        }
        Value::Array(items) => items.iter().map(|item| evaluate_deep(item, scope)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| Ok((key.clone(), evaluate_deep(item, scope)?)))
            .collect::<Result<Map<_, _>, String>>()
            .map(Value::Object),
        other => Ok(other.clone()),
    }
}

/// Tells whether any text of a value satisfies a test.
pub(super) fn any_text(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, test)),
        Value::Object(map) => map.values().any(|item| any_text(item, test)),
        _ => false,
    }
}

/// Resolves the fields whose value was not known when the change was planned.
pub fn resolve(inputs: &Inputs, upstream: &Upstream) -> Result<Map<String, Value>, String> {
    let scope = scope_of_open(inputs, upstream);
    let mut fields = inputs.fields.clone();
    for (field, template) in &inputs.open {
        let value =
            evaluate_deep(template, &scope).map_err(|why| format!("field `{field}`: {why}"))?;
        fields.insert(field.clone(), value);
    }
    Ok(fields)
}

/// The scope that a bundle's `config`, or a service's reference to another, is evaluated in.
pub(super) fn scope_of_open(inputs: &Inputs, upstream: &Upstream) -> Scope {
    let mut scope = Scope::new();
    scope.set("fields", Value::Object(inputs.outer.clone()));
    scope.set("service", inputs.service.clone());
    scope.set("environment", inputs.environment.clone());
    scope.set("components", upstream.components.clone());
    scope.set("services", upstream.services.clone());
    scope
}

/// What the templates of a unit's actions see: `outputs`, `request`, `system` and `secrets` are added by the caller.
///
/// A field of the form that has no value is there as nothing, so that a template may ask for it.
pub fn scope_of(inputs: &Inputs, fields: &Map<String, Value>, definition: &Definition) -> Scope {
    let mut scope = Scope::new();
    let team = inputs.service.get("team").and_then(Value::as_str).unwrap_or_default();
    let given = fields.iter().map(|(name, value)| (name.clone(), public_field(value, team)));
    let empty = definition.fields.iter().map(|name| (name.clone(), Value::Null));
    scope.set("fields", Value::Object(empty.chain(given).collect()));
    scope.set("metadata", definition.metadata.clone());
    scope.set("service", inputs.service.clone());
    scope.set("environment", inputs.environment.clone());
    scope
}

/// A field that names a secret is seen as the secret itself: as its marker, until a step runs.
fn public_field(value: &Value, team: &str) -> Value {
    match secret_name(value) {
        Some(name) => Value::String(secret_marker(team, name)),
        None => value.clone(),
    }
}

/// Stands for a secret of a team.
pub fn secret_marker(team: &str, name: &str) -> String {
    template::sensitive(&format!("secrets.{team}/{name}"))
}

/// Returns the name in `{secret: NAME}`; `None` for any other value.
pub fn secret_name(value: &Value) -> Option<&str> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    map.get("secret")?.as_str()
}

/// Shows a value in public: what is sealed becomes a marker that names it and carries its keyed hash.
pub fn public(value: &Value, path: &str) -> Value {
    match sealed_hash(value) {
        Some(hash) => Value::String(template::sensitive(&format!("{path}#{hash}"))),
        None => value.clone(),
    }
}

/// Returns the names of the secrets that the texts of a value refer to.
pub fn secret_names(value: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect_references(value, &mut |path| {
        if let [root, name, ..] = path
            && root == "secrets"
        {
            names.insert(name.clone());
        }
    });
    names
}

/// Calls back with every path that the texts of a value refer to.
pub(super) fn collect_references(value: &Value, found: &mut dyn FnMut(&[String])) {
    match value {
        Value::String(text) if template::is_template(text) => {
            template::references(text).iter().for_each(|reference| found(&reference.path));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Object(map) => map.values().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}

/// Digest of what is wanted of a unit: no time, no commit, no secret's value, no mode.
pub fn intent_digest(
    item: &str,
    fields: &Map<String, Value>,
    state: &str,
    reads: &Value,
) -> Digest {
    Digest::of_json(&json!({"item": item, "fields": fields, "state": state, "reads": reads}))
}

/// The values of the environment and the service that a unit's active block refers to.
pub fn reads_of(inputs: &Inputs, paths: &BTreeSet<Vec<String>>) -> Value {
    let mut scope = Scope::new();
    scope.set("environment", inputs.environment.clone());
    scope.set("service", inputs.service.clone());
    let values: Map<String, Value> = paths
        .iter()
        .map(|path| (path.join("."), scope.get(path).cloned().unwrap_or(Value::Null)))
        .collect();
    Value::Object(values)
}
