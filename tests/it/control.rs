//! People in charge of runs, by commands beside the daemon, and `kill -9` between what they say and what is done.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::counterpart::Moment;
use crate::kit::{Order, chain_item, place, service, service_of};
use crate::world::{Daemon, World, has};

const STEPS: [&str; 3] = ["one", "post-two", "three"];

/// A catalog with a chain of three steps, and a person's way to its output.
fn world() -> World {
    let world = World::new();
    let asked = "config: {title: Do it, outputs: [{name: endpoint, type: string}]}";
    let item = chain_item(world.counterpart.api, &STEPS, Order::Sequential)
        .replace("config: {title: Do it, instructions: By hand}", asked);
    world.commit(&[
        ("catalog/tests/chain.yaml", &item),
        (&place("alpha-one"), &service("alpha-one", 1)),
    ]);
    world
}

/// The same, where the second step was refused for good.
fn stopped() -> (World, Daemon) {
    let world = world();
    world.counterpart.ledger().refused.insert("alpha-one-post-two".to_owned());
    let daemon = world.serve();
    world.approve_plan();
    is(&world, "failed");
    world.counterpart.ledger().refused.clear();
    (world, daemon)
}

fn newest(world: &World) -> Value {
    let runs = world.json(&["run", "list"]);
    let id = runs["runs"][0]["id"].as_str().unwrap_or_default().to_owned();
    world.json(&["run", "show", &id])
}

fn is(world: &World, state: &str) {
    world.eventually(&format!("the run to be {state}"), |world| {
        has(&world.json(&["run", "list"])["runs"]) && newest(world)["state"] == state
    });
}

fn id(world: &World) -> String {
    newest(world)["id"].as_str().unwrap().to_owned()
}

fn say(world: &World, word: &[&str]) {
    let id = id(world);
    world.ok(&[&["run", word[0], &id, "--reason", "because"], &word[1..]].concat());
}

/// What a run exported replays to is what it was.
fn replays(world: &World) {
    let text = world.ok(&["run", "export", &id(world)]);
    std::fs::write(world.path("run.json"), text).unwrap();
    world.ok(&["replay", "run.json"]);
    world.audit_is_whole();
}

fn step(run: &Value, path: &str) -> String {
    let steps = run["steps"].as_array().unwrap();
    let found = steps.iter().find(|step| step["step"] == path);
    found.unwrap_or_else(|| panic!("no {path}: {run:#}"))["state"].as_str().unwrap().to_owned()
}

#[test]
fn a_retry_that_was_said_before_a_kill_is_done_after_it_and_once() {
    let (world, daemon) = stopped();
    let refused = world.trueline(&["run", "pause", &id(&world), "--reason", "x"]);
    assert_eq!(refused.status.code(), Some(1), "{}", refused.all());
    assert!(
        refused.err.contains("it is failed") && refused.err.contains("run retry"),
        "{}",
        refused.err
    );
    daemon.kill();
    let run = id(&world);
    let said = world.trueline(&["run", "retry", &run, "--from-failed", "--reason", "more quota"]);
    assert!(said.status.success() && said.all().contains("nobody drives"), "{}", said.all());
    assert_eq!(newest(&world)["state"], "failed");
    // Killed again while it acts on that.
    world.counterpart.hold("alpha-one-post-two", Moment::Done);
    let daemon = world.serve();
    world.eventually("the step to hang", |world| world.counterpart.holds());
    daemon.kill();
    let daemon = world.serve();
    world.settled();
    drop(daemon);
    let ledger = world.counterpart.ledger();
    for step in STEPS {
        assert_eq!(ledger.effects[&format!("alpha-one-{step}")].len(), 1, "{step}");
    }
    assert_eq!(ledger.arrivals("alpha-one-one"), 1, "what succeeded is left alone");
    // A refusal, then another effect under a key that a crash does not change.
    assert_eq!(ledger.keys("alpha-one-post-two").len(), 2);
    drop(ledger);
    let run = newest(&world);
    assert_eq!((&run["state"], &run["said"]), (&"succeeded".into(), &"more quota (ada)".into()));
    let why = world.ok(&["why", "alpha-one"]);
    assert!(why.contains("retried by ada: more quota"), "{why}");
    let audit = world.ok(&["audit", "list", "--service", "alpha-one", "--actor", "ada"]);
    assert!(audit.contains("run.retry"), "{audit}");
    replays(&world);
}

#[test]
fn a_rollback_takes_away_what_was_done_the_last_first() {
    let (world, daemon) = stopped();
    world.counterpart.hold("alpha-one-one", Moment::Done);
    say(&world, &["rollback"]);
    world.eventually("the deletion to hang", |world| world.counterpart.holds());
    daemon.kill();
    let _daemon = world.serve();
    is(&world, "rolled-back");
    let ledger = world.counterpart.ledger();
    assert!(ledger.resources.is_empty(), "{:?}", ledger.resources);
    assert_eq!(ledger.deletions["alpha-one-one"].len(), 1);
    drop(ledger);
    assert_eq!(step(&newest(&world), "one"), "undone");
    let status = world.ok(&["status"]);
    assert!(status.contains("taken back"), "{status}");
    replays(&world);
}

