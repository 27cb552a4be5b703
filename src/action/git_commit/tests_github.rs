//! Proves pull requests on a GitHub of its own: opened once whatever is lost, kept up to date, declined, withdrawn.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::GitCommit;
use super::tests::{after, result, undoing};
use crate::action::github::testing::{ports, ports_of_app};
use crate::action::testing::call;
use crate::action::{Action as _, Call, Outcome, Ports, Withdrawn};
use crate::forge::github::fake::{FakeGitHub, Rate, Trick};
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

const APP: &str = "acme/app";
const BRANCH: &str = "trueline/payments-db";

struct World {
    github: FakeGitHub,
    state: TempDir,
    ports: Ports,
}

impl World {
    async fn new() -> Self {
        let (github, state) = (FakeGitHub::start().await, tempfile::tempdir().unwrap());
        let ports = ports(&github, state.path());
        Self { github, state, ports }
    }

    fn call(content: &str, pull_request: &Value) -> Call {
        call(json!({
            "repository": APP, "commitMessage": "Add the zone",
            "files": [{"path": "zones/a", "contentTemplate": content}],
            "createPullRequest": true, "pullRequest": pull_request,
        }))
    }

    fn plain(content: &str) -> Call {
        Self::call(content, &json!({"title": "Add hunter22", "body": "Because."}))
    }

    async fn perform(&self, call: &Call) -> Result<Outcome, Fault> {
        GitCommit.perform(&self.ports, call).await
    }

    async fn waiting(&self, call: &Call) -> Wait {
        wait(self.perform(call).await)
    }

    async fn look(&self, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        GitCommit.look(&self.ports, call, on).await
    }

    fn head(&self) -> String {
        self.github.git(APP, &["rev-parse", BRANCH])
    }

    fn show(&self, path: &str) -> String {
        self.github.git(APP, &["show", &format!("main:{path}")])
    }
}

fn wait(outcome: Result<Outcome, Fault>) -> Wait {
    match outcome {
        Ok(Outcome::Waiting { on }) => on,
        other => panic!("not waiting: {other:?}"),
    }
}

fn terminal(outcome: Result<Outcome, Fault>) -> String {
    let fault = outcome.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal, "{fault}");
    fault.message
}

#[tokio::test]
async fn what_is_entered_does_not_pass_for_what_we_hid() {
    let world = World::new().await;
    let forged = "<!-- Trueline-Closed-By: Trueline <trueline@localhost> -->\n<!-- Trueline-Marker: trueline-demo-u2-x -->";
    let call = World::call("1\n", &json!({"title": "Add", "body": forged}));
    let on = world.waiting(&call).await;
    assert_eq!(world.waiting(&call).await, on, "it is not written anew at every look");
    let body = world.github.pull(APP, 1)["body"].as_str().unwrap().to_owned();
    let hidden: Vec<&str> = body.lines().filter(|line| line.starts_with("<!--")).collect();
    assert_eq!(hidden.len(), 2, "{body}");
    assert!(hidden[0].contains("Marker: trueline-demo-u1-provision ") && hidden[1].contains("Key"));
    world.github.set_pull(APP, 1, "closed");
    let why = terminal(world.look(&call, &on).await);
    assert!(why.contains("was declined"), "{why}");
}

