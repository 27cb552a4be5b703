//! What comes next in a run: pure, from its state and the time. It decides, and never carries out.

use jiff::Timestamp;

use super::event::{Event, RunEvent, StepEvent};
use super::fault::Fault;
use super::run::{Run, RunState};
use super::step::StepState;
use crate::id::StepPath;

/// What comes next in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Next {
    /// Events that follow from the state alone, to be journaled in this order.
    pub events: Vec<Event>,
    /// Steps to start now.
    pub start: Vec<StepPath>,
    /// When to look again, where a step is to be tried again later.
    pub wake_at: Option<Timestamp>,
}

/// Tells what comes next; nothing in a run that was not started or is over.
///
/// A step that failed stops the run: what has not started is cancelled, what is in effect finishes, and what
/// waits is cancelled with the end. Once its events are applied, asking again gives none.
pub fn next(run: &Run, now: Timestamp) -> Next {
    if !is_underway(run) {
        return Next::default();
    }
    if let Some(end) = why_stopped(run) {
        return Next { events: stop(run, end), ..Next::default() };
    }
    let mut next = Next::default();
    let mut idle = true;
    let mut over = true;
    for (path, progress) in &run.steps {
        over &= progress.state.is_over();
        match progress.state {
            StepState::Pending if run.is_open(path) => next.events.push(ready(path)),
            StepState::Ready { not_before: Some(at) } if at > now => {
                next.wake_at = Some(next.wake_at.map_or(at, |earlier| earlier.min(at)));
            }
            StepState::Ready { .. } => next.start.push(path.clone()),
            StepState::Started | StepState::Waiting { .. } => idle = false,
            _ => {}
        }
    }
    if over {
        next.events.push(Event::Run { event: RunEvent::Succeeded });
    } else if idle && next == Next::default() {
        next.events = stop(run, RunEvent::Failed { why: why_stuck(run) });
    }
    next
}

/// Returns what happens to a run whose place a newer revision takes: what waits is cancelled, and it ends.
pub fn give_way(run: &Run, commit: &str) -> Vec<Event> {
    let waiting =
        run.steps.iter().filter(|(_, step)| matches!(step.state, StepState::Waiting { .. }));
    let cancelled = waiting.map(|(path, _)| {
        let why = "a newer revision took the run's place".to_owned();
        Event::Step { path: path.clone(), event: StepEvent::Cancelled { why } }
    });
    let end = Event::Run { event: RunEvent::Superseded { commit: commit.to_owned() } };
    cancelled.chain([end]).collect()
}

/// Returns what happens to a run that took too long: nothing more starts, and it ends; nothing while a step is in effect.
pub fn time_out(run: &Run, why: &str) -> Vec<Event> {
    if run.is_in_effect() {
        return Vec::new();
    }
    let open = run.steps.iter().filter(|(_, progress)| !progress.state.is_over());
    let cancelled = open.map(|(path, _)| {
        let event = StepEvent::Cancelled { why: why.to_owned() };
        Event::Step { path: path.clone(), event }
    });
    cancelled.chain([Event::Run { event: RunEvent::Failed { why: why.to_owned() } }]).collect()
}

/// Returns what happens to a run that is not to be tried again: what was in effect is left to a decision, and it ends.
pub fn park(run: &Run, why: &str) -> Vec<Event> {
    let unknown = interrupted(run).into_iter().map(|path| {
        let fault = Fault::unknown(why);
        Event::Step { path, event: StepEvent::NeedsDecision { fault } }
    });
    unknown.chain([Event::Run { event: RunEvent::Parked { why: why.to_owned() } }]).collect()
}

/// Returns the steps that were in effect when the process ended; each is started again under its key.
pub fn interrupted(run: &Run) -> Vec<StepPath> {
    let steps = run.steps.iter().filter(|(_, progress)| progress.state == StepState::Started);
    steps.map(|(path, _)| path.clone()).collect()
}

/// Says for people what a run waits for; nothing while a step is in effect or may start at once.
pub fn waits_for(run: &Run) -> Option<String> {
    if !is_underway(run) {
        return None;
    }
    let mut waits = Vec::new();
    for (path, progress) in &run.steps {
        match &progress.state {
            StepState::Started | StepState::Ready { not_before: None } => return None,
            StepState::Waiting { on } => waits.push(on.what.clone()),
            StepState::Ready { not_before: Some(at) } => waits.push(match &progress.fault {
                Some(fault) => format!("retry of step `{path}` at {at} after: {fault}"),
                None => format!("retry of step `{path}` at {at}"),
            }),
            _ => {}
        }
    }
    (!waits.is_empty()).then(|| waits.join("; "))
}

fn is_underway(run: &Run) -> bool {
    matches!(run.state, RunState::Running | RunState::Waiting)
}

