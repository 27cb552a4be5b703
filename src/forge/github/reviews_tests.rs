//! Proves what is read of pull requests, against a GitHub that keeps state and misbehaves.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::fake::{APP, APP_KEY, FakeGitHub, Trick};
use super::{Address, Credential, GitHub, GitHubForge, Memory, RepositoryName};
use crate::forge::{ForgeError, Opinion, Person, ReviewRead as _};
use crate::net::{Egress, HttpClient};
use crate::run::FaultClass;
use crate::secret::Secret;

pub(crate) const NAME: &str = "acme/app";

fn forge(github: &FakeGitHub, credential: Credential) -> GitHubForge {
    let egress = Egress { allow: vec!["127.0.0.1:*".to_owned()], ..Egress::default() };
    let http = Arc::new(HttpClient::new(&egress).unwrap());
    let address = Address::read(Some(&github.api_url())).unwrap();
    let name = RepositoryName::parse(NAME).unwrap();
    let client = GitHub::new(http, (address, name), credential, Arc::new(Memory::default()));
    GitHubForge::new(client.unwrap(), Vec::new())
}

pub(crate) async fn with_app() -> (FakeGitHub, GitHubForge) {
    let github = FakeGitHub::start().await;
    let forge = forge(&github, Credential::App { id: APP, key: Secret::new(APP_KEY) });
    (github, forge)
}

pub(super) async fn with_token() -> (FakeGitHub, GitHubForge) {
    let github = FakeGitHub::start().await;
    let forge = forge(&github, Credential::Token(Secret::new("t0ken-of-acme")));
    (github, forge)
}

fn logins(people: &[Person]) -> Vec<&str> {
    let mut logins: Vec<&str> = people.iter().map(|person| person.login.as_str()).collect();
    logins.sort_unstable();
    logins
}