#[tokio::test]
async fn a_pull_request_is_opened_once_updated_merged_and_done() {
    let world = World::new().await;
    let call = World::plain("1\n");
    let on = world.waiting(&call).await;
    let expected = json!({"repository": APP, "number": 1, "about": "github:acme/app:pull:1"});
    assert_eq!(on.reference, expected);
    assert_eq!(on.what, "pull request 1 in acme/app to be merged");
    let pull = world.github.pull(APP, 1);
    assert_eq!((&pull["title"], &pull["head"]["ref"]), (&json!("Add (sensitive)"), &json!(BRANCH)));
    let body = pull["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- Trueline-Marker: trueline-demo-u1-provision -->\nBecause."));

    let (head, done) = (world.head(), world.github.ledger().len());
    assert_eq!(world.waiting(&call).await, on);
    assert_eq!(wait(world.look(&call, &on).await), on);
    assert_eq!((world.head(), world.github.ledger().len()), (head, done));

    let mut second = World::plain("2\n");
    second.key = format!("{}-2", second.marker);
    world.github.push(APP, "main", ("other", "x"));
    assert_eq!(world.waiting(&second).await, on);
    assert_eq!(world.github.git(APP, &["rev-list", "--count", &format!("main..{BRANCH}")]), "1");
    assert_eq!(world.github.pulls(APP), 1);

    let merge = world.github.merge(APP, 1);
    let Ok(Outcome::Done { result: left, outputs }) = world.look(&second, &on).await else {
        panic!()
    };
    assert_eq!((&left["commit"], &left["number"]), (&json!(merge), &json!(1)));
    let url = format!("http://{}/acme/app/pull/1", world.github.address());
    assert_eq!(outputs["pullRequestUrl"], json!(url));
    assert_eq!((world.show("zones/a"), world.show("other")), ("2".into(), "x".into()));
    assert_eq!(result(world.perform(&second).await), left);

    // Observed, and taken away by a pull request of its own.
    let observing = after(second.clone(), &second, left.clone(), 3);
    assert_eq!(GitCommit.observe(&world.ports, &observing).await, Ok(Observation::Same));
    let undo = undoing(&second, left);
    let on = wait(GitCommit.undo(&world.ports, &undo).await);
    assert_eq!((&on.reference["number"], &on.reference["undo"]), (&json!(2), &json!(true)));
    world.github.merge(APP, 2);
    assert!(matches!(world.look(&undo, &on).await, Ok(Outcome::Done { .. })));
    assert!(!world.github.git(APP, &["ls-tree", "-r", "main"]).contains("zones/a"));
}

#[tokio::test]
async fn whatever_is_lost_there_is_one_pull_request() {
    for (method, path, trick) in [
        ("POST", "/pulls", Trick::CutAfter),
        ("POST", "/pulls", Trick::CutBefore),
        ("POST", "/pulls", Trick::FailAfter(502)),
        ("GET", "/pulls", Trick::CutBefore),
        ("GET", "/pulls", Trick::Answer(200, Vec::new(), "[{\"number\"".to_owned())),
        ("GET", "/pulls", Trick::Answer(200, Vec::new(), "<html>".to_owned())),
        ("GET", "/pulls", Trick::Answer(500, Vec::new(), String::new())),
    ] {
        let world = World::new().await;
        let call = World::plain("1\n");
        world.github.play(method, path, trick.clone());
        let fault = world.perform(&call).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Transient, "{trick:?}: {fault}");
        world.waiting(&call).await;
        assert_eq!(world.github.pulls(APP), 1, "{trick:?}");
    }
}

#[tokio::test]
async fn a_list_that_is_stale_opens_no_second_one() {
    let world = World::new().await;
    let call = World::plain("1\n");
    let on = world.waiting(&call).await;
    // Neither the look at the branch nor the one before opening shows what is there.
    for _ in 0..4 {
        world.github.play("GET", "/pulls", Trick::Answer(200, Vec::new(), "[]".to_owned()));
    }
    assert_eq!(world.waiting(&call).await, on);
    assert_eq!(world.github.pulls(APP), 1);
}

#[tokio::test]
async fn reviewers_and_labels_are_asked_for_once() {
    let world = World::new().await;
    let wanted = json!({"reviewers": ["ann", "acme/dns"], "labels": ["infra"], "draft": true});
    let call = World::call("1\n", &wanted);
    world.github.play("POST", "/requested_reviewers", Trick::CutAfter);
    assert_eq!(world.perform(&call).await.unwrap_err().class, FaultClass::Transient);
    world.waiting(&call).await;
    let pull = world.github.pull(APP, 1);
    assert_eq!((&pull["draft"], &pull["labels"][0]["name"]), (&json!(true), &json!("infra")));
    assert_eq!(pull["requested_reviewers"][0]["login"], json!("ann"));
    assert_eq!(pull["requested_teams"][0]["slug"], json!("dns"));
    assert!(!pull["body"].as_str().unwrap().contains("Reviewers:"));
    // She answered, so she is asked for nothing any more; neither is anybody else.
    {
        let mut state = world.github.state();
        let pull = state.repositories.get_mut(APP).unwrap().pulls.get_mut(&1).unwrap();
        (pull.reviewers, pull.teams, pull.reviews) =
            (vec![], vec![], vec![crate::forge::github::fake::Review::remark("ann")]);
    }
    let done = world.github.ledger().len();
    world.waiting(&call).await;
    assert_eq!(world.github.ledger().len(), done);

    let world = World::new().await;
    let call = World::call("1\n", &json!({"reviewers": ["nobody"]}));
    assert!(terminal(world.perform(&call).await).contains("only be requested from collaborators"));
}

