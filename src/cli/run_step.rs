//! A step as `trueline run show` tells it: what it is, how far it is, and why it is not further. It reads nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::table::ago;
use crate::reconcile::show::masked;
use crate::reconcile::{Effect, PlannedStep};
use crate::run::{Progress, StepState};

/// A step, for people and programs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepWire {
    pub(super) step: String,
    action: String,
    effect: Effect,
    state: String,
    attempts: u32,
    /// People do it instead.
    by_hand: bool,
    key: Option<String>,
    not_before: Option<Timestamp>,
    why: Option<String>,
    pub(super) outputs: Map<String, Value>,
}

impl StepWire {
    /// Takes it from a run.
    pub(super) fn of(step: &PlannedStep, progress: &Progress) -> Self {
        let (mut not_before, mut why) = (None, None);
        match &progress.state {
            StepState::Waiting { on } => why = Some(on.told().into_owned()),
            StepState::Failed { fault } | StepState::NeedsDecision { fault } => {
                why = Some(fault.to_string());
            }
            StepState::Unknown { not_before: at } => {
                not_before = Some(*at);
                why = progress.fault.as_ref().map(|fault| format!("looked up after: {fault}"));
            }
            StepState::Ready { not_before: at } => {
                not_before = *at;
                why = progress.fault.as_ref().map(|fault| format!("tried again after: {fault}"));
            }
            _ => {}
        }
        let outputs = progress.outputs.iter();
        Self {
            step: step.path.to_string(),
            action: step.action.kind.clone(),
            effect: step.effect,
            state: progress.state.to_string(),
            attempts: progress.attempts,
            by_hand: progress.by_hand,
            key: progress.key.clone(),
            not_before,
            why,
            outputs: outputs.map(|(name, value)| (name.clone(), masked(value))).collect(),
        }
    }

    /// Tells whether a person is to say what became of it.
    pub(super) fn is_undecided(&self) -> bool {
        self.state == "needs-decision" && !self.by_hand
    }

    /// Returns its row of a table.
    pub(super) fn cells(&self, now: Timestamp) -> [String; 6] {
        let again = self.not_before.map(|at| format!("not before {} ", ago(now, at)));
        let why = again.unwrap_or_default() + self.why.as_deref().unwrap_or_default();
        let attempts = if self.attempts == 0 { String::new() } else { self.attempts.to_string() };
        [
            self.step.clone(),
            self.action.clone(),
            word(self.effect).to_owned(),
            if self.by_hand { format!("{}, by hand", self.state) } else { self.state.clone() },
            attempts,
            why,
        ]
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Perform => "perform",
        Effect::Keep => "keep",
        Effect::Undo => "undo",
        Effect::UndoByHand => "undo by hand",
        Effect::Restore => "restore",
        Effect::Adopt => "adopt",
    }
}
