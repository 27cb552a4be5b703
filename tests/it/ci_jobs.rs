//! What `ci/` offers for the CI systems of others: read as they read it, and run as they run it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::ci_runner::{Job, expressions, file, yaml};
use crate::desk::{Desk, Ended, SERVICE, ended};

const NO_SUCH: &str = "no-such-item";
const ZEROS: &str = "0000000000000000000000000000000000000000";

/// A clone in the folder `clone`, as a job gets it.
fn checked_out(desk: &Desk, options: &[&str], commit: &str) {
    let server = format!("file://{}", desk.path("server.git").display());
    let line = [&["clone", "-q"], options, &[&server, "clone"]].concat();
    desk.run("", "git", &line).fine();
    desk.run("clone", "git", &["checkout", "-q", "--detach", commit]).fine();
}

/// Pushes a branch with one change more than main, and the merge of both; returns the commit of main before.
fn proposed(desk: &Desk, change: impl Fn(&Desk)) -> String {
    let before = desk.head();
    desk.git(&["switch", "-q", "-c", "topic"]).fine();
    change(desk);
    desk.commit_unseen();
    desk.git(&["switch", "-q", "-c", "merge", "main"]).fine();
    desk.git(&["merge", "-q", "--no-ff", "-m", "merge", "topic"]).fine();
    desk.git(&["push", "-q", "origin", "topic", "merge"]).fine();
    before
}

fn pull_request(desk: &Desk, base: &str) -> Job {
    let mut job = Job::of(desk, "pull_request", "clone");
    job.variables.insert("GITHUB_BASE_REF", "main".to_owned());
    job.with("github.event.pull_request.base.sha", base)
}

#[test]
fn a_pull_request_that_breaks_something_is_annotated() {
    let desk = Desk::new();
    let base = proposed(&desk, Desk::break_service);
    checked_out(&desk, &[], "origin/merge");
    let mut job = pull_request(&desk, &base);
    let told = job.run(&desk);
    assert_eq!(told.code, Some(1), "{}", told.said);
    assert!(told.said.contains(&format!("::error file={SERVICE},line=9")), "{}", told.said);
    assert_eq!(job.output("exit-code"), "1");
    let sarif: Value =
        serde_json::from_str(&fs::read_to_string(job.output("sarif")).unwrap()).unwrap();
    let place = "/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri";
    assert_eq!(sarif.pointer(place), Some(&json!(SERVICE)), "{sarif:#}");
    for path in [job.output("markdown").into(), desk.path("home/summary")] {
        assert!(fs::read_to_string(path).unwrap().contains(NO_SUCH));
    }
}

#[test]
fn a_pull_request_is_not_held_up_by_others_but_code_scanning_sees_all() {
    let desk = Desk::new();
    let first = desk.head();
    desk.break_service();
    desk.commit_unseen();
    desk.git(&["push", "-q", "origin", "main"]).fine();
    proposed(&desk, |desk| {
        desk.write(
            "environments/other.yaml",
            &desk.read("environments/staging.yaml").replace("staging", "other"),
        );
    });
    checked_out(&desk, &[], "origin/merge");
    // The event is older than the merge, which has a newer main.
    let mut job = pull_request(&desk, &first);
    let told = job.run(&desk).fine();
    assert!(!told.contains("::error"), "{told}");
    assert_eq!(job.output("exit-code"), "0");
    assert!(fs::read_to_string(job.output("sarif")).unwrap().contains(NO_SUCH));
}

#[test]
fn a_clone_without_history_is_told_and_nothing_passes_by_it() {
    let desk = Desk::new();
    let base = proposed(&desk, Desk::break_service);
    checked_out(&desk, &["--depth=1", "--branch=merge"], "HEAD");
    let mut job = pull_request(&desk, &base);
    let told = job.run(&desk);
    assert_eq!(told.code, Some(2), "{}", told.said);
    assert!(told.said.contains("fetch-depth: 0"), "{}", told.said);
    assert_eq!((job.output("exit-code"), job.output("sarif")), ("2".to_owned(), String::new()));
}

#[test]
fn other_events_are_compared_with_what_they_name() {
    let desk = Desk::new();
    let before = desk.head();
    desk.break_service();
    let broken = desk.commit_unseen();
    desk.write("notes.txt", "Unrelated.\n");
    desk.commit_unseen();
    desk.git(&["push", "-q", "origin", "main"]).fine();
    checked_out(&desk, &[], "origin/main");
    let gone = "1234567890123456789012345678901234567890";
    for (event, name, revision, code) in [
        ("push", "github.event.before", before.as_str(), 1),
        ("push", "github.event.before", &broken, 0),
        ("push", "github.event.before", ZEROS, 1),
        ("push", "github.event.before", gone, 1),
        ("merge_group", "github.event.merge_group.base_sha", &before, 1),
        ("merge_group", "github.event.merge_group.base_sha", &broken, 0),
        ("schedule", "inputs.base", "", 1),
        ("schedule", "inputs.base", "HEAD~1", 0),
        ("schedule", "inputs.base", gone, 2),
        ("schedule", "inputs.base", "--help", 2),
        ("schedule", "inputs.catalog", "$(touch injected)`touch injected`", 2),
        ("push", "inputs.fail-on", "error; touch injected", 2),
    ] {
        let mut job = Job::of(&desk, event, "clone").with(name, revision);
        let told = job.run(&desk);
        assert_eq!(told.code, Some(code), "{event} {name} {revision}: {}", told.said);
    }
    assert!(!desk.path("clone/injected").exists());
}

