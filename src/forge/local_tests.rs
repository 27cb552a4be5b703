//! Proves proposals on real repositories: opened once, shown, merged, closed, raced for.

use super::*;
use crate::forge::Asked;
use crate::source::fixture::Repo;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn new(branch: &str) -> NewProposal {
    NewProposal {
        title: format!("Change {branch}"),
        body: "Because.".to_owned(),
        author: "Ann <ann@team.example>".to_owned(),
        source_branch: branch.to_owned(),
        base_branch: "main".to_owned(),
        marker: format!("marker-{branch}"),
        at: at(0),
        asked: Asked::default(),
    }
}

/// A repository with one commit on `main` and a topic branch `topic` on top of it.
fn world() -> (Repo, LocalForge, String) {
    let repo = Repo::bare();
    let base = repo.commit_tree(&[("a", "1\n"), ("b", "1\n")]);
    repo.commit_on("topic", Some(&base), &[("a", "2\n"), ("b", "1\n")]);
    let forge = LocalForge::open_at(&format!("file://{}", repo.url())).unwrap();
    (repo, forge, base)
}

#[tokio::test]
async fn a_proposal_is_opened_once_shown_and_merged_by_a_real_merge() {
    let (repo, forge, base) = world();
    let opened = forge.open(new("topic")).await.unwrap();
    assert_eq!((opened.number, opened.state), (1, ProposalState::Open));
    assert_eq!(forge.open(new("topic")).await.unwrap(), opened);
    assert_eq!(forge.list(None).await.unwrap(), std::slice::from_ref(&opened));
    assert_eq!(forge.find_by_marker("marker-topic").await.unwrap(), Some(opened.clone()));
    assert_eq!(forge.find_by_marker("other").await.unwrap(), None);
    let diff = forge.show(1).await.unwrap().diff;
    assert!(diff.contains("\n-1\n+2\n"), "{diff}");

    // The base moves on in another file meanwhile.
    let moved = repo.commit_on("main", Some(&base), &[("a", "1\n"), ("b", "3\n")]);
    let merged = forge.merge(1, "Bob", at(9)).await.unwrap();
    let tip = repo.git(&["rev-parse", "refs/heads/main"], "");
    assert_eq!(
        (merged.state, merged.merge_commit.as_deref()),
        (ProposalState::Merged, Some(tip.as_str()))
    );
    assert_eq!(
        repo.git(&["rev-parse", "main^1", "main^2"], ""),
        format!("{moved}\n{}", opened.head)
    );
    assert_eq!(repo.git(&["show", "main:a"], "") + &repo.git(&["show", "main:b"], ""), "23");
    assert_eq!(
        repo.git(&["log", "-1", "--format=%s|%an|%ae|%ct", "main"], ""),
        "Merge proposal 1: Change topic|Bob|Bob@localhost|1700000009"
    );
    assert_eq!(forge.show(1).await.unwrap().diff, diff);
    let fault = forge.merge(1, "Bob", at(10)).await.unwrap_err();
    assert_eq!(fault.to_string(), "proposal 1 is merged already");
    assert!(matches!(forge.close(7, "Bob", at(10)).await, Err(ForgeError::Unknown { number: 7 })));
    assert_eq!(
        repo.git(&["log", "--format=%s", "refs/trueline/proposals/1/meta"], ""),
        "merge proposal 1\nopen proposal 1"
    );
    repo.git(&["fsck", "--strict"], "");
}

#[tokio::test]
async fn a_new_head_updates_the_open_proposal_and_a_settled_one_makes_room() {
    let (repo, forge, base) = world();
    let first = forge.open(new("topic")).await.unwrap();
    let head = repo.commit_on("topic", Some(&base), &[("a", "3\n"), ("b", "1\n")]);
    let second = forge.open(NewProposal { at: at(5), ..new("topic") }).await.unwrap();
    assert_eq!((second.number, &second.head, second.created_at), (1, &head, first.created_at));
    let closed = forge.close(1, "Bob", at(6)).await.unwrap();
    assert_eq!((closed.state, closed.settled_by.as_deref()), (ProposalState::Closed, Some("Bob")));
    assert_eq!(repo.git(&["rev-parse", "refs/heads/main"], ""), base);
    assert_eq!(forge.open(new("topic")).await.unwrap().number, 2);
    assert_eq!(forge.list(Some(ProposalState::Open)).await.unwrap().len(), 1);
    assert_eq!(forge.find_by_marker("marker-topic").await.unwrap().unwrap().number, 2);
}

