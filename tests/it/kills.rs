//! The crash harness: the real process is killed at every boundary of the journal of a bundle of ten steps, and at random
//! under load; afterwards the checker must find nothing lost and nothing repeated, and the same final state.
//!
//! `ci/test` runs some hundred kills at most; `ci/chaos kills` sets `TRUELINE_TEST_KILLS` to a thousand and more.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::checker::check;
use crate::kit::{bundle, bundle_service, place};
use crate::world::{World, ended};

const PARTS: [&str; 5] = ["base", "data", "cache", "app", "front"];
const STEPS: [&str; 2] = ["make", "post-tell"];
/// Kills of one world at random: a world gets slower as it grows.
const OF_ONE_WORLD: usize = 100;

/// A world with the bundle, and a service of it. Nothing here is the fault of a run, however often it is hit.
fn prepared() -> World {
    let world = World::new();
    let (part, bundle) = bundle(world.counterpart.api, &PARTS, &STEPS);
    world.commit(&[
        ("catalog/tests/part.yaml", &part),
        ("bundles/parts.yaml", &bundle),
        (&place("alpha-one"), &bundle_service("alpha-one", 1)),
    ]);
    let mut config = File::options().append(true).open(world.path("trueline.toml")).unwrap();
    config.write_all(b"[limits]\ncrashes = 100000\n").unwrap();
    world
}

/// The final state, which is the same however often the process ended: each resource with what was asked for last.
fn is_as_asked(world: &World, services: &[(String, u32)]) {
    let ledger = world.counterpart.ledger();
    let mut expected = std::collections::BTreeMap::new();
    for (service, size) in services {
        for part in PARTS {
            for (index, step) in STEPS.iter().enumerate() {
                let after = match index {
                    0 => String::new(),
                    _ => format!(", \"after\": \"{service}-{part}-{}.example\"", STEPS[0]),
                };
                let body = format!("{{\"size\": {size}{after}}}");
                expected.insert(format!("{service}-{part}-{step}"), body);
            }
        }
    }
    assert_eq!(ledger.resources, expected);
    for (path, keys) in &ledger.effects {
        assert_eq!(keys.len(), 1, "{path} took effect under {keys:?}");
    }
}

/// Starts the daemon and waits until it ended by itself; tells whether it did before all was settled.
fn lives_until(world: &World, end: &str) -> bool {
    let mut daemon = world.serve_until(Some(end));
    let until = Instant::now() + Duration::from_mins(1);
    while Instant::now() < until {
        if ended(&mut daemon.0, Duration::from_millis(700)).is_some() {
            return true;
        }
        if world.is_settled() {
            return false;
        }
    }
    panic!("it neither ends nor is done: {end}");
}

#[test]
fn killed_at_every_boundary_of_the_journal() {
    let world = prepared();
    let mut daemon = world.serve_until(Some("before:1"));
    world.approve_plan();
    assert!(ended(&mut daemon.0, Duration::from_mins(1)).is_some(), "it begins its run");
    // From each durable state: killed before the next write is durable, right after it, and the same once more for
    // what comes of the step that it started.
    let ends = ["after:1", "before:2", "after:2", "before:1"];
    let mut kills = 1;
    for end in ends.iter().cycle() {
        if !lives_until(&world, end) {
            break;
        }
        kills += 1;
        assert!(kills < 400, "it does not get on");
    }
    let daemon = world.serve();
    world.settled();
    drop(daemon);
    is_as_asked(&world, &[("alpha-one".to_owned(), 1)]);
    let ledger = world.counterpart.ledger();
    let steps = PARTS.len() * STEPS.len();
    assert!(kills >= 3 * steps, "{kills} kills for {steps} steps");
    for part in PARTS {
        for step in STEPS {
            let id = format!("alpha-one-{part}-{step}");
            assert!(ledger.arrivals(&id) >= 2, "{id} was never repeated: nothing was tried");
            assert_eq!(ledger.keys(&id).len(), 1, "{id}");
        }
    }
    drop(ledger);
    check(&world);
}

/// Draws milliseconds below a limit.
fn drawn(seed: u64, turn: usize, below: u64) -> u64 {
    let turned = (turn as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (seed ^ turned).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 31) % below
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Kills a world as often as said, while services come and change.
fn killed_at_random(seed: u64, kills: usize) {
    let world = prepared();
    world.counterpart.delay(Duration::from_millis(10));
    let mut daemon = world.serve();
    world.approve_plan();
    let mut services = vec![("alpha-one".to_owned(), 1)];
    for turn in 0..kills {
        // Anywhere between the start, the news of a commit, and the end of a run.
        std::thread::sleep(Duration::from_millis(100 + drawn(seed, turn, 900)));
        daemon.kill();
        daemon = world.serve();
        if turn % 4 == 0 {
            let next = format!("alpha-{turn}x");
            world.commit(&[(&place(&next), &bundle_service(&next, 1))]);
            services.push((next, 1));
        }
    }
    world.settled();
    drop(daemon);
    is_as_asked(&world, &services);
    let runs = world.json(&["run", "list", "--limit", "1000"]);
    let runs = runs["runs"].as_array().unwrap();
    assert_eq!(runs.len(), services.len(), "one run each, and no other");
    assert!(runs.iter().all(|run| run["state"] == "succeeded"), "{runs:#?}");
    check(&world);
}

#[test]
fn killed_at_random_under_load() {
    let seed = number("TRUELINE_TEST_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("TRUELINE_TEST_SEED={seed}");
    let kills = number("TRUELINE_TEST_KILLS").map_or(8, |kills| usize::try_from(kills).unwrap());
    let mut done = 0;
    while done < kills {
        let now = OF_ONE_WORLD.min(kills - done);
        killed_at_random(seed.wrapping_add(done as u64), now);
        done += now;
        println!("{done} kills: nothing lost, nothing repeated");
    }
}
