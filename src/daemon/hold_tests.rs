//! Stories of services that people hold: nothing begins for them, nothing in effect is lost, and they go on afterwards.

use std::sync::Arc;
use std::time::Duration;

use super::tests::{HOST, service};
use super::timetable_tests::Set;
use super::world::{Given, World};
use crate::engine::{Limits, UnitState, View};
use crate::id::RunId;
use crate::run::Control;
use crate::store::{DecisionKind, Store as _};

/// A host that people rack first.
fn item() -> String {
    let rack = "{id: rack, type: manual-task, config: {title: rack it}}";
    HOST.replacen("      - id: make\n", &format!("      - {rack}\n      - id: make\n"), 1)
}

fn host(name: &str) -> String {
    service("my-host", "catalogItem: host-by-hand", &format!("{{name: {name}}}"))
}

async fn hold(world: &World) {
    let (service, reason) = ("my-host".to_owned(), "an audit".to_owned());
    world.decide(&DecisionKind::Hold { service, reason }).await;
}

async fn release(world: &World) {
    let (service, reason) = ("my-host".to_owned(), "it is over".to_owned());
    world.decide(&DecisionKind::Release { service, reason }).await;
}

async fn titles(world: &World) -> Vec<String> {
    world.open_tasks().await.into_iter().map(|task| task.title).collect()
}

async fn stands(world: &World) -> (UnitState, Option<String>) {
    let view = View::read(&*world.store).await.expect("reads");
    let standing = view.services()["my-host"].standing.clone();
    (standing.state, standing.why)
}

async fn world() -> World {
    let mut world = World::of(&[item(), host("one")].concat()).await;
    world.settle().await;
    assert_eq!(titles(&world).await, ["rack it"]);
    world
}

fn only_run(world: &World) -> RunId {
    world.daemon.driver.memory.runs.keys().next().expect("a run").clone()
}

#[tokio::test]
async fn a_run_stops_before_its_next_step_and_goes_on_once_it_is_released() {
    let mut world = world().await;
    hold(&world).await;
    assert_eq!(stands(&world).await.0, UnitState::Held, "at once, before anybody acts on it");
    world.complete("rack", &[]).await;
    for _ in 0..2 {
        world.settle().await;
        assert_eq!(titles(&world).await, [""; 0], "what was done is taken in, and nothing begins");
        assert_eq!(stands(&world).await.1.as_deref(), Some("held by tester: an audit"));
        world.restart().await;
    }
    release(&world).await;
    world.settle().await;
    assert_eq!(titles(&world).await, ["make one"]);
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    assert!(world.settle().await.is_converged());
    assert_eq!(world.runs().await, ["create my-host succeeded"]);
    let told = world.store.audit_after(0, 1000).await.expect("read");
    let words = told.iter().filter(|it| it.what == "hold" || it.what == "release");
    assert_eq!(words.map(|it| it.actor.as_str()).collect::<Vec<_>>(), ["tester", "tester"]);
}

#[tokio::test]
async fn no_run_is_made_and_the_plan_says_who_holds_it_and_why() {
    let mut world = world().await;
    world.complete("rack", &[]).await;
    world.settle().await;
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    assert!(world.settle().await.is_converged());
    hold(&world).await;
    world.write(&host("two"));
    let settled = world.settle().await;
    let pending = &settled.plan.expect("a plan").pending["my-host"];
    assert_eq!(pending[0].to_string(), "held by tester: an audit");
    assert_eq!(world.runs().await.len(), 1);
    release(&world).await;
    world.settle().await;
    assert_eq!(world.runs().await.len(), 2);
}

#[tokio::test]
async fn a_newer_revision_waits_too_and_a_run_that_is_held_can_be_called_off() {
    let mut world = world().await;
    hold(&world).await;
    world.write(&host("two"));
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-host waiting"]);
    let (run, control) = (only_run(&world), Control::Cancel);
    let (service, reason) = ("my-host".to_owned(), "no".to_owned());
    world.decide(&DecisionKind::Control { run, service, control, reason }).await;
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-host cancelled"]);
    release(&world).await;
    world.settle().await;
    assert_eq!(titles(&world).await, ["rack it"], "the newer revision begins");
}

#[tokio::test]
async fn the_time_that_a_run_stands_still_does_not_count_against_it() {
    let clock = Set::at("2026-06-01T08:00:00Z");
    let limits = Limits { run: Some(Duration::from_hours(2)), ..Limits::default() };
    let given = Given { clock: Arc::new(clock.clone()), limits, ..Given::default() };
    let mut world = World::given(&[item(), host("one")].concat(), given).await;
    world.settle().await;
    hold(&world).await;
    clock.set("2026-06-01T20:00:00Z");
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-host waiting"]);
    release(&world).await;
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-host waiting"]);
    clock.set("2026-06-01T22:00:01Z");
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-host failed"], "it counts again");
}
