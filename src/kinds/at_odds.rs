//! Finds what each key allows and no schema says: keys that say nothing without another, people who can't be enough,
//! secrets where everybody reads. It renders nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::command::is_reserved_variable;
use super::problem::Fault;
use super::registry::ActionKind;

const RULE: &str = "schema/value";

fn fault(pointer: String, at_key: bool, (message, hint): (String, &str)) -> Fault {
    let hint = Some(hint.to_owned());
    Fault { pointer, at_key, rule: RULE, message, hint, mend: None }
}

/// Returns what is at odds in an unrendered `config`.
pub(super) fn problems(kind: &ActionKind, config: &Value) -> Vec<Fault> {
    let mut faults = match kind.name {
        "approval" => too_few(config),
        "command" => reserved(config),
        "git-commit" => unasked(config),
        _ => Vec::new(),
    };
    faults.extend(kind.secrets.iter().filter_map(|pointer| unnamed(config, pointer)));
    faults
}

/// As many different people as are wanted must be among those who may.
fn too_few(config: &Value) -> Vec<Fault> {
    let listed =
        |name: &str| config.pointer(&format!("/approvers/{name}")).and_then(Value::as_array);
    let required = config.get("required").and_then(Value::as_u64).unwrap_or(1);
    let (Some(users), None | Some([])) = (listed("users"), listed("teams").map(Vec::as_slice))
    else {
        return Vec::new();
    };
    let people: BTreeSet<&str> = users.iter().filter_map(Value::as_str).collect();
    if people.iter().any(|user| user.contains("{{")) || people.len() as u64 >= required {
        return Vec::new();
    }
    let many = people.len();
    let message = format!("{required} different people are wanted, and `approvers` names {many}");
    let hint = "name more people or a team under `approvers`, or ask for fewer";
    vec![fault("/required".to_owned(), false, (message, hint))]
}

/// Variables that decide what code runs are the operator's.
fn reserved(config: &Value) -> Vec<Fault> {
    let names = config.get("env").and_then(Value::as_object).into_iter().flat_map(|env| env.keys());
    let told = |name: &String| {
        let pointer = format!("/env/{}", name.replace('~', "~0").replace('/', "~1"));
        let message = format!("`{name}` decides what code runs, or is set by Trueline");
        let hint = "choose another name; the operator lists what else a program is given";
        fault(pointer, true, (message, hint))
    };
    names.filter(|name| is_reserved_variable(name)).map(told).collect()
}

/// What is said of a pull request is not to be lost on a commit that nobody reviews.
fn unasked(config: &Value) -> Vec<Fault> {
    // A template may become `true`.
    if !matches!(config.get("createPullRequest"), None | Some(Value::Bool(false))) {
        return Vec::new();
    }
    let told = |key: &&str| {
        let message = format!(
            "`{key}` says nothing without `createPullRequest: true`: the files are committed without a review"
        );
        fault(
            format!("/{key}"),
            true,
            (message, "write `createPullRequest: true`, or take this away"),
        )
    };
    let keys = ["pullRequest", "waitFor"];
    keys.iter().filter(|key| config.get(**key).is_some()).map(told).collect()
}

/// Where a secret is named, a name must stand.
fn unnamed(config: &Value, pointer: &str) -> Option<Fault> {
    let name = config.pointer(pointer)?.as_str()?;
    if name.contains("{{") || is_name_of_a_secret(name) {
        return None;
    }
    let message =
        "expected the name of a secret: capital letters, digits and underscores".to_owned();
    let hint = "write its name, such as `API_TOKEN`; never the secret itself";
    Some(fault(pointer.to_owned(), false, (message, hint)))
}

fn is_name_of_a_secret(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::kinds::{config_problems, find};

    fn check(kind: &str, config: &serde_json::Value, expected: &str) {
        let faults = config_problems(find(kind).unwrap(), config);
        let told: Vec<String> =
            faults.iter().map(|it| format!("{}: {}", it.pointer, it.message)).collect();
        assert_eq!(told.join("\n"), expected);
    }

    #[test]
    fn as_many_people_as_are_wanted_must_be_there() {
        let two = |approvers: serde_json::Value| json!({"approvers": approvers, "required": 2});
        let few = "/required: 2 different people are wanted, and `approvers` names 1";
        check("approval", &two(json!({"users": ["ada"]})), few);
        check("approval", &two(json!({"users": ["ada", "ada"]})), few);
        check("approval", &two(json!({"users": ["ada", "bob"]})), "");
        check("approval", &two(json!({"users": ["ada"], "teams": ["leads"]})), "");
        check("approval", &two(json!({"users": ["{{fields.owner}}"]})), "");
    }

    #[test]
    fn variables_that_decide_what_runs_are_found_before_anything_runs() {
        let env = json!({"program": "mint", "env": {"PATH": "/x", "LD_PRELOAD": "x", "TEAM": "a"}});
        check(
            "command",
            &env,
            "/env/LD_PRELOAD: `LD_PRELOAD` decides what code runs, or is set by Trueline\n\
             /env/PATH: `PATH` decides what code runs, or is set by Trueline",
        );
    }

    #[test]
    fn a_pull_request_that_nobody_asked_for_is_no_commit_without_a_review() {
        let mut config = json!({
            "repository": "acme/app", "files": [{"path": "a", "contentTemplate": "b"}],
            "pullRequest": {"title": "t"}, "waitFor": "opened",
        });
        let says = "says nothing without `createPullRequest: true`: the files are committed without a review";
        check(
            "git-commit",
            &config,
            &format!("/pullRequest: `pullRequest` {says}\n/waitFor: `waitFor` {says}"),
        );
        config["createPullRequest"] = json!(true);
        check("git-commit", &config, "");
    }

    #[test]
    fn what_names_a_secret_is_a_name() {
        let config = |name: &str| {
            let url = "https://hooks.example.com/a";
            json!({"endpoint": {"url": url}, "body": {"template": "x"}, "signature": {"secret": name}})
        };
        let expected = "/signature/secret: expected the name of a secret: capital letters, digits and underscores";
        for name in ["a b", "hunter22", "whsec_abc"] {
            check("webhook", &config(name), expected);
        }
        for name in ["SIGN_KEY2", "{{environment.key}}"] {
            check("webhook", &config(name), "");
        }
    }
}
