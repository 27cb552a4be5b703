//! The world of this room's tests: a catalog on a forge, people who push, speak and merge, and a daemon beside them. The
//! forge is whatever speaks for the people.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Passed, Reviewer, Reviews};
use crate::clock::Clock;
use crate::daemon::world::World;
use crate::daemon::{Settled, SystemClock};
use crate::forge::github::fake::FakeGitHub;
use crate::forge::github::reviews_tests::{NAME, with_app};
use crate::forge::{Asked, ForgeWrite, LocalForge, NewProposal, Opinion, ReviewRead as _};
use crate::source::fixture::Repo;
use crate::source::{Options, Source};

/// Tells each story on every forge; `BASE` is what stands on the branch before.
macro_rules! stories {
    ($($story:ident)*) => {
        mod on_the_local_forge {
            use super::{BASE, Stage};
            $(#[tokio::test]
            async fn $story() {
                Box::pin(super::$story(Stage::local(&BASE).await.begun().await)).await;
            })*
        }
        mod on_github {
            use super::{BASE, Stage};
            $(#[tokio::test]
            async fn $story() {
                Box::pin(super::$story(Stage::github(&BASE).await.begun().await)).await;
            })*
        }
    };
}
pub(super) use stories;
/// The catalog of the stories of requests.
pub(super) const REQUESTS: &str = r#"--- trueline.yaml
schemaVersion: catalog/v1
kind: Catalog
metadata: {id: tests, name: Tests}
guard: {firstContact: apply}
defaults: {deletionPolicy: delete}
owners: {required: true}
teams:
  payments: {owners: ["@pat"], contact: payments@acme.example}
  platform: {owners: ["@ola"], contact: platform@acme.example}
--- .github/CODEOWNERS
* @ops
/services/payments/ @pat
--- catalog/notes/note-log.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: note-log
  name: Note
  description: A note that is written into the log of the process, once somebody says yes to it.
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
          - {id: more, name: More, type: string, default: none}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Write it}}
  automatic:
    actions:
      - {id: ask, type: approval, config: {approvers: {users: [tester]}}}
      - id: tell
        type: notify
        config: {channel: log, subject: "{{fields.text}}", message: "{{fields.more}}"}
"#;

/// What people do on a forge.
#[async_trait]
pub(super) trait People: Send + Sync {
    /// Sets a branch to a commit.
    fn push(&self, repository: &Repo, by: &str, branch: &str, commit: &str);
    async fn open(&self, branch: &str, author: &str) -> u64;
    async fn give(&self, number: u64, by: &str, opinion: Opinion);
    async fn comment(&self, number: u64, by: &str, text: &str);
    async fn merge(&self, number: u64, by: &str) -> String;
    /// Returns where a check of a commit remarks something: files and first lines.
    async fn remarks(&self, commit: &str, check: &str) -> Vec<(String, u64)>;
}

#[async_trait]
impl People for LocalForge {
    fn push(&self, repository: &Repo, _: &str, branch: &str, commit: &str) {
        repository.git(&["update-ref", &format!("refs/heads/{branch}"), commit], "");
    }

    async fn open(&self, branch: &str, author: &str) -> u64 {
        let new = NewProposal {
            title: format!("Change {branch}"),
            body: String::new(),
            author: author.to_owned(),
            source_branch: branch.to_owned(),
            base_branch: "main".to_owned(),
            marker: format!("m-{branch}"),
            at: SystemClock.now(),
            asked: Asked::default(),
        };
        ForgeWrite::open(self, new).await.expect("opened").number
    }

    async fn give(&self, number: u64, by: &str, opinion: Opinion) {
        self.give_opinion(number, (by, opinion), SystemClock.now()).await.expect("said");
    }

    async fn comment(&self, number: u64, by: &str, text: &str) {
        self.say(number, (by, text), SystemClock.now()).await.expect("said");
    }

    async fn merge(&self, number: u64, by: &str) -> String {
        let merged = ForgeWrite::merge(self, number, by, SystemClock.now()).await.expect("merged");
        merged.merge_commit.expect("a commit")
    }

    async fn remarks(&self, commit: &str, check: &str) -> Vec<(String, u64)> {
        let check = self.check_of(commit, check).await.expect("read").expect("a check");
        check.annotations.into_iter().map(|it| (it.path, it.lines.0.into())).collect()
    }
}

#[async_trait]
impl People for FakeGitHub {
    fn push(&self, _: &Repo, by: &str, branch: &str, commit: &str) {
        self.force_push(by, NAME, (branch, commit));
    }

    async fn open(&self, branch: &str, author: &str) -> u64 {
        FakeGitHub::open(self, author, NAME, branch)
    }

    async fn give(&self, number: u64, by: &str, opinion: Opinion) {
        let word = match opinion {
            Opinion::Approved => "APPROVED",
            Opinion::ChangesRequested => "CHANGES_REQUESTED",
            Opinion::Commented | Opinion::Dismissed => "COMMENTED",
        };
        self.review(by, NAME, (number, word));
    }

