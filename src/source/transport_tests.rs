//! Proves the mirror, the push and the source against real repositories over every transport.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use git2::Oid;

use super::fixture::{Repo, write};
use super::fixture_http::serve_http;
use super::*;
use crate::secret::Secret;

fn mirror(repo: &Repo, url: &str) -> Mirror {
    mirror_with(repo, url, Program::default(), None)
}

fn mirror_with(repo: &Repo, url: &str, program: Program, token: Option<Token>) -> Mirror {
    let directory = repo.beside("state/m.git");
    Mirror::open(&directory, Location::parse(url).unwrap(), "main", program, token).unwrap()
}

#[test]
fn paths_and_file_urls_are_fetched_and_the_mirror_is_private() {
    let repo = Repo::bare();
    let first = repo.commit_tree(&[("trueline.yaml", "1")]);
    for url in [repo.url().to_owned(), format!("file://{}", repo.url())] {
        let mut mirror = mirror(&repo, &url);
        assert_eq!(mirror.fetch().unwrap(), first);
        assert_eq!(mirror.fetch().unwrap(), first);
    }
    let mode = fs::metadata(repo.beside("state/m.git")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let second = repo.commit_tree(&[("trueline.yaml", "2")]);
    let mut mirror = mirror(&repo, repo.url());
    assert_eq!(mirror.fetch().unwrap(), second);
    assert!(mirror.is_ancestor(&first, &second).unwrap());
    assert!(!mirror.is_ancestor(&second, &first).unwrap());
    assert_eq!(mirror.merge_base(&first, &second).unwrap(), Some(first));
    assert_eq!(mirror.author_of(&second).unwrap(), "Ann <ann@team.example>");
    assert!(!mirror.repository().path().join("hooks/post-update.sample").exists());
}

#[test]
fn a_rewritten_history_is_fetched_and_is_no_descendant() {
    let repo = Repo::bare();
    let first = repo.commit_tree(&[("trueline.yaml", "1")]);
    let old = repo.commit_tree(&[("trueline.yaml", "2")]);
    let mut mirror = mirror(&repo, repo.url());
    mirror.fetch().unwrap();
    let new = repo.commit_on("main", Some(&first), &[("trueline.yaml", "3")]);
    assert_eq!(mirror.fetch().unwrap(), new);
    assert!(!mirror.is_ancestor(&old, &new).unwrap());
    assert_eq!(mirror.merge_base(&old, &new).unwrap(), Some(first));
    let unrelated = repo.commit_on("main", None, &[("x", "4")]);
    assert_eq!(mirror.fetch().unwrap(), unrelated);
    assert_eq!(mirror.merge_base(&old, &unrelated).unwrap(), None);
}

#[test]
fn the_branch_wins_over_a_tag_of_its_name_and_other_refs_stay_away() {
    let repo = Repo::bare();
    let tagged = repo.commit_tree(&[("trueline.yaml", "tag")]);
    repo.git(&["tag", "main"], "");
    repo.git(&["tag", "refs/heads/main"], "");
    let head = repo.commit_tree(&[("trueline.yaml", "branch")]);
    repo.git(&["replace", &head, &tagged], "");
    repo.git(&["notes", "add", "-m", "note", &tagged], "");
    let mut mirror = mirror(&repo, repo.url());
    assert_eq!(mirror.fetch().unwrap(), head);
    let names: Vec<String> = mirror
        .repository()
        .references()
        .unwrap()
        .map(|r| r.unwrap().name().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["refs/heads/main"]);
    let snapshot = SnapshotReader::default().read(mirror.repository(), &head).unwrap();
    assert_eq!(&*snapshot.files["trueline.yaml"].bytes.get(), b"branch");
}

#[test]
fn empty_repositories_missing_branches_and_nothing_at_all_are_told_apart() {
    let repo = Repo::bare();
    let mut from = mirror(&repo, repo.url());
    assert!(matches!(from.fetch(), Err(SourceError::EmptyRepository { .. })));
    repo.commit_on("master", None, &[("x", "1")]);
    let fault = from.fetch().unwrap_err();
    assert!(fault.to_string().ends_with("has no branch `main`; it has master"), "{fault}");
    let head = repo.commit_tree(&[("x", "1")]);
    assert_eq!(from.fetch().unwrap(), head);
    repo.git(&["update-ref", "-d", "refs/heads/main"], "");
    assert!(matches!(from.fetch(), Err(SourceError::MissingBranch { .. })));
    assert_eq!(from.head().unwrap(), Some(head));
    let fault = mirror(&repo, repo.beside("nowhere").to_str().unwrap()).fetch().unwrap_err();
    assert!(matches!(fault, SourceError::NoRepository { .. }) && !fault.is_transient(), "{fault}");
    let fault = mirror(&repo, "http://127.0.0.1:1/x.git").fetch().unwrap_err();
    assert!(matches!(fault, SourceError::Unreachable { .. }), "{fault}");
    assert!(fault.is_transient());
}

#[test]
fn damaged_mirrors_and_stale_locks_mend_themselves() {
    let repo = Repo::bare();
    let head = repo.commit_tree(&[("services/a/x.yaml", "x")]);
    let state = repo.beside("state");
    let options = || Options {
        location: repo.url().to_owned(),
        branch: Some("main".to_owned()),
        state: state.clone(),
        ..Options::default()
    };
    let mut source = Source::open(options()).unwrap();
    assert_eq!(source.poll().unwrap(), head);
    let expected = source.snapshot(&head).unwrap();
    let directory = source.mirror().unwrap().repository().path().to_owned();
    let damage: [&dyn Fn(); 5] = [
        &|| fs::remove_dir_all(directory.join("objects")).unwrap(),
        &|| {
            for file in files_below(&directory.join("objects")) {
                fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
                fs::write(file, "garbage").unwrap();
            }
        },
        &|| fs::write(directory.join("refs/heads/main"), "garbage").unwrap(),
        &|| fs::write(directory.join("HEAD"), "").unwrap(),
        &|| {
            let blob = repo.git(&["rev-parse", "HEAD:services/a/x.yaml"], "");
            fs::remove_file(directory.join("objects").join(&blob[..2]).join(&blob[2..])).unwrap();
        },
    ];
    for (index, damage) in damage.into_iter().enumerate() {
        damage();
        let mut source = Source::open(options()).unwrap();
        assert_eq!(source.poll().unwrap(), head, "damage {index}");
        assert_eq!(source.snapshot(&head).unwrap(), expected, "damage {index}");
    }
    for lock in ["refs/heads/main.lock", "packed-refs.lock", "config.lock", "shallow.lock"] {
        fs::write(directory.join(lock), "").unwrap();
    }
    let next = repo.commit_tree(&[("services/a/x.yaml", "y")]);
    assert_eq!(Source::open(options()).unwrap().poll().unwrap(), next);
    assert_eq!(fs::read_dir(state.join("mirrors")).unwrap().count(), 2);
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn a_repository_that_became_unreadable_keeps_the_last_head() {
    let repo = Repo::bare();
    let head = repo.commit_tree(&[("trueline.yaml", "x")]);
    let mut from = mirror(&repo, repo.url());
    from.fetch().unwrap();
    let next = repo.commit_tree(&[("trueline.yaml", "y")]);
    let tree = repo.git(&["rev-parse", &format!("{next}^{{tree}}")], "");
    let loose = repo.path.join("objects").join(&tree[..2]).join(&tree[2..]);
    fs::remove_file(loose).unwrap();
    assert!(from.fetch().is_err());
    assert_eq!(from.head().unwrap(), Some(head.clone()));
    assert!(SnapshotReader::default().read(from.repository(), &head).is_ok());
}

#[test]
fn http_with_a_token_fetches_and_pushes() {
    let repo = Repo::bare();
    let first = repo.commit_tree(&[("a", "1")]);
    let (url, seen) = serve_http(repo.folder.path(), None);
    let mut from =
        mirror_with(&repo, &url, Program::default(), Some(Secret::new("hunter22").into()));
    assert_eq!(from.fetch().unwrap(), first);
    pushes(&repo, &mut from);
    let expected = "Basic eC1hY2Nlc3MtdG9rZW46aHVudGVyMjI=";
    assert!(seen.lock().unwrap().iter().all(|header| header == expected));
    assert!(
        !fs::read_to_string(from.repository().path().join("config")).unwrap().contains("hunter22")
    );
    assert_eq!(git::default_branch(from.location(), &Program::default(), None).unwrap(), "main");
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let repo = Repo::bare();
    repo.commit_tree(&[("a", "1")]);
    let (other, seen) = serve_http(repo.folder.path(), None);
    let (url, _) = serve_http(repo.folder.path(), Some(other));
    let fault = mirror_with(&repo, &url, Program::default(), Some(Secret::new("hunter22").into()))
        .fetch()
        .unwrap_err();
    assert!(matches!(fault, SourceError::Redirected { .. }), "{fault}");
    assert!(seen.lock().unwrap().is_empty());
    assert!(!fault.to_string().contains("hunter22"));
}

#[test]
fn ssh_runs_the_given_command_and_no_other() {
    let repo = Repo::bare();
    let first = repo.commit_tree(&[("a", "1")]);
    let shim = repo.beside("ssh-shim");
    write(
        repo.folder.path(),
        "ssh-shim",
        "#!/bin/sh\nwhile [ \"$1\" != git@forge.example ]; do shift; done\nshift\nexec sh -c \"$*\"\n",
    );
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o700)).unwrap();
    let program = Program { ssh: shim.display().to_string(), ..Program::default() };
    for url in [
        format!("ssh://git@forge.example:2222{}", repo.url()),
        format!("git@forge.example:{}", repo.url()),
    ] {
        let mut from = mirror_with(&repo, &url, program.clone(), None);
        assert_eq!(from.fetch().unwrap(), first);
    }
}