#[tokio::test]
async fn it_merges_by_itself_where_that_is_allowed() {
    let world = World::new().await;
    let call = World::call("1\n", &json!({"autoMerge": true}));
    // Not allowed: it waits for people.
    world.waiting(&call).await;
    assert_eq!(world.github.pull(APP, 1)["auto_merge"], Value::Null);
    // Allowed, and checks are to come: GitHub merges later.
    world.github.state().repositories.get_mut(APP).unwrap().auto_merge = true;
    world.waiting(&call).await;
    assert!(world.github.pull(APP, 1)["auto_merge"].is_object());
    let asked = world.github.seen().iter().filter(|line| *line == "POST /graphql").count();
    world.waiting(&call).await;
    let again = world.github.seen().iter().filter(|line| *line == "POST /graphql").count();
    assert_eq!((asked, again), (2, 2));

    // Nothing to wait for: it is merged at once.
    let world = World::new().await;
    {
        let mut state = world.github.state();
        let repository = state.repositories.get_mut(APP).unwrap();
        (repository.auto_merge, repository.clean) = (true, true);
    }
    assert_eq!(result(world.perform(&call).await)["number"], json!(1));
    assert_eq!(world.show("zones/a"), "1");
}

#[tokio::test]
async fn a_person_who_pushed_keeps_the_branch() {
    let world = World::new().await;
    let call = World::plain("1\n");
    let on = world.waiting(&call).await;
    let theirs = world.github.push(APP, BRANCH, ("zones/a", "better\n"));
    let second = Call { key: format!("{}-2", call.marker), ..World::plain("2\n") };
    let message = terminal(world.perform(&second).await);
    assert!(message.contains("merge or close pull request 1, and try again"), "{message}");
    let withdrawn = GitCommit.withdraw(&world.ports, &call, &on).await;
    assert!(matches!(withdrawn, Ok(Withdrawn::Left { .. })), "{withdrawn:?}");
    assert_eq!((world.head(), world.github.pulls(APP)), (theirs, 1));
    assert_eq!(world.github.pull(APP, 1)["state"], json!("open"));
}

#[tokio::test]
async fn a_closed_one_is_declined_unless_we_closed_it() {
    let world = World::new().await;
    let call = World::plain("1\n");
    let on = world.waiting(&call).await;
    world.github.set_pull(APP, 1, "closed");
    let message = terminal(world.look(&call, &on).await);
    assert!(message.starts_with("pull request 1 in acme/app was declined; change"), "{message}");
    assert_eq!(terminal(world.perform(&call).await), message);
    // Asked for again, it is a new one; opened again by a person, the same.
    world.github.set_pull(APP, 1, "open");
    assert_eq!(world.waiting(&call).await, on);

    // The answer to closing it is lost: it is not closed twice, and not taken for declined.
    world.github.play("PATCH", "/pulls/1", Trick::CutAfter);
    let fault = GitCommit.withdraw(&world.ports, &call, &on).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Transient);
    let again = GitCommit.withdraw(&world.ports, &call, &on).await;
    assert_eq!(again, Ok(Withdrawn::Nothing));
    assert_eq!(world.waiting(&call).await.reference["number"], json!(2));
    let on = world.waiting(&call).await;
    assert_eq!(GitCommit.withdraw(&world.ports, &call, &on).await, Ok(Withdrawn::Done));
    let said = world.github.comments(APP, 2);
    assert_eq!(said, ["Trueline withdrew this: the catalog no longer asks for it."]);
}

#[tokio::test]
async fn it_is_ended_once_opened_where_that_is_waited_for() {
    let world = World::new().await;
    let mut call = World::plain("1\n");
    call.config["waitFor"] = json!("opened");
    let left = result(world.perform(&call).await);
    assert_eq!((&left["state"], &left["number"]), (&json!("open"), &json!(1)));
    let observing = after(call.clone(), &call, left, 2);
    assert_eq!(GitCommit.observe(&world.ports, &observing).await, Ok(Observation::Same));
    // A GitHub that lies or is down is not a difference.
    for status in [404, 500] {
        let trick = Trick::Answer(status, Vec::new(), "{}".to_owned());
        world.github.play("GET", "/pulls/1", trick);
        let seen = GitCommit.observe(&world.ports, &observing).await;
        assert!(matches!(seen, Ok(Observation::Unknown { .. })), "{status} {seen:?}");
    }
}

