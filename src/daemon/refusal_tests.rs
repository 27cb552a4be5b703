//! Stories of words that no longer fit when their turn comes, and of what a word must not leave out.

use serde_json::json;

use super::tests::{HOST, service};
use super::world::World;
use crate::id::RunId;
use crate::run::{Control, Event, RunEvent};
use crate::store::{DecisionKind, Store as _};

/// A host of whose one step there is nothing to be done for quiet ones.
const QUIET: &str = "fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - {id: boast, type: notify, when: \"{{eq fields.peer 'loud'}}\", config: {channel: log, subject: s, message: m}}
";

fn host() -> String {
    service("my-host", "catalogItem: host-by-hand", "{name: one}")
}

fn only_run(world: &World) -> RunId {
    world.daemon.driver.memory.runs.keys().next().expect("a run").clone()
}

async fn say(world: &mut World, run: RunId, control: Control) {
    let (service, reason) = ("my-host".to_owned(), "because".to_owned());
    world.decide(&DecisionKind::Control { run, service, control, reason }).await;
    world.settle().await;
}

#[tokio::test]
async fn a_word_that_does_not_fit_leaves_no_trace_but_in_the_audit_chain() {
    let mut world = World::of(&[HOST, &host()].concat()).await;
    world.settle().await;
    let run = only_run(&world);
    let before = world.store.journal(&run).await.expect("read");
    say(&mut world, run.clone(), Control::Resume).await;
    say(&mut world, RunId("gone".to_owned()), Control::Cancel).await;
    let (task, outputs) = (99, serde_json::Map::new());
    world.decide(&DecisionKind::CompleteTask { task, outputs }).await;
    world.settle().await;
    assert_eq!(world.store.journal(&run).await.expect("read"), before);
    let told = world.store.audit_after(0, 1000).await.expect("read").into_iter();
    let told = told.filter(|it| it.what.ends_with(".refused"));
    let told: Vec<_> =
        told.map(|it| (it.what, it.detail["by"].clone(), it.detail["why"].clone())).collect();
    let expected = [
        ("run.refused", "it is waiting, and not paused"),
        ("run.refused", "there is no such run, or a newer one"),
        ("task.refused", "it was not open any more"),
    ];
    assert_eq!(told, expected.map(|(what, why)| (what.to_owned(), json!("tester"), json!(why))));
}

#[tokio::test]
async fn a_run_that_was_parked_before_it_began_keeps_what_had_nothing_to_do() {
    let (head, _) = HOST.split_once("fulfillment:").expect("a block");
    let item = [head, QUIET].concat();
    let mut world = World::of(&[&*item, &host()].concat()).await;
    world.daemon.tick().await.expect("ticked");
    let run = only_run(&world);
    let mut parked = world.daemon.driver.memory.runs[&run].clone();
    let event = Event::Run { event: RunEvent::Parked { why: "it broke the driver".to_owned() } };
    parked.apply(&event).expect("legal");
    let engine = world.daemon.driver.engine.clone();
    let entries = [(engine.clock.now(), event)];
    engine.store.append(&engine.lease, &parked, &entries, &[]).await.expect("written");
    world.restart().await;
    say(&mut world, run, Control::Retry { from_failed: true }).await;
    assert_eq!(world.runs().await, ["create my-host succeeded"]);
    let rows = world.store.unit_rows().await.expect("read");
    assert!(rows.iter().all(|row| row.applied.is_some()) && rows.len() == 1, "{rows:?}");
    assert!(world.settle().await.is_converged());
}
