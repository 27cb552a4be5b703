//! Going back to an earlier state of a service's file, on a real repository with its forge.

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
          - {id: room, name: Room, type: string, required: true, validation: {maxLength: LONGEST}}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - {id: set-up, type: manual-task, config: {title: "Desk in {{fields.room}}"}}
"#;

fn desk(room: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: my-desk, team: payments}}\n\
         catalogItem: desk # why\nfields: {{room: {room}}}\n"
    )
}

struct Desks {
    repo: Repo,
    state: tempfile::TempDir,
    commits: Vec<String>,
}

impl Desks {
    /// A repository whose file says each of some rooms after the other; nothing where it is not there.
    fn of(rooms: &[&str]) -> Self {
        let (repo, state) = (Repo::bare(), tempfile::tempdir().expect("a folder"));
        let mut desks = Self { repo, state, commits: Vec::new() };
        rooms.iter().for_each(|room| desks.commit(room, "20"));
        desks
    }

    fn commit(&mut self, room: &str, longest: &str) {
        let (item, desk) = (ITEM.replace("LONGEST", longest), desk(room));
        let mut files = vec![("catalog/desks/desk.yaml", item.as_str())];
        if !room.is_empty() {
            files.push(("services/payments/my-desk.yaml", desk.as_str()));
        }
        self.commits.push(self.repo.commit_tree(&files));
    }

    async fn rollback(&self, more: &[&str]) -> String {
        let state = self.state.path().display().to_string();
        let line = ["trueline", "--catalog", self.repo.url(), "--state", &state];
        let line = line.iter().copied().chain(["-q", "service", "rollback", "my-desk"]);
        let arguments =
            Arguments::try_parse_from(line.chain(more.iter().copied())).expect("parses");
        let context = Context::of(&arguments).expect("a context");
        match run_command(&context, &arguments.command).await {
            Ok(exit) => format!("{exit:?}"),
            Err(failure) => failure.to_string(),
        }
    }

    async fn proposed(&self) -> Vec<String> {
        let forge = LocalForge::open_at(self.repo.url()).expect("a forge");
        let all = forge.list(None).await.expect("listed");
        all.iter().map(|it| format!("{} {} {}", it.number, it.state, it.title)).collect()
    }
}

#[tokio::test]
async fn the_file_goes_back_to_what_it_was_before_its_last_change_once_it_is_merged() {
    let desks = Desks::of(&["attic", "cellar", "cellar"]);
    let before = desks.commits[0].get(..12).expect("an id").to_owned();
    assert_eq!(desks.rollback(&["--dry-run"]).await, "Success");
    assert_eq!(desks.proposed().await, [""; 0], "a look files nothing");
    for _ in 0..2 {
        assert_eq!(desks.rollback(&[]).await, "Success");
        let filed = [format!("1 open Put my-desk back to what it was at {before}")];
        assert_eq!(desks.proposed().await, filed, "the same is filed once");
    }
    let forge = LocalForge::open_at(desks.repo.url()).expect("a forge");
    let shown = forge.show(1).await.expect("shown");
    assert!(shown.proposal.body.contains("~ update my-desk"), "{}", shown.proposal.body);
    assert!(shown.proposal.body.contains("\"cellar\" → \"attic\""), "{}", shown.proposal.body);
    assert!(shown.diff.contains("-fields: {room: cellar}"), "{}", shown.diff);
    forge.merge(1, "Bob", SystemClock.now()).await.expect("merged");
    let file = desks.repo.git(&["show", "main:services/payments/my-desk.yaml"], "");
    assert_eq!(file.trim_end(), desk("attic").trim_end());
}

#[tokio::test]
async fn a_file_that_is_gone_comes_back_from_a_commit_that_is_named() {
    let desks = Desks::of(&["attic", ""]);
    let there = desks.commits[0].get(..8).expect("an id").to_owned();
    assert!(desks.rollback(&[]).await.contains("`--to COMMIT` names a commit that has it"));
    assert_eq!(desks.rollback(&["--to", &there]).await, "Success");
    assert_eq!(desks.proposed().await.len(), 1);
}

#[tokio::test]
async fn what_leads_nowhere_is_refused_with_the_reason() {
    let mut desks = Desks::of(&["the-large-attic"]);
    assert!(desks.rollback(&[]).await.contains("never was different"));
    let said = desks.rollback(&["--to", "main"]).await;
    assert!(said.contains("there is no commit `main`"), "{said}");
    let first = desks.commits[0].clone();
    assert!(desks.rollback(&["--to", &first]).await.contains("is as it was at"));
    desks.commit("cellar", "8");
    let said = desks.rollback(&["--to", &first]).await;
    assert!(said.contains("it no longer fits"), "{said}");
    assert_eq!(desks.proposed().await, [""; 0]);
}
