//! How an item is fulfilled, taken out of its document: what a run carries with it and the store keeps.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::actual::StepRecord;
use super::evaluate::collect_references;
use super::verify::{asking_health, spelled_out};
use crate::catalog::{Action, Item, Mode, OnFailure, Output};
use crate::digest::Digest;

/// How an item is fulfilled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// Id of the item.
    pub item: String,
    /// Version of the item.
    pub version: String,
    /// By people or by machines.
    pub mode: Mode,
    /// What follows the last retry of a failed step.
    pub on_failure: OnFailure,
    /// Creates, and updates where `update` is absent.
    pub create: Vec<Action>,
    /// Updates.
    pub update: Option<Vec<Action>>,
    /// Deletes; where absent, each action's own reverse in reverse order.
    pub delete: Option<Vec<Action>>,
    /// Before and after any of them.
    pub before: Vec<Action>,
    /// After any of them.
    pub after: Vec<Action>,
    /// After one that failed for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failure_hooks: Vec<Action>,
    /// How its health is asked for; no part of the digest, for it is never a reason to change anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Action>,
    /// Named operations.
    pub operations: BTreeMap<String, OperationBlock>,
    /// What is offered to others.
    pub outputs: BTreeMap<String, Output>,
    /// The item's metadata with its constants, as templates see them.
    pub metadata: Value,
    /// Ids of fields whose change means replace.
    pub immutable: Vec<String>,
    /// Ids of all fields of its form: templates see one that has no value as nothing.
    pub fields: Vec<String>,
    /// Ids of fields that name a secret.
    pub secret_fields: Vec<String>,
    /// How people do it, where machines do: for what they can't.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manual: Vec<Action>,
    /// The actions of the block that is not in force: what they left behind stays as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dormant: Vec<Dormant>,
    /// Patterns of the targets that it may touch; any where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<String>>,
}

/// An action of the block that is not in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dormant {
    /// Its id, which an action of the other block may have too.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One named operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationBlock {
    /// The state it leads to.
    pub state: Option<String>,
    /// What it does.
    pub actions: Vec<Action>,
}

impl Definition {
    /// Takes the definition out of an item: the block of its mode.
    pub fn of(item: &Item) -> Self {
        let fulfillment = &item.fulfillment;
        let automatic = match fulfillment.strategy.mode {
            Mode::Automatic => fulfillment.automatic.as_ref(),
            Mode::Manual => None,
        };
        let form = &item.presentation.form;
        let named = |action: &Action| Dormant { id: action.id.clone(), kind: action.kind.clone() };
        let ids = |keep: fn(&crate::catalog::Field) -> bool| {
            form.fields().filter(|field| keep(field)).map(|field| field.id.clone()).collect()
        };
        Self {
            item: item.metadata.id.clone(),
            version: item.metadata.version.clone(),
            mode: fulfillment.strategy.mode,
            on_failure: fulfillment.strategy.on_failure,
            create: spelled_out(
                automatic.map_or(&fulfillment.manual.actions, |block| &block.actions),
            ),
            update: automatic.and_then(|block| Some(spelled_out(&block.update.as_ref()?.actions))),
            delete: automatic.and_then(|block| Some(spelled_out(&block.delete.as_ref()?.actions))),
            before: spelled_out(&fulfillment.hooks.before),
            after: spelled_out(&fulfillment.hooks.after),
            failure_hooks: spelled_out(&fulfillment.hooks.on_failure),
            health: fulfillment.health.as_ref().map(asking_health),
            operations: fulfillment
                .operations
                .iter()
                .map(|(name, operation)| {
                    let block = OperationBlock {
                        state: operation.state.clone(),
                        actions: spelled_out(&operation.actions),
                    };
                    (name.clone(), block)
                })
                .collect(),
            outputs: item.outputs.clone(),
            metadata: metadata_of(item),
            immutable: ids(|field| field.immutable),
            fields: ids(|_| true),
            secret_fields: ids(|field| field.kind == crate::catalog::FieldType::Password),
            manual: automatic.map(|_| spelled_out(&fulfillment.manual.actions)).unwrap_or_default(),
            dormant: if automatic.is_some() {
                fulfillment.manual.actions.iter().map(named).collect()
            } else {
                let block = fulfillment.automatic.iter().flat_map(|block| &block.actions);
                block.map(named).collect()
            },
            targets: fulfillment.targets.clone(),
        }
    }

    /// Returns the team that answers for the item; its secrets are the ones that `secrets.NAME` means.
    pub fn owner(&self) -> &str {
        self.metadata.pointer("/owner/team").and_then(Value::as_str).unwrap_or_default()
    }

    /// Tells whether what is recorded under a name is of the block that is not in force.
    pub fn is_dormant(&self, recorded: &str, left: &StepRecord) -> bool {
        let id = recorded.strip_suffix("~manual").unwrap_or(recorded);
        self.dormant.iter().any(|dormant| dormant.id == id && dormant.kind == left.action)
    }

    /// Returns the paths of the environment and the service that its actions refer to.
    pub fn reads(&self) -> BTreeSet<Vec<String>> {
        let mut reads = BTreeSet::new();
        let mut note = |path: &[String]| {
            if path.first().is_some_and(|root| root == "environment" || root == "service") {
                reads.insert(path.to_vec());
            }
        };
        let operations = self.operations.values().flat_map(|operation| &operation.actions);
        let lists = [Some(&self.create), self.update.as_ref(), self.delete.as_ref()];
        let actions = lists.into_iter().flatten().flatten().chain(operations);
        for action in actions.chain(&self.before).chain(&self.after) {
            collect_references(&action.config.value(), &mut note);
            if let Some(when) = &action.when {
                collect_references(&Value::String(when.clone()), &mut note);
            }
        }
        reads
    }

    /// Digests templates and constants of the active block: no names, help, retry, timeout, cost, approval or mode.
    pub fn digest(&self) -> Digest {
        let actions = |list: &[Action]| -> Vec<Value> {
            list.iter()
                .map(|action| {
                    json!({"id": action.id, "type": action.kind, "dependsOn": action.depends_on,
                           "when": action.when, "config": action.config, "outputs": action.outputs,
                           "verify": action.verify})
                })
                .collect()
        };
        let outputs: BTreeMap<&String, &String> =
            self.outputs.iter().map(|(name, output)| (name, &output.value)).collect();
        Digest::of_json(&json!({
            "create": actions(&self.create),
            "update": self.update.as_deref().map(actions),
            "delete": self.delete.as_deref().map(actions),
            "hooks": [actions(&self.before), actions(&self.after)],
            "constants": self.metadata.get("constants"),
            "outputs": outputs,
        }))
    }
}

/// The item's metadata as templates see it: constants also stand beside the other names.
fn metadata_of(item: &Item) -> Value {
    let mut metadata = serde_json::to_value(&item.metadata).unwrap_or_default();
    if let Value::Object(map) = &mut metadata {
        for (name, value) in &item.metadata.constants {
            map.entry(name.clone()).or_insert_with(|| value.clone());
        }
        map.retain(|_, value| !value.is_null());
    }
    metadata
}
