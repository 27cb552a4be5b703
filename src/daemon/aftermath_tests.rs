//! Stories of what follows an action: whether it is verified, and what is done where it failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde_json::json;

use super::tests::service;
use super::world::{Given, World};
use crate::action::Ports;
use crate::action::testing::{Counterpart, Trick, ports as loopback};
use crate::clock::Clock;
use crate::id::UnitKey;
use crate::reconcile::{HEALTH, Observation};
use crate::run::{Control, Run};
use crate::store::{DecisionKind, Store as _};

/// An item that makes a thing, and then tells others of it; a verification and hooks go where they are named.
const THING: &str = r#"--- catalog/things/thing.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: thing
  name: Thing
  description: A thing that is made at another place over HTTP, and that others are told of after that.
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
        retry: {attempts: 1}
        outputs: {path: /self}
        MORE
        config:
          endpoint: {url: "BASE/things/{{service.name}}", method: PUT}
          body: {contentTemplate: {note: "{{fields.note}}"}}
          poll: {url: "BASE/progress/{{service.name}}", until: {pointer: /state, in: [done]}, interval: 1ms}
      - id: tell
        type: rest-api
        retry: {attempts: 1}
        config:
          endpoint: {url: "BASE/told/{{service.name}}", method: PUT}
          body: {contentTemplate: {of: "{{outputs.make.path}}"}}
          delete: {url: "BASE/told/{{service.name}}"}
  HOOKS
"#;

/// A clock that stands until it is moved.
#[derive(Default)]
struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + self.0.load(Ordering::SeqCst)).expect("is")
    }
}

struct Told {
    world: World,
    clock: Arc<Still>,
    counterpart: Counterpart,
}

/// Makes a world with things, where an action has more keys, and the item hooks.
async fn told(more: &str, hooks: &str, documents: &str) -> Told {
    let counterpart = Counterpart::start().await;
    let files = [THING, documents].concat().replace("MORE", more).replace("HOOKS", hooks);
    let files = files.replace("BASE", &counterpart.url(""));
    let clock = Arc::new(Still::default());
    let reach = |ports: Ports| Ports { http: loopback().http, ..ports };
    let given = Given { ports: Arc::new(reach), clock: clock.clone(), ..Given::default() };
    Told { world: World::given(&files, given).await, clock, counterpart }
}

fn thing(id: &str) -> String {
    service(id, "catalogItem: thing", "{note: x}")
}

impl Told {
    /// Lets some seconds pass, and drives until nothing more happens by itself; returns how its newest run stands.
    async fn go_on(&mut self) -> String {
        self.clock.0.fetch_add(3, Ordering::SeqCst);
        self.world.settle().await;
        self.stands().await
    }

    async fn run(&self) -> Run {
        let runs = self.world.store.runs(None, 1).await.expect("runs");
        self.world.store.run(&runs[0].id).await.expect("read").expect("a run")
    }

    async fn stands(&self) -> String {
        let run = self.run().await;
        let steps = run.steps.iter().map(|(path, step)| format!(" {path}={}", step.state));
        format!("{}:{}", run.state, steps.collect::<String>())
    }

    /// Why its newest run stopped, as people are told.
    async fn why(&self) -> String {
        let runs = self.world.store.runs(None, 1).await.expect("runs");
        runs[0].why.clone().unwrap_or_default()
    }

    async fn say(&self, control: Control) {
        let run = self.run().await;
        let (service, reason) = (run.change.service.clone(), "because".to_owned());
        self.world.decide(&DecisionKind::Control { run: run.id, service, control, reason }).await;
    }

    /// What took effect, without the keys.
    fn ledger(&self) -> Vec<String> {
        self.counterpart.ledger().into_iter().map(|(_, what)| what).collect()
    }
}

const VERIFY: &str =
    "verify: {poll: {url: \"BASE/healthy{{outputs.make.path}}\", every: 1ms, timeout: 1h}}";

