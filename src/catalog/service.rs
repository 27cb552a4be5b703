//! The typed form of a `Service`: what a team asks for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::item::DriftMode;
use super::named::Named;

/// What a team asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Who and where it is.
    pub metadata: ServiceMetadata,
    /// Id of the item, or absent where it is of a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_item: Option<String>,
    /// Id of the bundle, or absent where it is of an item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog_bundle: Option<String>,
    /// Requirement on the item's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Values of the form's fields.
    #[serde(default)]
    pub fields: Named<Value>,
    /// Services whose outputs it reads, or that must be there first.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Of its runs in the queue.
    #[serde(default)]
    pub priority: Priority,
    /// `active`, `suspended`, or a state that an operation of the item leads to.
    #[serde(default = "active")]
    pub state: String,
    /// Date after which it should be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// What happens when it expires.
    #[serde(default)]
    pub on_expiry: OnExpiry,
    /// What happens when the file is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// What becomes of drift; overrides the item's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftMode>,
}

fn active() -> String {
    "active".to_owned()
}

impl Service {
    /// Returns the id of the item or bundle that it is of.
    pub fn offer(&self) -> &str {
        self.catalog_item.as_deref().or(self.catalog_bundle.as_deref()).unwrap_or_default()
    }
}

/// The `metadata` of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceMetadata {
    /// Unique over services.
    pub id: String,
    /// Ids it had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_ids: Vec<String>,
    /// The folder under `services/`.
    pub team: String,
    /// Id of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Free labels.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub labels: Named<Box<str>>,
}

/// Order of runs in the queue; smaller is sooner.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Before everything.
    Critical,
    /// Before the usual.
    High,
    /// The usual.
    #[default]
    Normal,
    /// After the usual.
    Low,
    /// When nothing else is to do.
    Background,
}

/// What happens when the file of a service is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeletionPolicy {
    /// Deleted after one approval.
    #[default]
    Confirm,
    /// Deleted.
    Delete,
    /// Kept, and no longer looked after.
    Retain,
    /// Refused.
    Deny,
}

/// What happens when a service expires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnExpiry {
    /// The removal of its file is proposed.
    #[default]
    Propose,
    /// Its deletion is planned.
    Delete,
}
