//! A run: one change being carried out. Its state is what its journal says, and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{Event, RunEvent, Said, StepEvent};
use super::order::Order;
use super::progress::Progress;
use super::step::StepState;
use crate::id::{RunId, StepPath};
use crate::reconcile::{Change, ChangeKind, PlannedStep, is_hook};

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
    /// A person stopped it for now.
    Paused,
    /// What it did is being taken back.
    RollingBack,
    /// All steps are done.
    Succeeded,
    /// A step failed for good.
    Failed,
    /// A step's outcome is unknown.
    NeedsDecision,
    /// It ended the process, or broke the driver down, too often.
    Parked,
    /// A newer revision took its place.
    Superseded,
    /// A person called it off.
    Cancelled,
    /// What it did was taken back.
    RolledBack,
}

impl RunState {
    /// Tells whether nothing more happens to it by itself.
    pub fn is_over(self) -> bool {
        use RunState::{Paused, Queued, RollingBack, Running, Waiting};
        !matches!(self, Queued | Running | Waiting | Paused | RollingBack)
    }

    /// Tells whether it stopped before its work was done, so that a person says how it goes on.
    pub fn is_stopped(self) -> bool {
        matches!(self, RunState::Failed | RunState::NeedsDecision | RunState::Parked)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Waiting => "waiting",
            RunState::Paused => "paused",
            RunState::RollingBack => "rolling-back",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::NeedsDecision => "needs-decision",
            RunState::Parked => "parked",
            RunState::Superseded => "superseded",
            RunState::Cancelled => "cancelled",
            RunState::RolledBack => "rolled-back",
        })
    }
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
    /// What it carries out, with the steps that people's words added to it.
    pub change: Arc<Change>,
    /// What it was made to carry out, frozen.
    pub planned: Arc<Change>,
    /// Part of its steps' idempotency keys; rises with each run of a unit, and with a person's retry.
    pub effect: u64,
    /// The same as it was when the run was made.
    pub first_effect: u64,
    /// The commit whose plan it came from.
    pub commit: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was made, or a person last said how it goes on: its time counts from then.
    pub since: Timestamp,
    /// Its state.
    pub state: RunState,
    /// How far each step is.
    pub steps: BTreeMap<StepPath, Progress>,
    /// What a person said of it last.
    pub said: Option<Said>,
    /// People do a part of it by hand.
    pub escalated: bool,
    /// Its work is being taken back, or was to be.
    pub rolls_back: bool,
    /// Why it failed, while the hooks of what failed are carried out.
    pub failing: Option<String>,
    pub(super) order: Order,
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
        let planned = change.units.iter().flat_map(|unit| &unit.steps);
        let steps: BTreeMap<StepPath, Progress> =
            planned.map(|step| (step.path.clone(), Progress::of(step))).collect();
        let order = Order::of(&change, |path| lets_on(&steps, path));
        Self {
            id,
            planned: change.clone(),
            change,
            effect,
            first_effect: effect,
            commit,
            created_at: now,
            since: now,
            state: RunState::Queued,
            steps,
            said: None,
            escalated: false,
            rolls_back: false,
            failing: None,
            order,
        }
    }

    /// Tells whether a step is to be tried again by itself.
    pub fn has_retry(&self) -> bool {
        let again = |progress: &Progress| {
            let state = &progress.state;
            matches!(state, StepState::Ready { not_before: Some(_) } | StepState::Unknown { .. })
        };
        !self.state.is_over() && self.live().any(|(_, progress)| again(progress))
    }

    /// Takes in an event; refuses one that does not fit, and then nothing has changed.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        match event {
            Event::Run { event } => self.apply_to_run(event),
            Event::Step { path, event } => self.apply_to_step(path, event),
        }
    }

    /// Tells whether it takes over what is there, and makes nothing.
    pub fn adopts(&self) -> bool {
        self.change.kind() == ChangeKind::Adopt
    }

    /// Tells whether all that comes before a step is done.
    pub fn is_open(&self, path: &StepPath) -> bool {
        self.order.is_open(path)
    }

    /// Tells whether a step is in effect: from its start until its outcome is known.
    pub fn is_in_effect(&self) -> bool {
        self.live().any(|(_, progress)| progress.state.is_in_effect())
    }

    /// Returns the number of the last decision that it was acted upon for.
    pub fn decision(&self) -> i64 {
        self.said.as_ref().map_or(0, |said| said.decision)
    }

    /// Returns the steps that it is about now: of a run that is rolled back those that take back, and none that
    /// people do instead.
    pub fn live(&self) -> impl Iterator<Item = (&StepPath, &Progress)> {
        self.steps.iter().filter(|(path, step)| !step.by_hand && self.order.has(path))
    }

    fn apply_to_run(&mut self, event: &RunEvent) -> Result<(), IllegalEvent> {
        let illegal =
            |state| IllegalEvent { what: "the run".to_owned(), event: event.to_string(), state };
        let after = self.after(event).map_err(illegal)?;
        let mut run = self.clone();
        run.state = after;
        run.heed(event).map_err(illegal)?;
        if after == RunState::Running {
            run.state = run.underway();
        }
        *self = run;
        Ok(())
    }

    /// Returns the state that an event leads to, or in which state it does not fit.
    fn after(&self, event: &RunEvent) -> Result<RunState, String> {
        if let Some((fits, after)) = self.after_word(event) {
            return if fits { Ok(after) } else { Err(self.as_it_is()) };
        }
        if self.state.is_over() {
            return Err(self.state.to_string());
        }
        let queued = self.state == RunState::Queued;
        match event {
            RunEvent::Started if queued => Ok(RunState::Running),
            RunEvent::Superseded { .. } | RunEvent::Cancelled { .. } if self.is_in_effect() => {
                Err(format!("{}, with a step in effect", self.state))
            }
            RunEvent::Superseded { .. } => Ok(RunState::Superseded),
            RunEvent::Cancelled { .. } => Ok(RunState::Cancelled),
            _ if queued || self.state == RunState::Paused => Err(self.state.to_string()),
            RunEvent::Failed { .. } if self.failing.is_some() => {
                self.all_over().map(|()| RunState::Failed)
            }
            _ if self.failing.is_some() => Err("failing".to_owned()),
            RunEvent::Hooked { .. } if !self.rolls_back => {
                self.end(RunState::Failed).map(|_| RunState::Running)
            }
            RunEvent::Succeeded if !self.rolls_back => self.end(RunState::Succeeded),
            RunEvent::RolledBack if self.rolls_back => {
                self.end(RunState::Succeeded).map(|_| RunState::RolledBack)
            }
            RunEvent::Failed { .. } => self.end(RunState::Failed),
            RunEvent::NeedsDecision { .. } => self.end(RunState::NeedsDecision),
            _ => Err(self.state.to_string()),
        }
    }

    /// Returns its state, and that it is being rolled back where that does not show.
    fn as_it_is(&self) -> String {
        match self.rolls_back && self.state.is_over() {
            true => format!("{} while it was rolled back", self.state),
            false => self.state.to_string(),
        }
    }

    /// Tells whether nothing more happens to what it is about now.
    fn all_over(&self) -> Result<(), String> {
        match self.live().find(|(_, progress)| !progress.state.is_over()) {
            Some((path, progress)) => {
                Err(format!("{}, with step `{path}` {}", self.state, progress.state))
            }
            None => Ok(()),
        }
    }

    /// Ends it in a state, where its steps have come to just that.
    fn end(&self, wanted: RunState) -> Result<RunState, String> {
        let mut found = RunState::Succeeded;
        for (path, progress) in self.live() {
            found = match &progress.state {
                state if state.lets_on() => found,
                // What a step that takes back left behind is asked for again as it was.
                StepState::NeedsDecision { .. } if !self.rolls_back => RunState::NeedsDecision,
                state if !state.is_over() => {
                    return Err(format!("{}, with step `{path}` {state}", self.state));
                }
                _ if found == RunState::NeedsDecision => found,
                _ => RunState::Failed,
            };
        }
        if found == wanted {
            return Ok(found);
        }
        Err(format!("{}, with steps that make it {found}", self.state))
    }

    fn apply_to_step(&mut self, path: &StepPath, event: &StepEvent) -> Result<(), IllegalEvent> {
        let illegal = |state: String| IllegalEvent {
            what: format!("step `{path}`"),
            event: event.to_string(),
            state,
        };
        if !self.takes(path, event) {
            return Err(illegal(format!("in a run that is {}", self.as_it_is())));
        }
        let open = self.is_open(path);
        let Some(progress) = self.steps.get_mut(path) else {
            return Err(illegal("not a step of the run".to_owned()));
        };
        if *event == StepEvent::Ready && !open {
            return Err(illegal(format!("{} behind other steps", progress.state)));
        }
        progress.take(event).map_err(illegal)?;
        let passed = progress.lets_on();
        if let StepEvent::Answered { said, .. } = event {
            self.said = Some(said.clone());
            return Ok(());
        }
        if passed {
            let steps = &self.steps;
            self.order.pass(path, |path| lets_on(steps, path));
            self.take_back(path);
        }
        if matches!(self.state, RunState::Running | RunState::Waiting) {
            self.state = self.underway();
        }
        Ok(())
    }

    /// Tells whether an event of a step fits the state of the run.
    fn takes(&self, path: &StepPath, event: &StepEvent) -> bool {
        let Some(progress) = self.steps.get(path) else {
            return !self.state.is_over() && self.state != RunState::Queued;
        };
        if matches!(event, StepEvent::Answered { .. }) {
            let theirs = progress.by_hand || is_hook(path);
            return self.state.is_stopped() && !self.rolls_back && !theirs;
        }
        let live = !progress.by_hand && self.order.has(path);
        match self.state {
            RunState::Running | RunState::Waiting | RunState::RollingBack => live,
            // What is in effect finishes; nothing new starts.
            RunState::Paused => match event {
                StepEvent::Started { .. } => live && progress.state.is_in_effect(),
                StepEvent::Ready | StepEvent::Skipped { .. } => false,
                _ => live,
            },
            _ => false,
        }
    }

    /// Tells whether a step is under way or may start, or all that is left waits.
    pub(super) fn underway(&self) -> RunState {
        let mut waits = false;
        for (path, progress) in self.live() {
            match progress.state {
                StepState::Started | StepState::Ready { .. } | StepState::Unknown { .. } => {
                    return RunState::Running;
                }
                StepState::Pending if self.is_open(path) => return RunState::Running,
                StepState::Waiting { .. } => waits = true,
                _ => {}
            }
        }
        if waits { RunState::Waiting } else { RunState::Running }
    }

    /// Returns every step that it has, with the ones that were added.
    pub fn planned_steps(&self) -> impl Iterator<Item = &PlannedStep> + Clone {
        self.change.units.iter().flat_map(|unit| &unit.steps)
    }
}

pub(super) fn lets_on(steps: &BTreeMap<StepPath, Progress>, path: &StepPath) -> bool {
    steps.get(path).is_some_and(Progress::lets_on)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