#[test]
fn what_is_left_is_done_by_hand_where_a_person_escalates() {
    let (world, _daemon) = stopped();
    say(&world, &["escalate"]);
    world.eventually("the task", |world| has(&world.json(&["task", "list"])["items"]));
    is(&world, "waiting");
    let tasks = world.json(&["task", "list"]);
    let number = tasks["items"][0]["number"].to_string();
    world.ok(&["task", "complete", &number, "--output", "endpoint=by-hand.example"]);
    world.settled();
    let run = newest(&world);
    assert_eq!((&run["state"], &run["escalated"]), (&"succeeded".into(), &true.into()));
    let shown = world.ok(&["service", "show", "alpha-one"]);
    assert!(shown.contains("by-hand.example"), "{shown}");
    assert_eq!(world.counterpart.ledger().resources.len(), 1, "only what was done before");
    replays(&world);
}

#[test]
fn a_run_is_paused_goes_on_and_is_called_off() {
    let world = world();
    world.counterpart.hold("alpha-one-one", Moment::Done);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("the first step to hang", |world| world.counterpart.holds());
    say(&world, &["pause"]);
    is(&world, "paused");
    // A crash in a pause: what was in effect is looked up, and nothing new starts.
    daemon.kill();
    let daemon = world.serve();
    world.eventually("the first step to be done", |world| {
        step(&newest(world), "one") == "succeeded"
    });
    assert_eq!(newest(&world)["state"], "paused");
    assert!(world.ok(&["status"]).contains("paused by ada"));
    world.counterpart.hold("alpha-one-post-two", Moment::Done);
    say(&world, &["resume"]);
    world.eventually("the second step to hang", |world| world.counterpart.holds());
    // It is called off only once what is in effect is known; the crash does not lose the word.
    say(&world, &["abort"]);
    daemon.kill();
    let _daemon = world.serve();
    is(&world, "cancelled");
    let run = newest(&world);
    assert_eq!(
        (step(&run, "post-two"), step(&run, "three")),
        ("succeeded".into(), "pending".into())
    );
    assert_eq!(world.counterpart.ledger().effects["alpha-one-post-two"].len(), 1);
    replays(&world);
}

/// A catalog whose item runs a program that is killed unless a file is there.
fn program() -> (World, Daemon) {
    let world = World::new();
    let script = world.path("mint");
    let folder = world.folder.path().display().to_string();
    let text = format!(
        "#!/bin/sh\necho ran >> {folder}/ran\n[ -e {folder}/well ] || kill -9 $$\necho '{{\"serial\": \"7\"}}'\n"
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = std::fs::read_to_string(world.path("trueline.toml")).unwrap();
    let config = format!("{config}[actions.command]\nprograms = [\"{}\"]\n", script.display());
    std::fs::write(world.path("trueline.toml"), config).unwrap();
    let item = chain_item(world.counterpart.api, &["one"], Order::Sequential);
    let (head, _) = item.split_once("      - id: one\n").unwrap();
    let item = head.replace("id: chain", "id: minted")
        + "      - id: mint\n        type: command\n        config: {program: mint}\n        outputs: {serial: /serial}\n"
        + "outputs:\n  serial: {value: \"{{outputs.mint.serial}}\"}\n";
    world.commit(&[
        ("catalog/tests/minted.yaml", &item),
        (&place("alpha-one"), &service_of("minted", "alpha-one", 1)),
    ]);
    let daemon = world.serve();
    world.approve_plan();
    is(&world, "needs-decision");
    (world, daemon)
}

fn ran(world: &World) -> usize {
    std::fs::read_to_string(world.path("ran")).unwrap_or_default().lines().count()
}

#[test]
fn what_nobody_can_look_up_waits_for_a_person_who_says_that_it_happened() {
    let (world, daemon) = program();
    assert_eq!(ran(&world), 1, "never a second time unasked");
    let blind = world.trueline(&["run", "retry", &id(&world), "--reason", "x"]);
    assert!(blind.err.contains("nobody knows whether step `mint` took effect"), "{}", blind.err);
    let missing = world.trueline(&["run", "decide", &id(&world), "--happened", "--reason", "x"]);
    assert!(missing.err.contains("output `serial`"), "{}", missing.err);
    daemon.kill();
    say(&world, &["decide", "--happened", "--output", "serial=\"42\""]);
    let _daemon = world.serve();
    is(&world, "succeeded");
    assert_eq!(ran(&world), 1);
    let shown = world.ok(&["service", "show", "alpha-one"]);
    assert!(shown.contains("42"), "{shown}");
    replays(&world);
}

#[test]
fn what_did_not_happen_is_done_again_and_what_nobody_knows_only_where_a_person_wants_it() {
    let (world, _daemon) = program();
    say(&world, &["redrive"]);
    world.eventually("a second doubt", |world| ran(world) == 2);
    is(&world, "needs-decision");
    std::fs::write(world.path("well"), "").unwrap();
    say(&world, &["decide", "--did-not-happen"]);
    is(&world, "succeeded");
    assert_eq!(ran(&world), 3);
    replays(&world);
}
