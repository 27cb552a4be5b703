//! Tests of reading a directory: what is read, what is left alone, and what is not opened again.

use super::super::fixture::write;
use super::*;
use std::os::unix::fs::symlink as link;

fn paths(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files.keys().map(AsRef::as_ref).collect()
}

#[test]
fn documents_are_read_and_everything_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        "services/a/x.yaml",
        "services/a/x.yml",
        "services/a/.x.yaml.swp",
        ".git/config.yaml",
        ".trueline/a.yaml",
        ".cache/b.yaml",
        "README.md",
        ".github/CODEOWNERS",
        ".github/workflows/ci.yaml",
        "docs/guide.yaml",
    ] {
        write(folder.path(), path, "x");
    }
    let snapshot = DirectoryReader::new(folder.path()).read().unwrap();
    assert_eq!(
        paths(&snapshot),
        [".github/CODEOWNERS", "docs/guide.yaml", "services/a/x.yaml", "services/a/x.yml"]
    );
    assert_eq!(snapshot.findings, []);
    let files =
        snapshot.files.iter().map(|(path, blob)| (path.to_string(), blob.bytes.get().to_vec()));
    assert_eq!(snapshot, Snapshot::of_files(files));
}

#[test]
fn nothing_outside_is_read_and_nothing_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "canary.yaml", "canary");
    let root = folder.path();
    write(root, "services/a/ok.yaml", "x");
    write(root, "services/a/giant.yaml", &"x".repeat(1024 * 1024 + 1));
    link(outside.path(), root.join("services/b")).unwrap();
    link(outside.path().join("canary.yaml"), root.join("services/a/link.yaml")).unwrap();
    link(root, root.join("services/a/loop")).unwrap();
    std::process::Command::new("mkfifo").arg(root.join("services/a/pipe.yaml")).status().unwrap();
    let snapshot = DirectoryReader::new(root).read().unwrap();
    assert_eq!(paths(&snapshot), ["services/a/ok.yaml"]);
    let rules: Vec<_> =
        snapshot.findings.iter().map(|f| format!("{} {}", f.rule, f.place.path)).collect();
    assert_eq!(
        rules,
        [
            "source/too-large services/a/giant.yaml",
            "source/symlink services/a/link.yaml",
            "source/symlink services/a/loop",
            "source/unreadable services/a/pipe.yaml",
            "source/symlink services/b",
        ]
    );
}

#[test]
fn what_looks_as_it_did_is_not_opened_until_somebody_asks() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = ("services/a/one.yaml", "services/a/other.yaml");
    write(folder.path(), one, "1");
    write(folder.path(), other, "2");
    let mut first = DirectoryReader::new(folder.path());
    let read = first.read().unwrap();
    assert_eq!(first.opened, 2);
    let stamps = first.settled_stamps();
    let mut second = DirectoryReader::knowing(folder.path(), stamps.clone());
    let again = second.read().unwrap();
    assert_eq!((second.opened, again == read), (0, true));
    assert_eq!(&*again.files[one].bytes.get(), b"1");

    // Another file of the same size and name is another file all the same.
    write(folder.path(), "new", "3");
    fs::rename(folder.path().join("new"), folder.path().join(other)).unwrap();
    let mut third = DirectoryReader::knowing(folder.path(), stamps);
    let now = third.read().unwrap();
    assert_eq!(third.opened, 1);
    assert_eq!(&*now.files[other].bytes.get(), b"3");
    assert_eq!(&*again.files[other].bytes.get(), b"");
    assert_eq!(now.commit, DirectoryReader::new(folder.path()).read().unwrap().commit);
}

#[test]
fn a_file_that_was_just_written_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "services/a/one.yaml", "1");
    let mut reader = DirectoryReader::new(folder.path());
    reader.read().unwrap();
    assert_eq!((reader.stamps(), reader.opened()), (Stamps::default(), 1));
}

#[test]
fn unchanged_files_are_shared_and_changed_ones_read() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "services/a/x.yaml", "1");
    write(folder.path(), "services/a/y.yaml", "1");
    let mut reader = DirectoryReader::new(folder.path());
    let one = reader.read().unwrap();
    // Same length, within the same second.
    write(folder.path(), "services/a/y.yaml", "2");
    let two = reader.read().unwrap();
    let bytes = |snapshot: &Snapshot, path: &str| snapshot.files[path].bytes.get();
    assert!(Arc::ptr_eq(&bytes(&one, "services/a/x.yaml"), &bytes(&two, "services/a/x.yaml")));
    assert_eq!(&*bytes(&two, "services/a/y.yaml"), b"2");
    assert_ne!(one.commit, two.commit);
    fs::remove_dir_all(folder.path().join("services")).unwrap();
    assert_eq!(reader.read().unwrap().files.len(), 0);
    assert!(DirectoryReader::new("/nowhere/at/all").read().is_err());
}