#[test]
fn a_source_can_be_handed_to_another_thread() {
    fn check<T: Send>() {}
    check::<Source>();
    check::<SnapshotReader>();
}

/// Pushes a new branch, a fast forward, and what somebody else overtook.
fn pushes(repo: &Repo, from: &mut Mirror) {
    let base = Oid::from_str(&from.fetch().unwrap()).unwrap();
    let author = Author { name: "T".into(), email: "t@x".into(), at: jiff::Timestamp::UNIX_EPOCH };
    let change = |text: &str| vec![FileChange { path: "a".into(), content: Some(text.into()) }];
    let commit =
        commit_files(from.repository(), Some(base), &change("mine"), "mine", &author).unwrap();
    let to = |branch: &str, expected| Push { commit, branch: branch.into(), expected };
    push(from, &to("topic/x", None)).unwrap();
    assert_eq!(repo.git(&["rev-parse", "refs/heads/topic/x"], ""), commit.to_string());
    push(from, &to("topic/x", None)).unwrap();
    let theirs = repo.commit_on("topic/y", Some(&base.to_string()), &[("a", "theirs")]);
    let fault = push(from, &to("topic/y", None)).unwrap_err();
    assert!(matches!(fault, SourceError::Rejected { .. }) && fault.is_transient(), "{fault}");
    let fault = push(from, &to("topic/y", Some(base))).unwrap_err();
    assert!(matches!(fault, SourceError::Rejected { .. }), "{fault}");
    assert_eq!(repo.git(&["rev-parse", "refs/heads/topic/y"], ""), theirs);
    push(from, &to("main", Some(base))).unwrap();
    assert_eq!(from.fetch().unwrap(), commit.to_string());
}

