//! Stories of a GitHub that is down, that limits us, that ends our token, that merges by itself; and of the issue that
//! shows how everything stands.

use jiff::SignedDuration;

use super::world::{NAME, Stage, item, zone};
use super::{BOARD, Board, Keeper, Standing};
use crate::clock::Clock as _;
use crate::forge::Bounds;
use crate::forge::github::fake::{FakeGitHub, Rate, Trick};
use crate::store::ReviewStore as _;

async fn github() -> Stage<FakeGitHub> {
    Stage::github(Bounds::default()).await
}

/// Returns what was done at GitHub, but for tokens that were asked for.
fn written(stage: &Stage<FakeGitHub>) -> Vec<String> {
    let all = stage.target.ledger().into_iter();
    all.filter(|line| !line.ends_with("/access_tokens")).collect()
}

#[tokio::test]
async fn a_github_that_is_down_for_an_hour_in_the_middle_of_a_run_holds_it_up_and_nothing_else() {
    let mut stage = github().await;
    stage.world.write(&zone("a-zone", "one"));
    stage.later(1).await;
    assert_eq!(stage.stands().await, ["open 1 a-zone"]);
    let done = written(&stage);
    stage.target.state().down = true;
    for _ in 0..6 {
        stage.later(10).await;
    }
    let waits = stage.waits("a-zone");
    assert!(waits.contains("pull request 1 in acme/app to be merged"), "{waits}");
    assert!(waits.contains("can't be looked at: GitHub answered 503"), "{waits}");
    let board = stage.board().await;
    assert_eq!(board.of(Standing::Open).count(), 1, "what was known is kept: {board:?}");
    assert!(board.unseen[0].why.contains("503"), "{board:?}");
    // A process that knows nothing yet does not take it for gone, either.
    stage.world.restart().await;
    stage.later(1).await;
    assert_eq!(stage.world.runs().await, ["create a-zone waiting"]);

    stage.target.state().down = false;
    stage.later(20).await;
    assert_eq!(written(&stage), done, "nothing is repeated");
    assert!(!stage.waits("a-zone").contains("can't be looked at"), "{}", stage.waits("a-zone"));
    FakeGitHub::merge(&stage.target, NAME, 1);
    stage.later(1).await;
    assert_eq!(stage.world.runs().await, ["create a-zone succeeded"]);
    assert_eq!(stage.target.pulls(NAME), 1);
}

#[tokio::test]
async fn limits_of_github_are_waited_for_in_the_middle_of_a_run() {
    let mut stage = github().await;
    stage.world.write(&zone("a-zone", "one"));
    stage.later(1).await;
    // The secondary limit, with how long it lasts.
    let slow = vec![("retry-after", "600".to_owned())];
    let said = "{\"message\": \"You have exceeded a secondary rate limit.\"}".to_owned();
    stage.target.play("GET", "/pulls/1", Trick::Answer(403, slow, said));
    stage.later(1).await;
    let seen = stage.target.seen().len();
    for _ in 0..4 {
        stage.later(2).await;
    }
    assert_eq!(stage.target.seen().len(), seen, "it was asked although it said not to");
    assert!(stage.waits("a-zone").contains("it asks us to slow down"), "{}", stage.waits("a-zone"));
    stage.later(5).await;
    assert!(stage.target.seen().len() > seen);

    // The primary one, until its reset.
    let reset = stage.clock.now() + SignedDuration::from_mins(30);
    stage.target.limit(Rate { limit: 5000, remaining: 0, reset });
    stage.later(1).await;
    let seen = stage.target.seen().len();
    for _ in 0..4 {
        stage.later(5).await;
    }
    assert_eq!(stage.target.seen().len(), seen);
    let waits = stage.waits("a-zone");
    assert!(waits.contains("its limit on requests is used up"), "{waits}");
    let left = stage.world.daemon.driver.engine.ports.operator.github_memory.budget();
    let core = left.iter().find(|it| it.resource == "core" && it.account.starts_with("inst"));
    assert_eq!(core.map(|it| (it.limit, it.remaining)), Some((5000, 0)));
    let metrics = stage.world.daemon.driver.metrics.text();
    for line in [
        "trueline_github_budget_remaining{account=\"installation:42\",resource=\"core\"} 0",
        "trueline_github_budget_limit{account=\"installation:42\",resource=\"core\"} 5000",
        "trueline_github_requests_total{account=\"installation:42\",result=\"limited\"} 2",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}\n{metrics}");
    }
    stage.target.state().rate = None;
    FakeGitHub::merge(&stage.target, NAME, 1);
    stage.later(30).await;
    assert_eq!(stage.world.runs().await, ["create a-zone succeeded"]);
}

