//! The typed form of a `CatalogBundle`: several items offered as one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::environment::ApprovalRule;
use super::item::{Metadata, Output, Presentation};

/// Several items offered as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// Who and what it is.
    pub metadata: Metadata,
    /// The items it is made of.
    pub components: Vec<Component>,
    /// The form that requesters fill.
    #[serde(default)]
    pub presentation: Presentation,
    /// How its components are ordered and what follows failure.
    #[serde(default)]
    pub fulfillment: BundleFulfillment,
    /// What its services offer to others, by name.
    #[serde(default)]
    pub outputs: BTreeMap<String, Output>,
}

/// One item in a bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// Unique in the bundle.
    pub id: String,
    /// Ids it had before.
    #[serde(default)]
    pub former_ids: Vec<String>,
    /// Id of the item.
    pub catalog_item: String,
    /// Values of the item's fields; texts are templates.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Components that come before it, besides those it refers to.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Outputs of the item that the bundle uses.
    #[serde(default)]
    pub outputs: Vec<String>,
}

/// How a bundle is fulfilled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BundleFulfillment {
    /// Order and failure.
    #[serde(default)]
    pub orchestration: Orchestration,
    /// Who must approve a plan that touches it.
    #[serde(default)]
    pub approval: Option<ApprovalRule>,
}

/// How components are ordered and what follows failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Orchestration {
    /// Order of components that do not depend on one another.
    #[serde(default)]
    pub mode: OrchestrationMode,
    /// What follows the failure of a component.
    #[serde(default)]
    pub error_handling: ErrorHandling,
}

/// Order of components that do not depend on one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrchestrationMode {
    /// All at once.
    #[default]
    Parallel,
    /// As they are written.
    Sequential,
}

/// What follows the failure of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorHandling {
    /// Nothing new starts.
    #[default]
    Stop,
    /// What was done is undone.
    Rollback,
    /// What does not depend on it goes on.
    Continue,
}
