//! Stories of what waits: what was pushed past the owners changes nothing that is under way, a forge that does not know yet
//! is asked again, and a review is made again for who wants it.

use super::say::{APPLY, PLAN};
use super::world::{People, Stage, stories};
use crate::forge::Opinion;
use crate::forge::github::fake::{FakeGitHub, Trick};

const BASE: &str = r#"--- trueline.yaml
schemaVersion: catalog/v1
kind: Catalog
metadata: {id: tests, name: Tests}
guard: {firstContact: apply}
defaults: {deletionPolicy: delete}
owners: {required: true}
teams:
  payments: {owners: ["@pat"], contact: payments@acme.example}
--- .github/CODEOWNERS
* @ops
/services/payments/ @pat
--- catalog/notes/note-log.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: note-log
  name: Note
  description: A note that is written into the log of the process, for stories about what waits.
  version: 1.0.0
  category: notes
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: text, name: Text, type: string, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Write it}}
  automatic:
    actions:
      - id: tell
        type: notify
        config: {channel: log, subject: "{{fields.text}}", message: done}
--- catalog/notes/note-desk.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: note-desk
  name: Note by hand
  description: A note that somebody writes down by hand, for stories about what is under way.
  version: 1.0.0
  category: notes
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: text, name: Text, type: string, required: true}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: "Write {{fields.text}}"}}
"#;

const PAY: &str = "services/payments/pay-note.yaml";

stories! {
    a_push_that_nobody_approved_stops_no_run
    a_rename_that_nobody_approved_renames_nothing
    what_is_merged_before_anybody_looks_is_told_of
    a_review_is_made_again_for_who_wants_it
}

fn pay(item: &str, text: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: pay-note, team: payments}}\n\
         catalogItem: {item}\nfields: {{text: {text}}}\n"
    )
}

/// Has files merged by a proposal that pat approves; returns its number and the commit.
async fn merged<P: People>(
    stage: &mut Stage<P>,
    branch: &str,
    files: &[(&str, &str)],
) -> (u64, String) {
    stage.push(branch, "bob", files);
    let number = stage.people.open(branch, "bob").await;
    stage.look().await;
    stage.people.give(number, "pat", Opinion::Approved).await;
    stage.look().await;
    (number, stage.people.merge(number, "bob").await)
}

async fn a_push_that_nobody_approved_stops_no_run<P: People>(mut stage: Stage<P>) {
    merged(&mut stage, "topic", &[(PAY, &pay("note-desk", "one"))]).await;
    stage.settle().await;
    let under_way = stage.world.runs().await;
    assert_eq!(under_way.len(), 1);
    assert!(under_way[0].starts_with("create pay-note "), "{under_way:?}");
    for files in [(PAY, &*pay("note-desk", "two")), (PAY, "")] {
        stage.push("main", "bob", &[files]);
        stage.settle().await;
        assert_eq!(stage.world.runs().await, under_way);
    }
    // An owner's word lets the newest take its place.
    stage.push("main", "bob", &[(PAY, &pay("note-desk", "three"))]);
    stage.settle().await;
    assert_eq!(stage.world.runs().await, under_way);
    merged(&mut stage, "next", &[(PAY, &pay("note-desk", "four"))]).await;
    stage.settle().await;
    let runs = stage.world.runs().await;
    assert!(runs.iter().any(|run| run.ends_with("superseded")), "{runs:?}");
}

async fn a_rename_that_nobody_approved_renames_nothing<P: People>(mut stage: Stage<P>) {
    merged(&mut stage, "topic", &[(PAY, &pay("note-log", "one"))]).await;
    assert!(stage.settle().await.is_converged());
    let units = |stage: &Stage<P>| -> Vec<String> {
        stage.world.daemon.driver.memory.rows.keys().map(ToString::to_string).collect()
    };
    assert_eq!(units(&stage), ["pay-note"]);
    let renamed =
        pay("note-log", "one").replace("id: pay-note", "id: paid-note, formerIds: [pay-note]");
    stage.push("main", "bob", &[(PAY, ""), ("services/payments/paid-note.yaml", &renamed)]);
    stage.settle().await;
    assert_eq!(units(&stage), ["pay-note"]);
    stage.push(
        "main",
        "bob",
        &[(PAY, &pay("note-log", "one")), ("services/payments/paid-note.yaml", "")],
    );
    assert!(stage.settle().await.is_converged());
    assert_eq!(stage.world.runs().await, ["create pay-note succeeded"]);
    // With its owner's word it is renamed, and nothing else is done.
    merged(&mut stage, "next", &[(PAY, ""), ("services/payments/paid-note.yaml", &renamed)]).await;
    assert!(stage.settle().await.is_converged(), "{}", stage.waits("paid-note"));
    assert_eq!(units(&stage), ["paid-note"]);
    assert_eq!(stage.world.runs().await, ["create pay-note succeeded"]);
}

async fn what_is_merged_before_anybody_looks_is_told_of<P: People>(mut stage: Stage<P>) {
    stage.push("topic", "bob", &[(PAY, &pay("note-log", "one"))]);
    let number = stage.people.open("topic", "bob").await;
    stage.people.give(number, "pat", Opinion::Approved).await;
    let merge = stage.people.merge(number, "bob").await;
    assert!(stage.settle().await.is_converged(), "{}", stage.waits("pay-note"));
    assert_eq!(stage.check(&merge, APPLY).await, "Success: 1 of 1 done");
    assert_eq!(stage.said(number, "`pay-note`").await.len(), 1);
}

async fn a_review_is_made_again_for_who_wants_it<P: People>(mut stage: Stage<P>) {
    let head = stage.push("topic", "bob", &[(PAY, &pay("note-log", "one"))]);
    stage.people.open("topic", "bob").await;
    assert_eq!(stage.look().await.reviewed, 1);
    assert_eq!(stage.look().await.reviewed, 0);
    stage.reviewer.again.insert(head.clone());
    assert_eq!(stage.look().await.reviewed, 1);
    assert_eq!(stage.look().await.reviewed, 0, "once");
    assert!(stage.check(&head, PLAN).await.starts_with("ActionRequired: "));
}

#[tokio::test]
async fn a_merge_that_github_does_not_tell_of_yet_is_no_push() {
    let mut stage: Stage<FakeGitHub> = Box::pin(Stage::github(BASE).await.begun()).await;
    let (_, merge) = merged(&mut stage, "topic", &[(PAY, &pay("note-log", "one"))]).await;
    let path = format!("/commits/{merge}/pulls");
    stage.people.play("GET", &path, Trick::Answer(200, Vec::new(), "[]".to_owned()));
    stage.look().await;
    stage.world.settle().await;
    let why = stage.waits("pay-note");
    assert!(why.contains("looks up on the forge who approved"), "{why}");
    assert!(stage.settle().await.is_converged(), "{}", stage.waits("pay-note"));
    assert_eq!(stage.world.runs().await, ["create pay-note succeeded"]);
}
