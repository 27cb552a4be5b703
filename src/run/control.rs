//! What a person can ask of a run, and where that makes sense; elsewhere it says why not, and what is possible instead.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event::{Added, RunEvent, Said};
use super::run::{Run, RunState};
use super::step::StepState;
use crate::id::{StepPath, UnitKey};
use crate::reconcile::{Effect, PlannedStep, UnitRecord, by_hand, is_hook, taken_back};

/// What a person asks of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Control {
    /// Calls it off.
    Cancel,
    /// Stops it for now.
    Pause,
    /// Lets it go on after a pause.
    Resume,
    /// Has it go on after it stopped.
    Retry {
        /// Only from the steps on that failed; otherwise those that succeeded are asked for again too.
        from_failed: bool,
    },
    /// Has it go on under the same keys.
    Redrive,
    /// Has people do by hand what is left.
    Escalate,
    /// Takes back what it did.
    Rollback,
    /// Says what became of a step.
    Decide {
        /// The step.
        step: StepPath,
        /// Whether it took effect.
        happened: bool,
        /// Its outputs, where it did; sensitive values sealed.
        outputs: Map<String, Value>,
    },
}

impl Control {
    /// All words, as the command line spells them.
    const WORDS: [&str; 8] =
        ["cancel", "pause", "resume", "retry", "redrive", "escalate", "rollback", "decide"];

    /// Returns the word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Control::Cancel => "cancel",
            Control::Pause => "pause",
            Control::Resume => "resume",
            Control::Retry { .. } => "retry",
            Control::Redrive => "redrive",
            Control::Escalate => "escalate",
            Control::Rollback => "rollback",
            Control::Decide { .. } => "decide",
        }
    }
}

/// Why a run can't be asked for something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` makes no sense for run {run}: {why}")]
pub struct Refusal {
    /// What was asked.
    pub word: &'static str,
    /// The run.
    pub run: String,
    /// Why not.
    pub why: String,
    /// What can be asked of it.
    pub instead: Vec<&'static str>,
}

