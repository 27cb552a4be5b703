//! The typed form of a `CatalogItem`: an offer, its form and how it is fulfilled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::config::Config;
use super::environment::ApprovalRule;
use super::form::Form;

/// What a platform team offers: metadata, a form, and how it is fulfilled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Who and what it is.
    pub metadata: Metadata,
    /// The form that requesters fill.
    #[serde(default)]
    pub presentation: Presentation,
    /// How it is fulfilled.
    pub fulfillment: Fulfillment,
    /// What its services offer to others, by name.
    #[serde(default)]
    pub outputs: BTreeMap<String, Output>,
}

/// The `metadata` of an item or bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Unique over items and bundles.
    pub id: String,
    /// Ids it had before; a rename, not a deletion.
    #[serde(default)]
    pub former_ids: Vec<String>,
    /// Name for people.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Semantic version of the offer.
    pub version: String,
    /// Folder under `catalog/`; bundles have none.
    #[serde(default)]
    pub category: Option<String>,
    /// The team that answers for it.
    pub owner: Owner,
    /// Free tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Who may ask for it, and where; absent means everybody, everywhere.
    #[serde(default)]
    pub visibility: Option<Visibility>,
    /// What is promised about it.
    #[serde(default)]
    pub sla: Option<Value>,
    /// What it costs, as an estimate.
    #[serde(default)]
    pub cost: Option<Value>,
    /// Whether it is on its way out.
    #[serde(default)]
    pub lifecycle: Option<Lifecycle>,
    /// Static values for its templates; never templates themselves.
    #[serde(default)]
    pub constants: Map<String, Value>,
}

/// The team that answers for an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Id of the team.
    pub team: String,
    /// How to reach it.
    pub contact: String,
    /// Whom to call when it does not answer.
    #[serde(default)]
    pub escalation: Option<String>,
}

/// Who may ask for an item, and in which environments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visibility {
    /// Teams; empty means all.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Environments; empty means all.
    #[serde(default)]
    pub environments: Vec<String>,
}

/// Whether an item is on its way out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// New services should not use it.
    #[serde(default)]
    pub deprecated: bool,
    /// Id of the item to use instead.
    #[serde(default)]
    pub replacement: Option<String>,
    /// Date after which it ends.
    #[serde(default)]
    pub sunset: Option<String>,
}

/// Holds the form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Presentation {
    /// The form that requesters fill.
    #[serde(default)]
    pub form: Form,
}

/// By whom an item is fulfilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By people, through the manual block.
    Manual,
    /// By machines, through the automatic block.
    Automatic,
}

/// What follows the last retry of a failed step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The run stops and a person decides.
    #[default]
    Stop,
    /// The manual actions are opened with the failure's context.
    Manual,
}

/// Who fulfils, and what follows failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// Manual or automatic.
    pub mode: Mode,
    /// What follows failure.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What becomes of a difference between what we wrote and what is observed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftMode {
    /// It is shown.
    #[default]
    Report,
    /// It is put right.
    Correct,
    /// It is proposed to the catalog.
    Propose,
}

/// How an item is fulfilled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fulfillment {
    /// Who fulfils.
    pub strategy: Strategy,
    /// Who must approve a plan that touches it.
    #[serde(default)]
    pub approval: Option<ApprovalRule>,
    /// How people do it.
    pub manual: Block,
    /// How machines do it.
    #[serde(default)]
    pub automatic: Option<AutomaticBlock>,
    /// Named operations of day two.
    #[serde(default)]
    pub operations: BTreeMap<String, Operation>,
    /// Action lists around any run of this item.
    #[serde(default)]
    pub hooks: Hooks,
    /// Patterns of the targets that its actions may touch; any where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<String>>,
    /// What becomes of drift.
    #[serde(default)]
    pub drift: Option<DriftMode>,
    /// How its health is asked for; shown, never a reason to change it.
    #[serde(default)]
    pub health: Option<Value>,
}

/// A list of actions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// What is done, in order unless `dependsOn` says otherwise.
    pub actions: Vec<Action>,
}

/// How machines create, update and delete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AutomaticBlock {
    /// Creates; also updates where `update` is absent.
    pub actions: Vec<Action>,
    /// Updates.
    #[serde(default)]
    pub update: Option<Block>,
    /// Deletes; where absent, each action's own reverse in reverse order.
    #[serde(default)]
    pub delete: Option<Block>,
}

/// A named operation of day two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The state it leads to, where a service may ask for it.
    #[serde(default)]
    pub state: Option<String>,
    /// When it runs by itself: cron, time zone, what becomes of missed times.
    #[serde(default)]
    pub schedule: Option<Value>,
    /// What it does.
    pub actions: Vec<Action>,
}

/// Action lists around any run of an item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hooks {
    /// Before the first action.
    #[serde(default)]
    pub before: Vec<Action>,
    /// After the last action.
    #[serde(default)]
    pub after: Vec<Action>,
    /// After a failure.
    #[serde(default)]
    pub on_failure: Vec<Action>,
}

/// One action as the item's author wrote it; every text in `config` is a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// Unique in its list; the reader fills `action-<n>` where the author left it out.
    #[serde(default)]
    pub id: String,
    /// Type of the action, a row of [`crate::kinds`].
    #[serde(rename = "type")]
    pub kind: String,
    /// What comes before it: absent means the action above it, empty means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depends_on: Option<Vec<String>>,
    /// A template that renders to `true` or `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Of one attempt, as a duration (`5m`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// Of transient faults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// By type.
    #[serde(default)]
    pub config: Config,
    /// Name of an output → JSON pointer into the action's result.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// What is asked after success, before the next action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Value>,
    /// What undoes it, where its type has no reverse of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Value>,
    /// Ids it had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_ids: Vec<String>,
}

/// How often and how soon a transient fault is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Attempts in all.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// `exponential` or `fixed`.
    #[serde(default)]
    pub backoff: Option<String>,
    /// Before the second attempt, as a duration.
    #[serde(default)]
    pub delay: Option<String>,
    /// The longest pause, as a duration.
    #[serde(default)]
    pub max_delay: Option<String>,
}

/// One output that a service offers to others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// A template over the outputs of the item's actions.
    pub value: String,
    /// Stored encrypted and masked wherever it would be shown.
    #[serde(default)]
    pub sensitive: bool,
    /// Other teams that may read it.
    #[serde(default)]
    pub share: Vec<String>,
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
}
