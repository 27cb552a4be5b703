//! What holds for every run, whatever happens to it: tests only.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Map;

use super::history::{World, any_history, any_run};
use super::story::{at, event, stands};
use super::{
    Control, Event, FaultClass, Progress, Run, RunEvent, Said, StepEvent, StepState, interrupted,
    next, replay as replayed,
};
use crate::id::StepPath;

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
    let step = &run.steps[path];
    !matches!(step.state, StepState::Pending | StepState::Undone) && step.attempts > 0
}

fn check_order(run: &Run) {
    // What takes back comes in an order of its own.
    if run.rolls_back {
        return;
    }
    let hook = crate::reconcile::is_hook;
    for path in run.steps.keys().filter(|path| is_under_way(run, path) && !hook(path)) {
        for before in all_before(run, path).into_iter().filter(|before| !hook(before)) {
            assert!(run.steps[&before].lets_on(), "{path} before {before}: {}", stands(run));
        }
    }
}

/// Every event there is for a run and one of its steps, legal or not.
fn events_of(path: &StepPath, attempts: u32) -> Vec<Event> {
    let words = [
        "ready", "done", "wait 1", "wait 2", "retry 5", "lost 5", "fail", "unknown", "yes", "no",
        "skip", "cancel",
    ];
    let mut events: Vec<Event> = words.map(|word| event(&format!("{path} {word}"))).into();
    for attempt in [0, attempts, attempts.saturating_add(1), attempts.saturating_add(2)] {
        events.push(event(&format!("{path} start {attempt}")));
        events.push(event(&format!("{path} start {attempt} another-key")));
    }
    for word in [
        "started",
        "succeeded",
        "failed",
        "unknown",
        "superseded",
        "parked",
        "cancelled",
        "rolled-back",
    ] {
        events.push(event(&format!("run {word}")));
    }
    events
}

/// Every word that a person can say of a run, fitting or not.
fn words_of(run: &Run) -> Vec<Event> {
    let unit = |state: fn(&Progress) -> bool| {
        let found = run.steps.iter().find(|(_, step)| state(step));
        found.map_or("gone/step".to_owned(), |(path, _)| path.0.clone())
    };
    let failed = unit(|step| matches!(step.state, StepState::Failed { .. }));
    let done = unit(|step| step.state == StepState::Succeeded && step.attempts > 0);
    let next = run.effect + 1;
    let words = [
        "cancelled".to_owned(),
        "parked".to_owned(),
        "paused".to_owned(),
        "resumed".to_owned(),
        "redriven".to_owned(),
        format!("retried {next}"),
        format!("retried {}", run.effect),
        format!("escalated {failed}~manual"),
        format!("back {next} {done}~undo"),
        format!("hooked {failed}~onFailure{}", run.steps.len()),
        format!("back {next}"),
    ];
    words.map(|word| event(&format!("run {word}"))).into()
}

fn draw(run: &Run, step: usize, kind: usize) -> Event {
    let gone = StepPath("gone/step".into());
    let count = run.steps.len();
    // One in eight is of a step that is not there.
    let path = if step % 8 == 7 { None } else { run.steps.keys().nth(step % count.max(1)) };
    let attempts = path.map_or(0, |path| run.steps[path].attempts);
    let mut events = events_of(path.unwrap_or(&gone), attempts);
    events.extend(words_of(run));
    events[kind % events.len()].clone()
}

