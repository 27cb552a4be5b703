//! Stories of approvals: each is for one time.

use super::SystemClock;
use super::tests::{HOST, service};
use super::world::World;
use crate::clock::Clock as _;
use crate::digest::Digest;
use crate::reconcile::Pending;
use crate::store::{DecisionKind, Store as _};

fn host(name: &str) -> String {
    service("one-host", "catalogItem: host-by-hand", &format!("{{name: {name}}}"))
}

fn approved_host() -> String {
    HOST.replace(
        "  strategy: {mode: manual}\n",
        "  strategy: {mode: manual}\n  approval: {required: 1}\n",
    )
}

/// Returns the digest of the only change and whether it waits for an approval.
fn change(world: &World) -> (Digest, bool) {
    let plan = world.daemon.plan.as_ref().expect("a plan");
    let change = plan.change("one-host").expect("a change");
    let waits = plan.pending.get("one-host").into_iter().flatten();
    (change.digest, waits.into_iter().any(|why| matches!(why, Pending::Approval { .. })))
}

async fn approve(world: &World, subject: Digest, changes: Vec<Digest>) {
    world.decide(&DecisionKind::Approve { subject, changes, comment: String::new() }).await;
}

async fn tasks(world: &World) -> Vec<String> {
    world.open_tasks().await.into_iter().map(|task| task.title).collect()
}

/// A host that was asked for, and then called off, so that its unit is known; its change waits for an approval.
async fn world() -> (World, Digest) {
    let mut world = World::of(&[approved_host(), host("one")].concat()).await;
    world.settle().await;
    let (first, waits) = change(&world);
    assert!(waits && tasks(&world).await.is_empty());
    approve(&world, first, vec![first]).await;
    world.settle().await;
    assert_eq!(tasks(&world).await, ["make one"]);
    let first = come_back(&mut world, false).await;
    (world, first)
}

/// Wants something else, which nobody approved, and then to the letter what was wanted before; returns its change.
async fn come_back(world: &mut World, restarts: bool) -> Digest {
    let before =
        world.daemon.plan.as_ref().and_then(|plan| plan.change("one-host")).map(|it| it.digest);
    world.write(&host("other"));
    world.settle().await;
    let (other, waits) = change(world);
    assert!(before != Some(other) && waits && tasks(world).await.is_empty());
    world.write(&host("one"));
    if restarts {
        world.restart().await;
    }
    world.settle().await;
    let (again, waits) = change(world);
    assert!(waits && tasks(world).await.is_empty(), "an approval is for one run");
    again
}

/// Approves what is planned, by the change or by the plan; it is done, and asked about when it comes again.
async fn approve_and_come_back(by_plan: bool, restarts: bool) {
    let (mut world, first) = world().await;
    for _ in 0..2 {
        let plan = world.daemon.plan.as_ref().expect("a plan").digest;
        approve(&world, if by_plan { plan } else { first }, vec![first]).await;
        world.settle().await;
        assert_eq!(tasks(&world).await, ["make one"]);
        assert_eq!(come_back(&mut world, restarts).await, first, "the very same change");
    }
}

#[tokio::test]
async fn an_approved_change_that_is_planned_again_is_asked_about_again() {
    Box::pin(approve_and_come_back(false, false)).await;
    Box::pin(approve_and_come_back(false, true)).await;
}

#[tokio::test]
async fn so_is_one_that_was_approved_with_its_plan() {
    Box::pin(approve_and_come_back(true, false)).await;
    Box::pin(approve_and_come_back(true, true)).await;
}

#[tokio::test]
async fn a_change_stays_its_authors_when_somebody_else_pushes() {
    for restarts in [false, true] {
        let mut world = World::in_repository(&[approved_host(), host("one")].concat()).await;
        world.settle().await;
        let (digest, waits) = change(&world);
        assert!(waits);
        world.pushes("Bob <bob@team.example>");
        if restarts {
            world.restart().await;
        }
        world.settle().await;
        assert_eq!(world.daemon.head.author.as_deref(), Some("Bob <bob@team.example>"));
        let approve = DecisionKind::Approve {
            subject: digest,
            changes: vec![digest],
            comment: String::new(),
        };
        for (who, counts) in [("ann", false), ("bob", true)] {
            world.store.decide(who, SystemClock.now(), &approve).await.expect("decided");
            world.settle().await;
            assert_eq!(!tasks(&world).await.is_empty(), counts, "{who}");
        }
    }
}

/// Tells of whom the approval of the only change counts, the first of which ends it.
async fn counts(world: &mut World, people: &[(&str, bool)]) {
    let (subject, waits) = change(world);
    assert!(waits);
    let approve = DecisionKind::Approve { subject, changes: vec![subject], comment: String::new() };
    for (who, counts) in people {
        world.store.decide(who, SystemClock.now(), &approve).await.expect("decided");
        world.settle().await;
        assert_eq!(!tasks(world).await.is_empty(), *counts, "{who}");
    }
}

#[tokio::test]
async fn a_change_is_of_who_wrote_its_file_whoever_wrote_the_head() {
    for restarts in [false, true] {
        let mut world = World::in_repository(&approved_host()).await;
        world.settle().await;
        world.write(&host("one"));
        world.pushes("Bob <bob@team.example>");
        if restarts {
            world.restart().await;
        }
        world.settle().await;
        counts(&mut world, &[("ann", false), ("bob", true)]).await;
    }
}

#[tokio::test]
async fn a_change_that_waits_stays_of_all_who_wrote_it_until_it_is_settled() {
    for restarts in [false, true] {
        let mut world = World::in_repository(&approved_host()).await;
        world.settle().await;
        world.write(&host("one"));
        world.settle().await;
        if restarts {
            world.restart().await;
        }
        world.pushes_file("Bob <bob@team.example>", &host("two"));
        world.settle().await;
        counts(&mut world, &[("ann", false), ("bob", false), ("cem", true)]).await;
    }
}

#[tokio::test]
async fn an_approval_is_used_up_though_the_process_ended_before_that_was_written() {
    let (mut world, first) = world().await;
    let before = world.store.catalog_state().await.expect("read");
    approve(&world, first, vec![first]).await;
    world.settle().await;
    // As if the process had ended right after the run was recorded.
    let lease = world.daemon.driver.engine.lease.clone();
    world.store.save_catalog_state(&lease, &before).await.expect("written");
    world.restart().await;
    assert_eq!(come_back(&mut world, false).await, first);
}
