//! Proves proposals on real repositories: opened once, kept up to date, merged, declined, never over a person.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::GitCommit;
use super::tests::{World, after, result, undoing};
use crate::action::{Action as _, Call, Outcome};
use crate::forge::{ForgeRead as _, ForgeWrite as _, LocalForge, Proposal};
use crate::reconcile::Observation;
use crate::run::{Fault, FaultClass, Wait};

pub(super) const BRANCH: &str = "trueline/payments-db";

impl World {
    pub(super) fn proposing(&self, files: &[(&str, &str)]) -> Call {
        let mut call = self.call(files);
        call.config["createPullRequest"] = json!(true);
        call.config["pullRequest"] =
            json!({"title": "Add hunter22", "body": "Because.", "reviewers": ["ann", "acme/dns"]});
        call
    }

    pub(super) fn forge(&self) -> LocalForge {
        LocalForge::open_at(self.repo.url()).unwrap()
    }

    pub(super) async fn merge(&self, number: u64) -> Proposal {
        self.forge().merge(number, "Bob", Timestamp::now()).await.unwrap()
    }

    pub(super) async fn close(&self, number: u64) {
        self.forge().close(number, "Bob", Timestamp::now()).await.unwrap();
    }

    pub(super) async fn waiting(&self, call: &Call) -> Wait {
        wait(self.perform(call).await)
    }

    async fn look(&self, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        GitCommit.look(&self.ports(), call, on).await
    }

    pub(super) async fn proposals(&self) -> String {
        let all = self.forge().list(None).await.unwrap();
        let shown = all.iter().map(|it| format!("{} {} {}", it.number, it.state, it.source_branch));
        shown.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn tip(&self, branch: &str) -> String {
        self.repo.git(&["rev-parse", &format!("refs/heads/{branch}")], "")
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
async fn a_proposal_is_opened_once_updated_merged_and_done() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    assert_eq!(on.reference, json!({"repository": world.repo.url(), "number": 1}));
    assert_eq!(on.what, format!("proposal 1 in {} to be merged", world.repo.url()));
    let opened = world.forge().show(1).await.unwrap().proposal;
    assert_eq!((opened.title.as_str(), opened.marker), ("Add (sensitive)", call.marker.clone()));
    assert!(opened.body.starts_with("Because.\n\nReviewers: ann, acme/dns\n"), "{}", opened.body);

    // Again, as after a crash: nothing is pushed.
    assert_eq!(world.waiting(&call).await, on);
    assert_eq!(world.tip(BRANCH), opened.head);
    assert_eq!(wait(world.look(&call, &on).await), on);

    // A new run wants something else: the same proposal, one commit on top of the base.
    let base = world.somebody_commits(&[("README", "moved\n")]);
    let mut second = world.proposing(&[("a", "2\n")]);
    second.key = format!("{}-2", second.marker);
    assert_eq!(world.waiting(&second).await, on);
    assert_eq!(world.repo.git(&["rev-list", &format!("main..{BRANCH}")], ""), world.tip(BRANCH));
    assert_eq!(world.repo.git(&["rev-parse", &format!("{BRANCH}^")], ""), base);
    assert_eq!(world.proposals().await, format!("1 open {BRANCH}"));
    assert_eq!(world.files(), "README=moved");

    let merged = world.merge(1).await;
    second.outputs = [("number".to_owned(), "/number".to_owned())].into();
    let Ok(Outcome::Done { result: left, outputs }) = world.look(&second, &on).await else {
        panic!()
    };
    assert_eq!((&left["commit"], &left["number"]), (&json!(merged.merge_commit), &json!(1)));
    assert_eq!((&outputs["pullRequestNumber"], &outputs["number"]), (&json!(1), &json!(1)));
    let url = outputs["pullRequestUrl"].as_str().unwrap();
    assert!(url.starts_with("file:///") && url.ends_with("catalog.git#proposal-1"), "{url}");
    assert_eq!(outputs["commit"], json!(merged.merge_commit));
    assert_eq!(world.files(), "README=moved a=2");

    // The answer was lost: performed again, it is done, also where somebody reverted it meanwhile.
    assert_eq!(result(world.perform(&second).await), left);
    world.somebody_commits(&[("README", "moved\n")]);
    assert_eq!(result(world.perform(&second).await), left);
    assert_eq!(world.proposals().await, format!("1 merged {BRANCH}"));

    // A run that comes later proposes anew.
    let third = after(second.clone(), &second, left, 3);
    assert_eq!(world.waiting(&third).await.reference["number"], 2);
}

#[tokio::test]
async fn a_crash_between_push_and_proposal_leaves_one_of_each() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    let head = world.tip(BRANCH);
    for name in ["head", "meta"] {
        world.repo.git(&["update-ref", "-d", &format!("refs/trueline/proposals/1/{name}")], "");
    }
    assert_eq!(world.waiting(&call).await, on);
    assert_eq!((world.tip(BRANCH), world.proposals().await), (head, format!("1 open {BRANCH}")));
}

#[tokio::test]
async fn a_declined_proposal_stays_so_until_it_is_asked_for_again() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    world.close(1).await;
    let expected = format!(
        "proposal 1 in {} was declined by Bob; change the service, or ask again with `trueline apply --service payments-db`",
        world.repo.url()
    );
    assert_eq!(terminal(world.look(&call, &on).await), expected);
    assert_eq!(terminal(world.perform(&call).await), expected);
    let again = Call { key: format!("{}-2", call.marker), ..call };
    assert_eq!(world.waiting(&again).await.reference["number"], 2);
    assert_eq!(world.proposals().await, format!("1 closed {BRANCH}, 2 open {BRANCH}"));
}

