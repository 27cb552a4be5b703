//! The world of this room's tests: a catalog whose services each propose a file to one repository, on the forge of this
//! machine or on GitHub, and people who push, merge and close there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{Board, Known, gather};
use crate::action::{Egress, GitHubSettings, HttpClient, Operator, Owner, Ports, SecretSource};
use crate::clock::Clock;
use crate::daemon::world::{Given, World};
use crate::engine::Limits;
use crate::forge::github::Memory;
use crate::forge::github::fake::{APP, APP_KEY, FakeGitHub};
use crate::forge::{Bounds, ForgeRead as _, ForgeWrite as _, LocalForge, Quota};
use crate::run::{Fault, StepState};
use crate::secret::Secret;
use crate::source::fixture::Repo;
use crate::store::DecisionKind;

/// The repository on GitHub that files are proposed to.
pub(super) const NAME: &str = "acme/app";

/// A clock that is set.
#[derive(Debug)]
pub(super) struct Set(Mutex<Timestamp>);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("held")
    }
}

impl Set {
    pub(super) fn from_now() -> Self {
        Self(Mutex::new(Timestamp::now()))
    }

    pub(super) fn pass(&self, time: SignedDuration) {
        *self.0.lock().expect("held") += time;
    }
}

struct Token;

#[async_trait]
impl SecretSource for Token {
    async fn find(&self, _: Owner<'_>, _: &str) -> Result<Secret, Fault> {
        Ok(Secret::new("t0ken-of-acme"))
    }
}

/// How a GitHub is reached as an App, whose key is written to a folder.
pub(super) fn settings(github: &FakeGitHub, folder: &std::path::Path) -> GitHubSettings {
    let key = folder.join("app.pem");
    std::fs::write(&key, APP_KEY).expect("written");
    GitHubSettings {
        api_url: Some(github.api_url()),
        app_id: Some(APP),
        private_key_file: Some(key),
        token: None,
        webhook_secrets: Vec::new(),
    }
}

/// A client that reaches this machine.
pub(super) fn loopback() -> Arc<HttpClient> {
    let egress = Egress { allow: vec!["127.0.0.1:*".to_owned()], ..Egress::default() };
    Arc::new(HttpClient::new(&egress).expect("a client"))
}

/// What people do at the repository that files are proposed to.
#[async_trait]
pub(super) trait Target: Send + Sync {
    /// As the catalog names it.
    fn name(&self) -> String;
    /// How GitHub is reached, where it is there.
    fn settings(&self, _: &std::path::Path) -> Option<GitHubSettings> {
        None
    }
    /// Proposals as `number state`.
    async fn all(&self) -> Vec<String>;
    async fn close(&self, number: u64);
    async fn merge(&self, number: u64);
    /// Opens one again that was closed; false where nobody can.
    async fn reopen(&self, number: u64) -> bool;
    /// Commits to a branch as a person.
    fn push(&self, branch: &str, content: &str);
    fn head(&self, branch: &str) -> String;
}

#[async_trait]
impl Target for Repo {
    fn name(&self) -> String {
        self.url().to_owned()
    }

    async fn all(&self) -> Vec<String> {
        let forge = LocalForge::open_at(self.url()).expect("a forge");
        let all = forge.list(None).await.expect("listed");
        all.iter().map(|it| format!("{} {}", it.number, it.state)).collect()
    }

    async fn close(&self, number: u64) {
        let forge = LocalForge::open_at(self.url()).expect("a forge");
        forge.close(number, "Bob", Timestamp::now()).await.expect("closed");
    }

    async fn merge(&self, number: u64) {
        let forge = LocalForge::open_at(self.url()).expect("a forge");
        forge.merge(number, "Bob", Timestamp::now()).await.expect("merged");
    }

    async fn reopen(&self, _: u64) -> bool {
        false
    }

    fn push(&self, branch: &str, content: &str) {
        let before = self.head(branch);
        let commit = self.commit_on(branch, Some(&before), &[("by-hand", content)]);
        assert_ne!(before, commit);
    }

    fn head(&self, branch: &str) -> String {
        self.git(&["rev-parse", &format!("refs/heads/{branch}")], "")
    }
}

#[async_trait]
impl Target for FakeGitHub {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn settings(&self, folder: &std::path::Path) -> Option<GitHubSettings> {
        Some(settings(self, folder))
    }

    async fn all(&self) -> Vec<String> {
        let state = self.state();
        let pulls = state.repositories[NAME].pulls.iter();
        let word = |it: &crate::forge::github::fake::Pull| match &it.merged {
            Some(_) => "merged".to_owned(),
            None => it.state.clone(),
        };
        pulls.map(|(number, it)| format!("{number} {}", word(it))).collect()
    }

    async fn close(&self, number: u64) {
        self.set_pull(NAME, number, "closed");
    }

    async fn merge(&self, number: u64) {
        FakeGitHub::merge(self, NAME, number);
    }

