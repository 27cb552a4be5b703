//! The events of a run: what the journal holds, one row each; never whether they fit.

use std::fmt;

use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::fault::Fault;
use super::step::Wait;
use crate::digest::Digest;
use crate::id::{StepPath, UnitKey};
use crate::reconcile::PlannedStep;

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

/// A person's word on a run, or ours in their place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// Number of the decision that it was recorded as, so that it is acted upon once; 0 where nobody was asked.
    #[serde(default)]
    pub decision: i64,
}

/// Steps that a person's word adds to a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Added {
    /// The unit.
    pub unit: UnitKey,
    /// Its new steps, in their order.
    #[serde(deserialize_with = "whole_steps")]
    pub steps: Vec<PlannedStep>,
}

/// A step keeps its author's text as it is, which can't be read out of the middle of an event.
fn whole_steps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PlannedStep>, D::Error> {
    let steps = Vec::<Value>::deserialize(deserializer)?.into_iter();
    steps.map(|step| serde_json::from_value(step).map_err(Error::custom)).collect()
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
    /// It was in effect each time the process ended, or broke the driver down: it is left to a person.
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
    /// A person stops it for now: what is in effect finishes, nothing new starts.
    Paused {
        /// Who and why.
        #[serde(flatten)]
        said: Said,
    },
    /// A person lets it go on after a pause.
    Resumed {
        /// Who and why.
        #[serde(flatten)]
        said: Said,
    },
    /// A person has it go on after it stopped: what failed and what was called off is done again.
    Retried {
        /// Who and why.
        #[serde(flatten)]
        said: Said,
        /// Part of the keys of what is done anew; higher than any before.
        effect: u64,
        /// Steps that succeeded and are asked for again, under the keys that they had.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        again: Vec<StepPath>,
    },
    /// A person has it go on under the same keys: what nobody knows the outcome of is asked for again.
    Redriven {
        /// Who and why.
        #[serde(flatten)]
        said: Said,
    },
    /// People do by hand what is left of some units.
    Escalated {
        /// Who and why.
        #[serde(flatten)]
        said: Said,
        /// What they do, unit by unit.
        units: Vec<Added>,
    },
    /// What it did is taken back, the last first.
    RollingBack {
        /// Who and why.
        #[serde(flatten)]
        said: Said,
        /// Part of the keys of what takes it back; higher than any before.
        effect: u64,
        /// What takes it back, unit by unit; nothing where it was begun before.
        units: Vec<Added>,
    },
    /// All that it did is taken back.
    RolledBack,
    /// It failed, and the hooks of what failed are carried out before it ends so.
    Hooked {
        /// Why it failed.
        why: String,
        /// The hooks, unit by unit.
        units: Vec<Added>,
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
    /// Nobody knows whether it took effect; the next attempt looks.
    Unknown {
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
    /// Nobody knows whether it took effect, and it can't be looked up.
    NeedsDecision {
        /// Why.
        fault: Fault,
    },
    /// A person looked, and says whether it took effect.
    Answered {
        /// Who and why.
        #[serde(flatten)]
        said: Said,
        /// Whether it did.
        happened: bool,
        /// Its outputs, where it did; sensitive values sealed.
        #[serde(default)]
        outputs: Map<String, Value>,
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
            RunEvent::Paused { .. } => "paused",
            RunEvent::Resumed { .. } => "resumed",
            RunEvent::Retried { .. } => "retried",
            RunEvent::Redriven { .. } => "driven again",
            RunEvent::Escalated { .. } => "escalated",
            RunEvent::RollingBack { .. } => "rolled back",
            RunEvent::RolledBack => "ended as rolled back",
            RunEvent::Hooked { .. } => "followed by its hooks",
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
            StepEvent::Unknown { .. } => "left unknown",
            StepEvent::Failed { .. } => "failed",
            StepEvent::NeedsDecision { .. } => "left to a decision",
            StepEvent::Answered { .. } => "answered by a person",
            StepEvent::Skipped { .. } => "skipped",
            StepEvent::Cancelled { .. } => "cancelled",
        })
    }
}
