//! Stories of operations that people ask for: each comes once, or is refused and told.

use serde_json::Value;

use super::tests::{HOST, service};
use super::world::World;
use crate::store::{DecisionKind, Store as _};

/// A host that can be cleaned, on demand.
fn item() -> String {
    let operations = "fulfillment:\n  operations:\n    nap: {state: asleep, actions: [{id: rest, type: notify, config: {channel: log, subject: s, message: m}}]}\n    \
         clean: {actions: [{id: wipe, type: manual-task, config: {title: wipe}}, {id: tell, type: notify, config: {channel: log, subject: Clean, message: done}}]}\n";
    HOST.replacen("fulfillment:\n", operations, 1)
}

fn host(more: &str) -> String {
    service("my-host", "catalogItem: host-by-hand", "{name: mine}") + more
}

async fn world() -> World {
    let mut world = World::of(&[item(), host("")].concat()).await;
    world.settle().await;
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    world.settle().await;
    world
}

async fn ask(world: &mut World, operation: &str) {
    let (service, operation) = ("my-host".to_owned(), operation.to_owned());
    let reason = "it is dusty".to_owned();
    world.decide(&DecisionKind::Operate { service, operation, reason }).await;
    world.settle().await;
}

async fn refused(world: &World) -> Vec<Value> {
    let told = world.store.audit_after(0, 1000).await.expect("read");
    let told = told.into_iter().filter(|it| it.what == "operate.refused");
    told.map(|it| it.detail["why"].clone()).collect()
}

#[tokio::test]
async fn what_is_asked_for_comes_once_for_each_time_it_is_asked() {
    let mut world = world().await;
    for asked in 1..=2 {
        ask(&mut world, "clean").await;
        world.restart().await;
        world.settle().await;
        assert_eq!(world.open_tasks().await.len(), 1);
        world.complete("clean~wipe", &[]).await;
        world.settle().await;
        world.restart().await;
        assert!(world.settle().await.is_converged());
        assert_eq!(world.runs().await[1..], vec!["operate my-host succeeded"; asked]);
    }
    assert!(refused(&world).await.is_empty());
    assert!(world.store.catalog_state().await.expect("read").operating.is_empty());
}

#[tokio::test]
async fn what_was_asked_for_and_gave_way_to_a_newer_revision_comes_after_it() {
    let mut world = world().await;
    ask(&mut world, "clean").await;
    world.write(&service("my-host", "catalogItem: host-by-hand", "{name: other}"));
    world.settle().await;
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    world.settle().await;
    world.complete("clean~wipe", &[]).await;
    assert!(world.settle().await.is_converged());
    let expected = [
        "create my-host succeeded",
        "operate my-host superseded",
        "update my-host succeeded",
        "operate my-host succeeded",
    ];
    assert_eq!(world.runs().await, expected);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_told() {
    let mut world = world().await;
    ask(&mut world, "fly").await;
    ask(&mut world, "nap").await;
    world.write(&host("state: suspended\n"));
    ask(&mut world, "clean").await;
    let expected = [
        "its item has no operation `fly`",
        "it leads to the state `asleep`, which the service's file asks for",
        "its `state` is suspended",
    ];
    assert_eq!(refused(&world).await, expected);
    assert_eq!(world.runs().await, ["create my-host succeeded"]);
}
