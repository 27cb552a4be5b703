//! Proves on a GitHub of its own that a workflow is dispatched once, found again, waited for, cancelled.

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::action::github::testing::{ports, ports_of_app};
use crate::action::testing::call;
use crate::forge::github::fake::{FakeGitHub, Rate, Trick, zip};

const DISPATCH: &str = "/dispatches";

struct World {
    github: FakeGitHub,
    state: TempDir,
    ports: Ports,
    action: GitHubWorkflow,
}

impl World {
    async fn new() -> Self {
        let (github, state) = (FakeGitHub::start().await, tempfile::tempdir().unwrap());
        let ports = ports(&github, state.path());
        Self { github, state, ports, action: GitHubWorkflow::new() }
    }

    fn call(more: &Value) -> Call {
        let mut config = json!({
            "repository": "acme/app", "workflow": "provision.yml",
            "inputs": {"size": 5, "name": "payments-db"},
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(config)
    }

    async fn perform(&self, call: &Call) -> Result<Outcome, Fault> {
        self.action.perform(&self.ports, call).await
    }

    async fn waiting(&self, call: &Call) -> Wait {
        wait(self.perform(call).await)
    }

    async fn look(&self, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        self.action.look(&self.ports, call, on).await
    }

    fn run(&self) -> u64 {
        let runs = self.github.runs();
        assert_eq!(runs.len(), 1);
        runs[0]
    }

    fn dispatches(&self) -> usize {
        self.github.runs().len()
    }
}

fn wait(outcome: Result<Outcome, Fault>) -> Wait {
    match outcome {
        Ok(Outcome::Waiting { on }) => on,
        other => panic!("not waiting: {other:?}"),
    }
}

fn done(outcome: Result<Outcome, Fault>) -> (Value, Map<String, Value>) {
    match outcome {
        Ok(Outcome::Done { result, outputs }) => (result, outputs),
        other => panic!("not done: {other:?}"),
    }
}

fn terminal(outcome: Result<Outcome, Fault>) -> String {
    let fault = outcome.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal, "{fault}");
    fault.message
}

#[tokio::test]
async fn a_workflow_is_dispatched_once_and_its_artifact_is_the_result() {
    let world = World::new().await;
    let mut call = World::call(&json!({"artifact": "outputs"}));
    call.outputs = [("host".to_owned(), "/artifact/host".to_owned())].into();
    let on = world.waiting(&call).await;
    let id = world.run();
    assert_eq!(on.reference["about"], json!(format!("github:acme/app:run:{id}")));
    assert_eq!(on.reference["number"], json!(id));
    let inputs = world.github.state().runs[&id].inputs.clone();
    assert_eq!((&inputs["size"], &inputs["name"]), (&json!("5"), &json!("payments-db")));
    assert_eq!(inputs["correlation_id"], json!(config::correlation_of(&call.key)));

    // Again, as after a crash, and looked at: nothing more is dispatched.
    assert_eq!(world.waiting(&call).await.reference["number"], on.reference["number"]);
    let still = wait(world.look(&call, &on).await);
    assert_eq!(still.reference["about"], on.reference["about"]);

    let artifact = zip(&[("outputs.json", br#"{"host": "db.internal", "leak": "hunter22"}"#)]);
    world.github.end_run(id, "success", Some(("outputs", artifact)));
    let (result, outputs) = done(world.look(&call, &on).await);
    assert_eq!(outputs["host"], json!("db.internal"));
    assert_eq!(outputs["conclusion"], json!("success"));
    assert!(outputs["url"].as_str().unwrap().ends_with(&format!("/acme/app/actions/runs/{id}")));
    assert_eq!(result["artifact"]["leak"], json!("(sensitive)"));

    // The answer was lost at our side: performed again, it is done.
    assert_eq!(done(world.perform(&call).await).0, result);
    assert_eq!(world.dispatches(), 1);
    // Another effect is another run.
    let next = Call { key: format!("{}2", call.key), ..call };
    world.waiting(&next).await;
    assert_eq!(world.dispatches(), 2);
}

#[tokio::test]
async fn a_lost_answer_never_dispatches_twice() {
    for trick in [Trick::CutAfter, Trick::FailAfter(502), Trick::FailAfter(504)] {
        let world = World::new().await;
        let call = World::call(&json!({}));
        world.github.play("POST", DISPATCH, trick);
        let fault = world.perform(&call).await.unwrap_err();
        assert_eq!((fault.class, fault.retry_after_ms), (FaultClass::Unknown, Some(120_000)));
        let on = world.waiting(&call).await;
        assert_eq!((on.reference["number"].as_u64(), world.dispatches()), (Some(world.run()), 1));
    }
}

#[tokio::test]
async fn while_a_run_may_still_appear_nothing_is_dispatched() {
    let mut world = World::new().await;
    let call = World::call(&json!({}));
    world.github.state().hide_runs = true;
    world.github.play("POST", DISPATCH, Trick::CutAfter);
    assert!(world.perform(&call).await.is_err());
    let fault = world.perform(&call).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Unknown);
    assert!(fault.retry_after_ms.is_some_and(|wait| wait > 100_000), "{fault:?}");
    assert_eq!(world.dispatches(), 1);
    // It never appears: a person decides, and then it is dispatched anew.
    world.action.settle = Duration::ZERO;
    let message = terminal(world.perform(&call).await);
    assert!(message.contains("no run that shows `trueline-"), "{message}");
    assert_eq!(world.dispatches(), 1);
    world.github.state().hide_runs = false;
    world.waiting(&call).await;
    assert_eq!(world.dispatches(), 2);
}

#[tokio::test]
async fn what_never_arrived_is_dispatched_later() {
    let world = World::new().await;
    let call = World::call(&json!({}));
    let refusal = |status| Trick::Answer(status, Vec::new(), "{\"message\": \"No\"}".to_owned());
    for status in [403, 404, 422] {
        world.github.play("POST", DISPATCH, refusal(status));
        terminal(world.perform(&call).await);
    }
    let slow = Trick::Answer(429, vec![("retry-after", "0".to_owned())], String::new());
    world.github.play("POST", DISPATCH, slow);
    let fault = world.perform(&call).await.unwrap_err();
    assert_eq!((fault.class, fault.retry_after_ms), (FaultClass::Transient, Some(1000)));
    assert_eq!(world.dispatches(), 0);
    world.waiting(&call).await;
    assert_eq!(world.dispatches(), 1);
}

#[tokio::test]
async fn a_crash_after_an_accepted_dispatch_waits_although_no_run_shows() {
    for silent in [false, true] {
        let world = World::new().await;
        let call = World::call(&json!({}));
        {
            let mut state = world.github.state();
            (state.hide_runs, state.silent_dispatch) = (true, silent);
        }
        let on = world.waiting(&call).await;
        assert_eq!(on.reference["number"].is_null(), silent);
        assert_eq!(world.waiting(&call).await, on);
        assert_eq!(world.dispatches(), 1);
        if silent {
            assert!(on.what.ends_with("to appear"), "{}", on.what);
            assert_eq!(wait(world.look(&call, &on).await), on);
            let id = world.run();
            world.github.state().runs.get_mut(&id).unwrap().hidden = false;
            let found = wait(world.look(&call, &on).await);
            assert_eq!(found.reference["number"], json!(id));
            assert_eq!(found.reference["about"], json!(format!("github:acme/app:run:{id}")));
        }
    }
}

#[tokio::test]
async fn a_state_folder_that_is_lost_does_not_dispatch_again() {
    let world = World::new().await;
    let call = World::call(&json!({}));
    let on = world.waiting(&call).await;
    std::fs::remove_dir_all(world.state.path().join("dispatches")).unwrap();
    assert_eq!(world.waiting(&call).await.reference["number"], on.reference["number"]);
    assert_eq!(world.dispatches(), 1);
}

#[tokio::test]
async fn a_run_that_fails_fails_the_step_unless_told_otherwise() {
    let world = World::new().await;
    let call = World::call(&json!({"artifact": "outputs"}));
    let on = world.waiting(&call).await;
    world.github.end_run(world.run(), "failure", None);
    let message = terminal(world.look(&call, &on).await);
    assert!(message.starts_with("the run ended as `failure`: http://"), "{message}");
    let lenient = World::call(&json!({"artifact": "outputs", "failOnWorkflowFailure": false}));
    let (result, outputs) = done(world.look(&lenient, &on).await);
    assert_eq!((&outputs["conclusion"], &result["artifact"]), (&json!("failure"), &Value::Null));
}

#[tokio::test]
async fn artifacts_that_are_not_what_was_asked_for_are_refused() {
    let world = World::new().await;
    let call = World::call(&json!({"artifact": "outputs"}));
    let on = world.waiting(&call).await;
    world.github.end_run(world.run(), "success", Some(("logs", zip(&[("a.json", b"{}")]))));
    assert!(terminal(world.look(&call, &on).await).ends_with("is not there"));
    world.github.end_run(world.run(), "success", Some(("outputs", b"no zip".to_vec())));
    assert!(terminal(world.look(&call, &on).await).ends_with("is no zip that can be read"));
    world.github.end_run(world.run(), "success", Some(("outputs", vec![0; (1 << 20) + 1])));
    assert!(terminal(world.look(&call, &on).await).ends_with("is larger than 1 MiB"));
}

#[tokio::test]
async fn what_need_not_be_waited_for_is_done_once_its_run_is_known() {
    let world = World::new().await;
    let call = World::call(&json!({"waitForCompletion": false}));
    let on = world.waiting(&call).await;
    let (result, _) = done(world.look(&call, &on).await);
    assert_eq!((&result["runId"], &result["conclusion"]), (&json!(world.run()), &Value::Null));
    assert_eq!(world.dispatches(), 1);
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_cancelled() {
    let world = World::new().await;
    let call = World::call(&json!({"timeout": "1m"}));
    let on = world.waiting(&call).await;
    let id = world.run();
    world.github.state().runs.get_mut(&id).unwrap().created_at -= Duration::from_mins(2);
    let message = terminal(world.look(&call, &on).await);
    assert!(message.contains("longer than 60 s, and it was cancelled"), "{message}");
    assert_eq!(world.github.state().runs[&id].conclusion.as_deref(), Some("cancelled"));
}

#[tokio::test]
async fn cancelling_is_asked_once_and_settled_runs_are_left() {
    let world = World::new().await;
    let call = World::call(&json!({}));
    let on = world.waiting(&call).await;
    world.github.play("POST", "/cancel", Trick::FailAfter(502));
    let fault = world.action.withdraw(&world.ports, &call, &on).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Transient);
    let again = world.action.withdraw(&world.ports, &call, &on).await;
    assert_eq!(again, Ok(Withdrawn::Nothing));
    let id = world.run();
    assert_eq!(world.github.state().runs[&id].conclusion.as_deref(), Some("cancelled"));

    let next = Call { key: format!("{}2", call.key), ..call };
    let on = world.waiting(&next).await;
    assert_eq!(world.action.withdraw(&world.ports, &next, &on).await, Ok(Withdrawn::Done));
}

#[tokio::test]
async fn a_github_that_is_down_or_lies_ends_no_wait() {
    let world = World::new().await;
    let call = World::call(&json!({}));
    let on = world.waiting(&call).await;
    let answer = |status, body: &str| Trick::Answer(status, Vec::new(), body.to_owned());
    for trick in [
        answer(404, "{\"message\": \"Not Found\"}"),
        answer(500, ""),
        answer(200, "<html>"),
        answer(200, "{}"),
        answer(401, "{}"),
        answer(301, "{}"),
        Trick::CutBefore,
        Trick::CutAfter,
    ] {
        world.github.play("GET", "/actions/runs/", trick.clone());
        let fault = world.look(&call, &on).await.unwrap_err();
        assert_eq!(fault.class, FaultClass::Transient, "{trick:?}: {fault}");
        assert!(!fault.message.contains("t0ken"), "{fault}");
    }
    assert_eq!(wait(world.look(&call, &on).await).reference["number"], on.reference["number"]);
}

#[tokio::test]
async fn looks_leave_a_part_of_the_limit_to_what_is_done() {
    let world = World::new().await;
    let call = World::call(&json!({}));
    let reset = Timestamp::now() + Duration::from_mins(10);
    world.github.limit(Rate { limit: 100, remaining: 22, reset });
    let on = world.waiting(&call).await;
    let fault = world.look(&call, &on).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Transient, "{fault}");
    assert!(fault.retry_after_ms.is_some_and(|wait| wait > 500_000), "{fault:?}");
    let next = Call { key: format!("{}2", call.key), ..call };
    world.waiting(&next).await;
}

#[tokio::test]
async fn an_undeclared_input_is_explained() {
    let world = World::new().await;
    world.github.state().declared = Some(vec!["size".to_owned(), "name".to_owned()]);
    let message = terminal(world.perform(&World::call(&json!({}))).await);
    assert!(message.contains("Unexpected inputs provided"), "{message}");
    assert!(message.contains("and `correlation_id`, by which its run is found again"), "{message}");
    world.github.state().declared.as_mut().unwrap().push("marker".to_owned());
    world.waiting(&World::call(&json!({"correlationInput": "marker"}))).await;
}

#[tokio::test]
async fn an_app_reaches_one_repository_with_a_token_that_ends() {
    let world = World::new().await;
    let ports = ports_of_app(&world.github, world.state.path());
    let call = World::call(&json!({}));
    let on = wait(world.action.perform(&ports, &call).await);
    assert_eq!(world.github.state().minted, 1);
    let only = world.github.state().tokens["ghs-installed-1"].repository.clone();
    assert_eq!(only.as_deref(), Some("acme/app"));
    wait(world.action.look(&ports, &call, &on).await);
    assert_eq!(world.github.state().minted, 1);
    world.github.end_tokens();
    wait(world.action.look(&ports, &call, &on).await);
    assert_eq!(world.dispatches(), 1);
    assert_eq!(world.github.state().minted, 2);

    world.github.end_tokens();
    world.github.state().not_installed = true;
    let fault = world.action.look(&ports, &call, &on).await.unwrap_err();
    assert_eq!(fault.message, "the GitHub App 7 is not installed for acme/app");
    assert_eq!(fault.class, FaultClass::Transient);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    let world = World::new().await;
    for (more, expected) in [
        (json!({"workflow": "../x"}), "no name of a file"),
        (json!({"timeout": "soon"}), "not a duration"),
        (json!({"inputs": {"correlation_id": "x"}}), "holds the correlation"),
        (json!({"inputs": {"password": "hunter22"}}), "holds a secret"),
        (json!({"repository": "acme"}), "is on GitHub, which is not set up"),
        (json!({"repository": "https://elsewhere.example/acme/app"}), "is on GitHub, which is not"),
    ] {
        let message = terminal(world.perform(&World::call(&more)).await);
        assert!(message.contains(expected), "{message}");
    }
    let many: Map<String, Value> = (0..25).map(|n| (format!("i{n}"), json!("x"))).collect();
    let message = terminal(world.perform(&World::call(&json!({"inputs": many}))).await);
    assert!(message.contains("at most 25"), "{message}");
    assert_eq!(world.github.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn what_did_not_change_costs_nothing_of_the_limit() {
    let world = World::new().await;
    let call = World::call(&json!({}));
    let on = world.waiting(&call).await;
    let reset = Timestamp::now() + Duration::from_mins(10);
    world.github.limit(Rate { limit: 100, remaining: 50, reset });
    for _ in 0..5 {
        wait(world.look(&call, &on).await);
    }
    assert_eq!(world.github.state().rate.unwrap().remaining, 49);
    world.github.end_run(world.run(), "success", None);
    assert_eq!(done(world.look(&call, &on).await).1["conclusion"], json!("success"));
}

#[tokio::test]
async fn the_example_of_its_page_holds() {
    let page = include_str!("../../../docs/actions/github-workflow.md");
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let example: Value = serde_yaml::from_str(block).unwrap();
    let kind = crate::kinds::find("github-workflow").unwrap();
    assert_eq!(crate::kinds::config_problems(kind, &example["config"]), Vec::new());
    let world = World::new().await;
    let mut call = call(example["config"].clone());
    call.outputs = serde_json::from_value(example["outputs"].clone()).unwrap();
    let on = world.waiting(&call).await;
    let artifact = zip(&[("outputs.json", br#"{"host": "db.internal"}"#)]);
    world.github.end_run(world.run(), "success", Some(("outputs", artifact)));
    assert_eq!(done(world.look(&call, &on).await).1["host"], json!("db.internal"));
}
