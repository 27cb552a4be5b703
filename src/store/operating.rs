//! What is remembered of an operation that a person asked for, until a run carries it out. It starts nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decision::{Decision, DecisionKind};

/// A person's word to have an operation of a service carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operating {
    /// Id of the service.
    pub service: String,
    /// Name of the operation.
    pub operation: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Operating {
    /// Folds a word into what is asked for, by the number of its decision.
    pub fn take(asked: &mut BTreeMap<i64, Operating>, decision: &Decision) {
        if let DecisionKind::Operate { service, operation, .. } = &decision.decision {
            let (service, operation) = (service.clone(), operation.clone());
            let (by, at) = (decision.by.clone(), decision.at);
            asked.insert(decision.seq, Operating { service, operation, by, at });
        }
    }
}
