//! Stories of services that are forgotten: their record goes, what is outside stays, and the chain tells of both.

use serde_json::Value;

use super::tests::{HOST, service};
use super::world::World;
use crate::store::{DecisionKind, Store as _};

const GONE: &str = "--- services/payments/old-host.yaml\n";

fn host(id: &str, more: &str) -> String {
    service(id, "catalogItem: host-by-hand", "{name: old}") + more
}

async fn world(more: &str) -> World {
    let others = ["b-host", "c-host"].map(|id| host(id, "")).concat();
    let mut world = World::of(&[HOST, &host("old-host", more), &others].concat()).await;
    world.settle().await;
    for _ in 0..3 {
        world.complete("make", &[("host", "h"), ("password", "x")]).await;
        world.settle().await;
    }
    world
}

async fn forget(world: &mut World, still_wanted: bool) {
    let (service, reason) = ("old-host".to_owned(), "it belongs to others now".to_owned());
    world.decide(&DecisionKind::Forget { service, still_wanted, reason }).await;
    world.settle().await;
}

async fn units(world: &World) -> Vec<String> {
    let rows = world.store.unit_rows().await.expect("read");
    rows.into_iter().map(|row| row.key.to_string()).collect()
}

/// Lists what the chain tells of it.
async fn told(world: &World) -> Vec<(String, Value)> {
    let told = world.store.audit_after(0, 1000).await.expect("read");
    let about = |what: &str| what == "unit.removed" || what.contains("forg");
    told.into_iter().filter(|it| about(&it.what)).map(|it| (it.what, it.detail)).collect()
}

#[tokio::test]
async fn a_record_goes_and_nothing_is_taken_away() {
    let mut world = world("deletionPolicy: confirm\n").await;
    world.write(GONE);
    world.settle().await;
    forget(&mut world, false).await;
    assert_eq!(units(&world).await, ["b-host", "c-host"]);
    assert!(world.open_tasks().await.is_empty(), "nobody is asked to take it away");
    let told = told(&world).await;
    let names: Vec<&str> = told.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!(names, ["forget", "unit.removed", "service.forgotten"]);
    assert_eq!(told[2].1["units"][0]["steps"][0]["step"], "make", "{}", told[2].1);
    world.restart().await;
    assert!(world.settle().await.is_converged());
}

#[tokio::test]
async fn what_the_catalog_asks_for_is_kept_unless_that_is_said_and_then_it_is_made_anew_once() {
    let mut world = world("").await;
    forget(&mut world, false).await;
    assert_eq!(units(&world).await.len(), 3);
    assert_eq!(told(&world).await[1].0, "forget.refused");
    assert_eq!(
        told(&world).await[1].1["why"],
        "its file is still in the catalog, and it would be made anew"
    );
    forget(&mut world, true).await;
    world.restart().await;
    world.settle().await;
    assert_eq!(units(&world).await.len(), 3, "it is made anew");
    assert_eq!(world.open_tasks().await.len(), 1);
    assert_eq!(world.runs().await.len(), 4);
}

#[tokio::test]
async fn nothing_is_forgotten_while_a_run_is_open_or_before_the_catalog_was_read() {
    let mut world = world("").await;
    world.write(GONE);
    world.settle().await;
    forget(&mut world, false).await;
    assert_eq!(units(&world).await.len(), 3, "its deletion is under way");
    assert!(told(&world).await[1].1["why"].as_str().expect("why").contains("is waiting"));
    // A word that was said while nobody drove is acted upon by who knows the catalog.
    world.write(&host("old-host", ""));
    world.settle().await;
    let (service, reason) = ("b-host".to_owned(), "by mistake".to_owned());
    world.decide(&DecisionKind::Forget { service, still_wanted: false, reason }).await;
    world.restart().await;
    world.settle().await;
    assert!(units(&world).await.contains(&"b-host".to_owned()));
}

#[tokio::test]
async fn how_a_forgotten_service_stopped_is_told_no_more() {
    let mut world = world("").await;
    world.write(&host("d-host", ""));
    world.settle().await;
    let run = world.daemon.driver.memory.runs.keys().next().expect("a run").clone();
    let control = crate::run::Control::Cancel;
    let (service, reason) = ("d-host".to_owned(), "no".to_owned());
    world.decide(&DecisionKind::Control { run, service: service.clone(), control, reason }).await;
    world.settle().await;
    let stopped = async |world: &World| {
        let view = crate::engine::View::read(&*world.store).await.expect("reads");
        view.stopped.contains_key("d-host")
    };
    assert!(stopped(&world).await);
    world.write("--- services/payments/d-host.yaml\n");
    world.daemon.tick().await.expect("ticked");
    let reason = "it never was".to_owned();
    world.decide(&DecisionKind::Forget { service, still_wanted: true, reason }).await;
    world.settle().await;
    assert!(!stopped(&world).await);
    world.restart().await;
    assert!(world.settle().await.failed.is_empty());
}
