//! Tests of repositories as hooks and CI jobs see them, made with the real program `git`.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::changed::ChangeKind;
use super::super::fixture::{Repo, write};
use super::*;

/// A repository with a working directory.
struct Work(tempfile::TempDir);

impl Work {
    fn new() -> Self {
        let work = Self(tempfile::tempdir().unwrap());
        work.git(&["init", "--quiet", "--initial-branch=main"]);
        work
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@team.example"])
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        files.iter().for_each(|(path, text)| write(self.path(), path, text));
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn open(&self) -> Repository {
        Repository::open_with(self.path(), &Variables::default()).unwrap()
    }
}

fn shown(snapshot: &Snapshot) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    snapshot
        .files
        .iter()
        .map(|(path, blob)| format!("{path}={}", text(&blob.bytes.get())))
        .collect()
}

#[test]
fn revisions_are_named_by_the_rules_of_git() {
    let work = Work::new();
    let first = work.commit(&[("a.yaml", "1")]);
    let second = work.commit(&[("a.yaml", "2")]);
    work.git(&["tag", "--annotate", "--message=x", "v1", &first]);
    work.git(&["update-ref", "refs/remotes/origin/main", &first]);
    let repository = work.open();
    for (name, expected) in [
        ("HEAD", &second),
        ("main", &second),
        ("HEAD~1", &first),
        ("HEAD^", &first),
        ("v1", &first),
        ("origin/main", &first),
        ("refs/heads/main", &second),
        (&second[..10], &second),
        (&first, &first),
    ] {
        assert_eq!(&repository.commit(name).unwrap(), expected, "{name}");
    }
    for unknown in ["", "-x", "--all", "nowhere", "HEAD~9", "main..HEAD", "HEAD:a.yaml", "a\0b"] {
        let found = repository.commit(unknown);
        assert!(matches!(found, Err(SourceError::Gone { .. })), "{unknown:?} {found:?}");
    }
}

#[test]
fn what_is_staged_is_read_from_the_index_and_leaves_nothing_behind() {
    let work = Work::new();
    let repository = &mut work.open();
    assert_eq!(repository.head().unwrap(), None);
    assert_eq!(shown(&repository.staged().unwrap()), Vec::<String>::new());

    work.commit(&[("a.yaml", "1"), ("b.yaml", "1"), ("services/t/x.yaml", "1")]);
    write(work.path(), "a.yaml", "staged");
    work.git(&["add", "a.yaml"]);
    write(work.path(), "a.yaml", "only in the directory");
    write(work.path(), "new.yaml", "only in the directory");
    write(work.path(), "announced.yaml", "x");
    work.git(&["add", "--intent-to-add", "announced.yaml"]);
    work.git(&["rm", "--quiet", "--cached", "b.yaml"]);
    let objects = || work.git(&["count-objects"]);
    let before = objects();
    let staged = repository.staged().unwrap();
    assert_eq!(shown(&staged), ["a.yaml=staged", "services/t/x.yaml=1"]);
    assert!(staged.commit.starts_with("index:"), "{}", staged.commit);
    assert_eq!((staged.findings, objects()), (vec![], before));
}

#[test]
fn what_a_snapshot_refuses_is_refused_when_staged() {
    let work = Work::new();
    std::os::unix::fs::symlink("/etc/passwd", work.path().join("trueline.yaml")).unwrap();
    write(work.path(), "services/t/big.yaml", &"x".repeat(1024 * 1024 + 1));
    work.git(&["add", "--all"]);
    let rules: Vec<_> =
        work.open().staged().unwrap().findings.iter().map(|finding| finding.rule.clone()).collect();
    assert_eq!(rules, ["source/too-large", "source/symlink"]);
}

#[test]
fn a_conflict_is_told() {
    let work = Work::new();
    let path = "services/t/x.yaml";
    work.commit(&[(path, "1"), ("notes.txt", "1")]);
    work.git(&["branch", "other"]);
    work.commit(&[(path, "2"), ("notes.txt", "2")]);
    work.git(&["switch", "--quiet", "other"]);
    work.commit(&[(path, "3"), ("notes.txt", "3")]);
    let merge = ["-c", "user.name=A", "-c", "user.email=a@b", "merge", "--quiet", "main"];
    Command::new("git").args(merge).current_dir(work.path()).output().unwrap();
    let staged = work.open().staged().unwrap();
    let found: Vec<_> = staged.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "services/t/x.yaml:1:1: error source/unreadable a conflict of a merge is not resolved here (write what it should be, then `git add` it; until then it counts as unknown)"
        ]
    );
    assert_eq!(shown(&staged), Vec::<String>::new());
}

#[test]
fn the_index_that_git_names_is_the_one_that_is_read() {
    let work = Work::new();
    work.commit(&[("a.yaml", "1")]);
    write(work.path(), "a.yaml", "2");
    let other = work.path().join(".git/next-index");
    std::fs::copy(work.path().join(".git/index"), &other).unwrap();
    work.git(&["add", "a.yaml"]);
    for (index, expected) in [(".git/index", "a.yaml=2"), (".git/next-index", "a.yaml=1")] {
        for index in [PathBuf::from(index), work.path().join(index)] {
            let variables = Variables { index: Some(index), ..Variables::default() };
            let mut repository = Repository::open_with(work.path(), &variables).unwrap();
            assert_eq!(shown(&repository.staged().unwrap()), [expected]);
        }
    }
}

