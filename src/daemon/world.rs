//! The world of this room's tests: a catalog in a folder, a store in memory, people who decide.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Daemon, Parts, Settled, SystemClock, settle};
use crate::action::{Egress, EnvironmentSecrets, HttpClient, Ports};
use crate::clock::Clock;
use crate::engine::{Engine, Limits, typed_outputs};
use crate::forge::LocalForge;
use crate::source::fixture::Repo;
use crate::source::{Options, Source};
use crate::store::{DecisionKind, LeaseHolder, Sealer, SqliteStore, Store, Task};

/// What every catalog of these tests begins with: nothing is asked about before it is done.
const SETTINGS: &str = "\
schemaVersion: catalog/v1
kind: Catalog
metadata: {id: tests, name: Tests}
guard: {firstContact: apply}
defaults: {deletionPolicy: delete}
teams:
  payments: {owners: [\"@acme/payments\"], contact: payments@acme.example}
  platform: {owners: [\"@acme/platform\"], contact: platform@acme.example}
";

/// What a world is given: what its actions reach the outside through, made of the usual, and who tells the time.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) ports: Arc<dyn Fn(Ports) -> Ports + Send + Sync>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) limits: Limits,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            ports: Arc::new(|ports| ports),
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
        }
    }
}

/// A catalog, a store, and a daemon between them.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) store: Arc<SqliteStore>,
    pub(super) daemon: Daemon,
    /// Where its catalog is committed to; nothing where it is a plain directory.
    pub(super) repository: Option<Repo>,
    given: Given,
}

impl World {
    /// Makes it of files: each begins with a line `--- path`.
    pub(super) async fn of(files: &str) -> Self {
        Self::made(files, None, Given::default()).await
    }

    /// The same, with another way to the outside.
    pub(super) async fn reaching(
        files: &str,
        reach: impl Fn(Ports) -> Ports + Send + Sync + 'static,
    ) -> Self {
        Self::given(files, Given { ports: Arc::new(reach), ..Given::default() }).await
    }

    /// Makes it of files that are committed to a repository, which has the local forge.
    pub(super) async fn in_repository(files: &str) -> Self {
        Self::made(files, Some(Repo::bare()), Given::default()).await
    }

    /// The same, with another way to the outside.
    pub(super) async fn reaching_in_repository(
        files: &str,
        reach: impl Fn(Ports) -> Ports + Send + Sync + 'static,
    ) -> Self {
        let given = Given { ports: Arc::new(reach), ..Given::default() };
        Self::made(files, Some(Repo::bare()), given).await
    }

    /// Makes it with what it is given.
    pub(super) async fn given(files: &str, given: Given) -> Self {
        Self::made(files, None, given).await
    }