fn ready(path: &StepPath) -> Event {
    Event::Step { path: path.clone(), event: StepEvent::Ready }
}

/// Returns how a run ends that can't succeed any more: an unknown outcome weighs most, then a failure.
fn why_stopped(run: &Run) -> Option<RunEvent> {
    let mut worst: Option<(u8, String)> = None;
    let mut others = 0_usize;
    for (path, progress) in &run.steps {
        let (weight, why) = match &progress.state {
            StepState::NeedsDecision { fault } => {
                (2, format!("nobody knows whether step `{path}` took effect: {fault}"))
            }
            StepState::Failed { fault } => (1, format!("step `{path}` failed: {fault}")),
            StepState::Cancelled => (0, format!("step `{path}` was cancelled")),
            _ => continue,
        };
        others += usize::from(weight > 0);
        if worst.as_ref().is_none_or(|(known, _)| *known < weight) {
            worst = Some((weight, why));
        }
    }
    let (weight, mut why) = worst?;
    if others > 1 {
        why = format!("{why} (and {} more)", others - 1);
    }
    Some(if weight == 2 { RunEvent::NeedsDecision { why } } else { RunEvent::Failed { why } })
}

/// Cancels what has not started, and where nothing is in effect, what waits and then ends the run.
fn stop(run: &Run, end: RunEvent) -> Vec<Event> {
    let (RunEvent::Failed { why } | RunEvent::NeedsDecision { why }) = &end else {
        return Vec::new();
    };
    let in_effect = run.is_in_effect();
    let cancelled = run.steps.iter().filter(|(_, progress)| match progress.state {
        StepState::Pending | StepState::Ready { .. } => true,
        StepState::Waiting { .. } => !in_effect,
        _ => false,
    });
    let mut events: Vec<Event> = cancelled
        .map(|(path, _)| {
            let event = StepEvent::Cancelled { why: why.clone() };
            Event::Step { path: path.clone(), event }
        })
        .collect();
    if !in_effect {
        events.push(Event::Run { event: end });
    }
    events
}

/// Says why steps are left that will never start.
fn why_stuck(run: &Run) -> String {
    let first = run.steps.iter().find(|(_, progress)| !progress.state.is_over());
    let path = first.map(|(path, _)| path.to_string()).unwrap_or_default();
    format!("step `{path}` comes after itself, or after a step that is not part of the change")
}

#[cfg(test)]
mod tests {
    use super::super::story::{at, check, event, run};
    use super::*;

    const LINE: &str = "db: create, seed < create\napp < db: deploy";

    #[test]
    fn steps_follow_one_another_within_and_between_units() {
        check(
            LINE,
            "next
             run started
             next
             next
             db/create start 1
             next
             db/create done
             next
             db/seed start 1
             db/seed done
             next
             app/deploy start 1
             app/deploy done
             next
             next",
            "next
             next | db/create made ready
             next | start db/create
             next
             next | db/seed made ready
             next | app/deploy made ready
             next | run ended as succeeded
             next
             succeeded: app/deploy=succeeded#1 db/create=succeeded#1 db/seed=succeeded#1",
        );
    }

    #[test]
    fn order_passes_through_steps_that_are_kept_or_left_out() {
        check(
            "db: a, b keep < a, c no < b, d < c\nmid < db: e keep\napp < mid: f",
            "run started
             next
             db/a start 1
             db/a done
             next",
            "next | db/a made ready
             next | db/d made ready
             running: app/f=pending db/a=succeeded#1 db/b=succeeded db/c=skipped db/d=ready mid/e=succeeded",
        );
    }

    #[test]
    fn a_run_without_work_succeeds_at_once() {
        check(
            "db: a keep",
            "run started\nnext",
            "next | run ended as succeeded\nsucceeded: db/a=succeeded",
        );
        check("db:", "run started\nnext", "next | run ended as succeeded\nsucceeded:");
    }

    #[test]
    fn a_failure_cancels_what_has_not_started_and_lets_finish_what_has() {
        check(
            "db: a, b, c, d < a, e",
            "run started
             next
             db/a start 1
             db/b start 1
             db/c start 1
             db/c wait 7
             db/a fail
             next
             db/b done
             next",
            "next | db/a made ready | db/b made ready | db/c made ready | db/e made ready
             next | db/d cancelled | db/e cancelled
             next | db/c cancelled | run ends: step `db/a` failed: refused
             failed: db/a=failed#1 db/b=succeeded#1 db/c=cancelled#1 db/d=cancelled db/e=cancelled",
        );
    }

    #[test]
    fn an_unknown_outcome_weighs_more_than_a_failure() {
        check(
            "db: a, b",
            "run started
             next
             db/a start 1
             db/b start 1
             db/a fail
             db/b unknown
             next",
            "next | db/a made ready | db/b made ready
             next | run ends: nobody knows whether step `db/b` took effect: cut off (and 1 more)
             needs-decision: db/a=failed#1 db/b=needs-decision#1",
        );
    }

