//! What people and other processes decide: rows that are only ever added.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::digest::Digest;
use crate::id::RunId;
use crate::run::Control;

/// What a person or another process decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DecisionKind {
    /// Approves a plan (and so the changes listed in it) or one change.
    Approve {
        /// Digest of the plan or change.
        subject: Digest,
        /// The changes that are approved with it.
        changes: Vec<Digest>,
        /// What is said to it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        comment: String,
    },
    /// Rejects a plan or a change.
    Reject {
        /// Digest of the plan or change.
        subject: Digest,
        /// The changes that are rejected with it.
        changes: Vec<Digest>,
        /// Why.
        reason: String,
    },
    /// Completes a task.
    CompleteTask {
        /// Its number.
        task: i64,
        /// What was entered.
        outputs: Map<String, Value>,
    },
    /// Grants what a step asks people to approve.
    Grant {
        /// Number of the approval.
        approval: i64,
        /// What is said to it.
        comment: String,
        /// What was filled in; sensitive values sealed.
        answers: Map<String, Value>,
    },
    /// Rejects what a step asks people to approve.
    Refuse {
        /// Number of the approval.
        approval: i64,
        /// Why.
        reason: String,
    },
    /// Asks something of a run.
    Control {
        /// The run.
        run: RunId,
        /// The service that it is of.
        service: String,
        /// What.
        control: Control,
        /// Why.
        reason: String,
    },
    /// Has a change carried out without its approvals and outside of its windows.
    BreakGlass {
        /// Digest of the change.
        change: Digest,
        /// Id of the service.
        service: String,
        /// Why.
        reason: String,
    },
    /// Has a service taken over instead of made.
    Adopt {
        /// Id of the service.
        service: String,
        /// Why.
        reason: String,
    },
    /// Drops what is recorded of a service, and leaves all that is outside as it is.
    Forget {
        /// Id of the service.
        service: String,
        /// Also where its file is still there.
        still_wanted: bool,
        /// Why.
        reason: String,
    },
    /// Stops everything for a service, at once.
    Hold {
        /// Id of the service.
        service: String,
        /// Why.
        reason: String,
    },
    /// Lets a service go on that was held.
    Release {
        /// Id of the service.
        service: String,
        /// Why.
        reason: String,
    },
    /// Has an operation of a service carried out once, one that leads to no state.
    Operate {
        /// Id of the service.
        service: String,
        /// Name of the operation.
        operation: String,
        /// Why.
        reason: String,
    },
    /// Has a breaker closed: whom it is of is asked again at once.
    ResetBreaker {
        /// The action type.
        action: String,
        /// Whom it asks.
        target: String,
        /// Why.
        reason: String,
    },
    /// Asks for a tick now; lifts the stall of a service, where one is named.
    Apply {
        /// Id of the service.
        service: Option<String>,
    },
}

/// A decision as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its number, rising from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who, as the operating system says: self-declared.
    pub by: String,
    /// What.
    pub decision: DecisionKind,
}
