//! The events of a run: what the journal holds, one row each; never whether they fit.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fault::Fault;
use super::step::Wait;
use crate::digest::Digest;
use crate::id::StepPath;

/// What happened to a run or to one of its steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "lowercase")]
pub enum Event {
    /// To the run.
    Run {
        /// What.
        event: RunEvent,
    },
    /// To a step.
    Step {
        /// Which.
        path: StepPath,
        /// What.
        event: StepEvent,
    },
}

/// What happened to a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RunEvent {
    /// Its first step may start.
    Started,
    /// All steps are done.
    Succeeded,
    /// A step failed for good, and nothing is under way any more.
    Failed {
        /// Why.
        why: String,
    },
    /// A step's outcome is unknown and can't be looked up.
    NeedsDecision {
        /// Why.
        why: String,
    },
    /// A newer revision took its place at a step boundary.
    Superseded {
        /// The commit that did.
        commit: String,
    },
    /// It was in effect each time the process ended, or broke the driver down: it is not tried again by itself.
    Parked {
        /// Why.
        why: String,
    },
    /// A person called it off.
    Cancelled {
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
}

/// What happened to a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum StepEvent {
    /// All that comes before it is done.
    Ready,
    /// An attempt is about to start: the intent, on disk before the effect.
    Started {
        /// From 1.
        attempt: u32,
        /// What the other side recognises it by.
        key: String,
        /// Digest of what will be sent, secrets as markers.
        sent: Digest,
    },
    /// It took effect.
    Succeeded {
        /// What the action needs to find and undo it.
        result: Value,
        /// Its outputs; sensitive values sealed.
        outputs: Map<String, Value>,
    },
    /// It took effect as far as it goes, and waits.
    Waiting {
        /// For what.
        on: Wait,
    },
    /// An attempt failed and another follows.
    Retry {
        /// Why.
        fault: Fault,
        /// When.
        not_before: Timestamp,
    },
    /// It failed for good.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// Nobody knows whether it took effect.
    NeedsDecision {
        /// Why.
        fault: Fault,
    },
    /// It is not carried out.
    Skipped {
        /// Why.
        why: String,
    },
    /// It is called off before it starts.
    Cancelled {
        /// Why.
        why: String,
    },
}

impl fmt::Display for RunEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RunEvent::Started => "started",
            RunEvent::Succeeded => "ended as succeeded",
            RunEvent::Failed { .. } => "ended as failed",
            RunEvent::NeedsDecision { .. } => "left to a decision",
            RunEvent::Superseded { .. } => "superseded",
            RunEvent::Parked { .. } => "parked",
            RunEvent::Cancelled { .. } => "cancelled",
        })
    }
}

impl fmt::Display for StepEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StepEvent::Ready => "made ready",
            StepEvent::Started { attempt, key, .. } => {
                return write!(f, "started as attempt {attempt} under key `{key}`");
            }
            StepEvent::Succeeded { .. } => "done",
            StepEvent::Waiting { .. } => "made to wait",
            StepEvent::Retry { .. } => "put off to another attempt",
            StepEvent::Failed { .. } => "failed",
            StepEvent::NeedsDecision { .. } => "left to a decision",
            StepEvent::Skipped { .. } => "skipped",
            StepEvent::Cancelled { .. } => "cancelled",
        })
    }
}
