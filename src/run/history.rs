//! Histories of runs as chance draws them: outcomes, crashes, slowness and newer revisions. Tests only.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::story::{at, event, planned, run_of, stands, unit_change};
use super::{
    Added, Event, Run, RunEvent, RunState, Said, StepState, give_way, interrupted, next, waits_for,
};
use crate::id::StepPath;
use crate::reconcile::{Effect, PlannedStep, When, is_hook};

/// A step as chance draws it: which of the steps above it come before it, and what is done with it.
type Draw = (u8, u8);

/// Draws a queued run.
pub(crate) fn any_run() -> impl Strategy<Value = Run> {
    vec((any::<u8>(), vec(any::<Draw>(), 0..5)), 1..4).prop_map(|units| {
        let mut changes = Vec::new();
        for (number, (before, steps)) in units.iter().enumerate() {
            let unit = format!("u{number}");
            let drawn = (0..number).filter(|other| before >> other & 1 == 1);
            let before: Vec<String> = drawn.map(|other| format!("u{other}")).collect();
            let before: Vec<&str> = before.iter().map(String::as_str).collect();
            let steps = steps.iter().enumerate().map(|(index, draw)| step(&unit, index, *draw));
            changes.push(unit_change(&unit, &before, &steps.collect::<Vec<_>>()));
        }
        run_of(&changes)
    })
}

fn step(unit: &str, index: usize, (before, flag): Draw) -> PlannedStep {
    let flag = ["", "", "", "maybe", "keep", "no"][usize::from(flag) % 6];
    let drawn = (0..index).filter(|other| before >> other & 1 == 1);
    let before: Vec<String> = drawn.map(|other| format!("s{other}")).collect();
    planned(unit, &format!("s{index} {flag} < {}", before.join(" ")))
}

/// Draws a run that was driven to its end, or as far as chance lasted, with its journal.
pub(crate) fn any_history() -> impl Strategy<Value = (Run, World)> {
    let words = vec(any::<u8>(), 0..6);
    (any_run(), vec(any::<u8>(), 1..120), any::<bool>(), any::<u8>(), words).prop_map(
        |(fresh, chances, to_the_end, superseded, words)| {
            let mut words = words.into_iter();
            let mut world = World::of(fresh.clone());
            let turns = chances.len();
            let chances = chances
                .into_iter()
                .chain(std::iter::repeat_n(13, if to_the_end { 2_000 } else { 0 }));
            for (turn, chance) in chances.enumerate() {
                if world.run.state.is_over() {
                    // Where it stopped, people say how it goes on, as often as they like.
                    let Some(word) = words.next().filter(|_| world.run.state.is_stopped()) else {
                        break;
                    };
                    world.word(word);
                    continue;
                }
                if usize::from(superseded) == turn && turn < turns && !world.run.is_in_effect() {
                    give_way(&world.run, "beef").into_iter().for_each(|event| world.apply(event));
                } else if !world.turn(chance) {
                    break;
                }
            }
            (fresh, world)
        },
    )
}

/// Drives a run as an engine would, with outcomes, crashes and slowness drawn by chance.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The run as it stands.
    pub(crate) run: Run,
    /// Its journal.
    pub(crate) accepted: Vec<Event>,
    /// The second it is.
    pub(crate) now: i64,
}

impl World {
    /// Starts a run.
    pub(crate) fn of(run: Run) -> Self {
        let mut world = Self { run, accepted: Vec::new(), now: 0 };
        world.apply(event("run started"));
        world
    }

    pub(super) fn apply(&mut self, event: Event) {
        self.run.apply(&event).unwrap_or_else(|error| panic!("{error}: {}", stands(&self.run)));
        self.accepted.push(event);
    }

    fn tell(&mut self, path: &StepPath, what: &str) {
        self.apply(event(&format!("{path} {what}")));
    }

    fn start(&mut self, path: &StepPath) {
        let step = &self.run.steps[path];
        let key = step.key.clone().unwrap_or_else(|| format!("{path}-{}", self.run.effect));
        self.tell(path, &format!("start {} {key}", step.attempts + 1));
    }

    /// Has a person say how a run goes on that stopped.
    pub(super) fn word(&mut self, chance: u8) {
        let said = Said { by: "ann".into(), why: "because".into(), decision: 1 };
        let effect = self.run.effect + 1;
        let undecided: Vec<StepPath> = self
            .run
            .live()
            .filter(|(_, step)| matches!(step.state, StepState::NeedsDecision { .. }))
            .map(|(path, _)| path.clone())
            .collect();
        let event = match chance % 5 {
            _ if self.run.rolls_back => Some(self.run.turned_back(said, effect, &BTreeMap::new())),
            0 if self.run.state != RunState::Failed => Some(RunEvent::Redriven { said }),
            1 => self.run.handed_over(said, |_| true).ok(),
            2 => Some(self.back(said, effect)),
            3 if chance > 200 => Some(RunEvent::Cancelled { by: said.by, why: said.why }),
            _ => {
                for path in undecided {
                    self.tell(&path, if chance > 100 { "yes" } else { "no" });
                }
                Some(self.run.retried(said, effect, true))
            }
        };
        // What people did by hand and failed at is not handed to them again.
        let event = event.unwrap_or_else(|| RunEvent::Cancelled {
            by: "ann".to_owned(),
            why: "nothing helps".to_owned(),
        });
        self.apply(Event::Run { event });
    }

