//! Who is down is left alone, visibly, whatever becomes of the process, and everything comes right afterwards.

use std::io::Write;

use serde_json::Value;

use crate::kit::{Order, chain_item, place, service};
use crate::world::World;

const SERVICES: [&str; 3] = ["alpha-one", "alpha-two", "alpha-three"];

fn status(world: &World) -> Value {
    world.json(&["status"])
}

fn is_shut(world: &World) -> bool {
    let status = status(world);
    let word = &status["breakers"]["items"][0]["state"];
    status["breakers"]["total"] == 1 && (word == "open" || word == "half-open")
}

#[test]
fn a_target_that_is_down_is_left_alone_and_that_survives_a_kill() {
    let world = World::new();
    let mut config =
        std::fs::File::options().append(true).open(world.path("trueline.toml")).unwrap();
    config
        .write_all(b"[limits.breaker]\nfailures = 3\npause = \"3s\"\nlongest = \"3s\"\n")
        .unwrap();
    let item = chain_item(world.counterpart.api, &["one", "two"], Order::Sequential);
    let item = item.replace("attempts: 3", "attempts: 10");
    let mut files = vec![("catalog/tests/chain.yaml".to_owned(), item)];
    files.extend(SERVICES.map(|id| (place(id), service(id, 1))));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    world.commit(&files);
    world.counterpart.is_down(true);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("the counterpart to be left alone", is_shut);
    let told = world.ok(&["status"]);
    assert!(told.contains("Not asked just now") && told.contains("503"), "{told}");
    world.eventually("what waits to say for whom", |world| {
        let runs = status(world)["runs"]["items"].clone();
        runs.as_array().unwrap().iter().any(|run| {
            let why = run["why"].as_str().unwrap_or_default();
            why.contains("not asked before") && run["since"].is_string()
        })
    });
    daemon.kill();
    assert!(is_shut(&world), "{}", status(&world));
    let daemon = world.serve();
    world.eventually("it to be asked again", |world| {
        let audit = world.json(&["audit", "list", "--limit", "1000"]);
        audit.to_string().contains("breaker.half-opened")
    });
    world.counterpart.is_down(false);
    world.settled();
    assert_eq!(status(&world)["breakers"]["total"], 0);
    drop(daemon);
    let ledger = world.counterpart.ledger();
    for id in SERVICES {
        for step in ["one", "two"] {
            let id = format!("{id}-{step}");
            assert_eq!(ledger.effects[&id].len(), 1, "{id}: {:?}", ledger.effects[&id]);
            assert_eq!(ledger.keys(&id).len(), 1, "{id}");
        }
    }
    drop(ledger);
    world.audit_is_whole();
}

#[test]
fn who_knows_that_it_works_again_has_it_asked_at_once() {
    let world = World::new();
    let mut config =
        std::fs::File::options().append(true).open(world.path("trueline.toml")).unwrap();
    let limits = b"[limits.breaker]\nfailures = 3\npause = \"1h\"\nlongest = \"1h\"\n";
    config.write_all(limits).unwrap();
    let item = chain_item(world.counterpart.api, &["one"], Order::Sequential);
    let item = item.replace("attempts: 3", "attempts: 10");
    world.commit(&[
        ("catalog/tests/chain.yaml", &item),
        (&place("alpha-one"), &service("alpha-one", 1)),
    ]);
    world.counterpart.is_down(true);
    let _daemon = world.serve();
    world.approve_plan();
    world.eventually("the counterpart to be left alone", is_shut);
    let target = world.counterpart.api.to_string();
    let list = world.ok(&["breaker", "list"]);
    assert!(list.contains(&target) && list.contains("open") && list.contains("503"), "{list}");
    let refused = world.trueline(&["breaker", "reset", "elsewhere.example", "--reason", "x"]);
    assert_eq!(refused.status.code(), Some(1), "{}", refused.all());
    let refused = world.trueline(&["breaker", "reset", &target, "--reason", " "]);
    assert_eq!(refused.status.code(), Some(2), "{}", refused.all());
    world.counterpart.is_down(false);
    let said = world.json(&["breaker", "reset", &target, "--reason", "it is up again"]);
    assert_eq!((&said["action"], &said["by"]), (&"rest-api".into(), &"ada".into()));
    world.settled();
    assert_eq!(status(&world)["breakers"]["total"], 0);
    let audit = world.json(&["audit", "list", "--limit", "1000"]).to_string();
    assert!(audit.contains("breaker.reset") && audit.contains("it is up again"), "{audit}");
    world.audit_is_whole();
}
