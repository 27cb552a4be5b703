//! Stories of people in charge of runs: what they say is done once, and nothing that was done is lost.

use serde_json::json;

use super::tests::service;
use super::world::World;
use crate::id::{RunId, StepPath};
use crate::run::{Control, Run, RunState};
use crate::store::{DecisionKind, Store as _, TaskState};

/// An item that machines fulfil where somebody says yes, and people otherwise.
const ITEM: &str = r#"--- catalog/hosts/host.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: host
  name: Host
  description: A host that comes by itself where somebody says yes, and that people set up otherwise.
  version: 1.0.0
  category: hosts
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: name, name: Name, type: string, required: true}
          - {id: note, name: Note, type: string, default: ""}
fulfillment:
  strategy: {mode: automatic, onFailure: ON_FAILURE}
  manual:
    actions:
      - id: by-hand
        type: manual-task
        config:
          title: "TITLE"
          outputs: [{name: host, type: string}]
  automatic:
    actions:
      - {id: rack, type: manual-task, config: {title: "Rack {{fields.name}}"}}
      - {id: ask, type: approval, config: {approvers: {users: [tester]}}}
      - {id: tell, type: notify, config: {channel: log, subject: done, message: "{{fields.note}}"}}
outputs:
  host: {value: "{{outputs.ask.comment}}", description: Its name.}
"#;

fn item(on_failure: &str) -> String {
    let title = match on_failure {
        "manual" => {
            "{{fields.name}}: {{failure.step}} ({{failure.action}}): {{failure.message}}, left: {{failure.remaining}}"
        }
        _ => "{{fields.name}} by hand",
    };
    ITEM.replace("ON_FAILURE", on_failure).replace("TITLE", title)
}

fn host(note: &str) -> String {
    service("my-host", "catalogItem: host", &format!("{{name: one, note: \"{note}\"}}"))
}

async fn newest(world: &World) -> Run {
    let runs = world.store.runs(Some("my-host"), 1).await.expect("runs");
    world.store.run(&runs[0].id).await.expect("read").expect("a run")
}

async fn say(world: &World, control: Control) {
    let run = newest(world).await.id;
    say_of(world, run, control).await;
}

async fn say_of(world: &World, run: RunId, control: Control) {
    let (service, reason) = ("my-host".to_owned(), "because".to_owned());
    world.decide(&DecisionKind::Control { run, service, control, reason }).await;
}

async fn refuse(world: &World) {
    let open = world.store.approvals(true).await.expect("approvals");
    let (approval, reason) = (open[0].number, "not now".to_owned());
    world.decide(&DecisionKind::Refuse { approval, reason }).await;
}

async fn grant(world: &World) {
    let open = world.store.approvals(true).await.expect("approvals");
    let answers = serde_json::Map::new();
    let (approval, comment) = (open[0].number, "h1".to_owned());
    world.decide(&DecisionKind::Grant { approval, comment, answers }).await;
}

async fn titles(world: &World) -> Vec<String> {
    world.open_tasks().await.into_iter().map(|task| task.title).collect()
}

/// How its newest run stands: its state, and that of each step.
async fn stands(world: &World) -> String {
    let run = newest(world).await;
    let steps = run.steps.iter().map(|(path, step)| {
        let by_hand = if step.by_hand { "!" } else { "" };
        format!(" {path}={}{by_hand}", step.state)
    });
    format!("{}:{}", run.state, steps.collect::<String>())
}

/// A host whose rack stands and whose approval was rejected.
async fn rejected(on_failure: &str) -> World {
    let mut world = World::of(&[item(on_failure), host("")].concat()).await;
    world.settle().await;
    world.complete("rack", &[]).await;
    world.settle().await;
    refuse(&world).await;
    world.settle().await;
    world
}

