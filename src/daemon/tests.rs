//! Stories of the loop, on a real store and with people who do the work.

use serde_json::json;

use super::world::World;
use crate::secret::sealed_hash;
use crate::store::{DecisionKind, Store};

/// An item that people fulfil: they enter a host and a password.
pub(super) const HOST: &str = r#"--- catalog/databases/host-by-hand.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: host-by-hand
  name: Host by hand
  description: A host that people set up by hand and then enter the name and password of here.
  version: 1.0.0
  category: databases
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: name, name: Name, type: string, required: true}
          - {id: peer, name: Peer, type: string, default: ""}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - id: make
        type: manual-task
        config:
          title: "make {{fields.name}}{{fields.peer}}"
          outputs:
            - {name: host, type: string}
            - {name: password, type: string}
      - id: boast
        type: notify
        when: "{{eq fields.peer 'loud'}}"
        config: {channel: log, subject: done, message: done}
        outputs: {sent: /channel}
outputs:
  host: {value: "{{outputs.make.host}}", description: Its name.}
  url: {value: "db://{{outputs.make.host}}:{{outputs.make.password}}", sensitive: true, description: With the password.}
"#;

/// Two of them, the second of which reads the first's host.
const PAIR: &str = r#"--- bundles/host-pair.yaml
schemaVersion: catalog/v1
kind: CatalogBundle
metadata:
  id: host-pair
  name: Pair of hosts
  description: Two hosts that people set up by hand, the second of which is told of the first one's name.
  version: 1.0.0
  owner: {team: platform, contact: platform@acme.example}
components:
  - id: first
    catalogItem: host-by-hand
    config: {name: "{{fields.name}}-1"}
    outputs: [host]
  - id: second
    catalogItem: host-by-hand
    config: {name: "{{fields.name}}-2", peer: "{{components.first.outputs.host}}"}
    outputs: [host]
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: name, name: Name, type: string, required: true}
fulfillment:
  orchestration: {mode: parallel, errorHandling: stop}
outputs:
  host: {value: "{{components.second.outputs.host}}", description: The second host.}
"#;

pub(super) fn service(id: &str, offer: &str, fields: &str) -> String {
    format!(
        "--- services/payments/{id}.yaml\nschemaVersion: catalog/v1\nkind: Service\n\
         metadata: {{id: {id}, team: payments}}\n{offer}\nfields: {fields}\n"
    )
}

#[tokio::test]
async fn what_people_enter_is_what_others_read_and_only_the_sensitive_is_sealed() {
    let one = service("one-host", "catalogItem: host-by-hand", "{name: one}");
    let two = service(
        "two-host",
        "catalogItem: host-by-hand",
        "{name: two, peer: \"{{services.one-host.outputs.host}}\"}",
    );
    let mut world = World::of(&[HOST, &one, &two].concat()).await;
    let settled = world.settle().await;
    assert_eq!(settled.failed, [].into());
    let tasks = world.open_tasks().await;
    assert_eq!(tasks.iter().map(|task| &*task.title).collect::<Vec<_>>(), ["make one"]);
    world.complete("make", &[("host", "h1"), ("password", "s3cret")]).await;
    world.settle().await;
    let outputs = world.outputs("one-host").await;
    assert_eq!(outputs["host"], json!("h1"));
    assert!(sealed_hash(&outputs["url"]).is_some(), "{outputs:?}");
    let tasks = world.open_tasks().await;
    assert_eq!(tasks.iter().map(|task| &*task.title).collect::<Vec<_>>(), ["make twoh1"]);
    world.complete("make", &[("host", "h2"), ("password", "x")]).await;
    assert!(world.settle().await.is_converged());
    assert_eq!(world.runs().await, ["create one-host succeeded", "create two-host succeeded"]);
}

