//! Proves reviews, comments and checks on real repositories: kept, told apart, said once.

use super::*;
use crate::forge::{Asked, CheckState, ForgeWrite, NewProposal};
use crate::source::fixture::Repo;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

async fn world() -> (Repo, LocalForge, String) {
    let repo = Repo::bare();
    let base = repo.commit_tree(&[("a", "1\n")]);
    repo.commit_on("topic", Some(&base), &[("a", "2\n")]);
    let forge = LocalForge::open_at(repo.url()).unwrap();
    let new = NewProposal {
        title: "Change a".to_owned(),
        body: String::new(),
        author: "bob".to_owned(),
        source_branch: "topic".to_owned(),
        base_branch: "main".to_owned(),
        marker: "m".to_owned(),
        at: at(0),
        asked: Asked::default(),
    };
    forge.open(new).await.unwrap();
    (repo, forge, base)
}

fn logins(people: &[Person]) -> Vec<&str> {
    people.iter().map(|person| person.login.as_str()).collect()
}

#[tokio::test]
async fn an_opinion_is_of_the_head_that_was_there() {
    let (repo, forge, base) = world().await;
    let first = forge.review_of(1).await.unwrap();
    assert_eq!(logins(&first.authors), ["Ann", "ann", "ann@team.example", "bob"]);
    assert!(!first.has_unknown_author && !forge.is_authenticated());
    forge.give_opinion(1, ("eve", Opinion::Approved), at(1)).await.unwrap();
    let pushed = repo.commit_on("topic", Some(&base), &[("a", "3\n")]);
    let second = forge.review_of(1).await.unwrap();
    assert_eq!((&second.proposal.head, second.head_ref.as_str()), (&pushed, "refs/heads/topic"));
    let reviews = forge.reviews(1).await.unwrap();
    assert_eq!((&reviews[0].head, reviews[0].opinion), (&first.proposal.head, Opinion::Approved));
    // What is merged is what was pushed last, and nobody can speak about it afterwards.
    let merged = forge.merge(1, "eve", at(2)).await.unwrap();
    assert_eq!(repo.git(&["show", "main:a"], ""), "3");
    let settled = forge.give_opinion(1, ("eve", Opinion::Approved), at(3)).await;
    assert!(matches!(settled, Err(ForgeError::Settled { .. })));
    let merge = merged.merge_commit.unwrap();
    let landed = forge.landed_by(&merge).await.unwrap();
    assert_eq!((landed.len(), &landed[0].proposal.head), (1, &pushed));
    assert_eq!(forge.landed_by(&pushed).await.unwrap().len(), 1);
    assert!(forge.landed_by(&base).await.unwrap().is_empty());
    let direct = repo.commit_tree(&[("a", "4\n")]);
    assert!(forge.landed_by(&direct).await.unwrap().is_empty());
    repo.git(&["fsck", "--strict"], "");
}