#[tokio::test]
async fn on_failure_manual_opens_the_manual_actions_with_what_failed() {
    let mut world = rejected("manual").await;
    let expected = "one: ask (approval): approval 1: tester rejected it: not now, left: ask, tell";
    assert_eq!(titles(&world).await, [expected]);
    assert_eq!(
        stands(&world).await,
        "waiting: ask=failed! by-hand~manual=waiting rack=succeeded tell=cancelled!"
    );
    world.restart().await;
    world.settle().await;
    assert_eq!(titles(&world).await, [expected]);
    world.complete("by-hand~manual", &[("host", "h7")]).await;
    assert!(world.settle().await.is_converged());
    let run = newest(&world).await;
    assert_eq!((run.state, run.escalated), (RunState::Succeeded, true));
    assert_eq!(world.outputs("my-host").await["host"], json!("h7"));
    let told = world.store.audit_after(0, 1000).await.expect("read");
    let told = told.iter().find(|entry| entry.what == "run.escalated").expect("told");
    assert_eq!(told.detail["by"], "trueline");
}

#[tokio::test]
async fn a_person_escalates_what_stopped_and_what_was_done_stays() {
    let mut world = rejected("stop").await;
    assert_eq!(stands(&world).await, "failed: ask=failed rack=succeeded tell=cancelled");
    say(&world, Control::Escalate).await;
    world.settle().await;
    assert_eq!(titles(&world).await, ["one by hand"]);
    world.complete("by-hand~manual", &[("host", "h7")]).await;
    assert!(world.settle().await.is_converged());
    assert_eq!(world.runs().await, ["create my-host succeeded"]);
}

#[tokio::test]
async fn a_retry_does_again_what_failed_once_for_each_time_that_it_was_asked_for() {
    let mut world = rejected("stop").await;
    let first = newest(&world).await;
    // Said while nobody drives; the next driver acts on it, and the one after that does not act again.
    say(&world, Control::Retry { from_failed: true }).await;
    world.restart().await;
    world.settle().await;
    assert_eq!(stands(&world).await, "waiting: ask=waiting rack=succeeded tell=pending");
    refuse(&world).await;
    world.settle().await;
    world.daemon.driver.memory.state.decisions_seen = 0;
    world.daemon.save_state().await.expect("saved");
    world.restart().await;
    world.settle().await;
    assert_eq!(stands(&world).await, "failed: ask=failed rack=succeeded tell=cancelled");
    say(&world, Control::Retry { from_failed: true }).await;
    world.settle().await;
    let again = newest(&world).await;
    assert_eq!((again.id.clone(), again.effect), (first.id, first.effect + 2));
    grant(&world).await;
    assert!(world.settle().await.is_converged());
    assert_eq!(world.outputs("my-host").await["host"], json!("h1"));
    assert_eq!(world.runs().await, ["create my-host succeeded"]);
}

#[tokio::test]
async fn a_paused_run_finishes_what_is_in_effect_and_starts_nothing() {
    let mut world = World::of(&[item("stop"), host("")].concat()).await;
    world.settle().await;
    say(&world, Control::Pause).await;
    world.settle().await;
    world.complete("rack", &[]).await;
    world.restart().await;
    let settled = world.settle().await;
    assert_eq!(stands(&world).await, "paused: ask=pending rack=succeeded tell=pending");
    assert_eq!(settled.waiting["my-host"], "paused by tester: because");
    say(&world, Control::Retry { from_failed: true }).await;
    world.settle().await;
    assert_eq!(stands(&world).await, "paused: ask=pending rack=succeeded tell=pending");
    say(&world, Control::Resume).await;
    world.settle().await;
    assert_eq!(stands(&world).await, "waiting: ask=waiting rack=succeeded tell=pending");
    say(&world, Control::Cancel).await;
    world.settle().await;
    assert_eq!(stands(&world).await, "cancelled: ask=cancelled rack=succeeded tell=pending");
    assert!(world.store.approvals(true).await.expect("approvals").is_empty());
    world.restart().await;
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-host cancelled"]);
}

