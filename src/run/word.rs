//! What a person's word does to a run: where it fits, and what it leads to. It never says whether it was theirs to say.

use std::sync::Arc;

use super::event::{Added, RunEvent, Said};
use super::order::Order;
use super::progress::Progress;
use super::run::{Run, RunState, lets_on};
use super::step::StepState;
use crate::id::StepPath;
use crate::reconcile::is_hook;

impl RunEvent {
    /// Returns who said so and why, where a person did.
    pub fn said(&self) -> Option<&Said> {
        match self {
            RunEvent::Paused { said }
            | RunEvent::Resumed { said }
            | RunEvent::Retried { said, .. }
            | RunEvent::Redriven { said }
            | RunEvent::Escalated { said, .. }
            | RunEvent::RollingBack { said, .. } => Some(said),
            _ => None,
        }
    }
}

impl Run {
    /// Returns the state that a person's word leads to, and whether it fits; nothing for other events.
    pub(super) fn after_word(&self, event: &RunEvent) -> Option<(bool, RunState)> {
        let stopped = self.state.is_stopped() && !self.rolls_back;
        Some(match event {
            RunEvent::Paused { .. } => (self.is_underway(), RunState::Paused),
            RunEvent::Resumed { .. } => (self.state == RunState::Paused, RunState::Running),
            RunEvent::Retried { .. } => (stopped && self.undecided().is_none(), RunState::Running),
            RunEvent::Redriven { .. } => {
                (stopped && self.state != RunState::Failed, RunState::Running)
            }
            RunEvent::Escalated { .. } => (stopped, RunState::Waiting),
            RunEvent::RollingBack { .. } => (self.state.is_stopped(), RunState::RollingBack),
            RunEvent::Cancelled { .. } if self.state.is_stopped() => (true, RunState::Cancelled),
            // Its process died on it: what became of its steps is found out when it goes on.
            RunEvent::Parked { .. } => (!self.state.is_over(), RunState::Parked),
            _ => return None,
        })
    }

    fn is_underway(&self) -> bool {
        matches!(self.state, RunState::Running | RunState::Waiting)
    }

    /// Returns the first step whose outcome a person has to say.
    pub fn undecided(&self) -> Option<&StepPath> {
        let unknown = |step: &Progress| matches!(step.state, StepState::NeedsDecision { .. });
        self.live().find(|(_, step)| unknown(step)).map(|(path, _)| path)
    }

    /// Does what an event says to the steps of the run; where it refuses, the run is of no use any more.
    pub(super) fn heed(&mut self, event: &RunEvent) -> Result<(), String> {
        match event {
            RunEvent::Retried { effect, again, .. } => {
                self.rise(*effect)?;
                for path in again {
                    let step = self.steps.get_mut(path);
                    let done = |step: &&mut Progress| {
                        step.state == StepState::Succeeded && step.attempts > 0 && !step.by_hand
                    };
                    let step = step.filter(done);
                    step.ok_or_else(|| format!("without a step `{path}` that it did"))?.again();
                }
                self.begin_again();
            }
            RunEvent::Redriven { .. } => self.begin_again(),
            RunEvent::Escalated { units, .. } => {
                self.hand_over(units)?;
                self.escalated = true;
                self.begin_again();
            }
            RunEvent::RollingBack { effect, units, .. } => {
                self.rise(*effect)?;
                self.turn_back(units)?;
            }
            RunEvent::Hooked { why, units } => self.turn_to_hooks(why, units)?,
            RunEvent::Failed { .. } | RunEvent::Parked { .. } => self.turn_from_hooks(),
            RunEvent::Cancelled { by, why } => {
                let (by, why) = (by.clone(), why.clone());
                self.said = Some(Said { by, why, decision: self.decision() });
            }
            _ => {}
        }
        if let Some(said) = event.said() {
            self.said = Some(Said { decision: said.decision.max(self.decision()), ..said.clone() });
        }
        Ok(())
    }

    fn rise(&mut self, effect: u64) -> Result<(), String> {
        if effect <= self.effect {
            return Err(format!("under effect {}, and not before {effect}", self.effect));
        }
        self.effect = effect;
        Ok(())
    }

