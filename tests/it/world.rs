//! A world for the tests: a bare catalog made with the `git` program, an HTTP counterpart that keeps a ledger of
//! effects by key, and the built binary. Its verbs read like a story.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use tempfile::TempDir;

/// How long the world waits for something to become true.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the counterpart remembers.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Resources by path.
    pub(crate) resources: BTreeMap<String, String>,
    /// Key → how often it was sent.
    pub(crate) asked: BTreeMap<String, usize>,
    /// Path → keys that took effect on it, in their order.
    pub(crate) effects: BTreeMap<String, Vec<String>>,
}

struct Counterpart {
    ledger: Arc<Mutex<Ledger>>,
    delay_ms: Arc<AtomicU64>,
}

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    pub(crate) delay_ms: Arc<AtomicU64>,
    pub(crate) api: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

async fn set(
    State(counterpart): State<Arc<Counterpart>>,
    UrlPath(id): UrlPath<String>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok())
        .unwrap_or("none")
        .to_owned();
    {
        let mut ledger = counterpart.ledger.lock().unwrap();
        *ledger.asked.entry(key.clone()).or_default() += 1;
        let effects = ledger.effects.entry(id.clone()).or_default();
        if !effects.contains(&key) {
            effects.push(key);
        }
        ledger.resources.insert(id.clone(), body);
    }
    // The effect has taken place; the answer may be long in coming.
    tokio::time::sleep(Duration::from_millis(counterpart.delay_ms.load(Ordering::SeqCst))).await;
    (StatusCode::OK, format!("{{\"id\": \"{id}\", \"endpoint\": \"{id}.example\"}}"))
}

async fn get(
    State(counterpart): State<Arc<Counterpart>>,
    UrlPath(id): UrlPath<String>,
) -> (StatusCode, String) {
    match counterpart.ledger.lock().unwrap().resources.get(&id) {
        Some(body) => (StatusCode::OK, body.clone()),
        None => (StatusCode::NOT_FOUND, String::new()),
    }
}