#[tokio::test]
async fn what_is_there_needs_no_proposal_and_ends_an_open_one() {
    let world = World::new();
    let head = world.somebody_commits(&[("a", "1\n")]);
    let call = world.proposing(&[("a", "1\n")]);
    let Ok(Outcome::Done { result, outputs }) = world.perform(&call).await else { panic!() };
    assert_eq!((&result["commit"], &outputs["pullRequestNumber"]), (&json!(head), &Value::Null));
    assert_eq!(world.proposals().await, "");

    let mut changed = world.proposing(&[("a", "2\n")]);
    changed.key = format!("{}-2", call.marker);
    world.waiting(&changed).await;
    let back = Call { key: format!("{}-3", call.marker), ..call.clone() };
    world.done(&back).await;
    assert_eq!(world.proposals().await, format!("1 closed {BRANCH}"));
    // That was not declined by anybody.
    world.waiting(&changed).await;
    assert_eq!(world.proposals().await, format!("1 closed {BRANCH}, 2 open {BRANCH}"));
}

#[tokio::test]
async fn a_branch_that_a_person_pushed_to_is_left_alone() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    let ours = world.tip(BRANCH);
    let theirs = world.repo.commit_on(BRANCH, Some(&ours), &[("README", "better\n"), ("a", "1\n")]);
    assert_eq!(world.waiting(&call).await, on);
    assert_eq!(world.forge().show(1).await.unwrap().proposal.head, theirs);

    let mut changed = world.proposing(&[("a", "2\n")]);
    changed.key = format!("{}-2", call.marker);
    let message = terminal(world.perform(&changed).await);
    assert!(message.contains("merge or close proposal 1"), "{message}");
    assert_eq!(world.tip(BRANCH), theirs);

    world.merge(1).await;
    result(world.look(&call, &on).await);
    assert_eq!(world.files(), "README=better a=1");
    // Its commits arrived, so the branch is free again.
    assert_eq!(world.waiting(&changed).await.reference["number"], 2);
    assert_eq!(world.proposals().await, format!("1 merged {BRANCH}, 2 open {BRANCH}"));
}

#[tokio::test]
async fn two_steps_of_a_service_have_a_branch_each() {
    let world = World::new();
    let first = world.proposing(&[("a", "1\n")]);
    let mut second = world.proposing(&[("b", "1\n")]);
    second.marker += "-more";
    second.key = format!("{}-1", second.marker);
    let (one, two) = (world.waiting(&first).await, world.waiting(&second).await);
    assert_eq!((world.waiting(&first).await, world.waiting(&second).await), (one, two));
    world.merge(1).await;
    world.merge(2).await;
    assert_eq!(world.files(), "README=hello a=1 b=1");
}