impl Refusal {
    /// Says what is possible instead.
    pub fn hint(&self) -> String {
        match self.instead.as_slice() {
            [] => "nothing can be asked of it any more; `trueline service reconcile` plans anew"
                .to_owned(),
            words => format!("possible: `trueline run {}`", words.join("`, `trueline run ")),
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Run {
    /// Tells whether it can be asked for something, or why not.
    pub fn may(&self, control: &Control) -> Result<(), Refusal> {
        let why = match control {
            Control::Decide { step, .. } => self.not_undecided(step),
            _ => self.why_not(control.word()),
        };
        let Some(why) = why else { return Ok(()) };
        let instead = self.possible();
        Err(Refusal { word: control.word(), run: self.id.to_string(), why, instead })
    }

    /// Returns what can be asked of it.
    pub fn possible(&self) -> Vec<&'static str> {
        Control::WORDS.into_iter().filter(|word| self.why_not(word).is_none()).collect()
    }

    /// Says why a word does not fit; nothing where it does.
    fn why_not(&self, word: &str) -> Option<String> {
        let state = self.state;
        if state.is_over() && !state.is_stopped() {
            return Some(format!("it ended as {state}"));
        }
        match word {
            "cancel" => None,
            "pause" => match state {
                RunState::Running | RunState::Waiting => None,
                RunState::Queued => Some("it has not started".to_owned()),
                _ => Some(format!("it is {state}")),
            },
            "resume" if state == RunState::Paused => None,
            "resume" => Some(format!("it is {state}, and not paused")),
            _ if !state.is_stopped() => Some(format!("it is {state}, and has not stopped")),
            "rollback" | "escalate" if self.adopts() => Some(
                "it only looks at what is there, so nothing is to be taken back or done by hand"
                    .to_owned(),
            ),
            "rollback" => self.why_no_way_back(),
            "decide" if !self.rolls_back => {
                self.undecided().is_none().then(|| "no step's outcome is unknown".to_owned())
            }
            _ if self.rolls_back => Some("what it did was being taken back".to_owned()),
            "redrive" if state == RunState::Failed => {
                Some("what failed was refused, and would be again under the same keys".to_owned())
            }
            "retry" => self.undecided().map(|step| {
                format!(
                    "nobody knows whether step `{step}` took effect, and `retry` would do it again"
                )
            }),
            _ => None,
        }
    }

    fn not_undecided(&self, step: &StepPath) -> Option<String> {
        let Some(progress) = self.steps.get(step) else {
            return Some(format!("it has no step `{step}`"));
        };
        if let Some(why) = self.why_not("decide") {
            return Some(why);
        }
        if progress.by_hand {
            return Some(format!("step `{step}` is done by hand"));
        }
        if is_hook(step) {
            return Some(format!("step `{step}` is a hook, and nothing follows from it"));
        }
        let undecided = matches!(progress.state, StepState::NeedsDecision { .. });
        (!undecided).then(|| format!("step `{step}` is {}", progress.state))
    }

    /// What was taken away can't be put back by itself.
    fn why_no_way_back(&self) -> Option<String> {
        // What takes back is not itself taken back.
        let planned = self.planned.units.iter().flat_map(|unit| &unit.steps);
        let gone = planned.into_iter().find(|step| {
            let undone = matches!(step.effect, Effect::Undo | Effect::UndoByHand);
            undone && self.did(step)
        });
        let gone = gone.filter(|_| !self.rolls_back)?;
        Some(format!("step `{}` took something away, which can't be put back", gone.path))
    }

    fn did(&self, step: &PlannedStep) -> bool {
        let progress = self.steps.get(&step.path);
        progress.is_some_and(|it| it.state == StepState::Succeeded && it.attempts > 0)
    }

    /// Makes the event of a retry.
    pub fn retried(&self, said: Said, effect: u64, from_failed: bool) -> RunEvent {
        // What people did or said stands; nobody is asked twice.
        let theirs = |step: &PlannedStep| {
            matches!(step.action.kind.as_str(), "manual-task" | "approval")
                || step.effect == Effect::UndoByHand
        };
        let again =
            self.planned_steps().filter(|step| !from_failed && self.did(step) && !theirs(step));
        let again = again.filter(|step| !self.is_by_hand(&step.path) && !is_hook(&step.path));
        RunEvent::Retried { said, effect, again: again.map(|step| step.path.clone()).collect() }
    }

    fn is_by_hand(&self, path: &StepPath) -> bool {
        self.steps.get(path).is_some_and(|progress| progress.by_hand)
    }

    /// Makes the event that hands over to people what is left of some units, or says why that can't be.
    pub fn handed_over(
        &self,
        said: Said,
        wanted: impl Fn(&crate::reconcile::UnitChange) -> bool,
    ) -> Result<RunEvent, String> {
        let failure = self.failure();
        let mut units = Vec::new();
        for unit in self.change.units.iter().filter(|unit| wanted(unit)) {
            let left = |step: &&PlannedStep| {
                !is_hook(&step.path)
                    && self.steps.get(&step.path).is_some_and(|progress| !progress.lets_on())
            };
            let left: Vec<&PlannedStep> = unit.steps.iter().filter(left).collect();
            if left.is_empty() {
                continue;
            }
            if let Some(step) = left.iter().find(|step| crate::reconcile::is_by_hand(&step.path)) {
                return Err(format!("step `{}` is done by hand already", step.path));
            }
            let names: Vec<&str> = left.iter().map(|step| step.path.0.as_str()).collect();
            let mut failure = failure.clone();
            failure.insert("unit".to_owned(), unit.unit.to_string().into());
            failure.insert("remaining".to_owned(), names.join(", ").into());
            let steps = by_hand(unit, &left, &failure)?;
            units.push(Added { unit: unit.unit.clone(), steps });
        }
        Ok(RunEvent::Escalated { said, units })
    }

    /// Returns what is told of its failure: the first step that failed, or has an outcome that nobody knows.
    pub(super) fn failure(&self) -> Map<String, Value> {
        let failed = self.live().find_map(|(path, progress)| match &progress.state {
            StepState::Failed { fault } | StepState::NeedsDecision { fault } => {
                Some((path, progress, Some(fault)))
            }
            state if state.is_in_effect() => Some((path, progress, progress.fault.as_ref())),
            _ => None,
        });
        let mut failure = Map::new();
        let mut set = |name: &str, value: Value| failure.insert(name.to_owned(), value);
        set("run", self.id.to_string().into());
        let message = failed.and_then(|(.., fault)| fault).map(|fault| fault.message.clone());
        let class = failed.and_then(|(.., fault)| fault).map(|fault| fault.class);
        set("message", message.unwrap_or_else(|| "its outcome is not known".to_owned()).into());
        set("class", serde_json::to_value(class).unwrap_or_default());
        let path = failed.map(|(path, ..)| path);
        let planned = self.planned_steps().find(|step| Some(&step.path) == path);
        set("step", path.map(ToString::to_string).unwrap_or_default().into());
        set("action", planned.map(|step| step.action.kind.clone()).unwrap_or_default().into());
        set("attempts", failed.map_or(0, |(_, progress, _)| progress.attempts).into());
        failure
    }

    /// Makes the event that takes back what it did, the last first.
    pub fn turned_back(
        &self,
        said: Said,
        effect: u64,
        records: &BTreeMap<UnitKey, UnitRecord>,
    ) -> RunEvent {
        let mut units: Vec<Added> = Vec::new();
        let mut before: Option<StepPath> = None;
        for unit in self.change.units.iter().rev().filter(|_| !self.rolls_back) {
            let mut steps = Vec::new();
            for step in unit.steps.iter().rev().filter(|step| !is_hook(&step.path)) {
                let Some(progress) = self.steps.get(&step.path) else { continue };
                let unsure = matches!(progress.state, StepState::NeedsDecision { .. })
                    || progress.state.is_in_effect();
                if !unsure && !self.did(step) {
                    continue;
                }
                let record = records.get(&unit.unit);
                let Some(mut back) = taken_back(unit, step, record, !unsure) else { continue };
                back.depends_on = before.into_iter().collect();
                before = Some(back.path.clone());
                steps.push(back);
            }
            if !steps.is_empty() {
                units.push(Added { unit: unit.unit.clone(), steps });
            }
        }
        RunEvent::RollingBack { said, effect, units }
    }
}
