//! How far a step is: its state and what its attempts left behind; never what comes before or after it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::{Event, StepEvent};
use super::fault::{Fault, FaultClass};
use super::run::{IllegalEvent, Run};
use super::step::StepState;
use crate::reconcile::{Effect, PlannedStep, When};

/// What the key of an attempt begins with that never reached the other side.
pub const UNSENT: &str = "refused-";

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
    /// Why its last attempt is tried again, until that starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Attempts that no longer count against its retries: a person had it done again.
    #[serde(default)]
    pub forgiven: u32,
    /// People do it instead.
    #[serde(default)]
    pub by_hand: bool,
    /// Attempts in a row that were in effect when the process ended.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u32,
    /// When something last happened to it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When its first attempt began since a person last had it done again, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_since: Option<Timestamp>,
}

/// Tells whether a number needs no mention.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Progress {
    /// Begins a planned step: done where it is kept, left out where its condition is false.
    pub(super) fn of(step: &PlannedStep) -> Self {
        let state = match (step.effect, step.when) {
            (Effect::Keep, _) => StepState::Succeeded,
            (_, When::No) => StepState::Skipped,
            _ => StepState::Pending,
        };
        let outputs =
            if step.effect == Effect::Keep { step.outputs.clone() } else { Map::default() };
        Self { state, outputs, ..Self::default() }
    }

    /// Tells whether what comes after it may start.
    pub fn lets_on(&self) -> bool {
        self.by_hand || self.state.lets_on()
    }

    /// Returns how many attempts count against its retries.
    pub fn tries(&self) -> u32 {
        self.attempts.saturating_sub(self.forgiven)
    }

    /// Begins it once more. After a refusal, and after it was called off, that is another effect; where an attempt may
    /// have taken effect it is the same one.
    pub(super) fn again(&mut self) {
        // An attempt that never reached the other side has a key that means nothing to it.
        let unsent = self.key.as_ref().is_some_and(|key| key.starts_with(UNSENT));
        let refused = match &self.state {
            StepState::Failed { fault } => unsent || fault.class == FaultClass::Terminal,
            // Called off before another attempt began: what was in doubt still is.
            StepState::Cancelled => self.fault.is_none() && self.attempts > self.forgiven,
            _ => false,
        };
        if refused {
            (self.key, self.attempts) = (None, 0);
        }
        self.forgiven = self.attempts;
        (self.fault, self.tried_since, self.lost) = (None, None, 0);
        self.state = StepState::Pending;
    }

    /// Takes in an event, or says in which state it does not fit.
    pub(super) fn take(&mut self, event: &StepEvent) -> Result<(), String> {
        let after = self.state.after(event).ok_or_else(|| self.state.to_string())?;
        let is_lost = self.state == StepState::Started && after == StepState::Started;
        match event {
            StepEvent::Started { attempt, key, .. } => self.start(*attempt, key)?,
            StepEvent::Succeeded { result, outputs } => {
                self.result.clone_from(result);
                self.outputs.clone_from(outputs);
            }
            StepEvent::Answered { said, happened: true, outputs } => {
                self.result = serde_json::json!({"answered": said.by});
                self.outputs.clone_from(outputs);
            }
            StepEvent::Retry { fault, .. } | StepEvent::Unknown { fault, .. } => {
                self.fault = Some(fault.clone());
            }
            _ => {}
        }
        self.lost = if is_lost { self.lost.saturating_add(1) } else { 0 };
        self.state = after;
        Ok(())
    }

    /// Remembers when an event happened that was taken in.
    fn stamp(&mut self, event: &StepEvent, at: Timestamp) {
        self.since = Some(at);
        if matches!(event, StepEvent::Started { .. }) {
            self.tried_since.get_or_insert(at);
        }
    }

    /// Counts an attempt. Its key never changes within a run: another one would be another effect.
    fn start(&mut self, attempt: u32, key: &str) -> Result<(), String> {
        if self.attempts.checked_add(1) != Some(attempt) {
            return Err(format!("{} with {} attempts behind it", self.state, self.attempts));
        }
        if let Some(known) = self.key.as_ref().filter(|known| *known != key) {
            return Err(format!("{} under key `{known}`", self.state));
        }
        self.attempts = attempt;
        self.key = Some(key.to_owned());
        self.fault = None;
        Ok(())
    }
}

impl Run {
    /// Takes in an event of the journal, with its time.
    pub fn apply_at(&mut self, event: &Event, at: Timestamp) -> Result<(), IllegalEvent> {
        self.apply(event)?;
        match event {
            Event::Run { event } if event.said().is_some() => self.since = at,
            Event::Run { .. } => {}
            Event::Step { path, event } => {
                if let Some(progress) = self.steps.get_mut(path) {
                    progress.stamp(event, at);
                }
            }
        }
        Ok(())
    }
}
