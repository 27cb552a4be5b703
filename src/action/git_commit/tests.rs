//! Proves commits on real repositories: done once, never over others, taken away again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::GitCommit;
use crate::action::testing::{call, ports};
use crate::action::{Action as _, Call, Outcome, Ports};
use crate::digest::Digest;
use crate::id::RunId;
use crate::reconcile::{Observation, StepRecord};
use crate::run::{Fault, FaultClass};
use crate::source::fixture::Repo;

/// A target repository, and the state of one process.
pub(super) struct World {
    pub(super) repo: Repo,
    state: TempDir,
}

impl World {
    /// A repository with one commit, in which the file `README` stands.
    pub(super) fn new() -> Self {
        let world = Self::empty();
        world.repo.commit_tree(&[("README", "hello\n")]);
        world
    }

    pub(super) fn empty() -> Self {
        Self { repo: Repo::bare(), state: tempfile::tempdir().unwrap() }
    }

    pub(super) fn ports(&self) -> Ports {
        Ports { state_dir: self.state.path().to_owned(), ..ports() }
    }

    /// A call that wants these files.
    pub(super) fn call(&self, files: &[(&str, &str)]) -> Call {
        let files = files.iter().map(|(path, text)| json!({"path": path, "contentTemplate": text}));
        call(json!({
            "repository": self.repo.url(),
            "files": files.collect::<Vec<_>>(),
            "commitMessage": "dns: add a record",
        }))
    }

    pub(super) async fn perform(&self, call: &Call) -> Result<Outcome, Fault> {
        GitCommit.perform(&self.ports(), call).await
    }

    /// Performs, and returns the result with what is kept of it.
    pub(super) async fn done(&self, call: &Call) -> Value {
        result(self.perform(call).await)
    }

    pub(super) async fn undo(&self, call: &Call) -> Result<Outcome, Fault> {
        GitCommit.undo(&self.ports(), call).await
    }

    pub(super) async fn observe(&self, call: &Call) -> Observation {
        GitCommit.observe(&self.ports(), call).await.unwrap()
    }

