//! What is remembered of a service for which a person stopped everything. It stops nothing by itself.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decision::{Decision, DecisionKind};

/// Who stopped everything for a service, why, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnHold {
    /// Who said so.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

impl OnHold {
    /// Folds a word into what is held; the first of two holds stays. Tells whether anything changed.
    pub fn take(held: &mut BTreeMap<String, OnHold>, decision: &Decision) -> bool {
        match &decision.decision {
            DecisionKind::Hold { service, reason } if !held.contains_key(service) => {
                let (by, why, at) = (decision.by.clone(), reason.clone(), decision.at);
                held.insert(service.clone(), OnHold { by, why, at });
                true
            }
            DecisionKind::Release { service, .. } => held.remove(service).is_some(),
            _ => false,
        }
    }
}

impl fmt::Display for OnHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "held by {}: {}", self.by, self.why)
    }
}
