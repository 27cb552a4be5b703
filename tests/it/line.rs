//! The line on real parts: pushes to a bare repository, the daemon converges, the guards hold.

use crate::kit::{Order, chain_item, place, service};
use crate::world::World;

const BROKEN: &str = "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: alpha-one\n";

fn item(world: &World) -> String {
    chain_item(world.counterpart.api, &["only"], Order::Sequential)
}

/// A world with services that are converged, and its daemon.
fn converged(services: &[&str]) -> (World, crate::world::Daemon) {
    let world = World::new();
    world.commit(&[("catalog/tests/chain.yaml", &item(&world))]);
    for id in services {
        world.commit(&[(&place(id), &service(id, 1))]);
    }
    let daemon = world.serve();
    world.approve_plan();
    world.settled();
    for id in services {
        assert!(is_sized(&world, id, 1), "{id}");
    }
    (world, daemon)
}

fn is_sized(world: &World, id: &str, size: u32) -> bool {
    world.resource(&format!("{id}-only")) == Some(format!("{{\"size\": {size}}}"))
}

/// Tells what holds the plan.
fn held(world: &World) -> Vec<String> {
    let plan = world.plan();
    let holds = plan["guard"]["holds"].as_array().cloned().unwrap_or_default();
    holds.iter().map(|hold| hold["hold"].as_str().unwrap().to_owned()).collect()
}

/// Waits until the daemon has seen a commit and made up its mind about it.
fn seen(world: &World, commit: &str) {
    world.eventually("the commit to be seen", |world| world.json(&["status"])["head"] == commit);
}

#[test]
fn nothing_is_touched_before_first_contact_is_approved() {
    let world = World::new();
    let commit = world.commit(&[
        ("catalog/tests/chain.yaml", &item(&world)),
        (&place("alpha-one"), &service("alpha-one", 1)),
    ]);
    let _daemon = world.serve();
    world.eventually("a status", |world| world.trueline(&["status"]).status.success());
    seen(&world, &commit);
    let plan = world.plan();
    assert_eq!(plan["summary"]["create"], 1, "{plan:#}");
    assert_eq!(plan["changes"][0]["pending"][0]["on"], "approval", "{plan:#}");
    assert!(world.counterpart.ledger().arrived.is_empty());
    let digest = plan["digest"].as_str().unwrap().to_owned();
    // A digest that nobody has seen is no approval.
    assert!(!world.trueline(&["approve", "0123456789abcdef"]).status.success());
    world
        .eventually("the approval", |world| world.trueline(&["approve", &digest]).status.success());
    world.settled();
    assert!(is_sized(&world, "alpha-one", 1));
    assert_eq!(world.json(&["status"])["ready"], true);
}

#[test]
fn a_commit_becomes_an_effect_an_update_and_a_deletion() {
    let (world, daemon) = converged(&["alpha-one"]);
    // What was acknowledged once is not asked for again: an update without a rule goes through by itself.
    world.commit(&[(&place("alpha-one"), &service("alpha-one", 2))]);
    world.eventually("the update", |world| is_sized(world, "alpha-one", 2));
    world.commit(&[(&place("alpha-two"), &service("alpha-two", 7)), ("README.md", "hello")]);
    world.eventually("the second service", |world| is_sized(world, "alpha-two", 7));
    world.settled();
    // Deleting waits for one approval.
    world.commit(&[(&place("alpha-two"), "")]);
    world.eventually("the deletion to be planned", |world| {
        world.ok(&["status"]).contains("deleting alpha-two")
    });
    assert!(is_sized(&world, "alpha-two", 7));
    world.approve_plan();
    world.settled();
    assert_eq!(world.resource("alpha-two-only"), None);
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(world.counterpart.ledger().effects["alpha-one-only"].len(), 2);
    assert_eq!(world.counterpart.ledger().effects["alpha-two-only"].len(), 1);
    world.audit_is_whole();
}