#[tokio::test]
async fn a_conflict_names_its_paths_and_moves_nothing() {
    let (repo, forge, base) = world();
    forge.open(new("topic")).await.unwrap();
    let moved = repo.commit_on("main", Some(&base), &[("a", "other\n"), ("b", "1\n")]);
    for dry_run in [true, false] {
        let fault = forge.clone().dry_run(dry_run).merge(1, "Bob", at(1)).await.unwrap_err();
        assert_eq!(
            fault.to_string(),
            "proposal 1 conflicts with its base in a; update it and try again"
        );
        assert!(!fault.is_transient());
    }
    assert_eq!(repo.git(&["rev-parse", "refs/heads/main"], ""), moved);
    assert_eq!(forge.show(1).await.unwrap().proposal.state, ProposalState::Open);
}

#[tokio::test]
async fn a_dry_run_answers_and_writes_nothing() {
    let (repo, forge, _) = world();
    let before = repo.git(&["for-each-ref"], "");
    let dry = forge.clone().dry_run(true);
    assert_eq!(dry.open(new("topic")).await.unwrap().number, 1);
    assert_eq!(repo.git(&["for-each-ref"], ""), before);
    forge.open(new("topic")).await.unwrap();
    let before = (repo.git(&["for-each-ref"], ""), repo.git(&["count-objects"], ""));
    assert_eq!(dry.merge(1, "Bob", at(1)).await.unwrap().state, ProposalState::Merged);
    assert_eq!(dry.close(1, "Bob", at(1)).await.unwrap().state, ProposalState::Closed);
    assert_eq!((repo.git(&["for-each-ref"], ""), repo.git(&["count-objects"], "")), before);
}

#[tokio::test]
async fn what_cannot_be_proposed_is_refused() {
    let (repo, forge, base) = world();
    assert!(matches!(forge.open(new("nowhere")).await, Err(ForgeError::MissingBranch { .. })));
    repo.git(&["update-ref", "refs/heads/same", &base], "");
    assert!(matches!(forge.open(new("same")).await, Err(ForgeError::NothingToPropose { .. })));
    assert!(matches!(forge.open(new("-x")).await, Err(ForgeError::Source(_))));
    assert!(matches!(
        LocalForge::open_at("https://forge.example/x"),
        Err(ForgeError::NotLocal { .. })
    ));
    assert!(LocalForge::open_at(repo.folder.path().to_str().unwrap()).is_err());
    let garbage = repo.commit_on("x", None, &[("proposal.json", "{\"version\":9}")]);
    repo.git(&["update-ref", "refs/trueline/proposals/4/meta", &garbage], "");
    assert!(matches!(forge.show(4).await, Err(ForgeError::Unreadable { number: 4, .. })));
}

#[tokio::test]
async fn a_merge_that_somebody_else_made_is_seen() {
    let (repo, forge, base) = world();
    let opened = forge.open(new("topic")).await.unwrap();
    let tree = repo.git(&["rev-parse", "topic^{tree}"], "");
    let merge =
        repo.git(&["commit-tree", "-m", "by hand", "-p", &base, "-p", &opened.head, &tree], "");
    repo.git(&["update-ref", "refs/heads/main", &merge], "");
    let seen = forge.show(1).await.unwrap();
    assert_eq!(
        (seen.proposal.state, seen.proposal.merge_commit),
        (ProposalState::Merged, Some(merge))
    );
    assert!(seen.diff.contains("+2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_get_a_number_each_and_one_marker_one_proposal() {
    let (repo, forge, base) = world();
    for n in 0..8 {
        repo.commit_on(
            &format!("t{n}"),
            Some(&base),
            &[("a", "1\n"), ("b", "1\n"), (&format!("n{n}"), "x")],
        );
    }
    let opening: Vec<_> = (0..16)
        .map(|n| {
            let forge = forge.clone();
            tokio::spawn(
                async move { forge.open(new(&format!("t{}", n % 8))).await.unwrap().number },
            )
        })
        .collect();
    let mut numbers = Vec::new();
    for task in opening {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=8).flat_map(|n| [n, n]).collect::<Vec<_>>());
    let merging: Vec<_> = (1..=8)
        .map(|n| {
            let forge = forge.clone();
            tokio::spawn(async move { forge.merge(n, "Bob", at(1)).await.unwrap() })
        })
        .collect();
    for task in merging {
        assert_eq!(task.await.unwrap().state, ProposalState::Merged);
    }
    assert_eq!(repo.git(&["ls-tree", "--name-only", "main"], "").lines().count(), 10);
}