async fn remove(
    State(counterpart): State<Arc<Counterpart>>,
    UrlPath(id): UrlPath<String>,
) -> StatusCode {
    match counterpart.ledger.lock().unwrap().resources.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let delay_ms = Arc::new(AtomicU64::new(0));
        let counterpart =
            Arc::new(Counterpart { ledger: ledger.clone(), delay_ms: delay_ms.clone() });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let api = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/v1/{id}", put(set).get(get).delete(remove))
            .with_state(counterpart);
        runtime.spawn(async move { axum::serve(listener, router).await });
        let world = Self { folder, ledger, delay_ms, api, _runtime: runtime };
        world.git(&["init", "-q", "--bare", "-b", "main", "catalog.git"]);
        world.git(&["init", "-q", "-b", "main", "work"]);
        let config = "[[catalog]]\nname = \"test\"\nurl = \"catalog.git\"\n[egress]\nallow = [\"127.0.0.1:*\"]\n";
        std::fs::write(world.path("trueline.toml"), config).unwrap();
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs git in the world's folder.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Ada",
                "-c",
                "user.email=ada@example.com",
                "-c",
                "protocol.file.allow=always",
            ])
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "git {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Writes files (an empty text removes one), commits them and pushes the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = self.path("work").join(name);
            if text.is_empty() {
                std::fs::remove_file(&path).unwrap();
                continue;
            }
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
        }
        self.git(&["-C", "work", "add", "-A"]);
        self.git(&["-C", "work", "commit", "-q", "-m", "change"]);
        self.push(&[]);
    }

    pub(crate) fn push(&self, more: &[&str]) {
        let target = self.path("catalog.git");
        let target = target.to_str().unwrap();
        self.git(&[&["-C", "work", "push", "-q"], more, &[target, "main"]].concat());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueline"));
        for name in [
            "TRUELINE_CONFIG",
            "TRUELINE_CATALOG",
            "TRUELINE_BRANCH",
            "TRUELINE_STATE",
            "TRUELINE_LOG",
        ] {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.folder.path()).env("TRUELINE_USER", "ada");
        command
    }

    /// Runs a command to its end.
    pub(crate) fn trueline(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs a command that must succeed and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.trueline(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "trueline {arguments:?}: {text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// Starts the daemon; its log goes to a file of the world.
    pub(crate) fn serve(&self) -> Daemon {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("serve.log"))
            .unwrap();
        let child = self
            .command(&[
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--poll",
                "200ms",
                "--sweep",
                "1s",
                "-v",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Daemon(child)
    }

    /// Waits until something is true; tells the log of the daemon where it never becomes so.
    pub(crate) fn eventually(&self, what: &str, mut test: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if test(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        let log = std::fs::read_to_string(self.path("serve.log")).unwrap_or_default();
        let status = self.trueline(&["status"]);
        panic!("never: {what}\n{}\n{log}", String::from_utf8_lossy(&status.stdout));
    }

    /// The plan as JSON.
    pub(crate) fn plan(&self) -> serde_json::Value {
        serde_json::from_str(&self.ok(&["plan", "-o", "json"])).unwrap()
    }

    /// Approves the newest plan once the daemon has made it.
    pub(crate) fn approve_plan(&self) {
        self.eventually("the plan to be approved", |world| {
            let plan = world.plan();
            let digest = plan["digest"].as_str().unwrap().to_owned();
            let empty = plan["changes"].as_array().is_none_or(Vec::is_empty);
            !empty && world.trueline(&["approve", &digest]).status.success()
        });
    }

    pub(crate) fn effects(&self) -> usize {
        self.ledger.lock().unwrap().effects.values().map(Vec::len).sum()
    }

    pub(crate) fn resource(&self, id: &str) -> Option<String> {
        self.ledger.lock().unwrap().resources.get(id).cloned()
    }
}

/// A running daemon; killed when the test is over.
pub(crate) struct Daemon(pub(crate) Child);

impl Daemon {
    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM; returns the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An item whose automatic block sets as many resources as named, one after the other.
pub(crate) fn chain_item(api: SocketAddr, steps: &[&str]) -> String {
    let mut text = r#"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: chain
  name: A chain of resources
  description: Sets several resources of the counterpart, one after the other, for the tests.
  version: 1.0.0
  category: tests
  owner: {team: platform, contact: platform@example.com}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: size, name: Size, type: number, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}
  automatic:
    actions:
"#
    .to_owned();
    for step in steps {
        text.push_str(&format!(
            r#"      - id: {step}
        type: rest-api
        config:
          endpoint: {{url: "http://{api}/v1/{{{{service.id}}}}-{step}", method: PUT}}
          body: {{type: json, contentTemplate: '{{"size": {{{{json fields.size}}}}}}'}}
          observe: {{url: "http://{api}/v1/{{{{service.id}}}}-{step}"}}
          delete: {{url: "http://{api}/v1/{{{{service.id}}}}-{step}"}}
        outputs: {{endpoint: /endpoint}}
"#
        ));
    }
    text.push_str(&format!(
        "outputs:\n  endpoint: {{value: \"{{{{outputs.{}.endpoint}}}}\"}}\n",
        steps.last().unwrap()
    ));
    text
}

pub(crate) fn service(id: &str, size: u32) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: {id}, team: alpha}}\ncatalogItem: chain\nfields: {{size: {size}}}\n"
    )
}

/// Checks the audit chain of a world's store.
pub(crate) fn audit_is_whole(state: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use trueline::store::{SqliteStore, Store, verify_chain};
        let store = SqliteStore::open(&state.join("trueline.db"), "test").await.unwrap();
        let entries = store.audit_after(0, 100_000).await.unwrap();
        assert!(!entries.is_empty());
        assert_eq!(verify_chain(&entries), Ok(()));
    });
}