#[test]
fn a_broken_service_leaves_its_last_good_version_in_force() {
    let (world, _daemon) = converged(&["alpha-one"]);
    world.commit(&[(&place("alpha-one"), BROKEN), (&place("alpha-two"), &service("alpha-two", 3))]);
    world.eventually("the good document to converge", |world| is_sized(world, "alpha-two", 3));
    assert!(is_sized(&world, "alpha-one", 1));
    world.eventually("status to say so", |world| {
        let status = world.ok(&["status"]);
        status.contains("the last good version") && status.contains(&place("alpha-one"))
    });
    assert_eq!(world.trueline(&["validate"]).status.code(), Some(1));
    // Mended, it counts again, and status has nothing more to say of it.
    world.commit(&[(&place("alpha-one"), &service("alpha-one", 4))]);
    world.eventually("the mended document", |world| is_sized(world, "alpha-one", 4));
    world.eventually("status to be silent", |world| {
        world.json(&["status"])["overlay"]["total"] == 0
    });
}

#[test]
fn a_broken_item_and_a_file_without_an_id_delete_nothing() {
    let (world, _daemon) = converged(&["alpha-one"]);
    let broken = item(&world).replace("{{json fields.size}}", "{{json fields.nothing}}");
    world.commit(&[
        ("catalog/tests/chain.yaml", &broken),
        (&place("alpha-two"), &service("alpha-two", 3)),
    ]);
    world.eventually("a service of the item as it was", |world| is_sized(world, "alpha-two", 3));
    world.settled();
    // One file is gone, and what another one is nobody can tell: it may be the same service.
    let commit = world.commit(&[(&place("alpha-one"), ""), (&place("alpha-new"), "\t: [")]);
    seen(&world, &commit);
    world.eventually("what is unknown to be said", |world| {
        let plan = world.plan();
        plan["commit"] == *commit
            && plan["summary"]["delete"] == 0
            && crate::world::has(&plan["unknown"])
    });
    assert!(is_sized(&world, "alpha-one", 1));
}

#[test]
fn rewritten_history_is_held() {
    let (world, _daemon) = converged(&["alpha-one"]);
    // The commit that made the service is taken out of history, and another put in its place.
    world.git(&["-C", "work", "checkout", "-q", "--orphan", "other"]);
    std::fs::write(world.path("work").join(place("alpha-one")), service("alpha-one", 5)).unwrap();
    world.git(&["-C", "work", "add", "-A"]);
    world.git(&["-C", "work", "commit", "-q", "-m", "another history"]);
    world.git(&["-C", "work", "branch", "-M", "other", "main"]);
    world.push(&["--force"]);
    world.eventually("the plan to be held", |world| held(world) == ["history"]);
    world.eventually("status to say so", |world| world.ok(&["status"]).contains("Guard: "));
    assert!(is_sized(&world, "alpha-one", 1));
    world.approve_plan();
    world.eventually("the update", |world| is_sized(world, "alpha-one", 5));
    world.settled();
    world.commit(&[(&place("alpha-one"), &service("alpha-one", 6))]);
    world.eventually("the next commit to go through", |world| is_sized(world, "alpha-one", 6));
}

#[test]
fn an_emptied_catalog_is_held_whole() {
    let (world, _daemon) = converged(&["alpha-one", "alpha-two", "alpha-three"]);
    let commit = world.commit(&[
        (&place("alpha-one"), ""),
        (&place("alpha-two"), ""),
        (&place("alpha-three"), ""),
        ("catalog/tests/chain.yaml", ""),
        ("README.md", "empty"),
    ]);
    seen(&world, &commit);
    world.eventually("the guard", |world| held(world).contains(&"shrank".to_owned()));
    // One deletion alone can't be let through while the whole is held.
    let plan = world.plan();
    assert_eq!(plan["summary"]["delete"], 3, "{plan:#}");
    let one = plan["changes"][0]["digest"].as_str().unwrap().to_owned();
    world.eventually("an approval of one change", |world| {
        world.trueline(&["approve", &one]).status.success()
    });
    world.eventually("the approval to be seen", |world| {
        world.plan()["changes"][0]["pending"].as_array().is_some_and(|why| why.len() == 1)
    });
    assert_eq!(world.counterpart.ledger().resources.len(), 3);
    world.approve_plan();
    world.settled();
    assert!(world.counterpart.ledger().resources.is_empty());
}

#[test]
fn a_hostile_commit_stops_nothing_else() {
    let (world, daemon) = converged(&["alpha-one"]);
    crate::hostile::fill(&world);
    world.commit(&[(&place("alpha-two"), &service("alpha-two", 2))]);
    world.eventually("the good document", |world| is_sized(world, "alpha-two", 2));
    assert!(is_sized(&world, "alpha-one", 1));
    assert_eq!(daemon.stop(), Some(0));
}
