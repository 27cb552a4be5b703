//! Stories of what is taken away again: it is as patient, and tried as often, as the item's author says.

use serde_json::json;

use super::tests::service;
use super::world::World;
use crate::action::Ports;
use crate::action::testing::{Counterpart, Trick, ports as loopback};

/// An item that makes a thing, and takes it away, at `URL`.
const THING: &str = r#"--- catalog/things/thing.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: thing
  name: Thing
  description: A thing that is made at another place over HTTP, and that is taken away there again.
  version: 1.0.0
  category: things
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: note, name: Note, type: string, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Make it}}
  automatic:
    actions:
      - id: make
        type: rest-api
        PATIENCE
        config:
          endpoint: {url: "URL", method: PUT}
          body: {contentTemplate: {note: "{{fields.note}}"}}
          delete: {url: "URL", method: DELETE}
"#;

/// Makes a thing, has its deletion meet tricks, and tells how often it was asked for and what became of the run.
async fn deleted(patience: &str, tricks: Vec<Trick>) -> (usize, String, bool) {
    let counterpart = Counterpart::start().await;
    let item = THING
        .replace("URL", &counterpart.url("/things/{{service.id}}"))
        .replace("PATIENCE", patience);
    let reach = |ports: Ports| Ports { http: loopback().http, ..ports };
    // A catalog that shrinks below half is held.
    let things = ["my-thing", "that-thing", "this-thing"];
    let services = things.map(|id| service(id, "catalogItem: thing", "{note: x}"));
    let files = [item, services.concat()].concat();
    let mut world = World::reaching(&files, reach).await;
    world.settle().await;
    assert_eq!(world.runs().await, things.map(|id| format!("create {id} succeeded")));
    counterpart.play(tricks);
    world.write("--- services/payments/my-thing.yaml\n");
    world.settle().await;
    let asked = counterpart.seen().iter().filter(|seen| seen.method == "DELETE").count();
    let is_there = counterpart.thing("/things/my-thing").is_some_and(|thing| thing != json!(null));
    (asked, world.runs().await.pop().expect("a run"), is_there)
}

fn busy(times: usize) -> Vec<Trick> {
    vec![Trick::Answer(503, "", String::new()); times]
}

#[tokio::test]
async fn what_is_taken_away_is_tried_as_often_as_its_action_says() {
    let once = "retry: {attempts: 1}";
    assert_eq!(deleted(once, busy(1)).await, (1, "delete my-thing failed".to_owned(), true));
    let often = "retry: {attempts: 5, backoff: fixed, delay: 1ms}";
    assert_eq!(deleted(often, busy(4)).await, (5, "delete my-thing succeeded".to_owned(), false));
}

#[tokio::test]
async fn what_is_taken_away_is_waited_for_as_long_as_its_action_says() {
    let hasty = "timeout: 2s\n        retry: {attempts: 2, delay: 1ms}";
    let (asked, run, _) = deleted(hasty, vec![Trick::LateAfter]).await;
    assert_eq!((asked, run.as_str()), (2, "delete my-thing succeeded"));
}
