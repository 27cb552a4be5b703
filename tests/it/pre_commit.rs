//! The hook of `.pre-commit-hooks.yaml`, run by the real program pre-commit.
//!
//! `ci/test` installs that program and names it by `TRUELINE_TEST_PRE_COMMIT`; without it these tests only say so.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::desk::{Desk, Ended, SERVICE, ended};

/// A desk whose clone has pre-commit installed, with our hook.
struct Installed {
    desk: Desk,
    program: String,
}

impl Installed {
    /// Installs it; nothing where the program is not named.
    fn new(options: &str) -> Option<Self> {
        let Ok(program) = std::env::var("TRUELINE_TEST_PRE_COMMIT") else {
            // Written past what the harness keeps to itself of a test that ends well.
            let told =
                "skipped: TRUELINE_TEST_PRE_COMMIT names no pre-commit; `ci/test` installs one\n";
            std::io::stderr().write_all(told.as_bytes()).unwrap();
            return None;
        };
        let installed = Self { desk: Desk::new(), program };
        let desk = &installed.desk;
        // A repository of hooks, as people name one: here with nothing in it but the file that pre-commit reads.
        let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
        desk.run("", "git", &["init", "-q", "-b", "main", "trueline"]).fine();
        fs::copy(hooks, desk.path("trueline/.pre-commit-hooks.yaml")).unwrap();
        desk.run("trueline", "git", &["add", "-A"]).fine();
        desk.run("trueline", "git", &["commit", "-q", "-m", "hooks"]).fine();
        desk.run("trueline", "git", &["tag", "v1"]).fine();
        let config = format!(
            "repos:\n  - repo: {}\n    rev: v1\n    hooks:\n      - {{id: trueline-validate{options}}}\n",
            desk.path("trueline").display()
        );
        desk.write(".pre-commit-config.yaml", &config);
        desk.git(&["add", "-A"]).fine();
        installed.run(&["install"]).fine();
        installed.git(&["commit", "-m", "pre-commit"]).fine();
        Some(installed)
    }

    /// Lets a command find pre-commit's cache on the desk.
    fn ended(&self, command: &mut Command) -> Ended {
        ended(command.env("PRE_COMMIT_HOME", self.desk.path("home/pre-commit")))
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.ended(&mut self.desk.command("work", &self.program, arguments))
    }

    fn git(&self, arguments: &[&str]) -> Ended {
        self.ended(&mut self.desk.command("work", "git", arguments))
    }
}

#[test]
fn only_what_is_staged_is_judged() {
    let Some(installed) = Installed::new("") else { return };
    let desk = &installed.desk;
    let before = desk.head();
    desk.break_service();
    desk.git(&["add", "-A"]).fine();
    desk.mend_service("How we work");
    installed.git(&["commit", "-m", "broken"]).refused(&[
        "trueline validate",
        "Failed",
        &format!("{SERVICE}:9:14: error reference/unknown"),
    ]);
    assert_eq!(desk.head(), before);
    assert!(desk.read(SERVICE).contains("How we work"), "what is not staged stays");
    desk.git(&["add", "-A"]).fine();
    desk.break_service();
    let told = installed.git(&["commit", "-m", "fine"]).fine();
    assert!(told.contains("Passed"), "{told}");
    assert_ne!(desk.head(), before);
    assert!(desk.read(SERVICE).contains("no-such-item"), "what is not staged stays");
    installed.git(&["commit", "-a", "-m", "all"]).refused(&["no-such-item"]);
    installed.git(&["commit", "-m", "one", SERVICE]).refused(&["no-such-item"]);
}

#[test]
fn a_removal_is_judged_although_pre_commit_names_no_file() {
    let Some(installed) = Installed::new("") else { return };
    let desk = &installed.desk;
    desk.git(&["rm", "-rq", "catalog"]).fine();
    installed.git(&["commit", "-m", "gone"]).refused(&["Failed", "repository-standard"]);
}

#[test]
fn arguments_of_the_configuration_count() {
    let Some(installed) = Installed::new(", args: [--fail-on=note]") else { return };
    let desk = &installed.desk;
    let item = "catalog/repositories/repository-standard.yaml";
    desk.write(item, &format!("{}# trueline: allow id/duplicate nothing of it\n", desk.read(item)));
    // Not so bad that it would be refused without.
    let told = desk.trueline(&["validate"]).fine();
    assert!(told.contains(item), "{told}");
    desk.git(&["add", "-A"]).fine();
    installed.git(&["commit", "-m", "note"]).refused(&["Failed", item]);
}

#[test]
fn pre_commit_takes_the_file_for_what_it_should_be() {
    let Some(installed) = Installed::new("") else { return };
    let hooks = installed.desk.path("trueline/.pre-commit-hooks.yaml");
    let told = installed.run(&["validate-manifest", hooks.to_str().unwrap()]).fine();
    assert_eq!(told, "", "no warnings");
}