#[tokio::test]
async fn an_action_is_verified_before_the_next_and_never_done_again_for_it() {
    let mut told = told(VERIFY, "", &thing("my-thing")).await;
    let waits = "waiting: make=succeeded make~verify=waiting tell=pending";
    assert_eq!(told.go_on().await, waits);
    told.world.restart().await;
    assert_eq!(told.go_on().await, waits);
    let settled = told.world.settle().await;
    let url = told.counterpart.url("/healthy%2Fthings%2Fmy-thing");
    let expected = format!("GET {url} to answer as `verify` expects (it answered 404)");
    assert_eq!(settled.waiting["my-thing"], expected);
    told.counterpart.tamper("/healthy%2Fthings%2Fmy-thing", Some(json!({})));
    told.world.restart().await;
    assert_eq!(
        told.go_on().await,
        "succeeded: make=succeeded make~verify=succeeded tell=succeeded"
    );
    assert_eq!(told.ledger(), ["PUT /things/my-thing", "PUT /told/my-thing"]);
}

#[tokio::test]
async fn what_is_not_verified_in_time_fails_and_a_retry_only_asks_again() {
    let mut told = told(&VERIFY.replace("1h", "1ms"), "", &thing("my-thing")).await;
    told.go_on().await;
    assert_eq!(told.go_on().await, "failed: make=succeeded make~verify=failed tell=cancelled");
    let why = told.why().await;
    assert!(
        why.contains("step `make~verify` failed: the action was carried out, but not verified"),
        "{why}"
    );
    told.counterpart.tamper("/healthy%2Fthings%2Fmy-thing", Some(json!({})));
    told.say(Control::Retry { from_failed: true }).await;
    assert_eq!(
        told.go_on().await,
        "succeeded: make=succeeded make~verify=succeeded tell=succeeded"
    );
    assert_eq!(told.ledger(), ["PUT /things/my-thing", "PUT /told/my-thing"]);
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_told_once_it_lasts_and_no_more_once_it_can() {
    let mut told = told("", "", &thing("my-thing")).await;
    told.counterpart.play([Trick::Answer(202, "", "{}".to_owned())]);
    let waits = "waiting: make=waiting tell=pending";
    assert_eq!(told.go_on().await, waits);
    let broken = |times| vec![Trick::Answer(500, "", "down".to_owned()); times];
    told.counterpart.play(broken(2));
    for _ in 0..2 {
        assert_eq!(told.go_on().await, waits);
    }
    let why = told.world.settle().await.waiting["my-thing"].clone();
    assert!(!why.contains("can't be looked at"), "{why}");
    told.counterpart.play(broken(2));
    for _ in 0..2 {
        told.go_on().await;
    }
    let why = told.world.settle().await.waiting["my-thing"].clone();
    let url = told.counterpart.url("/progress/my-thing");
    assert!(
        why.ends_with(&format!("which can't be looked at: GET {url} answered 500: down")),
        "{why}"
    );
    assert_eq!(told.why().await, why);
    told.world.restart().await;
    told.counterpart.tamper("/progress/my-thing", Some(json!({"state": "goes on"})));
    told.go_on().await;
    let why = told.world.settle().await.waiting["my-thing"].clone();
    assert!(!why.contains("can't be looked at"), "{why}");
    let done = json!({"state": "done", "self": "/things/my-thing"});
    told.counterpart.tamper("/progress/my-thing", Some(done));
    assert!(told.go_on().await.starts_with("succeeded: "));
}

#[tokio::test]
async fn health_is_asked_for_and_shown_and_changes_nothing() {
    let health = r#"health: {poll: {url: "BASE/health/{{service.name}}?of={{outputs.make.path}}", every: 1ms}, expect: {status: [204]}}"#;
    let mut told = told("", health, &thing("my-thing")).await;
    assert!(told.go_on().await.starts_with("succeeded: "));
    let seen = async |told: &mut Told| {
        told.world.daemon.sweep().await.expect("swept");
        let records = told.world.store.units(&[UnitKey::service("my-thing")]).await.expect("read");
        records[0].observed[HEALTH].observation.clone()
    };
    let url = told.counterpart.url("/health/my-thing");
    let ill = seen(&mut told).await;
    let why = format!("GET {url} answered 404: {{\"error\":\"no such thing\"}}");
    assert_eq!(ill, Observation::Unknown { reason: why });
    told.counterpart.play([Trick::Answer(204, "", String::new())]);
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    assert_eq!(seen(&mut told).await, Observation::Same);
    assert!(
        told.counterpart
            .seen()
            .iter()
            .any(|it| it.path == "/health/my-thing?of=%2Fthings%2Fmy-thing")
    );
    let settled = told.world.settle().await;
    assert!(settled.is_converged());
    assert!(!told.world.daemon.driver.memory.rows.values().any(|row| row.drifted));
}

/// Tells others of a failure, and leaves the rest to a person.
const HOOKS: &str = r#"hooks:
    before:
      - {id: greet, type: rest-api, config: {endpoint: {url: "BASE/begun", method: PUT}, body: {contentTemplate: {}}}}
    onFailure:
      - id: report
        type: rest-api
        retry: {attempts: 1}
        config:
          endpoint: {url: "BASE/failed/{{service.id}}", method: PUT}
          body: {contentTemplate: {step: "{{failure.step}}", why: "{{failure.message}}", left: "{{failure.remaining}}"}}
      - {id: look, type: manual-task, config: {title: "Look at {{failure.unit}}"}}
"#;

#[tokio::test]
async fn what_failed_is_followed_by_its_hooks_and_stays_failed() {
    let mut told = told("", HOOKS, &thing("my-thing")).await;
    told.counterpart.refuse(&["/things/my-thing"]);
    let waits = "waiting: greet=succeeded look~onFailure=waiting make=failed report~onFailure=succeeded tell=cancelled";
    assert_eq!(told.go_on().await, waits);
    let reported = told.counterpart.thing("/failed/my-thing").expect("reported");
    assert_eq!(reported["step"], "make");
    assert!(reported["why"].as_str().expect("a text").contains("answered 400"), "{reported}");
    assert_eq!(reported["left"], "make, tell");
    let waiting = told.world.settle().await.waiting["my-thing"].clone();
    assert!(
        waiting.contains("which its hooks began; it failed: step `make` failed: "),
        "{waiting}"
    );
    told.world.restart().await;
    assert_eq!(told.go_on().await, waits);
    told.world.complete("look~onFailure", &[]).await;
    assert_eq!(
        told.go_on().await,
        waits.replacen("waiting", "failed", 1).replace("=waiting", "=succeeded")
    );
    assert!(told.why().await.starts_with("step `make` failed: "), "{}", told.why().await);
    // A retry does what failed again; the hooks have nothing to do with it.
    told.counterpart.refuse(&[]);
    told.say(Control::Retry { from_failed: true }).await;
    assert!(told.go_on().await.starts_with("succeeded: "));
    let ledger =
        ["PUT /begun", "PUT /failed/my-thing", "PUT /things/my-thing", "PUT /told/my-thing"];
    assert_eq!(told.ledger(), ledger);
    let key = UnitKey::service("my-thing");
    let records = told.world.store.units(&[key]).await.expect("read");
    let steps: Vec<&String> = records[0].steps.keys().collect();
    assert_eq!(steps, ["greet", "make", "tell"]);
}

#[tokio::test]
async fn a_hook_that_fails_hides_nothing_of_what_failed() {
    let mut told = told("", HOOKS, &thing("my-thing")).await;
    told.counterpart.refuse(&["/things/my-thing", "/failed/my-thing"]);
    let expected = "failed: greet=succeeded look~onFailure=cancelled make=failed report~onFailure=failed tell=cancelled";
    assert_eq!(told.go_on().await, expected);
    let why = told.why().await;
    assert!(why.starts_with("step `make` failed: "), "{why}");
    assert!(why.contains("(and its hook failed: step `report~onFailure` failed: "), "{why}");
}

const ROLLBACK: &str = r#"rollback:
          type: rest-api
          config:
            endpoint: {url: "BASE/gone{{outputs.make.path}}", method: PUT}
            body: {contentTemplate: {}}"#;

#[tokio::test]
async fn a_rollback_carries_out_what_the_action_says_in_the_place_of_its_reverse() {
    let mut told = told(ROLLBACK, "", &thing("my-thing")).await;
    told.counterpart.refuse(&["/told/my-thing"]);
    assert_eq!(told.go_on().await, "failed: make=succeeded tell=failed");
    told.say(Control::Rollback).await;
    told.world.restart().await;
    assert_eq!(told.go_on().await, "rolled-back: make=undone make~undo=succeeded tell=failed");
    assert_eq!(told.ledger(), ["PUT /things/my-thing", "PUT /gone%2Fthings%2Fmy-thing"]);
    let records = told.world.store.units(&[UnitKey::service("my-thing")]).await.expect("read");
    assert!(records[0].steps.is_empty(), "{:?}", records[0].steps);
}

/// Two things of which the second comes after the first.
const PAIR: &str = r"--- bundles/thing-pair.yaml
schemaVersion: catalog/v1
kind: CatalogBundle
metadata:
  id: thing-pair
  name: Pair of things
  description: Two things that are made one after the other, so that the second may fail when the first is there.
  version: 1.0.0
  owner: {team: platform, contact: platform@acme.example}
components:
  - {id: one, catalogItem: thing, config: {note: a}}
  - {id: two, catalogItem: thing, dependsOn: [one], config: {note: b}}
  - {id: far, catalogItem: thing, dependsOn: [one], config: {note: c}}
fulfillment:
  orchestration: {mode: parallel, errorHandling: HANDLING}
";

/// Drives a pair whose second thing is refused.
async fn pair(handling: &str) -> Told {
    let documents = PAIR.replace("HANDLING", handling);
    let documents = documents + &service("my-pair", "catalogBundle: thing-pair", "{}");
    let mut told = told(ROLLBACK, "", &documents).await;
    told.counterpart.refuse(&["/things/my-pair-two"]);
    told.go_on().await;
    told
}

#[tokio::test]
async fn a_bundle_that_wants_so_takes_back_what_was_done_when_a_component_fails() {
    let mut told = pair("rollback").await;
    let stands = told.go_on().await;
    assert!(stands.starts_with("rolled-back: "), "{stands}");
    assert!(
        stands.contains(" one/make=undone one/make~undo=succeeded one/tell=undone"),
        "{stands}"
    );
    assert!(told.counterpart.thing("/gone%2Fthings%2Fmy-pair-one").is_some());
    assert!(told.counterpart.thing("/told/my-pair-one").is_none());
    let why = told.world.settle().await.failed["my-pair"].clone();
    assert!(why.starts_with("what it did was taken back, for step `two/make` failed: "), "{why}");
    // Nobody asked for it: it is not tried again by itself.
    told.world.restart().await;
    assert_eq!(told.go_on().await, stands);
}

#[tokio::test]
async fn a_bundle_that_wants_so_goes_on_where_nothing_depends_on_what_failed() {
    let mut told = pair("continue").await;
    let stands = told.go_on().await;
    let expected = "failed: far/make=succeeded far/tell=succeeded one/make=succeeded one/tell=succeeded \
                    two/make=failed two/tell=cancelled";
    assert_eq!(stands, expected);
    let records =
        told.world.store.units(&[UnitKey::component("my-pair", "far")]).await.expect("read");
    assert!(records[0].applied.is_some());
}

#[tokio::test]
async fn a_bundle_stops_where_it_says_nothing_else() {
    let mut told = pair("stop").await;
    let stands = told.go_on().await;
    assert!(stands.starts_with("failed: ") && stands.contains(" one/make=succeeded"), "{stands}");
}
