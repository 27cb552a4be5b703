//! The story of a field that somebody else keeps writing: it is put right three times, and then left to a person.

use serde_json::json;

use super::tests::service;
use super::world::World;
use crate::action::Ports;
use crate::action::testing::{Counterpart, ports as loopback};
use crate::store::DecisionKind;

pub(super) const SIZED: &str = r#"--- catalog/things/sized.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: sized
  name: Sized
  description: A thing of some size that is made at another place over HTTP, and that is looked at there.
  version: 1.0.0
  category: things
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: size, name: Size, type: select, enum: [small, large, huge], default: small}
          - {id: seats, name: Seats, type: number, default: 2}
          - {id: zone, name: Zone, type: string, default: a, immutable: true}
fulfillment:
  strategy: {mode: automatic}
  drift: DRIFT
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Make it}}
  automatic:
    actions:
      - id: make
        type: rest-api
        config:
          endpoint: {url: "URL/things/{{service.id}}", method: PUT}
          body:
            contentTemplate: '{"size": "size-{{fields.size}}", "seats": {{fields.seats}}, "zone": "{{fields.zone}}", "fixed": 1}'
          observe: {url: "URL/things/{{service.id}}"}
          delete: {url: "URL/things/{{service.id}}", method: DELETE}
"#;

/// Makes a thing of size small, in a repository, whose drift becomes what is said.
pub(super) async fn sized(drift: &str, service: &str) -> (World, Counterpart) {
    let there = Counterpart::start().await;
    let item = SIZED.replace("DRIFT", drift).replace("URL", &there.url(""));
    let reach = |ports: Ports| Ports { http: loopback().http, ..ports };
    let mut world = World::reaching_in_repository(&[&item, service].concat(), reach).await;
    world.settle().await;
    (world, there)
}

/// Writes another value behind everybody's back, and has it seen.
pub(super) async fn tamper(
    world: &mut World,
    there: &Counterpart,
    name: &str,
    value: serde_json::Value,
) {
    let mut thing = there.thing("/things/my-thing").expect("it is there");
    thing[name] = value;
    there.tamper("/things/my-thing", Some(thing));
    world.daemon.sweep().await.expect("swept");
    world.settle().await;
}

fn size(there: &Counterpart) -> String {
    there.thing("/things/my-thing").expect("it is there")["size"].to_string()
}

#[tokio::test]
async fn a_field_that_flaps_three_times_is_left_to_a_person_by_its_name() {
    let thing = service("my-thing", "catalogItem: sized", "{size: small}");
    let (mut world, there) = sized("correct", &thing).await;
    for _ in 0..3 {
        tamper(&mut world, &there, "size", json!("theirs")).await;
        assert_eq!(size(&there), "\"size-small\"", "it is put right");
    }
    tamper(&mut world, &there, "size", json!("theirs")).await;
    assert_eq!(size(&there), "\"theirs\"", "and no more");
    world.restart().await;
    world.settle().await;
    let plan = world.daemon.plan.clone().expect("a plan");
    let why = plan.pending["my-thing"].iter().map(ToString::to_string).collect::<String>();
    assert!(why.starts_with("flapping: make/size of my-thing was put right 3 times"), "{why}");
    assert_eq!(world.runs().await.len(), 4);
    // A person asks for it once more, and it may be put right again.
    world.decide(&DecisionKind::Apply { service: Some("my-thing".to_owned()) }).await;
    world.settle().await;
    assert_eq!(size(&there), "\"size-small\"");
    tamper(&mut world, &there, "size", json!("theirs")).await;
    assert_eq!(size(&there), "\"size-small\"");
    // So does who wants something else.
    for _ in 0..2 {
        tamper(&mut world, &there, "size", json!("theirs")).await;
    }
    world.write(&service("my-thing", "catalogItem: sized", "{size: large}"));
    world.settle().await;
    tamper(&mut world, &there, "size", json!("theirs")).await;
    assert_eq!(size(&there), "\"size-large\"");
}