#[tokio::test]
async fn a_github_that_is_down_or_limits_us_ends_no_wait() {
    let world = World::new().await;
    let call = World::plain("1\n");
    let on = world.waiting(&call).await;
    for status in [404, 403, 500, 503] {
        let trick = Trick::Answer(status, Vec::new(), "{\"message\": \"No\"}".to_owned());
        world.github.play("GET", "/pulls/1", trick);
        let fault = world.look(&call, &on).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Transient, "{status} {fault}");
    }
    let reset = Timestamp::now() + Duration::from_secs(100);
    world.github.limit(Rate { limit: 5000, remaining: 0, reset });
    let fault = world.look(&call, &on).await.unwrap_err();
    assert!(fault.retry_after_ms.is_some_and(|wait| wait > 90_000), "{fault:?}");
    let asked = world.github.seen().len();
    assert!(world.look(&call, &on).await.is_err() && world.perform(&call).await.is_err());
    assert_eq!(world.github.seen().len(), asked, "it was asked although it said not to");
}

#[tokio::test]
async fn files_that_can_not_be_looked_at_are_not_gone() {
    let world = World::new().await;
    let call = World::plain("1\n");
    world.waiting(&call).await;
    world.github.merge(APP, 1);
    let observing = after(call.clone(), &call, result(world.perform(&call).await), 2);
    let observe = async || GitCommit.observe(&world.ports, &observing).await.unwrap();
    assert_eq!(observe().await, Observation::Same);
    world.github.state().down = true;
    let seen = observe().await;
    assert!(matches!(seen, Observation::Unknown { .. }), "{seen:?}");
    world.github.state().down = false;
    // The repository is not shown, as to a token that may not see it.
    let path = world.github.path(APP);
    std::fs::rename(&path, path.with_extension("away")).unwrap();
    let seen = observe().await;
    assert!(matches!(seen, Observation::Unknown { .. }), "{seen:?}");
    std::fs::rename(path.with_extension("away"), &path).unwrap();
    assert_eq!(observe().await, Observation::Same);
}

#[tokio::test]
async fn files_are_committed_without_a_pull_request_as_well() {
    let world = World::new().await;
    let mut call = World::plain("1\n");
    call.config["createPullRequest"] = json!(false);
    let ports = ports_of_app(&world.github, world.state.path());
    for _ in 0..2 {
        result(GitCommit.perform(&ports, &call).await);
    }
    assert_eq!(world.show("zones/a"), "1");
    assert_eq!(world.github.git(APP, &["rev-list", "--count", "main"]), "2");
    // The same repository by its URL is the same place.
    let url = format!("http://{}/acme/app.git", world.github.address());
    let mut moved = after(call.clone(), &call, result(GitCommit.perform(&ports, &call).await), 2);
    moved.config["repository"] = json!(url);
    assert_eq!(result(GitCommit.perform(&ports, &moved).await)["repository"], json!(url));
    assert_eq!(world.show("zones/a"), "1");
}

#[tokio::test]
async fn what_our_token_may_not_reach_is_said_without_it() {
    let world = World::new().await;
    let mut call = World::plain("1\n");
    call.config["repository"] = json!("acme/other");
    let message = terminal(world.perform(&call).await);
    assert!(!message.contains("t0ken"), "{message}");
    world.github.end_tokens();
    let message = terminal(world.perform(&World::plain("1\n")).await);
    assert!(!message.contains("t0ken"), "{message}");
}

#[tokio::test]
async fn the_example_of_its_page_holds() {
    let page = include_str!("../../../docs/actions/git-commit.md");
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let example: Value = serde_yaml::from_str(block).unwrap();
    let kind = crate::kinds::find("git-commit").unwrap();
    assert_eq!(crate::kinds::config_problems(kind, &example["config"]), Vec::new());
    let world = World::new().await;
    let call = call(example["config"].clone());
    let on = world.waiting(&call).await;
    world.github.merge(APP, 1);
    assert!(matches!(world.look(&call, &on).await, Ok(Outcome::Done { .. })));
    assert_eq!(world.show("zones/payments-db.yaml"), "name: payments-db");
}
