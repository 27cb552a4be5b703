//! A runner of jobs for the tests: it does with the steps of a composite action what GitHub's does, in a clone of real git.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::desk::{Desk, Ended, ended};

/// A file of the repository.
pub(crate) fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Reads a file of the repository as YAML.
pub(crate) fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(file(path)).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|fault| panic!("{path}: {fault}"))
}

/// Returns the expressions in a text.
pub(crate) fn expressions(text: &str) -> Vec<String> {
    let starts = text.split("${{").skip(1);
    starts.map(|rest| rest.split("}}").next().unwrap().trim().to_owned()).collect()
}

/// A job that uses the action.
pub(crate) struct Job {
    /// `inputs.…`, `github.event.…` and `steps.…`, as far as there is something.
    pub(crate) values: BTreeMap<String, String>,
    /// What the runner sets for every step.
    pub(crate) variables: BTreeMap<&'static str, String>,
    /// The folder of the desk with the clone.
    pub(crate) clone: &'static str,
    /// Where programs are looked for; the usual place where absent.
    pub(crate) path: Option<String>,
}

impl Job {
    /// A job for an event, with what the action takes by default.
    pub(crate) fn of(desk: &Desk, event: &str, clone: &'static str) -> Self {
        let action = yaml("ci/github/action.yml");
        let inputs = action["inputs"].as_object().unwrap().iter();
        let values = inputs
            .map(|(name, input)| {
                let value = input["default"].as_str().unwrap().to_owned();
                (format!("inputs.{name}"), value)
            })
            .collect();
        let path = |name: &str| desk.path(name).display().to_string();
        let variables = BTreeMap::from([
            ("GITHUB_ACTION_PATH", file("ci/github").display().to_string()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_EVENT_NAME", event.to_owned()),
            ("GITHUB_OUTPUT", path("home/output")),
            ("GITHUB_STEP_SUMMARY", path("home/summary")),
            ("GITHUB_WORKSPACE", path(clone)),
            ("RUNNER_ARCH", "X64".to_owned()),
            ("RUNNER_OS", "Linux".to_owned()),
            ("RUNNER_TEMP", path("home/with space")),
        ]);
        fs::create_dir_all(desk.path("home/with space")).unwrap();
        fs::write(desk.path("home/summary"), "").unwrap();
        Self { values, variables, clone, path: None }
    }

    /// Sets a value of the event or an input.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), value.to_owned());
        self
    }

    fn value(&self, expression: &str) -> String {
        let known = ["inputs.", "github.event.", "steps."];
        assert!(known.iter().any(|start| expression.starts_with(start)), "{expression}");
        self.values.get(expression).cloned().unwrap_or_default()
    }

    fn is_wanted(&self, step: &Value) -> bool {
        let Some(condition) = step["if"].as_str() else { return true };
        let name = condition.strip_suffix(" != ''").expect("a condition that the runner knows");
        !self.value(name).is_empty()
    }

    /// Runs the steps one after the other, as long as they end well; returns how the last one did.
    pub(crate) fn run(&mut self, desk: &Desk) -> Ended {
        let action = yaml("ci/github/action.yml");
        let mut last = None;
        for step in action["runs"]["steps"].as_array().unwrap() {
            if step.get("uses").is_some() || !self.is_wanted(step) {
                continue;
            }
            let ended = self.step(desk, step);
            let failed = ended.code != Some(0);
            last = Some(ended);
            if failed {
                break;
            }
        }
        last.expect("a step")
    }

    fn step(&mut self, desk: &Desk, step: &Value) -> Ended {
        assert_eq!(step["shell"], "bash");
        let script = desk.path("home/step.sh");
        fs::write(&script, step["run"].as_str().unwrap()).unwrap();
        fs::write(desk.path("home/output"), "").unwrap();
        let line = ["--noprofile", "--norc", "-eo", "pipefail", script.to_str().unwrap()];
        let mut command = desk.command(self.clone, "bash", &line);
        command.envs(&self.variables);
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            let expressions = expressions(value.as_str().unwrap());
            assert_eq!(expressions.len(), 1, "{name}");
            command.env(name, self.value(&expressions[0]));
        }
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        let ended = ended(&mut command);
        let written = fs::read_to_string(desk.path("home/output")).unwrap();
        if let Some(id) = step["id"].as_str() {
            for (name, value) in written.lines().map(|line| line.split_once('=').unwrap()) {
                self.values.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            }
        }
        ended
    }

    /// Returns what the action says to the steps after it.
    pub(crate) fn output(&self, name: &str) -> String {
        let action = yaml("ci/github/action.yml");
        let value = action["outputs"][name]["value"].as_str().unwrap();
        self.value(&expressions(value)[0])
    }
}