    /// Takes back every step that was done, as the records of its units would say.
    fn back(&self, said: Said, effect: u64) -> RunEvent {
        let mut units: Vec<Added> = Vec::new();
        let mut before: Option<StepPath> = None;
        for unit in self.run.change.units.iter().rev() {
            for step in unit.steps.iter().rev().filter(|step| !is_hook(&step.path)) {
                if self.run.steps[&step.path].state != StepState::Succeeded
                    || self.run.steps[&step.path].attempts == 0
                {
                    continue;
                }
                let path = StepPath(format!("{}~undo", step.path));
                let depends_on = before.replace(path.clone()).into_iter().collect();
                let step = PlannedStep {
                    path,
                    effect: Effect::Undo,
                    when: When::Yes,
                    depends_on,
                    ..step.clone()
                };
                units.push(Added { unit: unit.unit.clone(), steps: vec![step] });
            }
        }
        RunEvent::RollingBack { said, effect, units }
    }

    /// Takes one step of the world; false where there is nothing left to do.
    pub(super) fn turn(&mut self, chance: u8) -> bool {
        if self.run.state == RunState::Paused {
            self.apply(event("run resumed"));
            return true;
        }
        if chance == 201 && matches!(self.run.state, RunState::Running | RunState::Waiting) {
            self.apply(event("run paused"));
            return true;
        }
        let next = next(&self.run, at(self.now));
        if !next.events.is_empty() {
            // A crash can cut off a batch anywhere.
            let cut = 1 + usize::from(chance) % next.events.len();
            let mut events: Vec<Event> = next.events.into_iter().take(cut).collect();
            if chance.is_multiple_of(3) {
                self.with_hooks(&mut events);
            }
            events.into_iter().for_each(|event| self.apply(event));
            return true;
        }
        let started = interrupted(&self.run);
        let waiting = self.run.live().find_map(|(path, progress)| {
            matches!(progress.state, StepState::Waiting { .. }).then(|| path.clone())
        });
        match (next.start.first(), started.first(), waiting) {
            (Some(path), _, _) if chance.is_multiple_of(2) || started.is_empty() => {
                let ready = matches!(self.run.steps[path].state, StepState::Ready { .. });
                if chance % 16 == 1 && ready {
                    self.tell(path, "skip");
                } else {
                    self.start(path);
                }
            }
            (_, Some(path), _) => self.outcome(path, chance),
            (_, _, Some(path)) => {
                let what = ["done", "done", "wait 2", "fail"][usize::from(chance) % 4];
                self.tell(&path, what);
            }
            _ => {
                let Some(wake_at) = next.wake_at else { return false };
                assert!(waits_for(&self.run).is_some(), "{}", stands(&self.run));
                self.now = wake_at.as_second();
            }
        }
        true
    }

    /// Has hooks carried out where a run is about to fail.
    fn with_hooks(&self, events: &mut [Event]) {
        let Some(Event::Run { event: last }) = events.last_mut() else { return };
        let RunEvent::Failed { why } = &*last else { return };
        let first = self.run.change.units.iter().find(|unit| !unit.steps.is_empty());
        let (Some(unit), None, false) = (first, &self.run.failing, self.run.rolls_back) else {
            return;
        };
        let name = unit.unit.component.clone().unwrap_or_default();
        let hook = |end: &str| planned(&name, &format!("{end}~onFailure{}", self.run.steps.len()));
        let steps = vec![hook("h"), hook("i")];
        let units = vec![Added { unit: unit.unit.clone(), steps }];
        *last = RunEvent::Hooked { why: why.clone(), units };
    }

    fn outcome(&mut self, path: &StepPath, chance: u8) {
        let later = format!("retry {}", self.now + 3);
        match chance / 2 % 12 {
            0 => self.start(path),
            1 | 2 if self.run.steps[path].attempts < 4 => self.tell(path, &later),
            11 if self.run.steps[path].attempts < 4 => {
                self.tell(path, &format!("lost {}", self.now + 3));
            }
            3 => self.tell(path, "wait 1"),
            4 => self.tell(path, "fail"),
            5 => self.tell(path, "unknown"),
            _ => self.tell(path, "done"),
        }
    }
}
