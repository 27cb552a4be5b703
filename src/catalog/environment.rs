//! The typed forms of an `Environment` and of the catalog's own settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::item::DriftMode;
use super::service::DeletionPolicy;

/// A place that services live in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Who it is.
    pub metadata: EnvironmentMetadata,
    /// Values for templates, as `environment.<name>`.
    #[serde(default)]
    pub variables: Map<String, Value>,
    /// Item id → field → value, over the item's own defaults and under the service's fields.
    #[serde(default)]
    pub defaults: BTreeMap<String, Map<String, Value>>,
    /// Who must approve a plan that touches it.
    #[serde(default)]
    pub approval: Option<ApprovalRule>,
    /// When runs may start.
    #[serde(default)]
    pub change_windows: Vec<ChangeWindow>,
}

/// The `metadata` of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentMetadata {
    /// Unique over environments.
    pub id: String,
    /// Name for people.
    pub name: String,
}

/// Who must approve, and how many of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// How many.
    pub required: u32,
    /// Teams or users; empty means anybody.
    #[serde(default)]
    pub from: Vec<String>,
}

/// When runs may start: an opening or a closing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeWindow {
    /// Runs start only in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Allow>,
    /// Runs never start in here; wins over `allow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny: Option<Deny>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A recurring opening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allow {
    /// When it opens.
    pub cron: String,
    /// How long it stays open, as a duration.
    pub duration: String,
    /// IANA time zone.
    pub timezone: String,
}

/// A closing from one date to another, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deny {
    /// First date.
    pub from: String,
    /// Last date.
    pub to: String,
    /// IANA time zone.
    pub timezone: String,
}

/// The catalog's own settings, `trueline.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Name of the catalog.
    #[serde(default)]
    pub metadata: Option<EnvironmentMetadata>,
    /// Severity per rule.
    #[serde(default)]
    pub validation: Validation,
    /// What owners must approve.
    #[serde(default)]
    pub owners: OwnerSettings,
    /// Budgets.
    #[serde(default)]
    pub guard: Guard,
    /// What holds where a document is silent.
    #[serde(default)]
    pub defaults: Defaults,
    /// Who is who.
    #[serde(default)]
    pub teams: BTreeMap<String, Team>,
}

/// What owners must approve.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerSettings {
    /// Whether what its owners did not approve is left unconverged.
    pub required: bool,
    /// Who is asked about paths that nobody owns, and about broken lines.
    pub fallback: Vec<String>,
    /// Who must approve a breaking change besides the owners of the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaking_change: Option<BreakingChange>,
}

/// Who must approve a breaking change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BreakingChange {
    /// How many must approve.
    pub approvals: u32,
    /// Owners whose approval counts, as CODEOWNERS writes them.
    pub from: Vec<String>,
}

/// One team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Team {
    /// The team as CODEOWNERS writes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
    /// How to reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// How much it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

/// How much a team may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Quota {
    /// Services at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<u64>,
}

/// Severity per rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// Rule id → `error`, `warning`, `note` or `off`.
    #[serde(default)]
    pub rules: BTreeMap<String, String>,
}

/// Budgets that a plan is held by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Guard {
    /// Deletions in one plan.
    pub max_deletions: u32,
    /// Deletions in percent of what is recorded; the larger of the two counts.
    pub max_deletions_percent: u32,
    /// Services that one item's change may reach without its owner's approval.
    pub max_updates: u32,
    /// What happens to what was never touched before.
    pub first_contact: FirstContact,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            max_deletions: 5,
            max_deletions_percent: 30,
            max_updates: 20,
            first_contact: FirstContact::Observe,
        }
    }
}

/// What happens to a catalog, kind of action or target never touched before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FirstContact {
    /// It is only observed until its first plan is approved.
    #[default]
    Observe,
    /// It is converged at once.
    Apply,
}

/// What holds where a document is silent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Defaults {
    /// What becomes of drift.
    #[serde(default)]
    pub drift: Option<DriftMode>,
    /// What happens when a file is gone.
    #[serde(default)]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Who must approve.
    #[serde(default)]
    pub approval: Option<ApprovalRule>,
    /// The IANA time zone of dates that have none; UTC where this is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}
