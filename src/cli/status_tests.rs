//! Proves what is told of how things stand: all well, nothing read yet, everything wrong at once.

use super::*;
use crate::action::Operator;
use crate::engine::view_sample::{
    World, approval, at, begin, change, drifted, fails, now, plan, run, unit, waits,
};
use crate::run::Capacity;
use crate::store::CatalogState;

async fn check(world: &World) -> String {
    text(&read(world, Limit { limit: 2 }).await, (now(), 180))
}

async fn read(world: &World, limit: Limit) -> StatusWire {
    let view = View::read(&world.store).await.expect("reads");
    let limits = (Capacity::default(), Operator::default());
    let circumstances = Circumstances::read(&world.store, view.runs.values(), limits, now()).await;
    let told = (&view, &circumstances.expect("reads"));
    StatusWire::read(&world.store, ("main", limit), told).await.expect("reads")
}

fn state() -> CatalogState {
    CatalogState {
        head: Some("c0ffee0000000000".to_owned()),
        applied_revision: Some("c0ffee0000000000".to_owned()),
        services: 2,
        ticked_at: Some(at(995)),
        ..CatalogState::default()
    }
}

#[tokio::test]
async fn nothing_was_read_yet() {
    let world = World::new().await;
    world.leaves().await;
    insta::assert_snapshot!(check(&world).await, @"
    Catalog    main
    Head       not read yet
    Last tick  none yet
    Driver     nobody drives: `trueline serve` or `trueline apply`
    Units      none
    ");
}

#[tokio::test]
async fn all_is_well() {
    let world = World::new().await;
    world.remembers(&state()).await;
    world.has([unit("db"), unit("shop/app")]).await;
    world.plans(&plan(Vec::new(), &[])).await;
    insta::assert_snapshot!(check(&world).await, @"
    Catalog    main
    Head       c0ffee000000
    Last tick  5s ago
    Driver     process 7 (serve) on here
    Units      2 ready

    Ready: all is as c0ffee000000 wants it.
    ");
}

#[tokio::test]
async fn drift_alone_is_not_ready() {
    let world = World::new().await;
    world.remembers(&state()).await;
    world.has([drifted("db")]).await;
    let said = check(&world).await;
    assert!(said.contains("1 ready, 1 drifted") && !said.contains("Ready:"), "{said}");
}

#[tokio::test]
async fn whatever_is_wrong_is_told_with_what_to_do() {
    let world = World::new().await;
    let words = |words: &[(&str, &str)]| {
        words.iter().map(|(id, why)| ((*id).to_owned(), (*why).to_owned())).collect()
    };
    world
        .remembers(&CatalogState {
            trouble: Some("fetch failed\u{1b}[2J; the state stays".to_owned()),
            overlay: vec![("services/a/\u{202e}b.yaml".to_owned(), "not YAML".to_owned())],
            blocked: words(&[("a", "no item"), ("b", "no item"), ("c", "no item")]),
            pending: words(&[("new", "waits for 1 approval (environment production)")]),
            ticked_at: Some(at(500)),
            head: Some("dir:abcdefabcdefabcdef".to_owned()),
            ..state()
        })
        .await;
    world.has([unit("a"), drifted("db"), unit("web")]).await;
    let mut events = begin("db/make");
    events.push(waits("db/make"));
    world.runs(run("0b1", change("db", &["db"])), events).await;
    let mut events = begin("web/make");
    events.extend(fails("web/make"));
    world.runs(run("0b2", change("web", &["web"])), events).await;
    world.asks("0b1", "db", &[]).await;
    let mut held = plan(vec![change("new", &["new"])], &[("new", approval())]);
    held.verdict.holds.push(crate::reconcile::Hold::Shrank { before: 9, now: 2 });
    world.plans(&held).await;
    insta::assert_snapshot!(check(&world).await, @r"
    Catalog    main
    Head       dir:abcdefabcdef (c0ffee000000 is applied)
    Last tick  8m ago, with trouble
    Driver     process 7 (serve) on here, which is silent
    Units      1 stalled, 1 blocked, 1 pending, 1 waiting, 1 drifted
    Plan       6e7c8c7df96b with 1 change

    Trouble: fetch failed\u{1b}[2J; the state stays

    Guard: held: the catalog went from 9 services to 2 and 0 deletions would follow: trueline approve 6e7c8c7df96b

    Stopped: mend the cause, then `trueline service reconcile ID`
      RUN  SERVICE  KIND    STATE   AGE     WHY
      0b2  web      create  failed  1m ago  step `web/make` failed: the \u{1b}[31mAPI said no

    Blocked: these do not fit the catalog
      SERVICE  WHY
      a        no item
      b        no item
      … and 1 more; --limit shows them

    Not in force: the last good version of these documents is
      PATH                       WHY
      services/a/\u{202e}b.yaml  not YAML

    Pending
      SERVICE  WHAT TO DO                     WHY
      new      trueline approve 682db6352648  waits for 1 approval (environment production)

    Tasks: `trueline task list` says how to complete them
      TASK  SERVICE  AGE     TITLE
      1     db       1m ago  Make \u{1b}[31mit

    Runs
      RUN  SERVICE  KIND    STATE    AGE     WHY
      0b1  db       create  waiting  1m ago  task 1 “Make \u{1b}[31mit” (since 1m ago)
    ");
}

#[test]
fn that_a_run_stopped_is_said_once() {
    let stopped =
        Pending::Stalled { run: crate::id::RunId("0b2".to_owned()), why: "502".to_owned() };
    let (alone, both) = ([("web", stopped.clone())], [("web", stopped), ("web", approval())]);
    let (alone, both) = (plan(Vec::new(), &alone), plan(Vec::new(), &both));
    let waits = approval().to_string();
    let said = format!("run 0b2 stopped: 502; {waits}");
    assert_eq!(why_pending("web", "run 0b2 stopped: 502", Some(&alone)), None);
    assert_eq!(why_pending("web", &said, Some(&both)), Some(waits));
    let newer = why_pending("web", "held by a person", Some(&both));
    assert_eq!(newer.as_deref(), Some("held by a person"));
    assert_eq!(why_pending("web", "held", None).as_deref(), Some("held"));
}

#[tokio::test]
async fn programs_read_the_same() {
    let world = World::new().await;
    world.remembers(&state()).await;
    world.has([unit("db")]).await;
    let wire = read(&world, Limit { limit: 50 }).await;
    insta::assert_snapshot!(serde_json::to_string(&wire).expect("serializes"), @r#"{"version":"trueline.status/v1","catalog":"main","ready":true,"head":"c0ffee0000000000","appliedRevision":"c0ffee0000000000","lastTick":{"at":"1970-01-01T00:16:35Z","trouble":null},"driver":{"pid":7,"host":"here","command":"serve"},"plan":null,"units":{"total":1,"drifted":0,"states":{"ready":1}},"held":{"total":0,"items":[]},"overlay":{"total":0,"items":[]},"blocked":{"total":0,"items":[]},"pending":{"total":0,"items":[]},"runs":{"total":0,"items":[]},"stopped":{"total":0,"items":[]},"tasks":{"total":0,"items":[]},"approvals":{"total":0,"items":[]},"left":{"total":0,"items":[]},"breakers":{"total":0,"items":[]},"filings":{"total":0,"items":[]}}"#);
}
