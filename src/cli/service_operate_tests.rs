//! Operations, suspending and resuming, on a real repository with its forge.

use clap::Parser as _;

use super::super::args::Arguments;
use super::super::main::run_command;
use super::*;
use crate::forge::{ForgeRead as _, ForgeWrite as _, LocalForge};
use crate::source::fixture::Repo;

const ITEM: &str = r#"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: desk
  name: Desk
  description: A desk that somebody sets up when a task asks for it, in the room that it names.
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
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - {id: set-up, type: manual-task, config: {title: "Desk in {{fields.room}}"}}
  operations:
    store: {state: stored, actions: [{id: put, type: manual-task, config: {title: "Store it"}}]}
    unpack: {state: active, actions: [{id: get, type: manual-task, config: {title: "Unpack it"}}]}
    clean: {actions: [{id: wipe, type: manual-task, config: {title: "Wipe it"}}]}
"#;

const DESK: &str = "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: my-desk, team: payments}\n\
                    catalogItem: desk # why\nfields: {room: attic}\n";

struct Desk {
    repo: Repo,
    state: tempfile::TempDir,
}

impl Desk {
    fn of(more: &str) -> Self {
        let (repo, state) = (Repo::bare(), tempfile::tempdir().expect("a folder"));
        let desk = [DESK, more].concat();
        repo.commit_tree(&[
            ("catalog/desks/desk.yaml", ITEM),
            ("services/payments/my-desk.yaml", desk.as_str()),
        ]);
        Self { repo, state }
    }

    async fn say(&self, words: &[&str]) -> String {
        let state = self.state.path().display().to_string();
        let line = ["trueline", "--catalog", self.repo.url(), "--state", &state, "-q", "service"];
        let line = line.iter().chain(words).copied().chain(["--reason", "an audit"]);
        let arguments = Arguments::try_parse_from(line).expect("parses");
        let context = Context::of(&arguments).expect("a context");
        match run_command(&context, &arguments.command).await {
            Ok(exit) => format!("{exit:?}"),
            Err(failure) => failure.to_string(),
        }
    }

    fn forge(&self) -> LocalForge {
        LocalForge::open_at(self.repo.url()).expect("a forge")
    }

    async fn proposed(&self) -> Vec<String> {
        let all = self.forge().list(None).await.expect("listed");
        all.iter().map(|it| format!("{} {} {}", it.number, it.state, it.title)).collect()
    }

    async fn merged(&self, number: u64) -> String {
        self.forge().merge(number, "Bob", SystemClock.now()).await.expect("merged");
        self.repo.git(&["show", "main:services/payments/my-desk.yaml"], "")
    }
}

#[tokio::test]
async fn an_operation_that_leads_to_a_state_is_proposed_once_with_its_plan() {
    let desk = Desk::of("");
    assert_eq!(desk.say(&["operate", "my-desk", "store", "--dry-run"]).await, "Success");
    assert_eq!(desk.proposed().await, [""; 0], "a look files nothing");
    for _ in 0..2 {
        assert_eq!(desk.say(&["operate", "my-desk", "store"]).await, "Success");
        assert_eq!(desk.proposed().await, ["1 open Bring my-desk to the state stored"]);
    }
    let shown = desk.forge().show(1).await.expect("shown");
    let body = &shown.proposal.body;
    assert!(body.contains("operate my-desk") && body.contains("an audit"), "{body}");
    let file = desk.merged(1).await;
    assert_eq!(file.trim_end(), [DESK, "state: stored"].concat());
    let said = desk.say(&["operate", "my-desk", "store"]).await;
    assert_eq!(said, "`state` of my-desk is stored already");
    assert_eq!(desk.say(&["operate", "my-desk", "unpack"]).await, "Success");
    assert_eq!(desk.merged(2).await.trim_end(), [DESK, "state: active"].concat());
}

#[tokio::test]
async fn a_service_is_suspended_and_resumed_by_proposals_and_comments_stay() {
    let desk = Desk::of("state: active # for now\n");
    let said = desk.say(&["resume", "my-desk"]).await;
    assert_eq!(said, "my-desk is not suspended, its `state` is active");
    assert_eq!(desk.say(&["suspend", "my-desk"]).await, "Success");
    let file = desk.merged(1).await;
    assert_eq!(file.trim_end(), [DESK, "state: suspended # for now"].concat());
    assert!(desk.say(&["suspend", "my-desk"]).await.contains("is suspended already"));
    let said = desk.say(&["operate", "my-desk", "store"]).await;
    assert!(said.contains("my-desk is suspended"), "{said}");
    assert_eq!(desk.say(&["resume", "my-desk"]).await, "Success");
    assert_eq!(desk.merged(2).await.trim_end(), [DESK, "state: active # for now"].concat());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_reason() {
    let desk = Desk::of("");
    let said = desk.say(&["operate", "my-desk", "fly"]).await;
    assert!(said.contains("no operation `fly`") && said.contains("clean, store"), "{said}");
    assert!(desk.say(&["operate", "other", "store"]).await.contains("no file of a service"));
    let said = desk.say(&["operate", "my-desk", "clean"]).await;
    assert!(said.contains("there is no store"), "{said}");
    assert_eq!(desk.proposed().await, [""; 0]);
}