    #[test]
    fn a_retry_starts_when_its_time_has_come() {
        check(
            "db: a, b",
            "run started
             next
             db/a start 1
             db/b start 1
             db/a retry 10
             db/b retry 20
             next 9
             next 10
             db/a start 2
             next 20",
            "next | db/a made ready | db/b made ready
             next | wake at 10
             next | start db/a | wake at 20
             next | start db/b
             running: db/a=started#2 db/b=ready@20#1",
        );
    }

    #[test]
    fn steps_that_can_never_start_end_the_run() {
        check(
            "db: a < b, b < a\napp: c",
            "run started
             next
             app/c start 1
             app/c done
             next",
            "next | app/c made ready
             next | db/a cancelled | db/b cancelled | run ends: step `db/a` comes after itself, or after a step that is not part of the change
             failed: app/c=succeeded#1 db/a=cancelled db/b=cancelled",
        );
        check(
            "db: a < gone",
            "run started\nnext",
            "next | db/a cancelled | run ends: step `db/a` comes after itself, or after a step that is not part of the change
             failed: db/a=cancelled",
        );
    }

    #[test]
    fn units_that_are_not_part_of_the_change_hold_nothing_up() {
        check("app < db: a", "run started\nnext", "next | app/a made ready\nrunning: app/a=ready");
    }

    #[test]
    fn a_run_that_took_too_long_starts_nothing_more() {
        let mut run = told("db: a, b, c < b", &["run started", "db/a ready", "db/a start 1"]);
        assert_eq!(time_out(&run, "slow"), []);
        run.apply(&event("db/a wait 1")).unwrap();
        for event in time_out(&run, "slow") {
            run.apply(&event).unwrap();
        }
        let expected = "failed: db/a=cancelled#1 db/b=cancelled db/c=cancelled";
        assert_eq!(super::super::story::stands(&run), expected);
    }

    #[test]
    fn a_parked_run_leaves_what_was_in_effect_to_a_decision() {
        let begun = ["run started", "db/a ready", "db/b ready", "db/a start 1", "db/a start 2"];
        let mut run = told("db: a, b, c", &begun);
        assert_eq!(run.steps[&StepPath("db/a".into())].lost, 1);
        for event in park(&run, "it ended the process") {
            run.apply(&event).unwrap();
        }
        let expected = "parked: db/a=needs-decision#2 db/b=ready db/c=pending";
        assert_eq!(super::super::story::stands(&run), expected);
        assert_eq!(run.steps[&StepPath("db/a".into())].lost, 0);
        let mut queued = super::super::story::run("db: a");
        queued.apply(&park(&queued, "it breaks the driver down")[0]).unwrap();
        assert_eq!(super::super::story::stands(&queued), "parked: db/a=pending");
    }

    fn told(change: &str, events: &[&str]) -> Run {
        let mut run = run(change);
        for text in events {
            run.apply(&event(text)).unwrap();
        }
        run
    }

    #[test]
    fn what_it_waits_for_is_said_for_people() {
        let both = ["run started", "db/a ready", "db/b ready", "db/a start 1", "db/b start 1"];
        let with = |more: &[&str]| waits_for(&told("db: a, b", &[&both, more].concat()));
        assert_eq!(waits_for(&run("db: a")), None);
        assert_eq!(with(&[]), None);
        assert_eq!(with(&["db/a wait 3"]), None);
        assert_eq!(with(&["db/a wait 3", "db/b done"]).unwrap(), "task 3");
        assert_eq!(
            with(&["db/a wait 3", "db/b retry 10"]).unwrap(),
            "task 3; retry of step `db/b` at 1970-01-01T00:00:10Z after: no answer"
        );
        assert_eq!(with(&["db/a wait 3", "db/b done", "run superseded"]), None);
    }

    #[test]
    fn interrupted_steps_are_those_in_effect() {
        let run = told("db: a, b", &["run started", "db/a ready", "db/b ready", "db/b start 1"]);
        assert_eq!(interrupted(&run), [StepPath("db/b".into())]);
        assert_eq!(next(&run, at(0)).start, [StepPath("db/a".into())]);
    }

    #[test]
    fn a_long_line_of_kept_steps_is_walked_without_recursion() {
        let steps: Vec<String> = (1..5_000).map(|n| format!("s{n} keep < s{}", n - 1)).collect();
        let mut run = run(&format!("db: s0, {}, last < s4999", steps.join(", ")));
        for text in ["run started", "db/s0 ready", "db/s0 start 1", "db/s0 done"] {
            run.apply(&event(text)).unwrap();
        }
        let ready = Event::Step { path: StepPath("db/last".into()), event: StepEvent::Ready };
        assert_eq!(next(&run, at(0)).events, [ready]);
    }
}