    async fn comment(&self, number: u64, by: &str, text: &str) {
        FakeGitHub::comment(self, by, NAME, (number, text));
    }

    async fn merge(&self, number: u64, _: &str) -> String {
        FakeGitHub::merge(self, NAME, number)
    }

    async fn remarks(&self, commit: &str, check: &str) -> Vec<(String, u64)> {
        let mut checks = self.checks(NAME).into_iter();
        let check = checks.rfind(|it| it.head == commit && it.name == check);
        let remarks = check.expect("a check").annotations;
        let read = |it: &serde_json::Value| {
            Some((it["path"].as_str()?.to_owned(), it["start_line"].as_u64()?))
        };
        remarks.iter().filter_map(read).collect()
    }
}

/// A catalog on a forge, and what looks after it.
pub(super) struct Stage<P: People> {
    pub(super) world: World,
    pub(super) forge: Arc<dyn Reviews>,
    pub(super) people: P,
    pub(super) reviewer: Reviewer,
}

impl Stage<LocalForge> {
    /// Makes it of files, each of which begins with a line `--- path`.
    pub(super) async fn local(files: &str) -> Self {
        let world = World::in_repository(files).await;
        let (forge, people) = (Arc::new(world.forge()), world.forge());
        Self::of(world, forge, people)
    }
}

impl Stage<FakeGitHub> {
    /// The same, with the repository on GitHub.
    pub(super) async fn github(files: &str) -> Self {
        let world = World::in_repository(files).await;
        let (people, forge) = with_app().await;
        people.set_team("acme/till", &["pat"]);
        let path = people.path(NAME);
        std::fs::remove_dir_all(&path).expect("there was one");
        let repository = world.repository.as_ref().expect("a repository");
        std::os::unix::fs::symlink(&repository.path, &path).expect("linked");
        Self::of(world, Arc::new(forge), people)
    }
}

impl<P: People> Stage<P> {
    fn of(world: World, forge: Arc<dyn Reviews>, people: P) -> Self {
        let reviewer = reviewer(&world, forge.clone());
        Self { world, forge, people, reviewer }
    }

    /// Lets what stands on the branch come to rest.
    pub(super) async fn begun(mut self) -> Self {
        assert!(self.settle().await.is_converged());
        self
    }

    /// Pushes a branch that changes files of the newest commit; one without text is removed.
    pub(super) fn push(&self, branch: &str, by: &str, changes: &[(&str, &str)]) -> String {
        let repo = self.world.repository.as_ref().expect("a repository");
        let git = repo.open();
        let base = git.refname_to_id("refs/heads/main").expect("main");
        let on = git.refname_to_id(&format!("refs/heads/{branch}")).unwrap_or(base);
        let files: Vec<crate::source::FileChange> = changes
            .iter()
            .map(|(path, text)| crate::source::FileChange {
                path: (*path).to_owned(),
                content: (!text.is_empty()).then(|| text.as_bytes().to_vec()),
            })
            .collect();
        let author = crate::source::Author {
            name: by.to_owned(),
            email: format!("{by}@x.example"),
            at: Timestamp::from_second(1_700_000_000).expect("a time"),
        };
        let commit = crate::source::commit_files(&git, Some(on), &files, "change", &author);
        let commit = commit.expect("committed").to_string();
        self.people.push(repo, by, branch, &commit);
        commit
    }

    /// Looks at all proposals once.
    pub(super) async fn look(&mut self) -> Passed {
        self.reviewer.pass().await.expect("looked")
    }

    /// Looks and drives until nothing more happens by itself.
    pub(super) async fn settle(&mut self) -> Settled {
        self.look().await;
        self.world.settle().await;
        self.look().await;
        let settled = self.world.settle().await;
        self.look().await;
        settled
    }

    /// Shows a check: its state and its title.
    pub(super) async fn check(&self, commit: &str, name: &str) -> String {
        let check = self.forge.check_of(commit, name).await.expect("read");
        check.map_or_else(|| "none".to_owned(), |it| format!("{:?}: {}", it.state, it.title))
    }

    /// Returns what Trueline says under a proposal: its comments whose text holds a word.
    pub(super) async fn said(&self, number: u64, word: &str) -> Vec<String> {
        let comments = self.forge.comments(number).await.expect("read");
        let ours = comments.into_iter().filter(|it| !it.body.starts_with("/trueline"));
        ours.map(|it| it.body).filter(|body| body.contains(word)).collect()
    }

    /// Returns why a service waits; nothing where it does not.
    pub(super) fn waits(&self, service: &str) -> String {
        let plan = self.world.daemon.plan.as_ref().expect("a plan");
        let why = plan.pending.get(service).into_iter().flatten();
        why.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

fn reviewer(world: &World, forge: Arc<dyn Reviews>) -> Reviewer {
    let location = world.repository.as_ref().expect("a repository").url().to_owned();
    let state = world.folder.path().to_owned();
    let source = Source::open(Options { location, state, ..Options::default() }).expect("a source");
    let engine = world.daemon.driver.engine.clone();
    Reviewer::new(engine, source, forge).expect("a repository has proposals")
}