    /// Lists the files of `main`, each with its text.
    pub(super) fn files(&self) -> String {
        let names = self.repo.git(&["ls-tree", "-r", "--name-only", "main"], "");
        let shown = names.lines().map(|name| {
            format!("{name}={}", self.repo.git(&["show", &format!("main:{name}")], ""))
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    pub(super) fn commits(&self) -> String {
        self.repo.git(&["rev-list", "--count", "main"], "")
    }

    /// Commits exactly these files on `main`, as somebody else.
    pub(super) fn somebody_commits(&self, files: &[(&str, &str)]) -> String {
        self.repo.commit_tree(files)
    }

    fn hook(&self, name: &str, text: &str) {
        let path = self.repo.path.join("hooks").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

pub(super) fn result(outcome: Result<Outcome, Fault>) -> Value {
    match outcome {
        Ok(Outcome::Done { result, .. }) => result,
        other => panic!("not done: {other:?}"),
    }
}

/// A later call of the same step, which remembers what the earlier one left behind.
pub(super) fn after(mut call: Call, sent: &Call, result: Value, effect: u64) -> Call {
    call.key = format!("{}-{effect}", call.marker);
    call.previous = Some(StepRecord {
        action: "git-commit".to_owned(),
        digest: Digest::of_bytes(b""),
        sent: sent.config.clone(),
        result,
        outputs: Map::new(),
        run: RunId("run-1".to_owned()),
        at: Timestamp::UNIX_EPOCH,
    });
    call
}

/// The call by which the engine undoes what a step left behind.
pub(super) fn undoing(call: &Call, result: Value) -> Call {
    let mut undo = after(call.clone(), call, result, 1);
    undo.marker += ".undo";
    undo.key = format!("{}-2", undo.marker);
    undo
}

#[tokio::test]
async fn files_are_committed_once_with_trailers() {
    let world = World::new();
    let mut call = world.call(&[("dns/a.yaml", "a: 1\n"), ("dns/b.yaml", "b: hunter22\n")]);
    call.config["commitMessage"] = json!("dns: add hunter22\n\nBecause.\u{0}");
    call.outputs = [("where".to_owned(), "/files/0/path".to_owned())].into();
    let Ok(Outcome::Done { result, outputs }) = world.perform(&call).await else { panic!() };
    let head = world.repo.git(&["rev-parse", "main"], "");
    assert_eq!(
        (&outputs["commit"], &outputs["branch"], &outputs["where"], outputs.len()),
        (&json!(head), &json!("main"), &json!("dns/a.yaml"), 3)
    );
    let blob = world.repo.git(&["rev-parse", "main:dns/a.yaml"], "");
    let sha256 = Digest::of_bytes(b"a: 1\n");
    assert_eq!(result["files"][0], json!({"path": "dns/a.yaml", "blob": blob, "sha256": sha256}));
    assert_eq!(
        world.repo.git(&["log", "-1", "--format=%an <%ae>%n%B", "main"], ""),
        "Trueline <trueline@localhost>\ndns: add (sensitive)\n\nBecause.\n\nTrueline-Service: payments-db\nTrueline-Run: run-1\nTrueline-Key: trueline-demo-u1-provision-1"
    );
    assert_eq!(world.files(), "README=hello dns/a.yaml=a: 1 dns/b.yaml=b: hunter22");

    // The answer was lost: the same call again, also after others went on, names the same commit.
    assert_eq!(world.done(&call).await, result);
    world.somebody_commits(&[
        ("README", "new\n"),
        ("dns/a.yaml", "a: 1\n"),
        ("dns/b.yaml", "b: hunter22\n"),
    ]);
    assert_eq!(world.done(&call).await["commit"], json!(head));
    let later = after(call.clone(), &call, result.clone(), 2);
    assert_eq!(world.done(&later).await, result);
    assert_eq!(world.commits(), "3");
    world.repo.git(&["fsck", "--strict"], "");
}

#[tokio::test]
async fn an_empty_repository_gets_its_first_commit() {
    let world = World::empty();
    let call = world.call(&[("a/b", "1\n")]);
    let first = world.done(&call).await;
    assert_eq!(world.done(&call).await, first);
    assert_eq!((world.files(), world.commits()), ("a/b=1".to_owned(), "1".to_owned()));

    let world = World::empty();
    let mut call = world.call(&[]);
    call.config["files"] = json!([{"path": "a", "operation": "delete"}]);
    assert_eq!(world.done(&call).await["commit"], Value::Null);
    assert!(world.repo.try_git(&["rev-parse", "--verify", "main"], b"").is_err());
}

#[tokio::test]
async fn a_branch_that_is_missing_is_not_made_up() {
    let world = World::new();
    let mut call = world.call(&[("a", "1\n")]);
    call.config["branch"] = json!("mian");
    let fault = world.perform(&call).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    assert!(fault.message.ends_with("has no branch `mian`; it has main"), "{fault}");
}

#[tokio::test]
async fn files_that_are_no_longer_wanted_go_unless_somebody_changed_them() {
    let world = World::new();
    let first = world.call(&[("a", "1\n"), ("b", "1\n"), ("c", "1\n")]);
    let left = world.done(&first).await;
    world.somebody_commits(&[("README", ""), ("a", "1\n"), ("b", "mine\n"), ("c", "1\n")]);
    let mut second = after(world.call(&[("a", "2\n"), ("README", "")]), &first, left, 2);
    second.config["files"][1]["operation"] = json!("delete");
    let result = world.done(&second).await;
    assert_eq!(world.files(), "a=2 b=mine");
    assert_eq!(
        result["left"],
        json!([{"path": "b", "why": "somebody changed it since it was written"}])
    );
    assert_eq!(world.done(&second).await["commit"], result["commit"]);
    assert_eq!(world.commits(), "4");
}

#[tokio::test]
async fn a_file_may_become_a_folder_and_the_other_way_round() {
    let world = World::new();
    let first = world.call(&[("a", "1\n"), ("b/c/d", "1\n")]);
    let left = world.done(&first).await;
    let second = after(world.call(&[("a/x", "2\n"), ("b", "2\n")]), &first, left, 2);
    let result = world.done(&second).await;
    assert_eq!(world.files(), "README=hello a/x=2 b=2");
    assert_eq!(world.done(&second).await, result);
    assert_eq!(world.commits(), "3");
    // A folder of somebody else stays.
    let fault = world.perform(&world.call(&[("a", "1\n")])).await.unwrap_err();
    assert_eq!(fault.message, "path `a` cannot be written: a directory stands there");
}

#[tokio::test]
async fn files_follow_to_another_repository() {
    let (world, other) = (World::new(), World::new());
    let first = world.call(&[("a", "1\n"), ("b", "1\n")]);
    let left = world.done(&first).await;
    let moved = after(other.call(&[("a", "1\n")]), &first, left, 2);
    let result = world.done(&moved).await;
    assert_eq!((world.files(), other.files()), ("README=hello".into(), "README=hello a=1".into()));
    assert_eq!((result.get("left"), world.done(&moved).await), (None, result.clone()));
    assert_eq!((world.commits(), other.commits()), ("3".to_owned(), "2".to_owned()));

    // Where the old repository is gone, what stood there is left.
    let back = after(world.call(&[("a", "1\n")]), &moved, result, 3);
    fs::remove_dir_all(&other.repo.path).unwrap();
    let result = world.done(&back).await;
    assert_eq!(result["left"][0]["path"], "a");
    assert_eq!(world.files(), "README=hello a=1");
}

#[tokio::test]
async fn somebody_who_is_faster_is_kept() {
    let world = World::new();
    let base = world.repo.git(&["rev-parse", "main"], "");
    let theirs = world.repo.commit_on("theirs", Some(&base), &[("README", "theirs\n")]);
    world.hook(
        "pre-receive",
        &format!(
            "test -e once && exit 0; touch once; unset GIT_QUARANTINE_PATH\nexec git update-ref refs/heads/main {theirs}"
        ),
    );
    let result = world.done(&world.call(&[("a", "1\n")])).await;
    assert!(world.repo.path.join("once").exists());
    assert_eq!(world.files(), "README=theirs a=1");
    assert_eq!(world.repo.git(&["rev-parse", "main^"], ""), theirs);
    assert_eq!(result["commit"], json!(world.repo.git(&["rev-parse", "main"], "")));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_steps_and_two_processes_share_a_repository() {
    let world = World::new();
    let second = tempfile::tempdir().unwrap();
    let tasks = (0..8).map(|number| {
        let mut call = world.call(&[(&format!("dir/{number}"), "1\n")]);
        call.key = format!("{}-{number}", call.key);
        let mut ports = world.ports();
        if number % 2 == 0 {
            second.path().clone_into(&mut ports.state_dir);
        }
        tokio::spawn(async move {
            loop {
                match GitCommit.perform(&ports, &call).await {
                    Err(fault) if fault.class == FaultClass::Transient => {}
                    outcome => return result(outcome)["commit"].clone(),
                }
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut commits = std::collections::BTreeSet::new();
    for task in tasks {
        commits.insert(task.await.unwrap().to_string());
    }
    assert_eq!((commits.len(), world.commits()), (8, "9".to_owned()));
    assert_eq!(world.repo.git(&["ls-tree", "main:dir"], "").lines().count(), 8);
}

#[tokio::test]
async fn an_attempt_that_nobody_waits_for_any_more_is_not_raced() {
    let world = World::new();
    let call = world.call(&[("a", "1\n")]);
    let cut = tokio::time::timeout(Duration::ZERO, world.perform(&call)).await;
    assert!(cut.is_err());
    world.done(&call).await;
    assert_eq!(world.commits(), "2");
}

#[tokio::test]
async fn a_rule_against_the_push_is_final() {
    let world = World::new();
    world.hook("update", "echo 'main is protected, hunter22' >&2; exit 1");
    let fault = world.perform(&world.call(&[("a", "1\n")])).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    assert!(fault.message.contains("main is protected, (sensitive)"), "{fault}");
    assert_eq!(world.commits(), "1");
}

#[tokio::test]
async fn what_cannot_be_reached_may_come_back() {
    let world = World::new();
    let mut call = world.call(&[("a", "1\n")]);
    call.config["repository"] = json!("http://127.0.0.1:9/x.git");
    assert_eq!(world.perform(&call).await.unwrap_err().class, FaultClass::Transient);
    call.config["repository"] = json!(world.repo.beside("nowhere.git"));
    assert_eq!(world.perform(&call).await.unwrap_err().class, FaultClass::Terminal);
}

#[tokio::test]
async fn a_hostile_config_is_refused_before_anything_is_touched() {
    let world = World::new();
    let check = async |change: &dyn Fn(&mut Value)| {
        let mut call = world.call(&[("a", "1\n")]);
        change(&mut call.config);
        let fault = world.perform(&call).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Terminal, "{}: {fault}", call.config);
        assert!(!fault.message.contains("hunter22"), "{fault}");
    };
    let long = "x/".repeat(40) + "x";
    let hostile = ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", ".git/config"];
    let more = ["a/.GIT/hooks/x", "git~1/x", "a\nb", "a\\b", "a\u{202e}b", "hunter22", &long];
    for path in hostile.into_iter().chain(more) {
        for operation in ["write", "delete"] {
            check(&|config| {
                config["files"][0]["path"] = json!(path);
                config["files"][0]["operation"] = json!(operation);
            })
            .await;
        }
    }
    for repository in
        ["acme/dns", "./x", "", "ext::sh -c true", "-x", "https://u:p@h/x", "/srv/hunter22.git"]
    {
        check(&|config| config["repository"] = json!(repository)).await;
    }
    for branch in ["", "-x", "a..b", "refs/heads/"] {
        check(&|config| config["branch"] = json!(branch)).await;
    }
    let file = json!({"path": "a", "contentTemplate": ""});
    check(&|config| config["files"] = json!([file, file])).await;
    check(&|config| config["files"] = json!([file, {"path": "a/b", "contentTemplate": ""}])).await;
    check(&|config| config["files"] = json!([{"path": "a"}])).await;
    let many = |n: usize| json!({"path": format!("f/{n}"), "contentTemplate": ""});
    check(&|config| config["files"] = (0..201).map(many).collect()).await;
    let large = "x".repeat((1 << 20) + 1);
    check(&|config| config["files"][0]["contentTemplate"] = json!(large)).await;
    let unknown = crate::template::unknown("outputs.x.y");
    check(&|config| config["files"][0]["contentTemplate"] = json!(unknown)).await;
    check(&|config| *config = Value::Null).await;
    assert_eq!(world.commits(), "1");
}

#[tokio::test]
async fn links_and_directories_are_not_written_through() {
    let world = World::new();
    let link = world.repo.blob("../outside");
    let tree = world.repo.mktree(&[("120000", "blob", &link, "link")]);
    world.repo.commit_root(&tree);
    for path in ["link", "link/x"] {
        let fault = world.perform(&world.call(&[(path, "x")])).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Terminal, "{path}: {fault}");
    }
}

#[tokio::test]
async fn a_damaged_mirror_is_made_again() {
    let world = World::new();
    world.done(&world.call(&[("a", "1\n")])).await;
    world.somebody_commits(&[("a", "2\n")]);
    let targets = world.ports().state_dir.join("targets");
    let mirror = fs::read_dir(targets).unwrap().flatten().map(|entry| entry.path());
    let mirror = { mirror }.find(|path| path.is_dir()).unwrap();
    ruin(&mirror.join("objects"));
    world.done(&world.call(&[("a", "3\n")])).await;
    assert_eq!(world.files(), "a=3");
}

fn ruin(folder: &Path) {
    fs::remove_dir_all(folder).unwrap();
    fs::create_dir(folder).unwrap();
}