#[tokio::test]
async fn a_rollback_takes_back_what_was_done_and_the_service_is_asked_for_anew() {
    let mut world = rejected("stop").await;
    say(&world, Control::Rollback).await;
    world.settle().await;
    assert_eq!(titles(&world).await, ["Undo by hand: my-host rack"]);
    world.restart().await;
    world.complete("rack~undo", &[]).await;
    let settled = world.settle().await;
    let expected = "rolled-back: ask=failed rack=undone rack~undo=succeeded tell=cancelled";
    assert_eq!(stands(&world).await, expected);
    assert_eq!(settled.failed["my-host"], "what it did was taken back");
    let key = "my-host".parse().unwrap_or_else(|never| match never {});
    let units = world.store.units(&[key]).await.expect("read");
    assert!(units[0].steps.is_empty() && units[0].applied.is_none());
    world.decide(&DecisionKind::Apply { service: Some("my-host".to_owned()) }).await;
    world.settle().await;
    assert_eq!(titles(&world).await, ["Rack one"]);
}

#[tokio::test]
async fn a_task_is_carried_into_the_newer_run_where_it_asks_for_the_same() {
    let mut world = World::of(&[item("stop"), host("")].concat()).await;
    world.settle().await;
    let before = world.open_tasks().await;
    world.write(&host("louder"));
    world.settle().await;
    let after = world.open_tasks().await;
    assert_eq!(world.runs().await, ["create my-host superseded", "create my-host waiting"]);
    assert_eq!((after.len(), after[0].number), (1, before[0].number));
    assert_ne!(after[0].run, before[0].run);
    // What is wanted differently replaces it, and a service that goes takes it along.
    world.write(&host("louder").replace("name: one", "name: two"));
    world.settle().await;
    assert_eq!(titles(&world).await, ["Rack two"]);
    let old = world.store.tasks(false).await.expect("tasks");
    let old = old.iter().find(|task| task.number == before[0].number).expect("the old one");
    assert_eq!(old.state, TaskState::Replaced);
    world.write("--- services/payments/my-host.yaml\n");
    world.settle().await;
    assert!(titles(&world).await.is_empty());
}

#[tokio::test]
async fn switching_the_mode_disturbs_nothing_that_is_fulfilled() {
    let mut world = World::of(&[item("stop"), host("")].concat()).await;
    world.settle().await;
    world.complete("rack", &[]).await;
    world.settle().await;
    grant(&world).await;
    assert!(world.settle().await.is_converged());
    let manual = item("stop")
        .replace("mode: automatic", "mode: manual")
        .replace("outputs.ask.comment", "outputs.by-hand.host");
    world.write(&manual);
    world.settle().await;
    assert!(titles(&world).await.is_empty());
    assert_eq!(world.runs().await.len(), 1);
    // From the next change on it counts; what machines made is not taken away by it.
    world.write(&host("louder"));
    world.settle().await;
    assert_eq!(titles(&world).await, ["one by hand"]);
    world.complete("by-hand", &[("host", "h2")]).await;
    world.settle().await;
    assert!(titles(&world).await.is_empty());
    assert_eq!(world.runs().await, ["create my-host succeeded", "update my-host succeeded"]);
}

#[tokio::test]
async fn a_word_that_does_not_fit_leaves_no_trace() {
    let mut world = rejected("stop").await;
    let run = newest(&world).await.id;
    let journal = world.store.journal(&run).await.expect("journal");
    let decide = Control::Decide {
        step: StepPath("ask".to_owned()),
        happened: true,
        outputs: serde_json::Map::new(),
    };
    for control in [Control::Pause, Control::Resume, Control::Redrive, decide] {
        say(&world, control).await;
    }
    say_of(&world, RunId("gone".to_owned()), Control::Cancel).await;
    world.settle().await;
    assert_eq!(world.store.journal(&run).await.expect("journal"), journal);
}