    async fn reopen(&self, number: u64) -> bool {
        self.set_pull(NAME, number, "open");
        true
    }

    fn push(&self, branch: &str, content: &str) {
        self.push_as("ann", NAME, branch, ("by-hand", content));
    }

    fn head(&self, branch: &str) -> String {
        self.git(NAME, &["rev-parse", branch])
    }
}

/// A catalog whose services each propose a file to one repository.
pub(super) struct Stage<T: Target> {
    pub(super) world: World,
    pub(super) target: T,
    pub(super) clock: Arc<Set>,
    /// Keeps what the ports are made of.
    _keys: tempfile::TempDir,
    known: Known,
}

pub(super) fn item(repository: &str) -> String {
    format!(
        r#"--- catalog/dns/zone.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: zone
  name: Zone
  description: A zone that is a file in a repository, for stories about what is proposed there.
  version: 1.0.0
  category: dns
  owner: {{team: platform, contact: platform@acme.example}}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {{id: text, name: Text, type: string, required: true}}
fulfillment:
  strategy: {{mode: automatic}}
  manual:
    actions:
      - {{id: by-hand, type: manual-task, config: {{title: Write it}}}}
  automatic:
    actions:
      - id: file
        type: git-commit
        config:
          repository: {repository}
          commitMessage: "Add {{{{service.id}}}}"
          createPullRequest: true
          files:
            - {{path: "zones/{{{{service.id}}}}", contentTemplate: "{{{{fields.text}}}}\n"}}
"#
    )
}

pub(super) fn zone(id: &str, text: &str) -> String {
    format!(
        "--- services/payments/{id}.yaml\nschemaVersion: catalog/v1\nkind: Service\n\
         metadata: {{id: {id}, team: payments}}\ncatalogItem: zone\nfields: {{text: {text}}}\n"
    )
}

impl Stage<Repo> {
    pub(super) async fn local(bounds: Bounds) -> Self {
        let repo = Repo::bare();
        repo.commit_tree(&[("README", "hello\n")]);
        Self::of(repo, bounds).await
    }
}

impl Stage<FakeGitHub> {
    pub(super) async fn github(bounds: Bounds) -> Self {
        Self::of(FakeGitHub::start().await, bounds).await
    }
}

impl<T: Target> Stage<T> {
    async fn of(target: T, bounds: Bounds) -> Self {
        let keys = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(Set::from_now());
        let (settings, tells) = (target.settings(keys.path()), clock.clone());
        let ports = move |ports: Ports| {
            let operator = Operator {
                github: settings.clone(),
                github_memory: Arc::new(Memory::by(tells.clone())),
                proposals: Arc::new(Quota::new(bounds).believing(Duration::ZERO)),
                ..Operator::default()
            };
            Ports {
                http: loopback(),
                operator: Arc::new(operator),
                secrets: Arc::new(Token),
                ..ports
            }
        };
        let limits = Limits { look_every: Duration::from_secs(1), ..Limits::default() };
        let given = Given { ports: Arc::new(ports), clock: clock.clone(), limits };
        let world = World::given(&item(&target.name()), given).await;
        Self { world, target, clock, _keys: keys, known: Known::default() }
    }

    /// Lets time pass, and drives until nothing more happens by itself.
    pub(super) async fn later(&mut self, minutes: i64) {
        self.clock.pass(SignedDuration::from_mins(minutes));
        self.world.settle().await;
    }

    pub(super) async fn board(&mut self) -> Board {
        let ports = &self.world.daemon.driver.engine.ports;
        gather(&*self.world.store, ports, None, &mut self.known).await.expect("gathered")
    }

    /// Shows how everything stands: `open 1 a-zone`.
    pub(super) async fn stands(&mut self) -> Vec<String> {
        let lines = self.board().await.lines.into_iter();
        let word = |number: Option<u64>| number.map_or("-".to_owned(), |it| it.to_string());
        let service = |it: Option<String>| it.unwrap_or_default();
        lines
            .map(|it| format!("{} {} {}", it.standing, word(it.number), service(it.service)))
            .collect()
    }

    /// Says why the run of a service waits, and whom nobody asks meanwhile.
    pub(super) fn waits(&self, service: &str) -> String {
        let mut runs = self.world.daemon.driver.memory.runs.values();
        let run = runs.find(|run| run.change.service == service).expect("a run");
        let waits = run.steps.values().filter_map(|progress| match &progress.state {
            StepState::Waiting { on } => Some(on.told().into_owned()),
            StepState::Ready { not_before: Some(_), .. } => Some("retry".to_owned()),
            _ => None,
        });
        waits.chain(self.world.daemon.driver.shut()).collect::<Vec<_>>().join("; ")
    }

    pub(super) async fn asked(&self, service: &str) {
        self.world.decide(&DecisionKind::Apply { service: Some(service.to_owned()) }).await;
    }
}