    async fn made(files: &str, repository: Option<Repo>, given: Given) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(SqliteStore::in_memory("tests").await.expect("a store"));
        write(folder.path(), "catalog/trueline.yaml", SETTINGS);
        write_all(folder.path(), files);
        let catalog = folder.path().join("catalog");
        if let Some(repository) = &repository {
            commit(repository, &catalog);
        }
        let daemon = drive((folder.path(), repository.as_ref()), &store, &given).await;
        Self { folder, store, daemon, repository, given }
    }

    /// Writes files of the catalog; one without content is removed.
    pub(super) fn write(&mut self, files: &str) {
        write_all(self.folder.path(), files);
        if let Some(repository) = &self.repository {
            commit(repository, &self.folder.path().join("catalog"));
        }
    }

    /// Somebody pushes a file that has nothing to do with anything.
    pub(super) fn pushes(&self, who: &str) {
        self.pushes_file(who, "--- notes.txt\nx");
    }

    /// Somebody pushes a file, which begins with its path as for [`World::write`].
    pub(super) fn pushes_file(&self, who: &str, file: &str) {
        let file = file.strip_prefix("--- ").expect("a file");
        let (path, text) = file.split_once('\n').expect("a path and a text");
        let length = text.len();
        let (repository, at) =
            (self.repository.as_ref().expect("a repository"), "1700000100 +0000");
        let stream = format!(
            "commit refs/heads/main\nauthor {who} {at}\ncommitter {who} {at}\ndata 5\nother\nfrom refs/heads/main^0\n\
             M 100644 inline {path}\ndata {length}\n{text}\n"
        );
        repository.git(&["fast-import", "--quiet"], &stream);
    }

    /// Returns the forge of its repository.
    pub(super) fn forge(&self) -> LocalForge {
        let repository = self.repository.as_ref().expect("a repository");
        LocalForge::open_at(repository.url()).expect("a forge")
    }

    /// Drives until nothing more happens by itself.
    pub(super) async fn settle(&mut self) -> Settled {
        settle(&mut self.daemon).await.expect("settled")
    }

    /// Ends the daemon as a crash does, and starts another over the same store.
    pub(super) async fn restart(&mut self) {
        let engine = &self.daemon.driver.engine;
        engine.store.release(&engine.lease).await.expect("released");
        let place = (self.folder.path(), self.repository.as_ref());
        self.daemon = drive(place, &self.store, &self.given).await;
    }

    pub(super) async fn open_tasks(&self) -> Vec<Task> {
        let mut tasks = self.store.tasks(true).await.expect("tasks");
        tasks.sort_by_key(|task| task.number);
        tasks
    }

    /// Completes the open task of a step, as `trueline task complete` does.
    pub(super) async fn complete(&self, step: &str, entered: &[(&str, &str)]) {
        let tasks = self.open_tasks().await;
        let task = tasks.iter().find(|task| task.step.0 == step).expect("an open task");
        let entered: BTreeMap<String, String> =
            entered.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let outputs = typed_outputs(task, &entered);
        self.decide(&DecisionKind::CompleteTask { task: task.number, outputs }).await;
    }

    pub(super) async fn decide(&self, decision: &DecisionKind) {
        self.store.decide("tester", SystemClock.now(), decision).await.expect("decided");
    }

    /// Reads the outputs of a unit as they are stored.
    pub(super) async fn outputs(&self, unit: &str) -> Map<String, Value> {
        let Ok(key) = unit.parse();
        let records = self.store.units(&[key]).await.expect("read");
        let applied = records.into_iter().next().and_then(|record| record.applied);
        applied.map(|applied| applied.outputs).unwrap_or_default()
    }

    /// Lists all runs ever made, oldest first, as `kind service state`.
    pub(super) async fn runs(&self) -> Vec<String> {
        let runs = self.store.runs(None, 100).await.expect("runs");
        runs.iter().rev().map(|run| format!("{} {} {}", run.kind, run.service, run.state)).collect()
    }
}

async fn drive(
    (folder, repository): (&Path, Option<&Repo>),
    store: &Arc<SqliteStore>,
    given: &Given,
) -> Daemon {
    let holder = LeaseHolder { pid: 1, host: "here".to_owned(), command: "test".to_owned() };
    let lease = store.acquire(&holder, given.clock.now()).await.expect("the lease");
    let http = Arc::new(HttpClient::new(&Egress::default()).expect("a client"));
    let engine = Engine {
        catalog: "tests".to_owned(),
        lease,
        sealer: Sealer::key_at(&folder.join("key")).expect("a key"),
        ports: (given.ports)(Ports {
            http,
            state_dir: folder.to_owned(),
            operator: Arc::default(),
            secrets: Arc::new(EnvironmentSecrets),
            stop: crate::action::Stop::default(),
        }),
        store: store.clone(),
        clock: given.clock.clone(),
        limits: given.limits.clone(),
    };
    let catalog = folder.join("catalog").display().to_string();
    let location = repository.map_or(catalog, |repository| repository.url().to_owned());
    let state = folder.to_owned();
    let source = Source::open(Options { location, state, ..Options::default() }).expect("a source");
    Daemon::new(Parts { engine, source }).await.expect("a daemon")
}

/// Writes files, each of which begins with a line `--- path`; one without content is removed.
fn write_all(folder: &Path, files: &str) {
    for file in files.split("--- ").filter(|file| !file.trim().is_empty()) {
        let (path, text) = file.split_once('\n').expect("a path and a text");
        let path = format!("catalog/{path}");
        match text.trim() {
            "" => std::fs::remove_file(folder.join(path)).expect("was there"),
            _ => write(folder, &path, text),
        }
    }
}

/// Commits all files of a folder.
fn commit(repository: &Repo, folder: &Path) {
    let (mut files, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(inside) = open.pop() {
        for entry in std::fs::read_dir(inside).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).expect("below it").display().to_string();
            files.push((name, std::fs::read_to_string(path).expect("a text")));
        }
    }
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    repository.commit_tree(&files);
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    std::fs::write(path, text).expect("written");
}
