//! What people enter when they complete a task: sealed where its `config` says that nobody may see it.

use super::tests::service;
use super::world::World;
use crate::secret::sealed_hash;
use crate::store::Store as _;

const LICENCE: &str = r#"--- catalog/tests/licence.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: licence
  name: Licence
  description: Seats of a program, bought by hand and entered where they are known.
  version: 1.0.0
  category: tests
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - {id: main, name: Main, fields: [{id: name, name: Name, type: string, required: true}]}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - id: make
        type: manual-task
        config:
          title: Buy it
          instructions: In the shop
          outputs:
            - {name: number, type: string}
            - {name: key, type: string, sensitive: true}
outputs:
  number: {value: "{{outputs.make.number}}"}
  key: {value: "{{outputs.make.key}}"}
"#;

#[tokio::test]
async fn what_nobody_may_see_is_sealed_wherever_it_goes() {
    let files = [LICENCE, &service("first", "catalogItem: licence", "{name: a}")].concat();
    let mut world = World::of(&files).await;
    world.settle().await;
    world.complete("make", &[("number", "4711"), ("key", "ABCD-hunter22")]).await;
    world.settle().await;
    assert_eq!(world.runs().await, ["create first succeeded"]);
    let outputs = world.outputs("first").await;
    assert_eq!(outputs["number"], "4711");
    assert!(sealed_hash(&outputs["key"]).is_some(), "{outputs:?}");
    let runs = world.store.runs(None, 100).await.expect("runs");
    let run = world.store.run(&runs[0].id).await.expect("read");
    assert!(!format!("{run:?}").contains("hunter22"), "{run:?}");
}
