//! What is kept and shown: the audit chain, backups beside a daemon, a restored state, why things are as they are.

use serde_json::Value;

use crate::kit::{Order, chain_item, place, service};
use crate::world::{World, has};

fn world() -> World {
    let world = World::new();
    let item = chain_item(world.counterpart.api, &["one", "two"], Order::Sequential);
    world.commit(&[
        ("catalog/tests/chain.yaml", &item),
        (&place("alpha-one"), &service("alpha-one", 1)),
    ]);
    world
}

fn run_of(world: &World, service: &str) -> String {
    let runs = world.json(&["run", "list", "--service", service]);
    runs["runs"][0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_happened_is_listed_verified_and_told() {
    let world = world();
    let _daemon = world.serve();
    world.approve_plan();
    world.settled();
    let whole = world.json(&["audit", "verify"]);
    assert_eq!(whole["whole"], true, "{whole:#}");
    let listed = world.json(&["audit", "list", "--service", "alpha-one", "--since", "1h"]);
    let what: Vec<&str> =
        listed["entries"].as_array().unwrap().iter().filter_map(|e| e["what"].as_str()).collect();
    assert_eq!((what[0], what[what.len() - 1]), ("run.succeeded", "approve"), "{what:?}");
    let export = world.ok(&["audit", "export"]);
    std::fs::write(world.path("audit.jsonl"), &export).unwrap();
    assert!(world.ok(&["audit", "verify", "audit.jsonl"]).contains("is whole"));
    std::fs::write(world.path("audit.jsonl"), export.replacen("ada", "eve", 1)).unwrap();
    let broken = world.trueline(&["audit", "verify", "audit.jsonl"]);
    assert_eq!(broken.status.code(), Some(1), "{}", broken.all());
    assert!(broken.out.contains("was altered"), "{}", broken.out);
    let why = world.json(&["why", "alpha-one"]);
    let applied = &why["units"][0]["applied"];
    assert_eq!(applied["change"]["approvals"][0]["by"], "ada", "{why:#}");
    assert_eq!(
        applied["documents"]["files"][0]["path"], "services/alpha/alpha-one.yaml",
        "{why:#}"
    );
    assert!(has(&applied["documents"]["files"][1]["lines"]), "{why:#}");
    assert_eq!(applied["run"]["steps"].as_array().map(Vec::len), Some(2), "{why:#}");
    let said = world.ok(&["why", "alpha-one"]);
    assert!(said.contains("services/alpha/alpha-one.yaml:5  fields.size"), "{said}");
    let export = world.ok(&["run", "export", &run_of(&world, "alpha-one")]);
    std::fs::write(world.path("run.json"), &export).unwrap();
    assert!(world.ok(&["replay", "run.json"]).contains("the same journal"));
    let other = export.replacen("\"ready\"", "\"cancelled\", \"why\": \"no\"", 1);
    std::fs::write(world.path("run.json"), other).unwrap();
    let replayed = world.trueline(&["replay", "run.json"]);
    assert_eq!(replayed.status.code(), Some(1), "{}", replayed.all());
}

#[test]
fn a_restored_state_does_nothing_until_somebody_acknowledges_it() {
    let world = world();
    let daemon = world.serve();
    world.approve_plan();
    world.settled();
    world.ok(&["backup", "early.db"]);
    let again = world.trueline(&["backup", "early.db"]);
    assert_eq!(again.status.code(), Some(2), "{}", again.all());
    // The world moves on after the backup: one service more, another one changed.
    world.commit(&[
        (&place("alpha-one"), &service("alpha-one", 2)),
        (&place("alpha-two"), &service("alpha-two", 1)),
    ]);
    world.eventually("the rest to be done", |world| {
        world.resource("alpha-two-two").is_some() && world.is_settled()
    });
    let driven = world.trueline(&["restore", "early.db", "--force"]);
    assert_eq!(driven.status.code(), Some(2), "{}", driven.all());
    assert!(driven.err.contains("drives this store"), "{}", driven.err);
    assert_eq!(daemon.stop(), Some(0));
    let there = world.trueline(&["restore", "early.db"]);
    assert!(there.err.contains("--force"), "{}", there.err);
    world.ok(&["restore", "early.db", "--force"]);
    assert!(world.ok(&["status"]).contains("nothing is carried out until"), "said at once");
    let before = world.counterpart.ledger().arrived.len();
    // Meanwhile the catalog wants something gone: a restored state must not take it away unasked.
    world.commit(&[(&place("alpha-one"), "")]);
    let _daemon = world.serve();
    world.eventually("the plan to be held", |world| {
        let status = world.json(&["status"]);
        has(&status["plan"]["held"]) && has(&status["pending"]["items"])
    });
    let status = world.ok(&["status"]);
    assert!(status.contains("restored from a backup"), "{status}");
    let writes = |world: &World| world.counterpart.ledger().arrived.len();
    assert_eq!(writes(&world), before, "nothing was written");
    assert!(world.resource("alpha-one-one").is_some());
    // A sweep may see meanwhile that the world moved on: then the plan is another one, and is asked for again.
    world.eventually("all to be as git wants it", |world| {
        let plan = world.plan();
        if has(&plan["changes"]) {
            world.trueline(&["approve", plan["digest"].as_str().unwrap()]);
        }
        world.resource("alpha-one-one").is_none() && world.is_settled()
    });
    let status = world.json(&["status"]);
    assert!(!has(&status["plan"]["held"]), "{status:#}");
    assert_eq!(world.json(&["audit", "verify"])["whole"], true);
}

#[test]
fn backups_beside_a_busy_daemon_open_and_verify() {
    let world = world();
    let _daemon = world.serve();
    world.approve_plan();
    let mut runs = Vec::new();
    for number in 0..5_u32 {
        let name = format!("alpha-more{number}");
        world.commit(&[(&place(&name), &service(&name, 1))]);
        let file = format!("backup{number}.db");
        let told: Value = world.json(&["backup", &file]);
        assert!(told["notIncluded"][0]["path"].as_str().unwrap().ends_with("key"), "{told:#}");
        let state = format!("restored{number}");
        world.ok(&["--state", &state, "restore", &file, "--force"]);
        let whole = world.json(&["--state", &state, "audit", "verify"]);
        assert_eq!(whole["whole"], true, "{whole:#}");
        runs.push(told["catalogs"][0]["runs"].as_i64().unwrap());
    }
    assert!(runs.is_sorted(), "{runs:?}");
}