#[tokio::test]
async fn a_token_that_ended_is_renewed_once_and_one_that_was_taken_away_is_said() {
    let mut stage = github().await;
    stage.world.write(&zone("a-zone", "one"));
    stage.later(1).await;
    let minted = stage.target.state().minted;
    stage.target.end_tokens();
    stage.world.write(&zone("b-zone", "one"));
    stage.later(1).await;
    assert_eq!(stage.stands().await, ["open 1 a-zone", "open 2 b-zone"]);
    assert_eq!(stage.target.state().minted, minted + 1, "once");

    // The App is taken away: the run waits, and says why.
    stage.target.end_tokens();
    stage.target.state().not_installed = true;
    for _ in 0..4 {
        stage.later(5).await;
    }
    let waits = stage.waits("a-zone");
    assert!(waits.contains("the GitHub App 7 is not installed for acme/app"), "{waits}");
    stage.target.state().not_installed = false;
    FakeGitHub::merge(&stage.target, NAME, 1);
    FakeGitHub::merge(&stage.target, NAME, 2);
    stage.later(5).await;
    stage.later(5).await;
    assert!(stage.world.settle().await.is_converged());
}

#[tokio::test]
async fn what_merges_by_itself_is_followed_until_it_did_or_was_closed() {
    let mut stage = github().await;
    let merging = item(NAME).replace(
        "createPullRequest: true",
        "createPullRequest: true\n          pullRequest: {autoMerge: true}",
    );
    stage.world.write(&merging);
    stage.target.state().repositories.get_mut(NAME).expect("there").auto_merge = true;
    for id in ["a-zone", "b-zone"] {
        stage.world.write(&zone(id, "one"));
    }
    stage.later(1).await;
    assert!(stage.target.pull(NAME, 1)["auto_merge"].is_object());
    FakeGitHub::merge(&stage.target, NAME, 1);
    stage.target.set_pull(NAME, 2, "closed");
    stage.later(1).await;
    let mut runs = stage.world.runs().await;
    runs.sort();
    let (done, declined) = (runs[0].ends_with("succeeded"), runs[1].ends_with("succeeded"));
    assert!(done != declined, "{runs:?}");
}

#[tokio::test]
async fn an_issue_shows_how_everything_stands_and_is_left_alone_once_it_is_closed() {
    let mut stage = Stage::github(Bounds { hourly: 9, concurrent: 1 }).await;
    let engine = stage.world.daemon.driver.engine.clone();
    let mut keeper = Keeper::new(engine.clone(), Some(NAME.to_owned()), true);
    keeper.pass().await.expect("looked");
    assert_eq!(stage.target.issues(NAME).len(), 0, "there is nothing to say yet");
    // A person's issue that looks like ours is theirs.
    let forged = "<!-- Trueline-Issue: dashboard tests -->\nmine";
    stage.target.open_issue("mallory", NAME, ("Trueline", forged));
    for id in ["a-zone", "b-zone"] {
        stage.world.write(&zone(id, "one"));
        stage.later(1).await;
    }
    keeper.pass().await.expect("looked");
    let ours = |stage: &Stage<FakeGitHub>| {
        let all = stage.target.issues(NAME);
        all.into_iter().filter(|(_, it)| it.author != "mallory").collect::<Vec<_>>()
    };
    let issue = ours(&stage);
    assert_eq!(issue.len(), 1);
    let (number, body) = (issue[0].0, issue[0].1.body.clone());
    assert!(body.contains("### Open") && body.contains("`a-zone`"), "{body}");
    assert!(body.contains("### Waiting for their turn") && body.contains("`b-zone`"), "{body}");
    assert!(!body.contains("### Declined"), "{body}");

    // The same is not written again, also by a process that knows nothing yet; what is another is, in place.
    keeper.pass().await.expect("looked");
    let mut anew = Keeper::new(engine, Some(NAME.to_owned()), true);
    anew.pass().await.expect("looked");
    assert_eq!(ours(&stage)[0].1.changes, 0);
    stage.target.set_pull(NAME, 2, "closed");
    stage.later(1).await;
    stage.later(1).await;
    anew.pass().await.expect("looked");
    let issue = ours(&stage);
    assert_eq!((issue.len(), issue[0].1.changes), (1, 1));
    assert!(issue[0].1.body.contains("### Declined"), "{}", issue[0].1.body);
    let store = &stage.world.store;
    let kept = store.review_note(BOARD).await.expect("read").expect("kept");
    let kept: Board = serde_json::from_value(kept).expect("a board");
    assert_eq!(kept.catalog.as_deref(), Some(NAME));
    assert_eq!(Board { catalog: None, ..kept }, stage.board().await);

    // Closed by a person, it is left alone; opened again, it is kept again.
    stage.target.set_issue(NAME, number, "closed");
    FakeGitHub::merge(&stage.target, NAME, 4);
    stage.later(1).await;
    let board = anew.pass().await.expect("looked");
    let merged = board.others.iter().find(|line| line.number == Some(4)).expect("it is shown");
    assert_eq!((merged.standing, merged.service.as_deref()), (Standing::Merged, Some("b-zone")));
    assert_eq!((ours(&stage).len(), ours(&stage)[0].1.changes), (1, 1));
    stage.target.set_issue(NAME, number, "open");
    anew.pass().await.expect("looked");
    assert_eq!((ours(&stage).len(), ours(&stage)[0].1.changes), (1, 2));
    // A GitHub that is down, or that has no issues, keeps nobody from knowing.
    stage.target.state().down = true;
    let board = anew.pass().await.expect("looked");
    assert!(!board.lines.is_empty() && board.unseen.len() == 1, "{board:?}");
}
