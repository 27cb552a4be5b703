//! The state that Terraform keeps, as far as it is needed: how much there is, and its outputs.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::SENSITIVE;
use crate::action::Call;
use crate::action::scrub::without_markers;
use crate::run::Fault;
use crate::secret::{Secret, as_sensitive_output};

/// A state; empty where nothing was ever applied.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) serial: u64,
    pub(super) lineage: String,
    outputs: std::collections::BTreeMap<String, Output>,
    resources: Vec<Resource>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Output {
    value: Value,
    sensitive: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    mode: String,
    instances: Vec<Value>,
}

impl State {
    /// Reads what `terraform state pull` prints.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes)
            .map_err(|error| Fault::terminal(format!("the state can't be read: {error}")))
    }

    /// Counts the instances that are looked after.
    pub(super) fn resources(&self) -> usize {
        let managed = self.resources.iter().filter(|resource| resource.mode == "managed");
        managed.map(|resource| resource.instances.len()).sum()
    }

    fn is_sensitive(&self, name: &str) -> bool {
        match self.outputs.get(&format!("{SENSITIVE}{name}")) {
            Some(told) => told.value != Value::Bool(false),
            None => self.outputs.get(name).is_some_and(|output| output.sensitive),
        }
    }

    /// Returns texts that nobody may see.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let hidden = self.outputs.iter().filter(|(name, _)| self.is_sensitive(name));
        hidden.filter_map(|(_, output)| Some(Secret::new(output.value.as_str()?))).collect()
    }

    /// Returns the outputs of an action: each by its pointer into the outputs, marked where it is sensitive.
    pub(super) fn outputs(&self, call: &Call) -> Result<Map<String, Value>, Fault> {
        let all: Map<String, Value> = self
            .outputs
            .iter()
            .map(|(name, output)| (name.clone(), output.value.clone()))
            .collect();
        let all = Value::Object(all);
        let mut outputs = Map::new();
        for (name, pointer) in &call.outputs {
            let Some(value) = all.pointer(pointer) else {
                return Err(Fault::terminal(format!(
                    "it was applied, but output `{name}` is missing: there is nothing at `{pointer}` among the configuration's outputs"
                )));
            };
            let value = without_markers(value);
            let first = pointer.split('/').nth(1).unwrap_or_default();
            let hidden = self.is_sensitive(first) || first.is_empty();
            let value = if hidden { as_sensitive_output(&value) } else { value };
            outputs.insert(name.clone(), value);
        }
        Ok(outputs)
    }
}