#[test]
fn the_action_builds_the_program_where_there_is_none() {
    let desk = Desk::new();
    checked_out(&desk, &[], "origin/main");
    let tools = desk.path("home/tools");
    fs::create_dir(&tools).unwrap();
    let cargo = format!(
        "#!/bin/sh\necho \"$PWD $*\" >>{}\nwhile [ $# -gt 1 ]; do shift; done\nmkdir -p \"$1/bin\"\nln -s {} \"$1/bin/trueline\"\n",
        tools.join("told").display(),
        env!("CARGO_BIN_EXE_trueline"),
    );
    fs::write(tools.join("cargo"), cargo).unwrap();
    fs::set_permissions(tools.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut keys = BTreeSet::new();
    // What is built once is there for the next job, as the cache would bring it.
    for _ in 0..2 {
        let mut job = Job::of(&desk, "schedule", "clone");
        job.path = Some(format!("{}:/usr/bin:/bin", tools.display()));
        job.run(&desk).fine();
        keys.insert(job.values["steps.program.outputs.key"].clone());
    }
    assert_eq!(keys.len(), 1, "{keys:?}");
    let told = fs::read_to_string(tools.join("told")).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    // In the folder of the source: settings of what is judged must not count.
    let source = file("").canonicalize().unwrap();
    let expected = format!("{} install --quiet --locked --path . --root ", source.display());
    assert!(told.starts_with(&expected), "{told}");
}

/// Runs the job for GitLab in the clone.
fn gitlab(desk: &Desk, variables: &[(&str, &str)]) -> Ended {
    let jobs = yaml("ci/gitlab/trueline.yml");
    let script = jobs["trueline"]["script"][0].as_str().unwrap();
    let mut command = desk.command("clone", "sh", &["-ec", script]);
    for (name, value) in jobs["variables"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let _ = fs::remove_file(desk.path("clone/trueline-junit.xml"));
    ended(command.env("CI_COMMIT_BEFORE_SHA", ZEROS).envs(variables.iter().copied()))
}

#[test]
fn the_job_for_gitlab_compares_and_reports() {
    let desk = Desk::new();
    let before = desk.head();
    desk.break_service();
    let broken = desk.commit_unseen();
    desk.write("notes.txt", "Unrelated.\n");
    desk.commit_unseen();
    desk.git(&["push", "-q", "origin", "main"]).fine();
    checked_out(&desk, &[], "origin/main");
    let gone = "1234567890123456789012345678901234567890";
    for (variables, code) in [
        (&[("CI_MERGE_REQUEST_DIFF_BASE_SHA", before.as_str())][..], 1),
        (&[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &broken)], 0),
        (&[("CI_MERGE_REQUEST_DIFF_BASE_SHA", gone)], 2),
        (
            &[
                ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &before),
                ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &broken),
            ],
            0,
        ),
        (&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &before)], 1),
        (&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", &broken)], 0),
        (&[("CI_PIPELINE_SOURCE", "push")], 1),
        (&[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_BEFORE_SHA", gone)], 1),
        (&[("CI_PIPELINE_SOURCE", "schedule"), ("TRUELINE_CATALOG", "$(touch injected)")], 2),
    ] {
        let told = gitlab(&desk, variables);
        assert_eq!(told.code, Some(code), "{variables:?}: {}", told.said);
        if code < 2 {
            let junit = fs::read_to_string(desk.path("clone/trueline-junit.xml")).unwrap();
            assert_eq!(junit.contains(NO_SUCH), code == 1, "{variables:?}: {junit}");
        }
    }
    assert!(!desk.path("clone/injected").exists());
}

#[test]
fn the_plain_job_compares_and_reports() {
    let desk = Desk::new();
    let job = file("ci/validate.sh").display().to_string();
    desk.break_service();
    desk.commit_unseen();
    desk.run("work", &job, &["HEAD~1"]).refused(&[NO_SUCH]);
    desk.run("work", &job, &[]).refused(&[NO_SUCH]);
    for name in ["junit.xml", "findings.sarif", "findings.md"] {
        assert!(desk.read(&format!("trueline-reports/{name}")).contains(NO_SUCH), "{name}");
    }
    desk.run("work", &job, &["HEAD"]).fine();
    assert_eq!(desk.run("work", &job, &["--help"]).code, Some(2));
    assert_eq!(desk.run("home", &job, &[]).code, Some(3));
    let mut without = desk.command("work", &job, &[]);
    ended(without.env("TRUELINE", "no-such-program")).refused(&["no-such-program"]);
}

/// Returns the steps that run something, with where they stand.
fn scripts() -> Vec<(String, &'static str, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut found = Vec::new();
    for step in yaml("ci/github/action.yml")["runs"]["steps"].as_array().unwrap() {
        if step.get("run").is_some() {
            found.push((text(&step["name"]), "bash", text(&step["run"])));
        }
    }
    for line in yaml("ci/gitlab/trueline.yml")["trueline"]["script"].as_array().unwrap() {
        found.push(("gitlab".to_owned(), "sh", text(line)));
    }
    for (path, shell) in [
        ("ci/validate.sh", "sh"),
        ("ci/test", "bash"),
        ("ci/bench", "bash"),
        ("hooks/pre-commit", "sh"),
        ("hooks/pre-push", "sh"),
        ("hooks/pre-receive", "sh"),
    ] {
        let mode = fs::metadata(file(path)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{path} can be run");
        found.push((path.to_owned(), shell, fs::read_to_string(file(path)).unwrap()));
    }
    found
}

#[test]
fn every_script_can_be_read_and_no_value_of_an_event_is_part_of_one() {
    let desk = Desk::new();
    let scripts = scripts();
    assert_eq!(scripts.len(), 10);
    for (name, shell, text) in scripts {
        assert_eq!(expressions(&text), Vec::<String>::new(), "{name}");
        let script = desk.path("home/script");
        fs::write(&script, text).unwrap();
        let told = desk.run("home", shell, &["-n", script.to_str().unwrap()]);
        assert_eq!((told.code, told.said.as_str()), (Some(0), ""), "{name}");
    }
}

#[test]
fn the_action_names_what_there_is() {
    let action = yaml("ci/github/action.yml");
    let steps = action["runs"]["steps"].as_array().unwrap();
    let ids: BTreeSet<&str> = steps.iter().filter_map(|step| step["id"].as_str()).collect();
    let text = fs::read_to_string(file("ci/github/action.yml")).unwrap();
    let names = expressions(&text);
    for name in &names {
        let parts: Vec<&str> = name.split('.').collect();
        match parts[0] {
            "inputs" => assert!(action["inputs"].get(parts[1]).is_some(), "{name}"),
            "steps" => assert!(ids.contains(parts[1]), "{name}"),
            _ => assert!(name.starts_with("github.event."), "{name}"),
        }
    }
    assert!(names.len() > 10, "{names:?}");
}

#[test]
fn the_workflow_asks_for_no_more_than_it_needs() {
    let workflow = yaml("ci/github/workflow.yml");
    assert_eq!(workflow["permissions"], json!({}));
    let job = &workflow["jobs"]["validate"];
    assert_eq!(job["permissions"], json!({"contents": "read", "security-events": "write"}));
    let steps = job["steps"].as_array().unwrap();
    assert_eq!(steps[0]["with"], json!({"fetch-depth": 0, "persist-credentials": false}));
    let ours = steps.iter().find(|step| step["id"] == "trueline").unwrap();
    let path = ours["uses"].as_str().unwrap().strip_prefix("OWNER/trueline/").unwrap();
    let folder = path.split('@').next().unwrap();
    assert!(file(folder).join("action.yml").is_file(), "{folder}");
    assert!(
        steps.iter().all(|step| step.get("run").is_none()),
        "nothing for a shell to take apart"
    );
    let events: Vec<&String> = workflow["on"].as_object().unwrap().keys().collect();
    assert!(!events.contains(&&"pull_request_target".to_owned()), "{events:?}");
    let action = yaml("ci/github/action.yml");
    for expression in expressions(&fs::read_to_string(file("ci/github/workflow.yml")).unwrap()) {
        if let Some(output) = expression.strip_prefix("steps.trueline.outputs.") {
            assert!(action["outputs"].get(output).is_some(), "{output}");
        }
    }
}

#[test]
fn what_the_guide_tells_to_copy_can_be_read() {
    let guide = fs::read_to_string(file("docs/guide/ci.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 3, "{}", blocks.len());
    for block in &blocks {
        let read: Result<Value, _> = serde_yaml::from_str(block);
        assert!(read.is_ok(), "{read:?}\n{block}");
    }
    let hooks = yaml(".pre-commit-hooks.yaml");
    let id = hooks[0]["id"].as_str().unwrap();
    assert!(blocks.iter().any(|block| block.contains(&format!("id: {id}"))), "{id}");
}
