//! Stories of the state machine: which events fit where, and what they lead to.

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