#[test]
fn a_catalog_may_be_a_folder_and_stand_in_a_linked_work_tree() {
    let work = Work::new();
    let one = work.commit(&[("sub/dir/services/t/x.yaml", "1"), ("other.yaml", "1")]);
    let two = work.commit(&[("sub/dir/services/t/x.yaml", "2"), ("other.yaml", "2")]);
    let linked = tempfile::tempdir().unwrap();
    let tree = linked.path().join("tree");
    work.git(&["worktree", "add", "--quiet", "--detach", tree.to_str().unwrap(), &one]);
    std::fs::remove_dir_all(tree.join("sub")).unwrap();
    let git_dir = work.path().join(".git/worktrees/tree");
    let hook = Variables { directory: Some(git_dir), ..Variables::default() };
    let none = Variables::default();
    for (path, variables, head) in [
        (work.path().join("sub/dir"), &none, &two),
        (work.path().join("sub/./dir/"), &none, &two),
        (tree.join("sub/dir"), &none, &one),
        (tree.join("sub/dir"), &hook, &one),
    ] {
        let mut repository = Repository::open_with(&path, variables).unwrap();
        assert_eq!(repository.folder(), "sub/dir");
        assert_eq!(repository.head().unwrap().as_ref(), Some(head));
        let text = if *head == one { "1" } else { "2" };
        assert_eq!(shown(&repository.staged().unwrap()), [format!("services/t/x.yaml={text}")]);
        assert_eq!(shown(&repository.snapshot(&one).unwrap()), ["services/t/x.yaml=1"]);
        let changed = repository.changed_paths(&one, &two).unwrap();
        let changed: Vec<_> = changed.iter().map(|one| (one.path.as_str(), one.kind)).collect();
        assert_eq!(changed, [("services/t/x.yaml", ChangeKind::Modified)]);
    }
    let nowhere = Repository::open_with(&work.path().join("no"), &none).unwrap();
    assert_eq!((nowhere.folder(), nowhere.is_bare()), ("no", false));
}

#[test]
fn a_rename_counts_for_both_paths() {
    let work = Work::new();
    let one = work.commit(&[("services/a/x.yaml", "1")]);
    work.git(&["mv", "services/a", "services/b"]);
    let two = work.commit(&[]);
    let changed = work.open().changed_paths(&one, &two).unwrap();
    let changed: Vec<_> = changed.iter().map(|one| (one.path.as_str(), one.kind)).collect();
    assert_eq!(
        changed,
        [("services/a/x.yaml", ChangeKind::Removed), ("services/b/x.yaml", ChangeKind::Added)]
    );
}

#[test]
fn a_bare_repository_is_read_with_the_objects_of_a_quarantine() {
    let repo = Repo::bare();
    repo.commit_tree(&[("sub/services/t/x.yaml", "1")]);
    let quarantine = repo.beside("quarantine");
    std::fs::create_dir_all(&quarantine).unwrap();
    let objects = repo.path.join("objects");
    let pushed = Command::new("git")
        .args(["commit-tree", "-m", "pushed", "-p", "main", "main^{tree}"])
        .current_dir(&repo.path)
        .env("GIT_OBJECT_DIRECTORY", &quarantine)
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects)
        .envs([("GIT_AUTHOR_NAME", "Ann"), ("GIT_AUTHOR_EMAIL", "ann@team.example")])
        .envs([("GIT_COMMITTER_NAME", "Ann"), ("GIT_COMMITTER_EMAIL", "ann@team.example")])
        .output()
        .unwrap();
    let pushed = String::from_utf8(pushed.stdout).unwrap().trim().to_owned();
    let plain = Repository::open_with(&repo.path.join("sub"), &Variables::default()).unwrap();
    assert_eq!((plain.folder(), plain.is_bare()), ("sub", true));
    assert!(plain.commit(&pushed).is_err());
    let variables = Variables {
        directory: Some(repo.path.clone()),
        objects: vec![quarantine, objects],
        ..Variables::default()
    };
    for path in [Path::new("sub"), &repo.path.join("sub")] {
        let mut hook = Repository::open_with(path, &variables).unwrap();
        assert_eq!(hook.folder(), "sub");
        let found = hook.commit(&pushed).unwrap();
        assert_eq!(shown(&hook.snapshot(&found).unwrap()), ["services/t/x.yaml=1"]);
        assert_eq!(
            hook.merge_base(&pushed, &hook.commit("main").unwrap()).unwrap(),
            hook.head().unwrap()
        );
        assert!(matches!(hook.staged(), Err(SourceError::NoRepository { .. })));
    }
}

#[test]
fn histories_that_share_nothing_have_no_base() {
    let work = Work::new();
    let one = work.commit(&[("a.yaml", "1")]);
    work.git(&["switch", "--quiet", "--orphan", "other"]);
    let other = work.commit(&[("b.yaml", "1")]);
    assert_eq!(work.open().merge_base(&one, &other).unwrap(), None);
    let folder = tempfile::tempdir().unwrap();
    let none = Repository::open_with(folder.path(), &Variables::default());
    assert!(matches!(none, Err(SourceError::NoRepository { .. })), "{none:?}");
}
