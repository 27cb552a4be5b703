//! What a unit's templates see, and its fields resolved as far as they are known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
