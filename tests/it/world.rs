//! A world for the tests: bare repositories made with the `git` program, a counterpart that keeps a ledger, and
//! the built binary. Its verbs read like a story.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::counterpart::Counterpart;

/// How long the world waits for something to become true: what never comes is found, what comes late is no fault.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a command may take before it is said to hang, on a machine that does much else.
const HANGS: Duration = Duration::from_mins(3);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) counterpart: Counterpart,
}

/// What a command said.
pub(crate) struct Said {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, counterpart: Counterpart::start() };
        world.git(&["init", "-q", "--bare", "-b", "main", "catalog.git"]);
        world.git(&["init", "-q", "--bare", "-b", "main", "target.git"]);
        world.git(&["init", "-q", "-b", "main", "work"]);
        world.git(&["-C", "work", "commit", "-q", "--allow-empty", "-m", "begin"]);
        world.git(&["-C", "work", "push", "-q", "../target.git", "main"]);
        let config = "[[catalog]]\nname = \"test\"\nurl = \"catalog.git\"\n[egress]\nallow = [\"127.0.0.1:*\"]\n";
        std::fs::write(world.path("trueline.toml"), config).unwrap();
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs git in the world's folder, away from whatever is configured on this machine.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_fed(arguments, b"")
    }

    /// The same with something to read.
    pub(crate) fn git_fed(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut command = Command::new("git");
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_AUTHOR_NAME", "Ada"),
            ("GIT_AUTHOR_EMAIL", "ada@example.com"),
            ("GIT_COMMITTER_NAME", "Ada"),
            ("GIT_COMMITTER_EMAIL", "ada@example.com"),
        ] {
            command.env(name, value);
        }
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(name);
        }
        let mut child = command
            .args(["-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Writes files (an empty text removes one), commits them and pushes the commit; returns its id.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
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
        self.git(&["-C", "work", "rev-parse", "HEAD"]).trim().to_owned()
    }

    pub(crate) fn push(&self, more: &[&str]) {
        self.git(&[&["-C", "work", "push", "-q"], more, &["../catalog.git", "main"]].concat());
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueline"));
        for name in ["CONFIG", "CATALOG", "BRANCH", "STATE", "LOG", "LISTEN", "SERVER", "TOKEN"] {
            command.env_remove(format!("TRUELINE_{name}"));
        }
        command.args(arguments).current_dir(self.folder.path()).env("TRUELINE_USER", "ada");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, and fails where that does not come.
    pub(crate) fn trueline(&self, arguments: &[&str]) -> Said {
        let place = tempfile::tempdir_in(self.folder.path()).unwrap();
        let (out, err) = (place.path().join("out"), place.path().join("err"));
        let mut child = self
            .command(arguments)
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let status = ended(&mut child, HANGS);
        let read =
            |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        let (out, err) = (read(&out), read(&err));
        let Some(status) = status else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("trueline {arguments:?} hangs: {out}\n{err}");
        };
        Said { status, out, err }
    }

    /// Runs a command that must succeed and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let said = self.trueline(arguments);
        assert!(said.status.success(), "trueline {arguments:?}: {}", said.all());
        said.out
    }

    /// Runs a command that must succeed and reads what it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[arguments, &["-o", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
    }

    /// Starts the daemon; its log goes to a file of the world.
    pub(crate) fn serve(&self) -> Daemon {
        self.serve_until(None)
    }

    /// The same; it ends as `kill -9` ends it where a write of runs becomes durable: `before:2`, `after:1`.
    pub(crate) fn serve_until(&self, end: Option<&str>) -> Daemon {
        self.serve_under(&[], end.map(|end| ("TRUELINE_TEST_END", end)).as_slice())
    }

    /// The same, started by another program, or with more in its environment.
    pub(crate) fn serve_under(&self, program: &[&str], environment: &[(&str, &str)]) -> Daemon {
        let log = File::options().create(true).append(true).open(self.path("serve.log")).unwrap();
        let pace = ["--poll", "200ms", "--sweep", "1s", "-v"];
        let arguments = [&["serve", "--listen", "127.0.0.1:0"][..], &pace].concat();
        let mut command = self.command(&arguments);
        if let [first, rest @ ..] = program {
            let mut under = Command::new(first);
            under.args(rest).arg(command.get_program()).args(command.get_args());
            let set = command.get_envs().map(|(name, value)| (name.to_owned(), value));
            for (name, value) in set {
                match value {
                    Some(value) => under.env(name, value),
                    None => under.env_remove(name),
                };
            }
            under.current_dir(self.folder.path()).stdin(Stdio::null());
            command = under;
        }
        command.envs(environment.iter().copied());
        Daemon(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// Waits until something is true; tells the log of the daemon where it never becomes so.
    pub(crate) fn eventually(&self, what: &str, mut test: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if test(self) {
                return;
            }
            std::thread::sleep(PAUSE);
        }
        let log = std::fs::read_to_string(self.path("serve.log")).unwrap_or_default();
        let status = self.trueline(&["status"]).all();
        panic!("never: {what}\n{status}\n{log}");
    }

    /// The plan as JSON.
    pub(crate) fn plan(&self) -> Value {
        self.json(&["plan"])
    }

    /// Where the daemon that started last answers.
    pub(crate) fn address(&self) -> String {
        let mut address = None;
        self.eventually("the daemon to serve", |world| {
            let log = std::fs::read_to_string(world.path("serve.log")).unwrap_or_default();
            let last = log.lines().rev().find_map(|line| line.split_once("on http://"));
            address = last.map(|(_, address)| address.trim().to_owned());
            address.is_some()
        });
        address.unwrap()
    }

    /// Approves the newest plan once the daemon has made it; there must be something in it.
    pub(crate) fn approve_plan(&self) {
        self.eventually("the plan to be approved", |world| {
            let plan = world.plan();
            let digest = plan["digest"].as_str().unwrap();
            has(&plan["changes"]) && world.trueline(&["approve", digest]).status.success()
        });
    }

    /// Nothing is left to be done, and nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        let plan = self.plan();
        !has(&plan["changes"]) && !has(&plan["running"])
    }

    pub(crate) fn settled(&self) {
        self.eventually("all to be settled", Self::is_settled);
    }

    pub(crate) fn resource(&self, id: &str) -> Option<String> {
        self.counterpart.ledger().resources.get(id).cloned()
    }

    /// A file of the target repository's branch.
    pub(crate) fn target_file(&self, path: &str) -> Option<String> {
        let listed = self.git(&["-C", "target.git", "ls-tree", "--name-only", "main", path]);
        let shown = || self.git(&["-C", "target.git", "show", &format!("main:{path}")]);
        (!listed.is_empty()).then(shown)
    }

    /// Checks the audit chain from its first entry on.
    pub(crate) fn audit_is_whole(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            use trueline::store::{SqliteStore, Store, verify_chain};
            let path = self.path(".trueline/trueline.db");
            let store = SqliteStore::open(&path, "test").await.unwrap();
            let entries = store.audit_after(0, 100_000).await.unwrap();
            assert_eq!(entries.first().map(|entry| entry.seq), Some(1));
            assert_eq!(verify_chain(&entries), Ok(()));
        });
    }
}

/// Tells whether a list has something in it.
pub(crate) fn has(list: &Value) -> bool {
    !list.as_array().expect("a list").is_empty()
}

/// Waits for a process to end.
pub(crate) fn ended(child: &mut Child, patience: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > until {
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A running daemon; killed when the test is over.
pub(crate) struct Daemon(pub(crate) Child);

impl Daemon {
    pub(crate) fn pid(&self) -> String {
        self.0.id().to_string()
    }

    /// `kill -9`; it must still have been there to be killed.
    pub(crate) fn kill(mut self) {
        assert_eq!(self.0.try_wait().unwrap(), None, "it ended by itself; see serve.log");
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.pid()]).status().unwrap().success());
    }

    /// SIGTERM; returns the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.terminate();
        ended(&mut self.0, PATIENCE).expect("it ends").code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