#[test]
fn pushes_over_a_path_are_compare_and_swap_and_hooks_of_the_other_side_count() {
    let repo = Repo::bare();
    repo.commit_tree(&[("a", "1")]);
    let mut from = mirror(&repo, repo.url());
    pushes(&repo, &mut from);
    let hook = repo.path.join("hooks/pre-receive");
    write(&repo.path, "hooks/pre-receive", "#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n");
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o700)).unwrap();
    let head = Oid::from_str(&from.head().unwrap().unwrap()).unwrap();
    let fault =
        push(&from, &Push { commit: head, branch: "other".into(), expected: None }).unwrap_err();
    assert!(matches!(fault, SourceError::Forbidden { .. }) && !fault.is_transient(), "{fault}");
    assert!(fault.to_string().contains("not on a Friday"), "{fault}");
    let fault =
        push(&from, &Push { commit: head, branch: "-x".into(), expected: None }).unwrap_err();
    assert!(matches!(fault, SourceError::BranchName { .. }));
}

#[test]
fn a_source_is_read_by_commits_or_by_files() {
    let repo = Repo::bare();
    let head = repo.commit_tree(&[("trueline.yaml", "1")]);
    let state = repo.beside("state");
    let work = repo.beside("work");
    let clone =
        Command::new("git").args(["clone", "--quiet"]).arg(&repo.path).arg(&work).status().unwrap();
    assert!(clone.success());
    write(&work, "trueline.yaml", "not committed");
    let open = |location: String, as_git| {
        let mut source =
            Source::open(Options { location, as_git, state: state.clone(), ..Options::default() })
                .unwrap();
        let head = source.poll().unwrap();
        let snapshot = source.snapshot(&head).unwrap();
        assert!(source.watched().is_some());
        (head, String::from_utf8_lossy(&snapshot.files["trueline.yaml"].bytes.get()).into_owned())
    };
    let work = work.display().to_string();
    assert_eq!(open(repo.url().to_owned(), false), (head.clone(), "1".to_owned()));
    assert_eq!(open(work.clone(), true), (head.clone(), "1".to_owned()));
    assert_eq!(open(format!("git+{work}"), false), (head, "1".to_owned()));
    let (commit, text) = open(work, false);
    assert!(commit.starts_with("dir:"));
    assert_eq!(text, "not committed");
    let missing = Options {
        location: repo.beside("nowhere").display().to_string(),
        state,
        ..Options::default()
    };
    assert!(Source::open(missing).is_err());
}
