//! A run: one change being carried out. Its state is what its journal says, and nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{Event, RunEvent, StepEvent};
use super::order::Order;
use super::progress::Progress;
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
    /// It ended the process, or broke the driver down, too often.
    Parked,
    /// A person called it off.
    Cancelled,
}

impl RunState {
    /// Tells whether nothing more happens to it.
    pub fn is_over(self) -> bool {
        !matches!(self, RunState::Queued | RunState::Running | RunState::Waiting)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Waiting => "waiting",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::NeedsDecision => "needs-decision",
            RunState::Superseded => "superseded",
            RunState::Parked => "parked",
            RunState::Cancelled => "cancelled",
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
    order: Order,
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
        Self { id, change, effect, commit, created_at: now, state: RunState::Queued, steps, order }
    }

    /// Tells whether a step is to be tried again by itself.
    pub fn has_retry(&self) -> bool {
        let again = |progress: &Progress| {
            matches!(progress.state, StepState::Ready { not_before: Some(_) })
        };
        !self.state.is_over() && self.steps.values().any(again)
    }

    /// Takes in an event; refuses one that does not fit, and then nothing has changed.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        match event {
            Event::Run { event } => self.apply_to_run(event),
            Event::Step { path, event } => self.apply_to_step(path, event),
        }
    }

    /// Tells whether all that comes before a step is done.
    pub fn is_open(&self, path: &StepPath) -> bool {
        self.order.is_open(path)
    }

    /// Tells whether a step is in effect: from its start until its outcome is known.
    pub fn is_in_effect(&self) -> bool {
        self.steps.values().any(|progress| progress.state == StepState::Started)
    }

    fn apply_to_run(&mut self, event: &RunEvent) -> Result<(), IllegalEvent> {
        let after = self.after(event).map_err(|state| IllegalEvent {
            what: "the run".to_owned(),
            event: event.to_string(),
            state,
        })?;
        self.state = after;
        if after == RunState::Running {
            self.state = self.underway();
        }
        Ok(())
    }

    /// Returns the state that an event leads to, or in which state it does not fit.
    fn after(&self, event: &RunEvent) -> Result<RunState, String> {
        if self.state.is_over() {
            return Err(self.state.to_string());
        }
        let queued = self.state == RunState::Queued;
        match event {
            RunEvent::Started if queued => Ok(RunState::Running),
            RunEvent::Superseded { .. } | RunEvent::Parked { .. } | RunEvent::Cancelled { .. }
                if self.is_in_effect() =>
            {
                Err(format!("{}, with a step in effect", self.state))
            }
            RunEvent::Parked { .. } => Ok(RunState::Parked),
            RunEvent::Superseded { .. } => Ok(RunState::Superseded),
            RunEvent::Cancelled { .. } => Ok(RunState::Cancelled),
            _ if queued => Err(self.state.to_string()),
            RunEvent::Started => Err(self.state.to_string()),
            RunEvent::Succeeded => self.end(RunState::Succeeded),
            RunEvent::Failed { .. } => self.end(RunState::Failed),
            RunEvent::NeedsDecision { .. } => self.end(RunState::NeedsDecision),
        }
    }

    /// Ends it in a state, where its steps have come to just that.
    fn end(&self, wanted: RunState) -> Result<RunState, String> {
        let mut found = RunState::Succeeded;
        for (path, progress) in &self.steps {
            found = match &progress.state {
                state if state.lets_on() => found,
                StepState::NeedsDecision { .. } => RunState::NeedsDecision,
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
        if !matches!(self.state, RunState::Running | RunState::Waiting) {
            return Err(illegal(format!("in a run that is {}", self.state)));
        }
        let open = self.is_open(path);
        let Some(progress) = self.steps.get_mut(path) else {
            return Err(illegal("not a step of the run".to_owned()));
        };
        if *event == StepEvent::Ready && !open {
            return Err(illegal(format!("{} behind other steps", progress.state)));
        }
        progress.take(event).map_err(illegal)?;
        if progress.state.lets_on() {
            let steps = &self.steps;
            self.order.pass(path, |path| lets_on(steps, path));
        }
        self.state = self.underway();
        Ok(())
    }

    /// Tells whether a step is under way or may start, or all that is left waits.
    fn underway(&self) -> RunState {
        let mut waits = false;
        for (path, progress) in &self.steps {
            match progress.state {
                StepState::Started | StepState::Ready { .. } => return RunState::Running,
                StepState::Pending if self.is_open(path) => return RunState::Running,
                StepState::Waiting { .. } => waits = true,
                _ => {}
            }
        }
        if waits { RunState::Waiting } else { RunState::Running }
    }
}

fn lets_on(steps: &BTreeMap<StepPath, Progress>, path: &StepPath) -> bool {
    steps.get(path).is_some_and(|progress| progress.state.lets_on())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::fault::Fault;
    use super::super::story::{check, event, run};
    use super::*;

    #[test]
    fn kept_steps_are_done_with_their_outputs_and_others_pending_or_left_out() {
        check(
            "db: a keep, b no, c maybe, d",
            "",
            "queued: db/a=succeeded db/b=skipped db/c=pending db/d=pending",
        );
        let run = run("db: a keep, b");
        let outputs = |path: &str| Value::from(run.steps[&StepPath(path.into())].outputs.clone());
        assert_eq!(outputs("db/a"), serde_json::json!({"id": "a"}));
        assert_eq!(outputs("db/b"), serde_json::json!({}));
    }

    #[test]
    fn a_queued_run_only_starts_or_is_called_off() {
        check(
            "db: a",
            "db/a ready\nrun succeeded\nrun failed\nrun unknown\nrun cancelled\nrun started",
            "step `db/a` can't be made ready while it is in a run that is queued
             the run can't be ended as succeeded while it is queued
             the run can't be ended as failed while it is queued
             the run can't be left to a decision while it is queued
             the run can't be started while it is cancelled
             cancelled: db/a=pending",
        );
    }

    #[test]
    fn a_step_starts_in_its_turn_and_counts_its_attempts() {
        check(
            "db: a, b < a",
            "run started
             db/b ready
             db/a start 1
             db/a ready
             db/a ready
             db/a start 0
             db/a start 2
             db/a done
             db/a start 1
             db/gone ready",
            "step `db/b` can't be made ready while it is pending behind other steps
             step `db/a` can't be started as attempt 1 under key `db/a` while it is pending
             step `db/a` can't be made ready while it is ready
             step `db/a` can't be started as attempt 0 under key `db/a` while it is ready with 0 attempts behind it
             step `db/a` can't be started as attempt 2 under key `db/a` while it is ready with 0 attempts behind it
             step `db/a` can't be done while it is ready
             step `db/gone` can't be made ready while it is not a step of the run
             running: db/a=started#1 db/b=pending",
        );
    }

    #[test]
    fn the_key_stays_through_crashes_and_retries() {
        check(
            "db: a",
            "run started
             db/a ready
             db/a start 1 k
             db/a start 2 other
             db/a start 2 k
             db/a retry 5
             db/a start 3 other
             db/a start 3 k",
            "step `db/a` can't be started as attempt 2 under key `other` while it is started under key `k`
             step `db/a` can't be started as attempt 3 under key `other` while it is ready under key `k`
             running: db/a=started#3",
        );
    }

    #[test]
    fn a_run_waits_when_all_that_is_left_waits() {
        check(
            "db: a, b, c < a",
            "run started
             db/a ready
             db/a start 1
             db/a wait 1
             db/b skip",
            "waiting: db/a=waiting#1 db/b=skipped db/c=pending",
        );
        check(
            "db: a, b",
            "run started\ndb/a ready\ndb/a start 1\ndb/a wait 1",
            "running: db/a=waiting#1 db/b=pending",
        );
        check(
            "db: a, c < a",
            "run started\ndb/a ready\ndb/a start 1\ndb/a wait 1\ndb/a wait 2\ndb/a done",
            "running: db/a=succeeded#1 db/c=pending",
        );
    }

    #[test]
    fn a_run_is_superseded_at_a_step_boundary_only() {
        check(
            "db: a, b",
            "run started
             db/a ready
             db/a start 1
             run superseded
             run cancelled
             db/a wait 1
             run superseded
             db/a done",
            "the run can't be superseded while it is running, with a step in effect
             the run can't be cancelled while it is running, with a step in effect
             step `db/a` can't be done while it is in a run that is superseded
             superseded: db/a=waiting#1 db/b=pending",
        );
    }

    #[test]
    fn a_run_ends_as_its_steps_did() {
        check(
            "db: a, b",
            "run started
             db/a skip
             run succeeded
             db/b ready
             db/b start 1
             db/b fail
             run succeeded
             run unknown
             run failed",
            "the run can't be ended as succeeded while it is running, with step `db/b` pending
             the run can't be ended as succeeded while it is running, with steps that make it failed
             the run can't be left to a decision while it is running, with steps that make it failed
             failed: db/a=skipped db/b=failed#1",
        );
    }

    #[test]
    fn an_outcome_leaves_its_result_and_a_retry_its_fault() {
        let mut run = run("db: a");
        let path = StepPath("db/a".into());
        for text in ["run started", "db/a ready", "db/a start 1", "db/a retry 5"] {
            run.apply(&event(text)).unwrap();
        }
        assert_eq!(run.steps[&path].fault, Some(Fault::transient("no answer")));
        for text in ["db/a start 2", "db/a done"] {
            run.apply(&event(text)).unwrap();
        }
        let step = &run.steps[&path];
        assert_eq!(step.fault, None);
        assert_eq!(step.result, serde_json::json!({"made": "db/a"}));
        assert_eq!(Value::from(step.outputs.clone()), serde_json::json!({"id": "db/a"}));
    }
}
