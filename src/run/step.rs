//! The states of a step.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;

/// What a waiting step waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    /// `task`, `proposal`, …: who answers.
    pub on: String,
    /// What it is asked by: the id of a task, the number of a proposal, a url.
    pub reference: Value,
    /// For people: `task 3 “Create the ticket”`.
    pub what: String,
}

/// The state of a step; see the table of states in `docs/reference/states.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum StepState {
    /// Something before it is not done.
    #[default]
    Pending,
    /// It may start, not before a moment where it is tried again.
    Ready {
        /// Not before.
        not_before: Option<Timestamp>,
    },
    /// An attempt is under way, or was when the process ended.
    Started,
    /// It waits for somebody or something.
    Waiting {
        /// For what.
        on: Wait,
    },
    /// It is done.
    Succeeded,
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
    /// Its condition was false, or what it comes after was not done.
    Skipped,
    /// It was called off before it started.
    Cancelled,
}

impl StepState {
    /// Tells whether nothing more happens to it.
    pub fn is_over(&self) -> bool {
        !matches!(
            self,
            StepState::Pending
                | StepState::Ready { .. }
                | StepState::Started
                | StepState::Waiting { .. }
        )
    }

    /// Tells whether what comes after it may start.
    pub fn lets_on(&self) -> bool {
        matches!(self, StepState::Succeeded | StepState::Skipped)
    }
}
