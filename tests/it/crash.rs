//! `kill -9` at any moment loses nothing and repeats nothing: the counterpart's ledger is the judge.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::Write as _;
use std::time::Duration;

use crate::counterpart::Moment;
use crate::kit::{Order, chain_item, place, service};
use crate::world::World;

const STEPS: [&str; 4] = ["one", "post-two", "three", "four"];

fn prepared(order: Order) -> World {
    let world = World::new();
    let item = chain_item(world.counterpart.api, &STEPS, order);
    world.commit(&[
        ("catalog/tests/chain.yaml", &item),
        (&place("alpha-one"), &service("alpha-one", 1)),
    ]);
    world
}

/// Every step of a service took effect once, and was never asked for under a second key.
fn took_effect_once(world: &World, service: &str, order: Order) {
    let ledger = world.counterpart.ledger();
    for (index, step) in STEPS.iter().enumerate() {
        let id = format!("{service}-{step}");
        let after = match (order, index) {
            (_, 0) => String::new(),
            (Order::Sequential, _) => {
                format!(", \"after\": \"{service}-{}.example\"", STEPS[index - 1])
            }
            (Order::Fanned, _) => format!(", \"after\": \"{service}-{}.example\"", STEPS[0]),
        };
        let body = format!("{{\"size\": 1{after}}}");
        assert_eq!(ledger.resources.get(&id), Some(&body), "{id}");
        assert_eq!(ledger.effects[&id].len(), 1, "{id}: {:?}", ledger.effects[&id]);
        assert_eq!(ledger.keys(&id).len(), 1, "{id}: {:?}", ledger.keys(&id));
        assert!(!ledger.keys(&id).contains("none"), "{id} came without a key");
    }
}

/// Its last run succeeded, and it was the only one.
fn ran_once(world: &World, service: &str) {
    let runs = world.json(&["run", "list", "--service", service]);
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(1), "{runs:#}");
    assert_eq!(runs["runs"][0]["state"], "succeeded", "{runs:#}");
}

#[test]
fn killed_before_and_after_the_answer_of_every_step() {
    let world = prepared(Order::Sequential);
    let at = |step| [(step, Moment::Arrived), (step, Moment::Done)];
    let moments: Vec<(&str, Moment)> = STEPS.into_iter().flat_map(at).collect();
    let hold = |(step, moment)| world.counterpart.hold(&format!("alpha-one-{step}"), moment);
    hold(moments[0]);
    let mut daemon = world.serve();
    world.approve_plan();
    for (index, (step, moment)) in moments.iter().enumerate() {
        let what = format!("{step} to hang, {moment:?}");
        world.eventually(&what, |world| world.counterpart.holds());
        let there = world.resource(&format!("alpha-one-{step}")).is_some();
        assert_eq!(there, *moment == Moment::Done, "{what}");
        daemon.kill();
        // What hangs next is said before the daemon is back: it goes on at once.
        moments.get(index + 1).copied().into_iter().for_each(hold);
        daemon = world.serve();
    }
    world.settled();
    drop(daemon);
    took_effect_once(&world, "alpha-one", Order::Sequential);
    ran_once(&world, "alpha-one");
    world.audit_is_whole();
    let ledger = world.counterpart.ledger();
    for step in STEPS {
        let times = ledger.arrivals(&format!("alpha-one-{step}"));
        assert_eq!(times, 3, "{step}: killed before its effect, killed after it, and answered");
    }
}

#[test]
fn killed_while_steps_run_side_by_side() {
    let world = prepared(Order::Fanned);
    world.counterpart.hold("alpha-one-four", Moment::Done);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("the last to hang, the others to be done", |world| {
        let ledger = world.counterpart.ledger();
        ledger.resources.len() == STEPS.len()
    });
    daemon.kill();
    let daemon = world.serve();
    world.settled();
    drop(daemon);
    took_effect_once(&world, "alpha-one", Order::Fanned);
    ran_once(&world, "alpha-one");
    world.audit_is_whole();
}

#[test]
fn killed_in_the_middle_of_a_deletion() {
    let world = prepared(Order::Sequential);
    let daemon = world.serve();
    world.approve_plan();
    world.settled();
    world.commit(&[(&place("alpha-one"), ""), ("README.md", "gone")]);
    // The first that goes is the last that came.
    world.counterpart.hold("alpha-one-four", Moment::Arrived);
    world.approve_plan();
    world.eventually("the first deletion to hang", |world| world.counterpart.holds());
    daemon.kill();
    world.counterpart.hold("alpha-one-post-two", Moment::Done);
    let daemon = world.serve();
    world.eventually("the third deletion to hang", |world| world.counterpart.holds());
    daemon.kill();
    let daemon = world.serve();
    world.settled();
    drop(daemon);
    let ledger = world.counterpart.ledger();
    assert!(ledger.resources.is_empty(), "{:?}", ledger.resources);
    for step in STEPS {
        let id = format!("alpha-one-{step}");
        assert_eq!(ledger.deletions[&id].len(), 1, "{id}: {:?}", ledger.deletions[&id]);
        assert_eq!(ledger.keys(&id).len(), 2, "one to make it, one to take it away: {id}");
    }
    drop(ledger);
    world.audit_is_whole();
}

/// Draws milliseconds below a limit.
fn drawn(seed: u64, turn: u64, below: u64) -> u64 {
    let mixed =
        (seed ^ turn.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 31) % below
}

#[test]
fn killed_at_random_moments() {
    let seed = std::env::var("TRUELINE_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("TRUELINE_TEST_SEED={seed}");
    let world = prepared(Order::Sequential);
    // Nothing here is the fault of a run, however often the same one is hit.
    let mut config = File::options().append(true).open(world.path("trueline.toml")).unwrap();
    config.write_all(b"[limits]\ncrashes = 100\n").unwrap();
    world.counterpart.delay(Duration::from_millis(15));
    let mut daemon = world.serve();
    world.approve_plan();
    let mut services = vec!["alpha-one".to_owned()];
    for turn in 0..12 {
        // Anywhere between the start, the news of a commit, and the end of a run.
        std::thread::sleep(Duration::from_millis(drawn(seed, turn, 450)));
        daemon.kill();
        daemon = world.serve();
        let next = format!("alpha-{turn}x");
        world.commit(&[(&place(&next), &service(&next, 1))]);
        services.push(next);
    }
    world.settled();
    drop(daemon);
    for service in &services {
        took_effect_once(&world, service, Order::Sequential);
        ran_once(&world, service);
    }
    world.audit_is_whole();
}