fn replay(run: &Run, accepted: &[Event]) -> Run {
    let mut again = Run::new(
        run.id.clone(),
        run.planned.clone(),
        run.first_effect,
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
            let ends = before.state.is_over() && !before.state.is_stopped();
            prop_assert!(!ends || run == before);
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
        let mut world = World::of(run);
        let mut chances = chances.into_iter();
        // When chance runs out, all goes well.
        let mut turns = 0;
        let mut words = 0;
        while !world.run.state.is_over() || world.run.state.is_stopped() && words < 4 {
            if world.run.state.is_over() {
                words += 1;
                world.word(chances.next().unwrap_or(3));
                check_order(&world.run);
                continue;
            }
            prop_assert!(world.turn(chances.next().unwrap_or(13)), "{}", stands(&world.run));
            check_order(&world.run);
            turns += 1;
            prop_assert!(turns < 2_000, "{}", stands(&world.run));
        }
        prop_assert!(interrupted(&world.run).is_empty());
        prop_assert!(world.run.live().all(|(_, progress)| progress.state.is_over()));
        prop_assert_eq!(next(&world.run, at(world.now)), super::Next::default());
        for path in world.run.steps.keys().chain([&StepPath("gone/step".into())]) {
            let stopped = world.run.state.is_stopped();
            for event in events_of(path, world.run.steps.get(path).map_or(0, |p| p.attempts)) {
                // Where it stopped, a person says what became of a step, or calls it off.
                let answer = matches!(
                    event,
                    Event::Step { event: StepEvent::Answered { .. }, .. }
                        | Event::Run { event: RunEvent::Cancelled { .. } }
                );
                prop_assert!(answer && stopped || world.run.clone().apply(&event).is_err(), "{event:?}");
            }
        }
        for event in words_of(&world.run) {
            let stopped = world.run.state.is_stopped();
            prop_assert!(stopped || world.run.clone().apply(&event).is_err(), "{event:?}");
        }
        prop_assert_eq!(replay(&fresh, &world.accepted), world.run);
    }

    #[test]
    fn what_may_be_asked_of_a_run_fits_it_and_nothing_else_does((_, world) in any_history()) {
        let run = &world.run;
        let said = || Said { by: "ann".into(), why: "why".into(), decision: 9 };
        let next = run.effect + 1;
        let back = || run.turned_back(said(), next, &BTreeMap::new());
        let asked = [
            (Control::Pause, Some(RunEvent::Paused { said: said() })),
            (Control::Resume, Some(RunEvent::Resumed { said: said() })),
            (Control::Redrive, Some(RunEvent::Redriven { said: said() })),
            (Control::Retry { from_failed: true }, Some(run.retried(said(), next, true))),
            (Control::Retry { from_failed: false }, Some(run.retried(said(), next, false))),
            (Control::Rollback, Some(back())),
            (Control::Escalate, run.handed_over(said(), |_| true).ok()),
            (Control::Cancel, Some(RunEvent::Cancelled { by: "ann".into(), why: "why".into() })
                .filter(|_| !run.is_in_effect() || run.state.is_over())),
        ];
        for (control, event) in asked {
            let Some(event) = event else { continue };
            let mut after = run.clone();
            let taken = after.apply(&Event::Run { event });
            let may = run.may(&control);
            prop_assert_eq!(may.is_ok(), taken.is_ok(), "{}: {:?} {:?}", control, may, taken);
            prop_assert!(taken.is_ok() || after == *run);
            if let Err(refusal) = may {
                prop_assert!(!refusal.why.is_empty() && !refusal.instead.contains(&control.word()));
            }
        }
        for path in run.steps.keys() {
            let decide = Control::Decide { step: path.clone(), happened: true, outputs: Map::new() };
            let taken = run.clone().apply(&event(&format!("{path} yes")));
            prop_assert_eq!(run.may(&decide).is_ok(), taken.is_ok(), "{}: {}", path, stands(run));
        }
    }

    #[test]
    fn a_key_changes_with_a_retry_after_a_refusal_and_never_after_a_doubt((_, world) in any_history()) {
        let mut last: BTreeMap<StepPath, (String, Option<FaultClass>, bool)> = BTreeMap::new();
        for accepted in &world.accepted {
            match accepted {
                Event::Step { path, event: StepEvent::Started { key, .. } } => {
                    match last.get(path) {
                        Some((known, Some(FaultClass::Terminal), true)) => {
                            prop_assert!(known != key, "{path}");
                        }
                        Some((known, Some(FaultClass::Transient | FaultClass::Unknown), _)) => {
                            prop_assert_eq!(known, key, "{}", path);
                        }
                        _ => {}
                    }
                    last.insert(path.clone(), (key.clone(), None, false));
                }
                Event::Step {
                    path,
                    event: StepEvent::Failed { fault }
                        | StepEvent::NeedsDecision { fault }
                        | StepEvent::Unknown { fault, .. }
                        | StepEvent::Retry { fault, .. },
                } => {
                    last.entry(path.clone()).and_modify(|known| known.1 = Some(fault.class));
                }
                Event::Run { event: RunEvent::Retried { .. } | RunEvent::RollingBack { .. } } => {
                    last.values_mut().for_each(|known| known.2 = true);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_history_replays_to_the_same_journal((fresh, world) in any_history()) {
        let told = replayed(fresh, &world.accepted);
        prop_assert_eq!(told.difference, None, "{}", stands(&world.run));
        prop_assert_eq!(told.run, world.run);
    }

    #[test]
    fn a_journal_that_was_altered_does_not_replay(
        (fresh, world) in any_history(), place in any::<usize>(), how in 0_usize..3,
    ) {
        let mut events = world.accepted.clone();
        let place = place % events.len();
        let made = matches!(
            &events[place],
            Event::Step { event: StepEvent::Ready | StepEvent::Cancelled { .. }, .. }
                | Event::Run { event: RunEvent::Succeeded | RunEvent::Failed { .. } | RunEvent::NeedsDecision { .. } }
        );
        match how {
            // What the machine says itself can't be said otherwise, or twice.
            0 if made => events[place] = event("gone/step ready"),
            1 if made => events.insert(place, events[place].clone()),
            _ => events.insert(place, event("gone/step done")),
        }
        let told = replayed(fresh, &events);
        prop_assert!(told.difference.is_some() || told.run != world.run, "{how} at {place}");
    }
}