#[tokio::test]
async fn a_step_may_end_when_its_proposal_is_opened() {
    let world = World::new();
    let mut call = world.proposing(&[("a", "1\n")]);
    call.config["waitFor"] = json!("opened");
    let left = world.done(&call).await;
    assert_eq!((&left["commit"], &left["state"]), (&json!(world.tip(BRANCH)), &json!("open")));
    assert_eq!(world.done(&call).await, left);
    let observed = after(call.clone(), &call, left.clone(), 1);
    assert_eq!(world.observe(&observed).await, Observation::Same);
    world.merge(1).await;
    assert_eq!(world.observe(&observed).await, Observation::Same);
    world.somebody_commits(&[("README", "")]);
    assert_eq!(world.observe(&observed).await, Observation::Absent);

    // Where `config` names another branch, a proposal for that one removes nothing here.
    world.repo.commit_on("other", None, &[("README", "")]);
    let mut moved = observed.clone();
    moved.key = format!("{}-2", call.marker);
    moved.config["branch"] = json!("other");
    let result = world.done(&moved).await;
    let why = format!("it stands on `main` of {}; remove it there", world.repo.url());
    assert_eq!(result["left"], json!([{"path": "a", "why": why}]));

    // What an unmerged proposal was to remove is not forgotten by the one that takes its place.
    let world = World::new();
    let mut direct = world.call(&[("a", "1\n")]);
    let mut left = world.done(&direct).await;
    for (effect, path) in [(2, "b"), (3, "c")] {
        let mut call = world.proposing(&[(path, "1\n")]);
        call.config["waitFor"] = json!("opened");
        let call = after(call, &direct, left, effect);
        left = world.done(&call).await;
        direct = call;
    }
    world.merge(1).await;
    assert_eq!(world.files(), "README=hello c=1");
}

#[tokio::test]
async fn a_closed_proposal_is_not_drift() {
    let world = World::new();
    let mut call = world.proposing(&[("a", "1\n")]);
    call.config["waitFor"] = json!("opened");
    let observed = after(call.clone(), &call, world.done(&call).await, 1);
    world.close(1).await;
    assert!(matches!(world.observe(&observed).await, Observation::Unknown { .. }));
}

#[tokio::test]
async fn automatic_merges_need_nobody() {
    let world = World::new();
    let mut call = world.proposing(&[("a", "1\n")]);
    call.config["pullRequest"]["autoMerge"] = json!(true);
    let left = world.done(&call).await;
    assert_eq!(world.done(&call).await, left);
    assert_eq!((world.files(), world.commits()), ("README=hello a=1".into(), "3".to_owned()));
    call.config["pullRequest"]["draft"] = json!(true);
    call.config["files"][0]["contentTemplate"] = json!("2\n");
    call.key = format!("{}-2", call.marker);
    world.waiting(&call).await;
}

#[tokio::test]
async fn undoing_proposes_the_removal() {
    let world = World::new();
    let call = world.proposing(&[("a", "1\n")]);
    let on = world.waiting(&call).await;
    world.merge(1).await;
    let left = result(world.look(&call, &on).await);
    let undo = undoing(&call, left);
    let on = wait(world.undo(&undo).await);
    assert_eq!(on.reference["undo"], true);
    assert_eq!(wait(world.undo(&undo).await), on);
    let proposed = world.forge().show(2).await.unwrap();
    assert_eq!(proposed.proposal.title, "Remove the files of payments-db provision");
    assert_eq!(wait(world.look(&undo, &on).await), on);
    assert_eq!(world.files(), "README=hello a=1");
    world.merge(2).await;
    let gone = result(world.look(&undo, &on).await);
    assert_eq!((&gone["files"], world.files()), (&json!([]), "README=hello".to_owned()));
    assert_eq!(result(world.undo(&undo).await), gone);
}

#[tokio::test]
async fn undoing_what_was_never_merged_withdraws_it() {
    let world = World::new();
    let mut call = world.proposing(&[("a", "1\n")]);
    call.config["waitFor"] = json!("opened");
    let undo = undoing(&call, world.done(&call).await);
    for _ in 0..2 {
        result(world.undo(&undo).await);
        assert_eq!(world.proposals().await, format!("1 closed {BRANCH}"));
    }
    assert_eq!(world.commits(), "1");
}

#[tokio::test]
async fn other_forges_and_empty_repositories_are_refused() {
    let world = World::empty();
    let mut call = world.proposing(&[("a", "1\n")]);
    let message = terminal(world.perform(&call).await);
    assert!(message.ends_with("push a first one to `main`"), "{message}");
    call.config["repository"] = json!("https://forge.example/acme/dns.git");
    let message = terminal(world.perform(&call).await);
    assert!(message.contains("write `owner/name` of a repository on GitHub"), "{message}");
    let tree = world.repo.beside("tree");
    git2::Repository::init(&tree).unwrap();
    call.config["repository"] = json!(tree);
    let message = terminal(world.perform(&call).await);
    assert!(message.contains("use a bare repository on this machine"), "{message}");
}
