//! Stories of batches on their way to the disk: what they intend begins behind them, and what does not arrive never happened.

use std::collections::BTreeSet;
use std::time::Duration;

use super::fault_tests::{item, thing, told_with};
use super::world::World;
use crate::action::Ports;
use crate::action::testing::{Counterpart, ports as loopback};
use crate::engine::{EngineError, Limits, News};
use crate::run::Run;
use crate::store::{Lease, Store as _, StoreError};

const SERVICES: [&str; 4] = ["a-thing", "b-thing", "c-thing", "d-thing"];

/// Services of two steps, one after the other.
async fn world(counterpart: &Counterpart) -> World {
    let one = item("thing", counterpart, "1").replace("attempts: 1", "attempts: 3, delay: 1ms");
    let (head, step) = one.split_at(one.find("      - id: make").expect("a step"));
    let next = step
        .replace("- id: make", "- id: more\n        dependsOn: [make]")
        .replace("{{service.id}}", "{{service.id}}-more");
    let services = SERVICES.map(|id| thing("payments", id, "thing")).concat();
    let files = [head, step, &next, &services].concat();
    let reach = |ports| Ports { http: loopback().http, ..ports };
    let mut told = told_with(&files, Limits::default(), reach).await;
    told.begin().await;
    told.world
}

/// Drives as the loop does until nothing is under way, or until what was journaled could not be written.
async fn drive(world: &mut World) -> Result<(), EngineError> {
    let catalog = world.daemon.catalog.clone();
    let driver = &mut world.daemon.driver;
    while driver.is_busy() {
        match tokio::time::timeout(Duration::from_secs(1), driver.news()).await {
            Ok(News::Attempt(attempt)) => {
                driver.take_all(*attempt, &catalog).await?;
            }
            Ok(News::Unwritten(error)) => return Err(error),
            Ok(News::Forecast(_)) => {}
            // What was lost is taken up.
            Err(_) => drop(driver.advance(&catalog).await?),
        }
    }
    Ok(())
}

fn asked(counterpart: &Counterpart, end: &str) -> usize {
    counterpart.seen().iter().filter(|seen| seen.path.ends_with(end)).count()
}

#[tokio::test]
async fn what_a_batch_intends_begins_once_it_has_arrived() {
    let counterpart = Counterpart::start().await;
    let mut world = world(&counterpart).await;
    drive(&mut world).await.expect("driven");
    assert_eq!(world.runs().await.len(), SERVICES.len());
    assert!(world.daemon.driver.memory.runs.is_empty());
    let mut effects = counterpart.ledger();
    effects.sort();
    effects.dedup();
    assert_eq!((effects.len(), counterpart.seen().len()), (8, 8));
    assert!(world.settle().await.is_converged());
}

#[tokio::test]
async fn what_does_not_arrive_never_happened_nor_what_came_of_it() {
    for restarts in [false, true] {
        let counterpart = Counterpart::start().await;
        let mut world = world(&counterpart).await;
        // Nothing can be written with it, as if another process drove.
        let lease = world.daemon.driver.engine.lease.clone();
        world.daemon.driver.engine.lease = Lease { token: lease.token - 1 };
        let error = drive(&mut world).await.expect_err("not written");
        assert!(
            matches!(error, EngineError::Store { source: StoreError::LeaseLost, .. }),
            "{error:?}"
        );
        assert_eq!(asked(&counterpart, "-more"), 0, "no step begins that is not written down");
        let told = |run: &Run| {
            let steps = run.steps.iter().map(|(path, step)| (path.clone(), step.state.clone()));
            (run.id.clone(), run.state, steps.collect::<Vec<_>>())
        };
        world.daemon.driver.be_sure().await.expect("read");
        let durable = world.store.open_runs().await.expect("read");
        let known: BTreeSet<_> = world.daemon.driver.memory.runs.keys().collect();
        assert_eq!(known, durable.iter().map(|run| &run.id).collect());
        for run in &durable {
            let known = &world.daemon.driver.memory.runs[&run.id];
            assert_eq!(told(known), told(run));
        }
        world.daemon.driver.engine.lease = lease;
        if restarts {
            world.restart().await;
        }
        let catalog = world.daemon.catalog.clone();
        world.daemon.driver.advance(&catalog).await.expect("advanced");
        drive(&mut world).await.expect("driven");
        let mut effects = counterpart.ledger();
        effects.sort();
        effects.dedup();
        assert_eq!(effects.len(), 8, "each under one key: {effects:?}");
        assert!(world.settle().await.is_converged());
    }
}

#[tokio::test]
async fn a_step_that_reads_the_run_by_a_helper_alone_is_carried_out() {
    for header in ["{{uuid}}", "{{date}} {{timestamp}}"] {
        let counterpart = Counterpart::start().await;
        let files = [item("thing", &counterpart, header), thing("payments", "a-thing", "thing")];
        let reach = |ports| Ports { http: loopback().http, ..ports };
        let mut told = told_with(&files.concat(), Limits::default(), reach).await;
        let settled = told.world.settle().await;
        assert!(settled.is_converged(), "{header}: {settled:?}");
        assert_eq!(counterpart.seen().len(), 1);
    }
}
