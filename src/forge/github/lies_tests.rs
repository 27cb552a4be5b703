//! Proves that a GitHub that is down or lies is never read as «gone» or «none»: every read that decides something fails
//! instead, and says whether trying again can help.

use jiff::{SignedDuration, Timestamp};

use super::GitHubForge;
use super::fake::{FakeGitHub, Trick};
use super::reviews_tests::{NAME, with_app};
use crate::forge::{Asked, ForgeWrite as _};
use crate::forge::{ForgeError, ForgeRead as _, NewProposal, ProposalState, ReviewRead as _};

/// Ways to answer wrongly, and whether trying again can help.
fn lies() -> Vec<(Trick, bool)> {
    let answer = |status, body: &str| Trick::Answer(status, Vec::new(), body.to_owned());
    vec![
        (answer(500, "{\"message\": \"Server Error\"}"), true),
        (answer(502, "<html>unicorn</html>"), true),
        (answer(503, ""), true),
        (answer(404, "{\"message\": \"Not Found\"}"), false),
        (answer(403, "{\"message\": \"Resource not accessible by integration\"}"), false),
        (answer(200, "[{\"number\": 1, \"nod"), true),
        (answer(200, "{}"), true),
        (answer(200, "<html>All is well</html>"), true),
        (answer(200, ""), true),
        (answer(200, "null"), true),
        (Trick::CutBefore, true),
        (Trick::CutAfter, true),
    ]
}

/// The reads that decide something, by the end of the path that they ask.
const READS: [(&str, &str); 10] = [
    ("find", "/pulls/1"),
    ("review_of", "/pulls/1"),
    ("landed_by", "/pulls"),
    ("reviewable", "/pulls"),
    ("list", "/pulls"),
    ("ours", "/pulls"),
    ("find_by_marker", "/pulls"),
    ("is_edited", "/commits"),
    ("reviews", "/reviews"),
    ("comments", "/comments"),
];

async fn read(forge: &GitHubForge, what: &str, commit: &str) -> Result<usize, ForgeError> {
    let since = Timestamp::now() - SignedDuration::from_hours(1);
    Ok(match what {
        "find" => usize::from(forge.find(1).await?.state == ProposalState::Open),
        "review_of" => usize::from(!forge.review_of(1).await?.authors.is_empty()),
        "landed_by" => forge.landed_by(commit).await?.len(),
        "reviewable" => forge.reviewable("main", Some(since)).await?.len(),
        "list" => forge.list(Some(ProposalState::Open)).await?.len(),
        "ours" => forge.ours(since).await?.len(),
        "find_by_marker" => usize::from(forge.find_by_marker("trueline-t-u1").await?.is_some()),
        "is_edited" => usize::from(forge.is_edited(&forge.find(1).await?).await?),
        "reviews" => forge.reviews(1).await?.len(),
        _ => forge.comments(1).await?.len(),
    })
}

/// One that is open and ours, with a review and a comment, and one that was merged.
async fn scene() -> (FakeGitHub, GitHubForge, String) {
    let (github, forge) = with_app().await;
    let forge = GitHubForge::new(forge.github.clone(), vec!["change".to_owned()]);
    github.push_as("ann", NAME, "change", ("a", "1\n"));
    let new = NewProposal {
        title: "Change".to_owned(),
        body: "Please.".to_owned(),
        author: "Trueline".to_owned(),
        source_branch: "change".to_owned(),
        base_branch: "main".to_owned(),
        marker: "trueline-t-u1".to_owned(),
        at: Timestamp::now(),
        asked: Asked::default(),
    };
    assert_eq!(forge.open(new).await.unwrap().number, 1);
    github.review("bob", NAME, (1, "APPROVED"));
    github.comment("bob", NAME, (1, "fine"));
    github.push_as("ann", NAME, "other", ("b", "1\n"));
    let number = github.open("ann", NAME, "other");
    let commit = github.merge(NAME, number);
    (github, forge, commit)
}

#[tokio::test]
async fn nothing_that_github_fails_to_say_reads_as_gone() {
    let (github, forge, commit) = scene().await;
    for (what, path) in READS {
        let truth = read(&forge, what, &commit).await.unwrap();
        assert!(truth > 0, "{what}");
        for (lie, passes) in lies() {
            github.play("GET", path, lie.clone());
            let told = read(&forge, what, &commit).await;
            let error = told.map_err(|error| error.is_transient()).expect_err(what);
            assert_eq!(error, passes, "{what} {lie:?}");
            assert!(github.state().tricks.is_empty(), "{what} {lie:?} was not played");
            assert_eq!(read(&forge, what, &commit).await.unwrap(), truth, "{what} {lie:?}");
        }
    }
}

#[tokio::test]
async fn half_a_list_is_never_taken_for_all_of_it() {
    let (github, forge, commit) = scene().await;
    for (what, path) in READS.into_iter().filter(|(_, path)| *path != "/pulls/1") {
        let next = format!("<{}/repos/{NAME}/pulls?page=2>; rel=\"next\"", github.api_url());
        for (lie, _) in lies() {
            let first = Trick::Answer(200, vec![("link", next.clone())], "[]".to_owned());
            github.play("GET", path, first);
            github.play("GET", "/pulls", lie.clone());
            assert!(read(&forge, what, &commit).await.is_err(), "{what} {lie:?}");
            github.state().tricks.clear();
        }
    }
}

#[tokio::test]
async fn what_was_opened_a_moment_ago_counts_although_a_list_is_behind() {
    let (github, forge, _) = scene().await;
    let now = Timestamp::now();
    for _ in 0..2 {
        github.play("GET", "/pulls", Trick::Answer(200, Vec::new(), "[]".to_owned()));
    }
    assert_eq!(forge.ours(now).await.unwrap().len(), 1);
    // A fork's that bears a marker like ours is nobody's of ours.
    let fork = github.fork(NAME, "eve");
    github.push_as("eve", &fork, "theirs", ("c", "1\n"));
    let number = github.open("eve", NAME, "eve:theirs");
    let forged = "<!-- Trueline-Marker: trueline-t-u2 -->".to_owned();
    github.with_pull(NAME, number, |pull| pull.body = Some(forged));
    assert_eq!(forge.ours(now).await.unwrap().len(), 1);
}
