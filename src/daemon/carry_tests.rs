//! Stories of what a run still waited for when a newer revision took its place: asked for once, and the answer counts.

use std::sync::Arc;

use serde_json::json;

use super::tests::service;
use super::world::World;
use crate::action::testing::{Counterpart, ports as loopback};
use crate::action::{Callbacks, Operator, Ports, about_callback};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::store::{Arrival, Store as _};

/// An item that asks another system and waits for its answer, and tells a person something of its own.
const DESK: &str = r#"--- catalog/desks/desk.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: desk
  name: Desk
  description: A desk that another system sets up once it was asked, and answers when it stands.
  version: 1.0.0
  category: desks
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: room, name: Room, type: string, required: true}
          - {id: lamp, name: Lamp, type: string, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Set it up}}
  automatic:
    actions:
      - id: ask
        type: webhook
        config:
          endpoint: {url: "URL/desks"}
          body: {template: {room: "{{fields.room}}"}}
          callback: {timeout: 10h}
        outputs: {place: /place}
      - {id: lamp, type: manual-task, config: {title: "Lamp {{fields.lamp}}"}}
"#;

fn desk(room: &str, lamp: &str) -> String {
    service("my-desk", "catalogItem: desk", &format!("{{room: {room}, lamp: {lamp}}}"))
}

fn callbacks() -> Callbacks {
    Callbacks::new("https://trueline.example.com", [7; 32])
}

/// Returns the keys under which it was asked, in their order.
fn keys(counterpart: &Counterpart) -> Vec<String> {
    let seen = counterpart.seen().into_iter();
    let key = |url: &str| callbacks().read(url.rsplit('/').next()?);
    seen.map(|it| key(&it.headers["trueline-callback-url"]).expect("one of ours")).collect()
}

async fn asked(counterpart: &Counterpart) -> World {
    let callbacks = Some(callbacks());
    let operator = Arc::new(Operator { callbacks, ..Operator::default() });
    let reach = move |ports: Ports| {
        let operator = operator.clone();
        Ports { http: loopback().http, operator, ..ports }
    };
    let item = DESK.replace("URL", &counterpart.url(""));
    let mut world = World::reaching(&[item, desk("attic", "red")].concat(), reach).await;
    world.settle().await;
    assert_eq!(counterpart.seen().len(), 1);
    world
}

/// Answers what was asked first.
async fn answer(world: &mut World, counterpart: &Counterpart) {
    let key = keys(counterpart)[0].clone();
    let sealer = &world.daemon.driver.engine.sealer;
    let body = Some(sealer.seal(&json!({"outputs": {"place": "by the window"}})));
    let arrival = Arrival { id: "1".to_owned(), about: about_callback(&key), body };
    world.store.arrive(SystemClock.now(), &arrival).await.expect("kept");
    world.daemon.driver.hear().await.expect("heard");
    world.settle().await;
}

async fn titles(world: &World) -> Vec<String> {
    world.open_tasks().await.into_iter().map(|task| task.title).collect()
}

#[tokio::test]
async fn the_same_is_not_sent_again_and_the_answer_to_what_was_sent_counts() {
    let counterpart = Counterpart::start().await;
    let mut world = asked(&counterpart).await;
    world.write(&desk("attic", "blue"));
    world.settle().await;
    world.restart().await;
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-desk superseded", "create my-desk waiting"]);
    assert_eq!(counterpart.seen().len(), 1, "it was asked already");
    answer(&mut world, &counterpart).await;
    assert_eq!(titles(&world).await, ["Lamp blue"]);
    assert!(world.store.adrift().await.expect("read").is_empty());
}

#[tokio::test]
async fn something_else_is_asked_for_anew_and_an_answer_to_the_old_counts_for_nothing() {
    let counterpart = Counterpart::start().await;
    let mut world = asked(&counterpart).await;
    world.write(&desk("cellar", "red"));
    world.settle().await;
    assert_eq!(counterpart.seen().len(), 2);
    let keys = keys(&counterpart);
    assert_ne!(keys[0], keys[1]);
    answer(&mut world, &counterpart).await;
    assert_eq!(titles(&world).await, [""; 0]);
    assert!(world.store.adrift().await.expect("read").is_empty(), "nobody waits for the old one");
}
