//! Calls that make no sense, and folders that are no catalog: the exit code says so, and one line says why.

use std::os::unix::fs::symlink;

use crate::desk::{Desk, SERVICE};

#[test]
fn a_call_that_makes_no_sense_ends_with_two_and_a_reason() {
    let desk = Desk::new();
    desk.run("", "mkdir", &["plain"]).fine();
    desk.run("plain", "trueline", &["init", "."]).fine();
    for (folder, line, why) in [
        ("work", &["validate", "--no-such-flag"][..], "--no-such-flag"),
        ("work", &["validate", "--format", "pdf"], "pdf"),
        ("work", &["validate", "--fail-on", "bad"], "bad"),
        ("work", &["validate", "nowhere"], "there is nothing at nowhere"),
        ("work", &["validate", "-"], "there is nothing at -"),
        ("work", &["validate", "--base", "nowhere"], "there is no revision `nowhere`"),
        ("work", &["plan", "--base", "nowhere"], "there is no revision `nowhere`"),
        ("plain", &["plan", "--base", "main"], "none stands there or in a folder above"),
        ("work", &["validate", "--output-file", "no/such/folder", "."], "cannot write the report"),
        ("plain", &["validate", "--staged"], "none stands there or in a folder above"),
    ] {
        let ended = desk.run(folder, "trueline", line);
        assert_eq!(ended.code, Some(2), "{line:?}: {}", ended.said);
        assert!(ended.said.starts_with("error: "), "{line:?}: {}", ended.said);
        assert!(ended.said.lines().next().unwrap().contains(why), "{line:?}: {}", ended.said);
        assert!(!ended.said.contains("panicked"), "{}", ended.said);
    }
    desk.run("", "mkdir", &["empty"]).fine();
    let ended = desk.run("empty", "trueline", &["validate"]);
    assert_eq!(ended.code, Some(3), "{}", ended.said);
}

#[test]
fn links_in_a_ring_and_files_without_end_are_told() {
    let desk = Desk::new();
    let services = desk.path("work/services/platform");
    symlink(&services, services.join("again")).unwrap();
    symlink("ring.yaml", services.join("ring.yaml")).unwrap();
    desk.write("services/platform/large.yaml", &"# 0123456789\n".repeat(800_000));
    desk.trueline(&["validate"]).refused(&[
        "services/platform/again:1:1: error source/symlink",
        "services/platform/ring.yaml:1:1: error source/symlink",
        "services/platform/large.yaml:1:1: error source/too-large",
    ]);
    // One file of it can be asked about by itself.
    desk.trueline(&["validate", SERVICE]).fine();
}
