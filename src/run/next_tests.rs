//! Stories of what comes next in a run.

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
