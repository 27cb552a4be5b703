//! What is recorded of a person's word on a run, and what is refused.

use super::*;
use crate::engine::view_sample::{World, begin, change, of_run, of_step, run};
use crate::run::{Fault, RunEvent, StepEvent};

/// A run of one step that came to an end, and why the store refuses words on it.
async fn stopped(events: Vec<crate::run::Event>) -> (World, Run) {
    let world = World::new().await;
    world.runs(run("0a1", change("db", &["db"])), events).await;
    let run = find(&world.store, "0a1").await.expect("found");
    (world, run)
}

fn failed() -> Vec<crate::run::Event> {
    let mut events = begin("db/make");
    events.push(of_step("db/make", StepEvent::Failed { fault: Fault::terminal("refused") }));
    events.push(of_run(RunEvent::Failed { why: "refused".to_owned() }));
    events
}

fn doubted() -> Vec<crate::run::Event> {
    let mut events = begin("db/make");
    events.push(of_step("db/make", StepEvent::NeedsDecision { fault: Fault::unknown("cut off") }));
    events.push(of_run(RunEvent::NeedsDecision { why: "cut off".to_owned() }));
    events
}

async fn refused((world, run): &(World, Run), control: Control) -> String {
    let outcome = may(&world.store, run, &control).await;
    outcome.err().map_or_else(|| "recorded".to_owned(), |failure| failure.to_string())
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_does() {
    let failed = stopped(failed()).await;
    insta::assert_snapshot!(refused(&failed, Control::Pause).await, @"`pause` makes no sense for run 0a1: it is failed (possible: `trueline run cancel`, `trueline run retry`, `trueline run escalate`, `trueline run rollback`)");
    insta::assert_snapshot!(refused(&failed, Control::Redrive).await, @"`redrive` makes no sense for run 0a1: what failed was refused, and would be again under the same keys (possible: `trueline run cancel`, `trueline run retry`, `trueline run escalate`, `trueline run rollback`)");
    insta::assert_snapshot!(refused(&failed, Control::Escalate).await, @"run 0a1 can't be done by hand: db has no manual actions that its run knows of (`trueline run show 0a1` says what else is possible)");
    assert_eq!(refused(&failed, Control::Retry { from_failed: true }).await, "recorded");
    let doubted = stopped(doubted()).await;
    insta::assert_snapshot!(refused(&doubted, Control::Retry { from_failed: true }).await, @"`retry` makes no sense for run 0a1: nobody knows whether step `db/make` took effect, and `retry` would do it again (possible: `trueline run cancel`, `trueline run redrive`, `trueline run escalate`, `trueline run rollback`, `trueline run decide`)");
    let decide = |step: &str| Control::Decide {
        step: StepPath(step.to_owned()),
        happened: true,
        outputs: Map::new(),
    };
    assert_eq!(refused(&doubted, decide("db/make")).await, "recorded");
    insta::assert_snapshot!(refused(&doubted, decide("db/gone")).await, @"`decide` makes no sense for run 0a1: it has no step `db/gone` (possible: `trueline run cancel`, `trueline run redrive`, `trueline run escalate`, `trueline run rollback`, `trueline run decide`)");
}

#[tokio::test]
async fn a_run_that_is_over_or_has_a_newer_one_takes_no_word() {
    let mut events = begin("db/make");
    let outputs = Map::new();
    events.push(of_step("db/make", StepEvent::Succeeded { result: Value::Null, outputs }));
    events.push(of_run(RunEvent::Succeeded));
    let over = stopped(events).await;
    insta::assert_snapshot!(refused(&over, Control::Cancel).await, @"`cancel` makes no sense for run 0a1: it ended as succeeded (nothing can be asked of it any more; `trueline service reconcile` plans anew)");
    let failed = stopped(failed()).await;
    failed.0.runs(run("0b2", change("db", &["db"])), Vec::new()).await;
    insta::assert_snapshot!(refused(&failed, Control::Rollback).await, @"run 0a1 is not the newest of db: that is 0b2 (trueline run show 0b2)");
}

#[tokio::test]
async fn the_only_step_in_doubt_need_not_be_named() {
    let (_, doubted) = stopped(doubted()).await;
    assert_eq!(undecided(&doubted, None).expect("found").0, "db/make");
    assert_eq!(undecided(&doubted, Some("x")).expect("as named").0, "x");
    let (_, failed) = stopped(failed()).await;
    assert_eq!(undecided(&failed, None).expect("none").0, "");
}
