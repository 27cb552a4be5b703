//! Proves how commits are read: reuse, limits, and trees made to do harm.

use super::super::fixture::Repo;
use super::*;

fn read(repo: &Repo, commit: &str) -> Snapshot {
    SnapshotReader::default().read(&repo.open(), commit).unwrap()
}

fn paths(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.files.keys().map(AsRef::as_ref).collect()
}

fn rules(snapshot: &Snapshot) -> Vec<String> {
    snapshot.findings.iter().map(|f| format!("{} {}", f.rule, f.place.path)).collect()
}

#[test]
fn a_commit_is_read_without_a_checkout() {
    let repo = Repo::bare();
    let commit = repo.commit_tree(&[
        ("services/a/web.yaml", "x"),
        ("services/a/README.md", "x"),
        ("trueline.yaml", "y"),
        (".github/CODEOWNERS", "* @a"),
        (".github/workflows/ci.yaml", "x"),
        ("other/z.yml", "z"),
        (".gitignore", "x"),
    ]);
    let snapshot = read(&repo, &commit);
    assert_eq!(
        paths(&snapshot),
        [".github/CODEOWNERS", "other/z.yml", "services/a/web.yaml", "trueline.yaml"]
    );
    assert_eq!(snapshot.author.as_deref(), Some("Ann <ann@team.example>"));
    assert_eq!(snapshot.findings, []);
    assert_eq!(&*snapshot.files["trueline.yaml"].bytes.get(), b"y");
}

#[test]
fn what_is_equal_is_shared_and_not_read_again() {
    let repo = Repo::bare();
    let first = repo.commit_tree(&[
        ("services/a/x.yaml", "x"),
        ("services/b/y.yaml", "y"),
        ("services/b/gone.yaml", "g"),
    ]);
    let second = repo.commit_tree(&[
        ("services/a/x.yaml", "x"),
        ("services/b/y.yaml", "new"),
        ("services/c/moved.yaml", "x"),
    ]);
    let mut reader = SnapshotReader::default();
    let one = reader.read(&repo.open(), &first).unwrap();
    assert_eq!(reader.read_blobs(), 3);
    let two = reader.read(&repo.open(), &second).unwrap();
    assert_eq!(reader.read_blobs(), 1);
    let bytes = |snapshot: &Snapshot, path: &str| snapshot.files[path].bytes.get().clone();
    assert!(Arc::ptr_eq(&bytes(&one, "services/a/x.yaml"), &bytes(&two, "services/a/x.yaml")));
    assert!(Arc::ptr_eq(&bytes(&one, "services/a/x.yaml"), &bytes(&two, "services/c/moved.yaml")));
    assert_eq!(two, read(&repo, &second));
    assert_eq!(reader.last.blobs.len(), 2);
    // Backwards, as after a force push.
    assert_eq!(reader.read(&repo.open(), &first).unwrap(), one);
    assert_eq!(reader.read(&repo.open(), &first).unwrap(), one);
    assert_eq!(reader.visited_trees(), 0);
}

#[test]
fn one_change_among_many_looks_at_few_trees() {
    let repo = Repo::bare();
    let mut files: Vec<(String, String)> = (0..10_000)
        .map(|n| (format!("services/team-{}/s{n}.yaml", n % 200), format!("id: {n}")))
        .collect();
    let commit = |files: &[(String, String)]| {
        repo.commit_tree(
            &files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>(),
        )
    };
    let first = commit(&files);
    files[4321].1 = "changed".to_owned();
    let second = commit(&files);
    let mut reader = SnapshotReader::default();
    assert_eq!(reader.read(&repo.open(), &first).unwrap().files.len(), 10_000);
    assert_eq!(reader.visited_trees(), 202);
    let snapshot = reader.read(&repo.open(), &second).unwrap();
    // Root, services and one team, before and after.
    assert_eq!((reader.visited_trees(), reader.read_blobs()), (6, 1));
    assert_eq!(&*snapshot.files[files[4321].0.as_str()].bytes.get(), b"changed");
}

#[test]
fn links_submodules_pointers_and_giants_are_findings() {
    let repo = Repo::bare();
    let blob = repo.blob("x");
    let lfs = repo.blob("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n");
    let big = repo.blob(&"x".repeat(1024 * 1024 + 1));
    let nowhere = "00000000000000000000000000000000000000ff";
    let team = repo.mktree(&[
        ("100755", "blob", &blob, "executable.yaml"),
        ("120000", "blob", &repo.blob("/etc/passwd"), "link.yaml"),
        ("160000", "commit", nowhere, "module"),
        ("100644", "blob", &lfs, "pointer.yaml"),
        ("100644", "blob", &big, "giant.yaml"),
    ]);
    let services =
        repo.mktree(&[("040000", "tree", &team, "a"), ("120000", "blob", &repo.blob("../a"), "b")]);
    let root = repo.mktree(&[
        ("040000", "tree", &services, "services"),
        ("100644", "blob", &big, "openapi.yaml"),
        ("120000", "blob", &blob, "harmless"),
        ("160000", "commit", nowhere, "vendor"),
    ]);
    let snapshot = read(&repo, &repo.commit_root(&root));
    assert_eq!(paths(&snapshot), ["services/a/executable.yaml"]);
    assert_eq!(
        rules(&snapshot),
        [
            "source/too-large services/a/giant.yaml",
            "source/symlink services/a/link.yaml",
            "source/submodule services/a/module",
            "source/lfs-pointer services/a/pointer.yaml",
            "source/symlink services/b",
        ]
    );
}

