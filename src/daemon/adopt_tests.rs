//! Stories of services that exist already and are taken over: only looked at, and only where all of it is as it is wanted.

use serde_json::{Value, json};

use super::tests::service;
use super::world::World;
use crate::action::Ports;
use crate::action::testing::{Counterpart, Trick, ports as loopback};
use crate::store::{DecisionKind, Store as _};

/// An item that makes a thing and names it, and tells people of it.
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
        config:
          endpoint: {url: "URL/things/{{service.id}}", method: PUT}
          body: {contentTemplate: {note: "{{fields.note}}"}}
          LOOK
          delete: {url: "URL/things/{{service.id}}", method: DELETE}
        outputs: {url: /connection/url}
      - id: tell
        type: notify
        config: {channel: log, subject: Made, message: It is made}
      - id: name
        type: rest-api
        config:
          endpoint: {url: "URL/names/{{service.id}}", method: PUT}
          body: {contentTemplate: {of: "{{outputs.make.url}}"}}
          observe: {url: "URL/names/{{service.id}}"}
outputs:
  url: {value: "{{outputs.make.url}}", description: Where it is.}
"#;

const LOOK: &str = r#"observe: {url: "URL/things/{{service.id}}"}"#;
const SUSPENDED: &str = "state: suspended\n";

struct Things {
    world: World,
    there: Counterpart,
}

impl Things {
    /// A thing that stands outside already, and the catalog asks for it, looking as `look` says.
    async fn standing(look: &str) -> Self {
        let there = Counterpart::start().await;
        there.tamper(
            "/things/my-thing",
            Some(json!({"note": "x", "connection": {"url": "db://1"}})),
        );
        there.tamper("/names/my-thing", Some(json!({"of": "db://1", "more": 1})));
        let item = THING.replace("LOOK", look).replace("URL", &there.url(""));
        let reach = |ports: Ports| Ports { http: loopback().http, ..ports };
        let mut world = World::reaching(&[item, thing("x", SUSPENDED)].concat(), reach).await;
        world.settle().await;
        Self { world, there }
    }

    async fn adopt(&mut self) {
        let (service, reason) = ("my-thing".to_owned(), "it was there before".to_owned());
        self.world.decide(&DecisionKind::Adopt { service, reason }).await;
        self.world.settle().await;
    }

    /// Tells how its last run ended, and why.
    async fn ended(&self) -> String {
        let runs = self.world.store.runs(None, 1).await.expect("runs");
        let run = runs.first().expect("a run");
        format!("{} {}: {}", run.kind, run.state, run.why.clone().unwrap_or_default())
    }

    /// Lists what was asked of the other side besides looks.
    fn changed(&self) -> Vec<String> {
        let seen = self.there.seen().into_iter().filter(|seen| seen.method != "GET");
        seen.map(|seen| format!("{} {}", seen.method, seen.path)).collect()
    }
}

fn thing(note: &str, more: &str) -> String {
    service("my-thing", "catalogItem: thing", &format!("{{note: {note}}}")) + more
}

#[tokio::test]
async fn what_is_there_as_it_is_wanted_is_recorded_and_nothing_is_done() {
    let mut things = Things::standing(LOOK).await;
    things.adopt().await;
    assert_eq!(things.ended().await, "adopt succeeded: ");
    assert_eq!(things.world.outputs("my-thing").await["url"], json!("db://1"));
    // From now on it is looked after: nothing is to be done, and what changes is carried out.
    things.world.write(&thing("x", ""));
    assert!(things.world.settle().await.is_converged());
    assert_eq!(things.changed(), [""; 0]);
    things.there.tamper("/things/my-thing", Some(json!({"note": "theirs"})));
    assert_eq!(things.world.daemon.sweep().await.expect("swept"), 1, "its drift is seen");
    things.world.write(&thing("y", ""));
    things.world.settle().await;
    assert_eq!(things.changed(), ["PUT /things/my-thing", "PUT /names/my-thing"]);
    let told = things.world.store.audit_after(0, 1000).await.expect("read");
    let told = told.iter().find(|entry| entry.what == "adopt").expect("it is told");
    assert_eq!((&*told.actor, &told.detail["reason"]), ("tester", &json!("it was there before")));
    assert_eq!(things.world.store.catalog_state().await.expect("read").adopting.len(), 0);
}

#[tokio::test]
async fn what_differs_is_refused_by_name_and_leaves_no_trace() {
    let mut things = Things::standing(LOOK).await;
    things.there.tamper("/names/my-thing", Some(json!({"of": "db://2"})));
    things.adopt().await;
    assert_eq!(
        things.ended().await,
        "adopt failed: step `name` failed: it can't be taken over, for what is there differs: \
         /of is \"db://2\", wanted is \"db://1\""
    );
    let key = crate::id::UnitKey::service("my-thing");
    let record = things.world.store.units(&[key]).await.expect("read").remove(0);
    assert!(record.applied.is_none() && record.steps.is_empty(), "{record:?}");
    // Its file goes, and what was never ours stays.
    things.world.write("--- services/payments/my-thing.yaml\n");
    things.world.settle().await;
    assert_eq!(things.changed(), [""; 0]);
    assert!(things.there.thing("/things/my-thing").is_some());
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_looked_at_is_refused() {
    let mut things = Things::standing(LOOK).await;
    things.there.tamper("/things/my-thing", None);
    things.adopt().await;
    assert!(things.ended().await.contains("GET http"), "{}", things.ended().await);
    assert!(things.ended().await.ends_with("is not there"), "{}", things.ended().await);
    for (look, said) in [
        ("", "its `config` has no `observe`"),
        (r#"observe: {url: "{{outputs.make.url}}"}"#, "a value that is not known yet"),
    ] {
        let mut things = Things::standing(look).await;
        things.adopt().await;
        assert!(things.ended().await.contains(said), "{}", things.ended().await);
        assert_eq!(things.changed(), [""; 0]);
    }
}

#[tokio::test]
async fn a_look_that_did_not_get_through_is_taken_again_and_a_crash_changes_nothing() {
    let mut things = Things::standing(LOOK).await;
    things.there.play([Trick::CutBefore, Trick::Answer(503, "", String::new())]);
    let (service, reason) = ("my-thing".to_owned(), "it was there before".to_owned());
    things.world.decide(&DecisionKind::Adopt { service, reason }).await;
    things.world.daemon.tick().await.expect("ticked");
    things.world.restart().await;
    things.world.settle().await;
    things.world.restart().await;
    things.world.settle().await;
    assert_eq!(things.world.runs().await, ["adopt my-thing succeeded"]);
    assert_eq!(things.changed(), [""; 0]);
}

#[tokio::test]
async fn one_that_was_refused_is_taken_over_once_it_is_mended() {
    let mut things = Things::standing(LOOK).await;
    things.there.tamper("/things/my-thing", Some(Value::Null));
    things.adopt().await;
    assert!(things.ended().await.starts_with("adopt failed"), "{}", things.ended().await);
    things
        .there
        .tamper("/things/my-thing", Some(json!({"note": "x", "connection": {"url": "db://1"}})));
    things.adopt().await;
    assert_eq!(things.world.runs().await, ["adopt my-thing failed", "adopt my-thing succeeded"]);
    // Once it is looked after, the word has nothing left to do.
    things.adopt().await;
    assert_eq!(things.world.runs().await.len(), 2);
    assert_eq!(things.changed(), [""; 0]);
}
