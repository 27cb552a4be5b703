//! `trueline demo --exit`: the whole line on this machine. It fails by itself where anything is not as told.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The binary in a folder, away from whatever is configured on this machine.
pub(crate) fn command(temporary: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueline"));
    command
        .args(arguments)
        .current_dir(temporary)
        .env("TMPDIR", temporary)
        .env("TRUELINE_USER", "tester")
        .env_remove("TRUELINE_CONFIG")
        .env_remove("TRUELINE_CATALOG")
        .env_remove("TRUELINE_BRANCH")
        .env_remove("TRUELINE_STATE")
        .env_remove("TRUELINE_LOG");
    command
}

fn demo(temporary: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(temporary, arguments).output().expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_demo_sees_everything_that_it_tells() {
    let temporary = tempfile::tempdir().expect("a folder");
    let (code, out, err) = demo(temporary.path(), &["demo", "--exit"]);
    assert_eq!(code, Some(0), "{out}\n{err}");
    for line in [
        "✓ 10 services are planned; the sandbox has seen 0 requests, the target repository 0 commits of ours",
        "decision 1 is recorded, by tester (self-declared)",
        "attempt 2, key trueline-acme-",
        "2 were refused, 1 answer was lost; each of 9 keys took effect once",
        "payments-psp-license offers contractNumber \"NW-2027-0417\"",
        "Merge proposal 1: Dashboard storefront-web-board for storefront (tester)",
        "✓ 13 units are recorded; 9 resources and 3 files are what they should be",
        "~ storageSize: 200 → 300",
        "✓ 1 run, 1 effect; what depends on the database was left alone",
        "waits for 1 approval (deleting data-lake)",
        "GET /v1/buckets/data-lake answers 404",
        "held: 7 deletions, budget 5",
        "✓ 7 deletions, a budget of 5: all 8 resources are still there",
        "! correct payments-db",
        "- value: \"203.0.113.20\"",
        "+ value: \"198.51.100.7\"",
        "GET /v1/databases/payments-db: backupRetention 35",
        "Everything above was read back",
    ] {
        assert!(out.contains(line), "`{line}` is missing in:\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "a pipe gets no colours");
    assert_eq!(err, "", "nothing went wrong");
    let left = std::fs::read_dir(temporary.path()).expect("the folder").count();
    assert_eq!(left, 0, "the demo removes its folder");
}

#[test]
fn the_demo_ends_in_order_when_nobody_reads_on() {
    let temporary = tempfile::tempdir().expect("a folder");
    let mut demo = command(temporary.path(), &["demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut first = String::new();
    let out = demo.stdout.take().expect("a pipe");
    BufReader::new(out).read_line(&mut first).expect("a line");
    let ended = demo.wait_with_output().expect("it ends by itself");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    let left = std::fs::read_dir(temporary.path()).expect("the folder").count();
    assert_eq!(left, 0, "the demo removes its folder");
}

#[test]
fn the_demo_keeps_its_folder_when_asked() {
    let temporary = tempfile::tempdir().expect("a folder");
    let (code, out, err) = demo(temporary.path(), &["demo", "--exit", "--keep"]);
    assert_eq!(code, Some(0), "{out}\n{err}");
    let kept = err.trim().strip_prefix("kept in ").expect("says where");
    for name in ["catalog.git", "target.git", "state/trueline.db", "trueline.toml"] {
        assert!(Path::new(kept).join(name).exists(), "{name}");
    }
}
