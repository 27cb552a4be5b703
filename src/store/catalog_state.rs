//! What is remembered of a catalog between ticks. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::forgetting::Forgetting;
use super::on_hold::OnHold;
use super::operating::Operating;
use super::restored::Restored;
use crate::catalog::Written;
use crate::digest::Digest;
use crate::id::UnitKey;
use crate::reconcile::{Fired, Forecasts};

/// What is remembered of a catalog between ticks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CatalogState {
    /// The head that was seen last.
    pub head: Option<String>,
    /// The last revision whose plan was acted upon.
    pub applied_revision: Option<String>,
    /// How many services it had.
    pub services: usize,
    /// What was acknowledged: `catalog`, `kind:rest-api`, `git:…`.
    pub contacts: BTreeSet<String>,
    /// Number of the last decision that was acted upon.
    pub decisions_seen: i64,
    /// Digests whose approvals were used, with the number of the last decision then: later ones count again.
    #[serde(default)]
    pub used: BTreeMap<Digest, i64>,
    /// Why the last tick could not do its work, for `status`; nothing where it could.
    pub trouble: Option<String>,
    /// Documents whose last good version is in force: `(path, why)`.
    pub overlay: Vec<(String, String)>,
    /// Services that do not fit the catalog, with why.
    pub blocked: BTreeMap<String, String>,
    /// Services that wait, with what for.
    pub pending: BTreeMap<String, String>,
    /// Units whose definition is newer than what was applied, with why.
    #[serde(default)]
    pub outdated: BTreeMap<UnitKey, String>,
    /// Units that are absent and not known to be unwanted, with why.
    #[serde(default)]
    pub unknown: BTreeMap<UnitKey, String>,
    /// What was forecast of changes that wait, by what it was made of.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub forecasts: Forecasts,
    /// Services that are recorded and whose file is gone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub absent: BTreeSet<String>,
    /// Services that git wants left alone.
    #[serde(default)]
    pub suspended: BTreeSet<String>,
    /// The store was put back from a backup, and nobody acknowledged that yet: nothing is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<Restored>,
    /// Services that people had taken over, until that was tried.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub adopting: BTreeSet<String>,
    /// Services that people had forgotten, until that was done or refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub forgetting: BTreeMap<String, Forgetting>,
    /// Services that were forgotten: how their last run ended says nothing any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub forgotten: BTreeSet<String>,
    /// Services whose approval is void because their change became different, with what.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub voided: BTreeMap<String, String>,
    /// Services for which people stopped everything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<String, OnHold>,
    /// Operations that people asked for, by the number of their decision, until a run carries them out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operating: BTreeMap<i64, Operating>,
    /// When a scheduled drift sweep was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swept: Option<Fired>,
    /// Who wrote files that are not settled yet, so that they are still known as its authors at a later head.
    #[serde(default, skip_serializing_if = "Written::is_empty")]
    pub written: Written,
    /// When the last tick was.
    pub ticked_at: Option<Timestamp>,
}
