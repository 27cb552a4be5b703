//! A step that waits for a callback: answered once, over a crash, by nobody who was not asked.

use crate::kit::{place, service_of};
use crate::world::World;

const ITEM: &str = r#"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: hosted
  name: Hosted by others
  description: Asks another system and waits until it posts what it made.
  version: 1.0.0
  category: tests
  owner: {team: platform, contact: platform@example.com}
presentation:
  form:
    groups:
      - {id: main, name: Main, fields: [{id: size, name: Size, type: number, required: true}]}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}
  automatic:
    actions:
      - id: ask
        type: webhook
        config:
          endpoint: {url: "http://API/v1/{{service.id}}"}
          body: {template: {id: "{{service.id}}", size: "{{json fields.size}}"}}
          callback: {timeout: 1h}
        outputs: {password: /password}
      - id: note
        type: rest-api
        config:
          endpoint: {url: "http://API/v1/{{service.id}}-note", method: PUT}
          body: {type: json, contentTemplate: '{"password": {{json outputs.ask.password}}}'}
outputs:
  password: {value: "{{outputs.ask.password}}", sensitive: true}
"#;

const CANARY: &str = "canary-of-the-callback";

/// Posts an answer to where the daemon answers now, by the token of a URL that it gave.
fn post(world: &World, given: &str, body: &'static str) -> u16 {
    let token = given.rsplit('/').next().unwrap();
    let url = format!("http://{}/api/v1/callbacks/{token}", world.address());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.post(url).body(body).send().await.unwrap().status().as_u16()
    })
}

fn callback(world: &World) -> Option<String> {
    world.counterpart.ledger().callbacks.get("alpha-one").cloned()
}

#[test]
fn an_answer_is_taken_once_and_after_a_crash() {
    let world = World::new();
    let config = std::fs::read_to_string(world.path("trueline.toml")).unwrap();
    let public = "[server]\npublicUrl = \"https://trueline.example.com\"\n";
    std::fs::write(world.path("trueline.toml"), config + public).unwrap();
    world.commit(&[
        ("catalog/tests/hosted.yaml", &ITEM.replace("API", &world.counterpart.api.to_string())),
        (&place("alpha-one"), &service_of("hosted", "alpha-one", 3)),
    ]);
    let daemon = world.serve();
    world.approve_plan();
    world.eventually("the message", |world| callback(world).is_some());
    world.eventually("the step to wait", |world| world.ok(&["status"]).contains("callback"));
    let given = callback(&world).unwrap();
    assert!(given.starts_with("https://trueline.example.com/api/v1/callbacks/"), "{given}");
    assert_eq!(post(&world, "https://h/forged.token", "{}"), 404);
    assert_eq!(post(&world, &given, "not JSON"), 400);
    // Accepted is on disk: the answer counts although nobody acted on it yet.
    assert_eq!(post(&world, &given, r#"{"outputs": {"password": "canary-of-the-callback"}}"#), 202);
    daemon.kill();
    let _daemon = world.serve();
    world.settled();
    assert_eq!(post(&world, &given, r#"{"outputs": {"password": "another"}}"#), 202);
    let note = world.resource("alpha-one-note").unwrap();
    assert_eq!(note, format!("{{\"password\": \"{CANARY}\"}}"));
    let ledger = world.counterpart.ledger();
    assert_eq!(ledger.effects["alpha-one"].len(), 1, "asked once");
    drop(ledger);
    for file in ["trueline.db", "trueline.db-wal"] {
        let bytes = std::fs::read(world.path(".trueline").join(file)).unwrap_or_default();
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{file} holds what was posted in clear");
    }
    assert!(!std::fs::read_to_string(world.path("serve.log")).unwrap().contains(CANARY));
    world.audit_is_whole();
}
