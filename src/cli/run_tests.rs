//! Proves what is shown of runs and their journals, and how a run is found.

use serde_json::Value;

use super::*;
use crate::engine::view_sample::{World, begin, change, fails, now, of_run, of_step, run, waits};
use crate::run::{Event, Fault, RunEvent, StepEvent};

async fn world() -> World {
    let world = World::new().await;
    let mut events = begin("db/make");
    events.push(waits("db/make"));
    world.runs(run("0a1", change("db", &["db"])), events).await;
    let mut events = begin("web/make");
    events.extend(fails("web/make"));
    world.runs(run("0a2", change("web", &["web"])), events).await;
    world.runs(run("0b1", change("shop", &["shop/app", "shop/db"])), Vec::new()).await;
    world
}

async fn failure(world: &World, id: &str) -> String {
    find(&world.store, id).await.expect_err("not found").to_string()
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_of_one_service() {
    let world = world().await;
    let all = list(&world.store, None, Limit { limit: 50 }).await.expect("reads");
    insta::assert_snapshot!(list_text(&all, now()), @r"
    RUN  SERVICE  KIND    STATE    AGE     WHY
    0b1  shop     create  queued   1m ago
    0a2  web      create  failed   1m ago  step `web/make` failed: the \u{1b}[31mAPI said no
    0a1  db       create  waiting  1m ago  task 1 “Make \u{1b}[31mit”
    ");
    let some = list(&world.store, Some("db"), Limit { limit: 1 }).await.expect("reads");
    assert_eq!(some.runs.len(), 1);
    let none = list(&world.store, Some("\u{1b}"), Limit { limit: 1 }).await.expect("reads");
    assert_eq!(list_text(&none, now()), "no runs");
}

#[tokio::test]
async fn a_run_is_shown_step_by_step() {
    let world = world().await;
    let waiting = find(&world.store, "0a1").await.expect("found");
    insta::assert_snapshot!(show_text(&RunWire::of(&waiting, &[]), now()), @r"
    Run      0a1
    Service  db of team payments
    Change   create f8ac703ad471
    Commit   c0ffee000000
    State    waiting
    Made     1m ago (1970-01-01T00:15:00Z)
    Waits: task 1 “Make \u{1b}[31mit”

    STEP     ACTION       EFFECT   STATE    ATTEMPTS  WHY
    db/make  manual-task  perform  waiting  1         task 1 “Make \u{1b}[31mit”
    ");
    let failed = find(&world.store, "0a2").await.expect("found");
    let entries = world.store.journal(&failed.id).await.expect("reads");
    insta::assert_snapshot!(show_text(&RunWire::of(&failed, &entries), now()), @r"
    Run      0a2
    Service  web of team payments
    Change   create a80fd07faa19
    Commit   c0ffee000000
    State    failed
    Made     1m ago (1970-01-01T00:15:00Z)
    Why: step `web/make` failed: the \u{1b}[31mAPI said no
    Possible: trueline run cancel, retry, escalate, rollback

    STEP      ACTION       EFFECT   STATE   ATTEMPTS  WHY
    web/make  manual-task  perform  failed  1         the \u{1b}[31mAPI said no
    ");
}

#[tokio::test]
async fn a_run_is_found_by_the_beginning_of_its_id_unless_that_is_of_two() {
    let world = world().await;
    assert_eq!(find(&world.store, "0b").await.expect("found").id.0, "0b1");
    for id in ["", "zz", "0a1x", "\u{1b}[2J", "'; DROP TABLE runs; --", "%"] {
        let said = failure(&world, id).await;
        assert!(said.contains("there is no run") && !said.contains('\u{1b}'), "{id:?}: {said}");
    }
    let said = failure(&world, "0").await;
    assert!(said.contains("begins more than one run: 0b1, 0a2, …"), "{said}");
}

fn told() -> Vec<Event> {
    let fault = Fault::transient("502 \u{1b}[31mBad Gateway");
    let not_before = crate::engine::view_sample::at(930);
    let mut events = begin("db/make");
    events.push(of_step("db/make", StepEvent::Retry { fault, not_before }));
    let started =
        StepEvent::Started { attempt: 2, key: "key-1".to_owned(), sent: Digest::of_bytes(b"sent") };
    events.push(of_step("db/make", started));
    let outputs = serde_json::json!({
        "url": "https://db.example",
        "password": {"$sealed": "hunter22", "$hash": "h"},
    });
    let outputs = outputs.as_object().cloned().expect("an object");
    events.push(of_step("db/make", StepEvent::Succeeded { result: Value::Null, outputs }));
    events.push(of_run(RunEvent::Succeeded));
    events
}

#[tokio::test]
async fn a_journal_tells_everything_but_secrets() {
    let world = World::new().await;
    world.runs(run("0a1", change("db", &["db"])), told()).await;
    let run = find(&world.store, "0a1").await.expect("found");
    let entries = world.store.journal(&run.id).await.expect("reads");
    let wire = JournalWire::of(&run.id, &entries, Limit { limit: 5 });
    insta::assert_snapshot!(journal::text(&wire), @r#"
    … 2 earlier; --limit shows them
    1970-01-01T00:15:03Z  db/make  started    attempt 1, key key-1
    1970-01-01T00:15:04Z  db/make  retry      502 \u{1b}[31mBad Gateway, not before 1970-01-01T00:15:30Z
    1970-01-01T00:15:05Z  db/make  started    attempt 2, key key-1
    1970-01-01T00:15:06Z  db/make  succeeded  password: (sensitive), url: "https://db.example"
    1970-01-01T00:15:07Z  run      succeeded
    "#);
    let json = serde_json::to_string(&wire).expect("serializes");
    assert!(!json.contains("hunter22") && json.contains(r#""attempt":2"#), "{json}");
    let shown = show_text(&RunWire::of(&run, &entries), now());
    assert!(shown.contains("db/make password: (sensitive)"), "{shown}");
}