fn fault(error: ForgeError) -> crate::run::Fault {
    match error {
        ForgeError::Remote(fault) => fault,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn everybody_who_had_a_hand_in_it_is_an_author() {
    let (github, forge) = with_app().await;
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    github.push_of(("carl", "bea"), NAME, "change", ("a.yaml", "2\n"));
    let number = github.open("dora", NAME, "change");
    let of = forge.review_of(number).await.unwrap();
    assert_eq!(logins(&of.authors), ["ann", "bea", "carl", "dora"]);
    assert!(!of.has_unknown_author && !of.from_fork && !of.is_draft);
    assert_eq!(of.head_ref, "refs/pull/1/head");
    assert_eq!(of.proposal.head, github.git(NAME, &["rev-parse", &of.head_ref]));
    assert!(of.authors.iter().all(|person| person.id.is_some()));

    // Somebody pushes what seems to be hers: who pushed it is known all the same.
    github.push_of(("mallory", "ann"), NAME, "change", ("a.yaml", "3\n"));
    let of = forge.review_of(number).await.unwrap();
    assert_eq!(logins(&of.authors), ["ann", "bea", "carl", "dora", "mallory"]);
    // Nothing changed: its commits and pushes are not asked for again.
    let asked = github.seen().len();
    assert_eq!(forge.review_of(number).await.unwrap(), of);
    assert_eq!(github.seen().len(), asked + 1);

    github.push_of(("ann", "nobody"), NAME, "change", ("a.yaml", "4\n"));
    assert!(forge.review_of(number).await.unwrap().has_unknown_author);
}

#[tokio::test]
async fn what_we_pushed_ourselves_has_no_unknown_author() {
    let (github, forge) = with_app().await;
    github.push_of(("trueline[bot]", "nobody"), NAME, "ours", ("a.yaml", "1\n"));
    let number = github.open("trueline[bot]", NAME, "ours");
    let of = forge.review_of(number).await.unwrap();
    assert_eq!((logins(&of.authors), of.has_unknown_author), (vec!["trueline[bot]"], false));
    // A person goes on with it.
    github.push_of(("eve", "nobody"), NAME, "ours", ("a.yaml", "2\n"));
    let of = forge.review_of(number).await.unwrap();
    assert_eq!((logins(&of.authors), of.has_unknown_author), (vec!["eve", "trueline[bot]"], true));
}

#[tokio::test]
async fn forks_drafts_labels_and_who_was_asked_are_told() {
    let (github, forge) = with_app().await;
    let fork = github.fork(NAME, "eve");
    github.push_of(("eve", "ann"), &fork, "change", ("a.yaml", "1\n"));
    let number = github.open("eve", NAME, "eve:change");
    github.with_pull(NAME, number, |pull| {
        pull.draft = true;
        pull.labels.push("infra".to_owned());
        (pull.reviewers, pull.teams) = (vec!["bob".to_owned()], vec!["payments".to_owned()]);
    });
    let of = forge.review_of(number).await.unwrap();
    assert!(of.from_fork && of.is_draft);
    assert_eq!(logins(&of.authors), ["ann", "eve"]);
    assert_eq!(of.labels, ["infra"]);
    assert_eq!(of.asked, ["@bob", "@acme/payments"]);
    assert_eq!(of.proposal.head, github.git(NAME, &["rev-parse", &of.head_ref]));
}

#[tokio::test]
async fn a_list_of_commits_that_ends_too_soon_has_unknown_authors() {
    let (github, forge) = with_token().await;
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let number = github.open("ann", NAME, "change");
    github.play("GET", "/commits", Trick::Answer(200, Vec::new(), "[]".to_owned()));
    assert!(forge.review_of(number).await.unwrap().has_unknown_author);
    // It is not remembered so.
    assert!(!forge.review_of(number).await.unwrap().has_unknown_author);
    github.push_as("ann", NAME, "change", ("a.yaml", "2\n"));
    for status in [500, 502] {
        github.play("GET", "/commits", Trick::Answer(status, Vec::new(), String::new()));
        let error = forge.review_of(number).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }
}

#[tokio::test]
async fn open_ones_are_listed_and_those_that_changed() {
    let (github, forge) = with_app().await;
    for branch in ["one", "two", "three"] {
        github.push_as("ann", NAME, branch, (branch, "1\n"));
        github.open("ann", NAME, branch);
    }
    github.merge(NAME, 1);
    github.set_pull(NAME, 2, "closed");
    let listed = async |since| {
        let all = forge.reviewable("main", since).await.unwrap();
        all.iter().map(|it| it.proposal.number).collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, [3]);
    assert_eq!(listed(Some(Timestamp::now() - SignedDuration::from_mins(1))).await, [1, 2, 3]);
    assert_eq!(listed(Some(Timestamp::now() + SignedDuration::from_mins(1))).await, [3]);
    assert!(forge.reviewable("other", None).await.unwrap().is_empty());
    // A page that is missing is never the end.
    {
        let mut state = github.state();
        let pulls = &mut state.repositories.get_mut(NAME).unwrap().pulls;
        let pull = pulls[&3].clone();
        pulls.extend((4..=43).map(|number| (number, pull.clone())));
    }
    assert_eq!(listed(None).await.len(), 41);
}

#[tokio::test]
async fn reviews_are_told_with_the_head_that_they_are_of() {
    let (github, forge) = with_app().await;
    let first = github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let number = github.open("ann", NAME, "change");
    github.review("bob", NAME, (number, "APPROVED"));
    let taken = github.review("carl", NAME, (number, "APPROVED"));
    let second = github.push_as("ann", NAME, "change", ("a.yaml", "2\n"));
    github.review("dora", NAME, (number, "CHANGES_REQUESTED"));
    github.review("eve", NAME, (number, "PENDING"));
    github.dismiss(NAME, number, taken);
    let reviews = forge.reviews(number).await.unwrap();
    let told: Vec<_> =
        reviews.iter().map(|it| (it.by.login.as_str(), it.opinion, it.head.as_str())).collect();
    let expected = [
        ("bob", Opinion::Approved, first.as_str()),
        ("carl", Opinion::Dismissed, first.as_str()),
        ("dora", Opinion::ChangesRequested, second.as_str()),
    ];
    assert_eq!(told, expected);
    assert!(reviews.iter().all(|review| review.by.id.is_some()));
}

#[tokio::test]
async fn a_team_that_is_not_shown_is_none_and_a_broken_answer_is_a_fault() {
    let (github, forge) = with_app().await;
    let many: Vec<String> = (0..65).map(|number| format!("p{number}")).collect();
    github.set_team("acme/many", &many.iter().map(String::as_str).collect::<Vec<_>>());
    github.set_team("acme/payments", &["ann", "bob"]);
    let members = async |team| forge.members(team).await;
    assert_eq!(members("@acme/many").await.unwrap().unwrap().len(), 65);
    assert_eq!(logins(&members("@payments").await.unwrap().unwrap()), ["ann", "bob"]);
    for unknown in ["@acme/nobody", "@other/team", "@", "@acme/", "@a/b/c", "@../../user"] {
        assert_eq!(members(unknown).await.unwrap(), None, "{unknown}");
    }
    for (status, expected) in [(403, None), (404, None), (500, Some(())), (429, Some(()))] {
        let body = "{\"message\": \"no\"}".to_owned();
        github.play("GET", "/members", Trick::Answer(status, Vec::new(), body));
        let told = members("@acme/payments").await;
        assert_eq!(told.as_ref().err().map(|_| ()), expected, "{status}");
        assert!(told.is_err() || told.is_ok_and(|told| told.is_none()));
    }
}

#[tokio::test]
async fn only_merged_ones_brought_a_commit() {
    let (github, forge) = with_app().await;
    let head = github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let number = github.open("ann", NAME, "change");
    assert!(forge.landed_by(&head).await.unwrap().is_empty(), "it is open still");
    let merge = github.merge(NAME, number);
    for commit in [&head, &merge] {
        let landed = forge.landed_by(commit).await.unwrap();
        let told: Vec<_> =
            landed.iter().map(|it| (it.proposal.number, &it.proposal.head)).collect();
        assert_eq!(told, [(number, &head)]);
        assert_eq!(logins(&landed[0].authors), ["ann"]);
    }
    let direct = github.push_as("eve", NAME, "main", ("b.yaml", "1\n"));
    assert!(forge.landed_by(&direct).await.unwrap().is_empty());
    // What GitHub does not know, or can't tell, did not land by nothing.
    assert!(forge.landed_by(&"0".repeat(40)).await.is_err());
    github.play("GET", "/pulls", Trick::Answer(503, Vec::new(), String::new()));
    assert!(forge.landed_by(&direct).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_limit_is_told_and_nothing_is_gone() {
    let (github, forge) = with_app().await;
    github.push_as("ann", NAME, "change", ("a.yaml", "1\n"));
    let number = github.open("ann", NAME, "change");
    github.set_team("acme/payments", &["bob"]);
    let limited = || Trick::Answer(403, vec![("retry-after", "30".to_owned())], "{}".to_owned());
    github.play("GET", "/members", limited());
    let told = fault(forge.members("@acme/payments").await.unwrap_err());
    assert_eq!((told.class, told.retry_after_ms), (FaultClass::Transient, Some(30_000)));
    let seen = github.seen().len();
    assert!(forge.review_of(number).await.unwrap_err().is_transient());
    assert_eq!(github.seen().len(), seen, "nothing is asked until then");
}