#[tokio::test]
async fn what_a_task_calls_sensitive_is_sealed_and_so_is_what_is_made_of_it() {
    let host = HOST
        .replace(
            "{name: password, type: string}",
            "{name: password, type: string, sensitive: true}",
        )
        .replace(", sensitive: true, description: With", ", description: With");
    let one = service("one-host", "catalogItem: host-by-hand", "{name: one}");
    let mut world = World::of(&[&*host, &one].concat()).await;
    world.settle().await;
    world.complete("make", &[("host", "h1"), ("password", "s3cret")]).await;
    assert!(world.settle().await.is_converged());
    let records = world.store.units(&["one-host".parse().unwrap()]).await.expect("read");
    let left = &records[0].steps["make"].outputs;
    assert!(sealed_hash(&left["password"]).is_some(), "{left:?}");
    assert_eq!(left["host"], json!("h1"));
    assert!(sealed_hash(&world.outputs("one-host").await["url"]).is_some());
}

#[tokio::test]
async fn an_output_that_becomes_known_supersedes_nothing() {
    let pair = service("pair", "catalogBundle: host-pair", "{name: pair}");
    let mut world = World::of(&[HOST, PAIR, &pair].concat()).await;
    world.settle().await;
    world.complete("first/make", &[("host", "h1"), ("password", "x")]).await;
    world.settle().await;
    world.restart().await;
    world.settle().await;
    assert_eq!(world.open_tasks().await[0].title, "make pair-2h1");
    world.complete("second/make", &[("host", "h2"), ("password", "x")]).await;
    assert!(world.settle().await.is_converged());
    assert_eq!(world.runs().await, ["create pair succeeded"]);
}

#[tokio::test]
async fn a_newer_revision_takes_the_place_of_a_waiting_run() {
    let first = service("one-host", "catalogItem: host-by-hand", "{name: one}");
    let mut world = World::of(&[HOST, &first].concat()).await;
    world.settle().await;
    world.write(&service("one-host", "catalogItem: host-by-hand", "{name: other}"));
    world.settle().await;
    let tasks = world.open_tasks().await;
    assert_eq!(tasks.iter().map(|task| &*task.title).collect::<Vec<_>>(), ["make other"]);
    world.write("--- services/payments/one-host.yaml\n");
    let settled = world.settle().await;
    assert!(settled.is_converged(), "{settled:?}");
    assert!(world.open_tasks().await.is_empty());
    assert_eq!(world.store.unit_rows().await.expect("rows"), []);
}

#[tokio::test]
async fn a_unit_whose_outputs_cannot_be_made_stops_and_is_not_tried_for_ever() {
    let more =
        "\n  more: {value: \"{{outputs.boast.sent}}\", description: Of a step that is left out.}\n";
    let broken = format!("{}{more}", HOST.trim_end());
    let one = service("one-host", "catalogItem: host-by-hand", "{name: one}");
    let mut world = World::of(&[&*broken, &one].concat()).await;
    world.settle().await;
    world.complete("make", &[("host", "h1"), ("password", "x")]).await;
    let settled = world.settle().await;
    assert!(settled.failed["one-host"].contains("can't be made"), "{settled:?}");
    assert_eq!(world.runs().await, ["create one-host failed"]);
    world.decide(&DecisionKind::Apply { service: Some("one-host".to_owned()) }).await;
    world.settle().await;
    world.restart().await;
    world.settle().await;
    assert_eq!(world.runs().await.len(), 2, "{:?}", world.runs().await);
    world.write(HOST);
    assert!(world.settle().await.is_converged());
    assert_eq!(world.outputs("one-host").await["host"], json!("h1"));
}

#[tokio::test]
async fn what_was_decided_is_written_down_with_the_tick() {
    let one = service("one-host", "catalogItem: host-by-hand", "{name: one}");
    let mut world = World::of(&[HOST, &one].concat()).await;
    world.settle().await;
    world.complete("make", &[("host", "h1"), ("password", "x")]).await;
    world.settle().await;
    let state = world.store.catalog_state().await.expect("state");
    assert_eq!(state.decisions_seen, world.store.last_decision().await.expect("decision"));
}