    /// Begins again what failed, was called off, or has an outcome that nobody knows.
    fn begin_again(&mut self) {
        let order = &self.order;
        for (path, step) in &mut self.steps {
            let stopped = matches!(
                step.state,
                StepState::Failed { .. } | StepState::Cancelled | StepState::NeedsDecision { .. }
            );
            let theirs = step.by_hand || is_hook(path);
            if stopped && !theirs && (order.has(path) || !self.rolls_back) {
                step.again();
            }
        }
        self.order_anew();
    }

    fn order_anew(&mut self) {
        let steps = &self.steps;
        let passed = |path: &StepPath| lets_on(steps, path);
        self.order = if self.rolls_back {
            let back = self.change.units.iter().flat_map(|unit| &unit.steps);
            let order = &self.order;
            Order::of_steps(back.filter(|step| order.has(&step.path)), passed)
        } else {
            Order::of(&self.change, passed)
        };
    }

    /// Leaves to people what is left of some units, and has the rest go on.
    fn hand_over(&mut self, units: &[Added]) -> Result<(), String> {
        for added in units {
            let planned = self.change.units.iter().find(|unit| unit.unit == added.unit);
            let Some(unit) = planned.filter(|_| !added.steps.is_empty()) else {
                return Err(format!("without anything to be done by hand for {}", added.unit));
            };
            let left: Vec<StepPath> = unit.steps.iter().map(|step| step.path.clone()).collect();
            for path in left {
                if let Some(step) = self.steps.get_mut(&path)
                    && !step.lets_on()
                {
                    step.by_hand = true;
                }
            }
        }
        let failed = |step: &Progress| {
            matches!(step.state, StepState::Failed { .. } | StepState::NeedsDecision { .. })
                || step.state.is_in_effect()
        };
        if let Some((path, _)) = self.live().find(|(_, step)| failed(step)) {
            return Err(format!("{}, with step `{path}` that nobody takes over", self.state));
        }
        self.add(units)
    }

    /// Adds steps to the change that is carried out.
    pub(super) fn add(&mut self, units: &[Added]) -> Result<(), String> {
        let change = Arc::make_mut(&mut self.change);
        for added in units {
            let unit = change.units.iter_mut().find(|unit| unit.unit == added.unit);
            let unit = unit.ok_or_else(|| format!("without a unit {}", added.unit))?;
            for step in &added.steps {
                if self.steps.contains_key(&step.path) {
                    return Err(format!("with a step `{}` already", step.path));
                }
                self.steps.insert(step.path.clone(), Progress::of(step));
                unit.steps.push(step.clone());
            }
        }
        Ok(())
    }

    /// Turns to what takes its work back; goes on with that where it had begun.
    fn turn_back(&mut self, units: &[Added]) -> Result<(), String> {
        if self.rolls_back {
            if !units.is_empty() {
                return Err(self.state.to_string() + " while it was rolled back");
            }
            self.begin_again();
            return Ok(());
        }
        for step in units.iter().flat_map(|unit| &unit.steps) {
            if undoes(&step.path).is_none_or(|path| !self.steps.contains_key(&path)) {
                return Err(format!("without anything that `{}` takes back", step.path));
            }
        }
        self.add(units)?;
        self.rolls_back = true;
        let steps = &self.steps;
        let back = units.iter().flat_map(|unit| &unit.steps);
        self.order = Order::of_steps(back, |path| lets_on(steps, path));
        Ok(())
    }

    /// Marks as undone what a step took back.
    pub(super) fn take_back(&mut self, path: &StepPath) {
        let Some(undone) = undoes(path).filter(|_| self.rolls_back) else { return };
        if let Some(step) = self.steps.get_mut(&undone)
            && step.state == StepState::Succeeded
        {
            step.state = StepState::Undone;
        }
    }
}

/// Names the step that a step of a rollback takes back.
pub(super) fn undoes(path: &StepPath) -> Option<StepPath> {
    path.0.rsplit_once('~').map(|(undone, _)| StepPath(undone.to_owned()))
}