#[tokio::test]
async fn what_is_said_again_changes_nothing() {
    let (repo, forge, _) = world().await;
    assert_eq!(forge.say(1, ("eve", "/trueline help"), at(1)).await.unwrap(), 1);
    forge.acknowledge(1, 1).await.unwrap();
    forge.put_comment(1, "plan", Some("one"), at(2)).await.unwrap();
    let head = forge.review_of(1).await.unwrap().proposal.head;
    let check = Check {
        name: "trueline/plan".to_owned(),
        head: head.clone(),
        state: CheckState::Success,
        title: "nothing".to_owned(),
        summary: String::new(),
        annotations: Vec::new(),
        link: None,
    };
    forge.put_check(&check).await.unwrap();
    let labels = ["trueline/plan".to_owned()];
    forge.ask(1, &["@eve".to_owned(), "@Dan".to_owned()], &labels).await.unwrap();
    let refs = repo.git(&["for-each-ref"], "");
    forge.acknowledge(1, 1).await.unwrap();
    forge.put_comment(1, "plan", Some("one"), at(9)).await.unwrap();
    forge.put_check(&check).await.unwrap();
    forge.ask(1, &["@dan".to_owned()], &labels).await.unwrap();
    assert_eq!(repo.git(&["for-each-ref"], ""), refs);

    forge.put_comment(1, "plan", Some("two"), at(10)).await.unwrap();
    let comments = forge.comments(1).await.unwrap();
    let said: Vec<_> =
        comments.iter().map(|one| (one.id, one.by.login.as_str(), one.body.as_str())).collect();
    assert_eq!(said, [(1, "eve", "/trueline help"), (2, "Trueline", "two")]);
    forge.put_comment(1, "plan", None, at(11)).await.unwrap();
    assert_eq!(forge.comments(1).await.unwrap().len(), 1);
    forge.put_check(&Check { state: CheckState::Failure, ..check.clone() }).await.unwrap();
    let found = forge.check_of(&head, "trueline/plan").await.unwrap().unwrap();
    assert_eq!(found.state, CheckState::Failure);
    assert_eq!(forge.check_of(&head, "other").await.unwrap(), None);

    // An answer is not asked for again, and labels that are not ours stay.
    forge.give_opinion(1, ("Dan", Opinion::Commented), at(12)).await.unwrap();
    forge.ask(1, &["@dan".to_owned()], &[]).await.unwrap();
    let now = forge.review_of(1).await.unwrap();
    assert_eq!((now.asked, now.labels), (vec!["@eve".to_owned()], Vec::new()));
    repo.git(&["fsck", "--strict"], "");
}

#[tokio::test]
async fn a_dry_run_says_nothing_and_garbage_is_told() {
    let (repo, forge, _) = world().await;
    let refs = repo.git(&["for-each-ref"], "");
    let dry = forge.clone().dry_run(true);
    dry.say(1, ("eve", "x"), at(1)).await.unwrap();
    dry.give_opinion(1, ("eve", Opinion::Approved), at(1)).await.unwrap();
    dry.put_comment(1, "m", Some("x"), at(1)).await.unwrap();
    assert_eq!(repo.git(&["for-each-ref"], ""), refs);
    assert!(matches!(forge.say(9, ("eve", "x"), at(1)).await, Err(ForgeError::Unknown { .. })));
    let garbage = repo.commit_on("x", None, &[("talk.json", "{\"version\":9}")]);
    repo.git(&["update-ref", "refs/trueline/proposals/1/talk", &garbage], "");
    assert!(matches!(forge.comments(1).await, Err(ForgeError::Unreadable { .. })));
    assert!(forge.checks("../../x").await.unwrap().is_empty());
}

#[tokio::test]
async fn open_ones_are_listed_and_what_changed_since() {
    let (_repo, forge, _) = world().await;
    let numbers = |found: Vec<Reviewable>| -> Vec<u64> {
        found.iter().map(|one| one.proposal.number).collect()
    };
    assert_eq!(numbers(forge.reviewable("main", None).await.unwrap()), [1]);
    assert!(forge.reviewable("other", None).await.unwrap().is_empty());
    forge.merge(1, "eve", at(5)).await.unwrap();
    assert!(forge.reviewable("main", None).await.unwrap().is_empty());
    assert_eq!(numbers(forge.reviewable("main", Some(at(4))).await.unwrap()), [1]);
    assert!(forge.reviewable("main", Some(at(5))).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_all_are_heard() {
    let (_repo, forge, _) = world().await;
    let saying: Vec<_> = (0..12)
        .map(|n| {
            let forge = forge.clone();
            tokio::spawn(async move {
                forge.say(1, ("eve", &format!("{n}")), at(n)).await.unwrap();
            })
        })
        .collect();
    for task in saying {
        task.await.unwrap();
    }
    let mut ids: Vec<u64> =
        forge.comments(1).await.unwrap().iter().map(|comment| comment.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (1..=12).collect::<Vec<u64>>());
}
