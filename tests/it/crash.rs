//! `kill -9` at any moment loses nothing and repeats nothing: the counterpart's ledger is the judge.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::world::{World, audit_is_whole, chain_item, service};

const STEPS: [&str; 5] = ["one", "two", "three", "four", "five"];

fn prepared() -> World {
    let world = World::new();
    world.commit(&[
        ("catalog/tests/chain.yaml", &chain_item(world.api, &STEPS)),
        ("services/alpha/alpha-one.yaml", &service("alpha-one", 1)),
    ]);
    world
}

/// Converged, every step took effect once, under one key, however often it was asked for.
fn check(world: &World) {
    for step in STEPS {
        let id = format!("alpha-one-{step}");
        assert_eq!(world.resource(&id).as_deref(), Some("{\"size\": 1}"), "{step}");
        let ledger = world.ledger.lock().unwrap();
        assert_eq!(ledger.effects[&id].len(), 1, "{step}: {:?}", ledger.effects[&id]);
    }
    assert_eq!(world.effects(), STEPS.len());
    audit_is_whole(&world.path(".trueline"));
    assert_eq!(world.plan()["changes"].as_array().map(Vec::len), Some(0));
}

fn is_ready(world: &World) -> bool {
    world.plan()["changes"].as_array().is_some_and(Vec::is_empty)
        && world.plan()["running"].as_object().is_none_or(serde_json::Map::is_empty)
        && world.effects() == STEPS.len()
}

#[test]
fn killed_between_effect_and_answer_at_every_step() {
    let world = prepared();
    world.delay_ms.store(400, Ordering::SeqCst);
    let mut daemon = world.serve();
    world.approve_plan();
    for step in 1..=STEPS.len() {
        // The effect of this step has taken place, its answer is still to come.
        world.eventually("the next effect", |world| world.effects() >= step);
        daemon.kill();
        daemon = world.serve();
    }
    world.delay_ms.store(0, Ordering::SeqCst);
    world.eventually("the service to be ready", is_ready);
    drop(daemon);
    check(&world);
    let asked_twice =
        world.ledger.lock().unwrap().asked.values().filter(|times| **times > 1).count();
    assert!(asked_twice >= STEPS.len() - 1, "the kills fell beside the effects: {asked_twice}");
}

#[test]
fn killed_at_any_moment() {
    let world = prepared();
    world.delay_ms.store(15, Ordering::SeqCst);
    let daemon = world.serve();
    world.approve_plan();
    daemon.kill();
    // Moments spread over the start and the whole run, the same each time.
    for moment_ms in [3, 40, 75, 110, 20, 160, 55, 210, 95, 130, 260, 180] {
        let daemon = world.serve();
        std::thread::sleep(Duration::from_millis(moment_ms));
        daemon.kill();
    }
    let daemon = world.serve();
    world.eventually("the service to be ready", is_ready);
    drop(daemon);
    check(&world);
}
