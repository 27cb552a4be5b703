//! What holds for every run, whatever happens to it: tests only.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::story::{at, event, planned, run_of, stands, unit_change};
use super::{Event, Run, StepState, interrupted, next, waits_for};
use crate::id::StepPath;
use crate::reconcile::PlannedStep;

/// A step as chance draws it: which of the steps above it come before it, and what is done with it.
type Draw = (u8, u8);

fn any_run() -> impl Strategy<Value = Run> {
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

/// Returns every step that comes before a step, near and far: the slow and plain way.
fn all_before(run: &Run, path: &StepPath) -> BTreeSet<StepPath> {
    let mut found = BTreeSet::new();
    let mut open = vec![path.clone()];
    let mut units = BTreeSet::new();
    while let Some(path) = open.pop() {
        let holds =
            |unit: &&crate::reconcile::UnitChange| unit.steps.iter().any(|s| s.path == path);
        let Some(unit) = run.change.units.iter().find(holds) else { continue };
        let step = unit.steps.iter().find(|step| step.path == path).unwrap();
        let mut before = step.depends_on.clone();
        let mut open_units = unit.depends_on.clone();
        while let Some(key) = open_units.pop() {
            if units.insert(key.clone()) {
                let other = run.change.units.iter().find(|unit| unit.unit == key).unwrap();
                open_units.extend(other.depends_on.clone());
                before.extend(other.steps.iter().map(|step| step.path.clone()));
            }
        }
        for path in before {
            if found.insert(path.clone()) {
                open.push(path);
            }
        }
    }
    found
}

fn is_under_way(run: &Run, path: &StepPath) -> bool {
    !matches!(run.steps[path].state, StepState::Pending) && run.steps[path].attempts > 0
}

fn check_order(run: &Run) {
    for path in run.steps.keys().filter(|path| is_under_way(run, path)) {
        for before in all_before(run, path) {
            assert!(run.steps[&before].state.lets_on(), "{path} before {before}: {}", stands(run));
        }
    }
}

/// Every event there is for a run and one of its steps, legal or not.
fn events_of(path: &StepPath, attempts: u32) -> Vec<Event> {
    let words =
        ["ready", "done", "wait 1", "wait 2", "retry 5", "fail", "unknown", "skip", "cancel"];
    let mut events: Vec<Event> = words.map(|word| event(&format!("{path} {word}"))).into();
    for attempt in [0, attempts, attempts.saturating_add(1), attempts.saturating_add(2)] {
        events.push(event(&format!("{path} start {attempt}")));
        events.push(event(&format!("{path} start {attempt} another-key")));
    }
    for word in ["started", "succeeded", "failed", "unknown", "superseded", "cancelled"] {
        events.push(event(&format!("run {word}")));
    }
    events
}

fn draw(run: &Run, step: usize, kind: usize) -> Event {
    let gone = StepPath("gone/step".into());
    let count = run.steps.len();
    // One in eight is of a step that is not there.
    let path = if step % 8 == 7 { None } else { run.steps.keys().nth(step % count.max(1)) };
    let attempts = path.map_or(0, |path| run.steps[path].attempts);
    let events = events_of(path.unwrap_or(&gone), attempts);
    events[kind % events.len()].clone()
}

fn replay(run: &Run, accepted: &[Event]) -> Run {
    let mut again = Run::new(
        run.id.clone(),
        run.change.clone(),
        run.effect,
        run.commit.clone(),
        run.created_at,
    );
    for event in accepted {
        let journaled: Event =
            serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap();
        again.apply(&journaled).unwrap();
    }
    again
}

/// Drives a run as an engine would, with outcomes, crashes and slowness drawn by chance.
struct World {
    run: Run,
    accepted: Vec<Event>,
    now: i64,
}

impl World {
    fn apply(&mut self, event: Event) {
        self.run.apply(&event).unwrap_or_else(|error| panic!("{error}: {}", stands(&self.run)));
        self.accepted.push(event);
        check_order(&self.run);
    }

    fn tell(&mut self, path: &StepPath, what: &str) {
        self.apply(event(&format!("{path} {what}")));
    }

    fn start(&mut self, path: &StepPath) {
        let attempt = self.run.steps[path].attempts + 1;
        self.tell(path, &format!("start {attempt}"));
    }

    /// Takes one step of the world; false where there is nothing left to do.
    fn turn(&mut self, chance: u8) -> bool {
        let next = next(&self.run, at(self.now));
        if !next.events.is_empty() {
            // A crash can cut off a batch anywhere.
            let cut = 1 + usize::from(chance) % next.events.len();
            next.events.into_iter().take(cut).for_each(|event| self.apply(event));
            return true;
        }
        let started = interrupted(&self.run);
        let waiting = self.run.steps.iter().find_map(|(path, progress)| {
            matches!(progress.state, StepState::Waiting { .. }).then(|| path.clone())
        });
        match (next.start.first(), started.first(), waiting) {
            (Some(path), _, _) if chance.is_multiple_of(2) || started.is_empty() => {
                if chance % 16 == 1 {
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

    fn outcome(&mut self, path: &StepPath, chance: u8) {
        let later = format!("retry {}", self.now + 3);
        match chance / 2 % 12 {
            0 => self.start(path),
            1 | 2 if self.run.steps[path].attempts < 4 => self.tell(path, &later),
            3 => self.tell(path, "wait 1"),
            4 => self.tell(path, "fail"),
            5 => self.tell(path, "unknown"),
            _ => self.tell(path, "done"),
        }
    }
}

proptest! {
    #[test]
    fn a_refused_event_changes_nothing_and_the_journal_is_the_run(
        run in any_run(), started: bool, draws in vec((any::<usize>(), any::<usize>()), 0..150),
    ) {
        let fresh = run.clone();
        let mut run = run;
        let mut accepted = Vec::new();
        if started {
            accepted.push(event("run started"));
            run.apply(&accepted[0]).unwrap();
        }
        for (step, kind) in draws {
            // Most ends would come too soon to tell anything.
            let event = draw(&run, step, kind);
            if matches!(event, Event::Run { .. }) && kind % 64 != 0 { continue; }
            let before = run.clone();
            let taken = run.apply(&event).is_ok();
            prop_assert!(taken || run == before);
            accepted.extend(taken.then_some(event));
            prop_assert!(!before.state.is_over() || run == before);
            check_order(&run);
        }
        prop_assert_eq!(replay(&fresh, &accepted), run);
    }

    #[test]
    fn what_follows_from_the_state_is_legal_and_settles_at_once(
        run in any_run(), draws in vec((any::<usize>(), any::<usize>()), 0..80), now in 0_i64..10,
    ) {
        let mut run = run;
        run.apply(&event("run started")).unwrap();
        for (step, kind) in draws {
            let event = draw(&run, step, kind);
            if matches!(event, Event::Step { .. }) { let _ = run.apply(&event); }
        }
        for event in next(&run, at(now)).events {
            prop_assert!(run.apply(&event).is_ok(), "{event:?}: {}", stands(&run));
        }
        prop_assert!(next(&run, at(now)).events.is_empty(), "{}", stands(&run));
    }

    #[test]
    fn every_run_comes_to_an_end_with_nothing_in_effect(
        run in any_run(), chances in vec(any::<u8>(), 1..300),
    ) {
        let fresh = run.clone();
        let mut world = World { run, accepted: Vec::new(), now: 0 };
        world.apply(event("run started"));
        let mut chances = chances.into_iter();
        // When chance runs out, all goes well.
        let mut turns = 0;
        while !world.run.state.is_over() {
            prop_assert!(world.turn(chances.next().unwrap_or(13)), "{}", stands(&world.run));
            turns += 1;
            prop_assert!(turns < 2_000, "{}", stands(&world.run));
        }
        prop_assert!(interrupted(&world.run).is_empty());
        prop_assert!(world.run.steps.values().all(|progress| progress.state.is_over()));
        prop_assert_eq!(next(&world.run, at(world.now)), super::Next::default());
        for path in world.run.steps.keys().chain([&StepPath("gone/step".into())]) {
            for event in events_of(path, world.run.steps.get(path).map_or(0, |p| p.attempts)) {
                prop_assert!(world.run.clone().apply(&event).is_err(), "{event:?}");
            }
        }
        prop_assert_eq!(replay(&fresh, &world.accepted), world.run);
    }
}
