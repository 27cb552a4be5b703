//! Stories of services that expire, on a real repository with its forge.

use jiff::Timestamp;

use super::tests::{HOST, service};
use super::world::World;
use crate::forge::{ForgeRead as _, ForgeWrite as _};
use crate::store::{DecisionKind, Store as _};

const PLACE: &str = "services/payments/old-host.yaml";

fn old_host(expiry: &str) -> String {
    service("old-host", "catalogItem: host-by-hand", "{name: old}") + expiry
}

/// Three services that are there, one of which says when it expires.
async fn world(expiry: &str) -> World {
    let others = ["b-host", "c-host"]
        .map(|id| service(id, "catalogItem: host-by-hand", "{name: other}"))
        .concat();
    let mut world = World::in_repository(&[HOST, &old_host(""), &others].concat()).await;
    world.settle().await;
    for _ in 0..3 {
        world.complete("make", &[("host", "h"), ("password", "x")]).await;
        world.settle().await;
    }
    world.write(&old_host(expiry));
    world.settle().await;
    world
}

/// Lists the proposals as `number state title`.
async fn proposals(world: &World) -> Vec<String> {
    let all = world.forge().list(None).await.expect("listed");
    all.iter().map(|it| format!("{} {} {}", it.number, it.state, it.title)).collect()
}

fn named(number: u64, state: &str, date: &str) -> String {
    format!("{number} {state} Remove old-host, which expired on {date}")
}

async fn units(world: &World) -> Vec<String> {
    let rows = world.store.unit_rows().await.expect("read");
    rows.into_iter().map(|row| row.key.to_string()).collect()
}

#[tokio::test]
async fn what_expired_is_proposed_to_be_removed_once() {
    let mut world = world("expires: 2020-01-01\n").await;
    assert_eq!(proposals(&world).await, [named(1, "open", "2020-01-01")]);
    world.settle().await;
    world.restart().await;
    world.settle().await;
    assert_eq!(proposals(&world).await, [named(1, "open", "2020-01-01")]);
    assert_eq!(units(&world).await.len(), 3, "a person decides");

    let detail = world.forge().show(1).await.expect("shown");
    assert!(detail.diff.contains("-expires: 2020-01-01"), "{}", detail.diff);
    assert_eq!(detail.diff.matches("diff --git").count(), 1, "{}", detail.diff);
    let filed = world.store.proposals().await.expect("read");
    assert_eq!((filed.len(), filed[0].service.as_str()), (1, "old-host"));

    world.forge().merge(1, "Bob", Timestamp::now()).await.expect("merged");
    world.settle().await;
    world.complete("make~undo", &[]).await;
    let settled = world.settle().await;
    assert_eq!(units(&world).await, ["b-host", "c-host"], "{settled:?}");
    assert_eq!(proposals(&world).await, [named(1, "merged", "2020-01-01")]);
}

#[tokio::test]
async fn one_that_was_closed_comes_again_only_when_somebody_asks_or_the_date_is_another() {
    let mut world = world("expires: 2020-01-01\n").await;
    world.forge().close(1, "Bob", Timestamp::now()).await.expect("closed");
    for _ in 0..2 {
        world.restart().await;
        world.settle().await;
        assert_eq!(proposals(&world).await, [named(1, "closed", "2020-01-01")]);
    }
    world.decide(&DecisionKind::Apply { service: Some("old-host".to_owned()) }).await;
    world.settle().await;
    let both = [named(1, "closed", "2020-01-01"), named(2, "open", "2020-01-01")];
    assert_eq!(proposals(&world).await, both);
    // Asking once is asking once.
    world.forge().close(2, "Bob", Timestamp::now()).await.expect("closed");
    world.settle().await;
    world.restart().await;
    world.settle().await;
    assert_eq!(proposals(&world).await.len(), 2);
    world.write(&old_host("expires: 2020-02-02\n"));
    world.settle().await;
    assert_eq!(proposals(&world).await[2..], [named(3, "open", "2020-02-02")]);
}

#[tokio::test]
async fn nothing_is_proposed_before_the_date() {
    let world = world("expires: 2999-01-01\n").await;
    assert_eq!(proposals(&world).await, [""; 0]);
    assert_eq!(units(&world).await.len(), 3);
}

#[tokio::test]
async fn where_the_service_says_so_it_is_deleted_without_a_proposal() {
    let mut world = world("expires: 2020-01-01\nonExpiry: delete\n").await;
    // What a person made, a person takes away; ticks in between do not call that off.
    world.restart().await;
    world.settle().await;
    world.complete("make~undo", &[]).await;
    world.settle().await;
    assert_eq!(units(&world).await, ["b-host", "c-host"]);
    assert_eq!(world.runs().await.last().map(String::as_str), Some("delete old-host succeeded"));
    assert_eq!(proposals(&world).await, [""; 0]);
    world.restart().await;
    assert!(world.settle().await.is_converged());
    let read = world.repository.as_ref().expect("a repository");
    assert!(!read.git(&["ls-tree", "main", PLACE], "").is_empty(), "its file stays");
    assert_eq!(world.runs().await.len(), 4, "and is not created again");
}