#[test]
fn hostile_names_are_refused_and_shown_escaped() {
    let repo = Repo::bare();
    let blob = repo.blob("x");
    let inner = repo.mktree(&[("100644", "blob", &blob, "x.yaml")]);
    let tree = |entries: &[(&str, &[u8])]| {
        let entries: Vec<_> = entries
            .iter()
            .map(|(mode, name)| {
                (*mode, *name, if *mode == "40000" { inner.as_str() } else { blob.as_str() })
            })
            .collect();
        repo.raw_tree(&entries)
    };
    let long = [b"l".repeat(300), b".yaml".to_vec()].concat();
    let services = tree(&[
        ("40000", b".."),
        ("40000", b".GIT"),
        ("40000", b"git~1"),
        ("100644", b"a/b.yaml"),
        ("100644", b"\x1b[2J.yaml"),
        ("100644", b"\xff.yaml"),
        ("100644", &long),
        ("40000", b"Team"),
        ("40000", b"team"),
        ("40000", b"ok"),
        ("100644", b"twice.yaml"),
        ("100644", b"twice.yaml"),
    ]);
    let root = repo.mktree(&[("040000", "tree", &services, "services")]);
    let commit = repo.commit_root(&root);
    let snapshot = read(&repo, &commit);
    assert_eq!(paths(&snapshot), ["services/ok/x.yaml"]);
    assert_eq!(snapshot.findings.len(), 11);
    assert!(snapshot.findings.iter().all(|f| f.is_error() && f.rule == "source/hostile-name"));
    assert!(snapshot.findings.iter().all(|f| !f.to_string().contains('\u{1b}')));
    // The names may mend and break again: reading on gives what reading anew gives.
    let mended = tree(&[("40000", b"Team"), ("40000", b"ok")]);
    let mended = repo.commit_root(&repo.mktree(&[("040000", "tree", &mended, "services")]));
    let mut reader = SnapshotReader::default();
    for commit in [&commit, &mended, &commit] {
        assert_eq!(reader.read(&repo.open(), commit).unwrap(), read(&repo, commit));
    }
    assert_eq!(paths(&read(&repo, &mended)), ["services/Team/x.yaml", "services/ok/x.yaml"]);
}

#[test]
fn deep_trees_end_and_trees_within_trees_are_bounded() {
    let repo = Repo::bare();
    let mut tree = repo.mktree(&[("100644", "blob", &repo.blob("x"), "x.yaml")]);
    for _ in 0..60 {
        tree = repo.mktree(&[("040000", "tree", &tree, "d")]);
    }
    let snapshot = read(&repo, &repo.commit_root(&tree));
    assert_eq!(snapshot.findings.len(), 1);
    assert_eq!(snapshot.files.len(), 0);

    let mut bomb = repo.mktree(&[("100644", "blob", &repo.blob("x"), "x.md")]);
    for _ in 0..12 {
        let names: Vec<String> = (0..16).map(|n| format!("d{n}")).collect();
        let entries: Vec<_> =
            names.iter().map(|name| ("040000", "tree", bomb.as_str(), name.as_str())).collect();
        bomb = repo.mktree(&entries);
    }
    let commit = repo.commit_root(&bomb);
    let result = SnapshotReader::default().read(&repo.open(), &commit);
    assert!(matches!(result, Err(SourceError::TooLarge { .. })));
}

#[test]
fn replace_refs_change_nothing_and_a_missing_object_is_a_fault() {
    let repo = Repo::bare();
    let commit = repo.commit_tree(&[("services/a/x.yaml", "true")]);
    let blob = repo.git(&["rev-parse", &format!("{commit}:services/a/x.yaml")], "");
    let other = repo.blob("replaced");
    repo.git(&["replace", &blob, &other], "");
    assert_eq!(&*read(&repo, &commit).files["services/a/x.yaml"].bytes.get(), b"true");

    let missing = repo.mktree(&[(
        "100644",
        "blob",
        "00000000000000000000000000000000000000ff",
        "trueline.yaml",
    )]);
    let broken = repo.commit_root(&missing);
    let mut reader = SnapshotReader::default();
    reader.read(&repo.open(), &commit).unwrap();
    assert!(matches!(reader.read(&repo.open(), &broken), Err(SourceError::Corrupt { .. })));
    assert_eq!(reader.read(&repo.open(), &commit).unwrap(), read(&repo, &commit));
}

#[test]
fn odd_commits_are_read_and_shown_safely() {
    let repo = Repo::bare();
    let tree = repo.mktree(&[("100644", "blob", &repo.blob("x"), "trueline.yaml")]);
    let text = format!(
        "tree {tree}\nauthor X\u{1b}[31m\u{7}Y <a@b> 99999999999 +9999\ncommitter A <> 0 +0000\nencoding nope\n\n{}",
        "m".repeat(1024 * 1024)
    );
    let commit = repo.git(&["hash-object", "-w", "-t", "commit", "--literally", "--stdin"], &text);
    let snapshot = read(&repo, &commit);
    assert_eq!(snapshot.author.as_deref(), Some("X\\u{1b}[31m\\u{7}Y <a@b>"));
}
