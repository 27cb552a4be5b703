//! Checks a `config` against the schema of its type. It renders nothing: texts are templates here.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::problem::{Fault, MOST, explain};
use super::registry::{ActionKind, all};
use super::{answer_schema, at_odds};

/// The largest compiled pattern, in bytes.
const PATTERN_BYTES: usize = 1 << 20;

/// A schema, as it is and compiled.
type Compiled = (Value, Validator);

/// By type; a catalog has few of them, and nobody waits for those of others.
static COMPILED: LazyLock<BTreeMap<&'static str, OnceLock<Compiled>>> =
    LazyLock::new(|| all().iter().map(|kind| (kind.name, OnceLock::new())).collect());

fn compile(kind: &ActionKind) -> Compiled {
    let schema: Value =
        serde_json::from_str(kind.schema).expect("an embedded schema is JSON, a test reads it");
    let validator = jsonschema::draft202012::options()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES))
        .offline()
        .build(&schema)
        .expect("an embedded schema compiles, a test does it");
    (schema, validator)
}

/// Returns what is wrong with an unrendered `config`, ordered by place.
pub fn config_problems(kind: &ActionKind, config: &Value) -> Vec<Fault> {
    let Some(compiled) = COMPILED.get(kind.name) else { return Vec::new() };
    let (schema, validator) = compiled.get_or_init(|| compile(kind));
    let errors = validator.iter_errors(config).take(MOST);
    let mut faults: Vec<Fault> = errors.flat_map(|error| explain(&error, schema)).collect();
    faults.extend(answer_schema::problems(config));
    faults.extend(at_odds::problems(kind, config));
    faults.sort_by(|a, b| (&a.pointer, &a.message).cmp(&(&b.pointer, &b.message)));
    faults.dedup();
    faults
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;
    use crate::kinds::find;

    fn check(kind: &str, config: &Value) -> String {
        let faults = config_problems(find(kind).unwrap(), config).into_iter();
        let lines = faults.map(|Fault { pointer, at_key, message, hint, .. }| {
            let key = if at_key { " (key)" } else { "" };
            format!("{pointer}{key}: {message} ({})", hint.unwrap_or_default())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn whole_configurations_are_taken() {
        let rest = json!({
            "endpoint": {"url": "{{environment.api}}/v1/{{fields.name}}", "method": "PUT"},
            "headers": {"Accept": "application/json"},
            "query": {"dry": false, "size": 5},
            "body": {"type": "json", "contentTemplate": {"a": ["{{fields.a}}"]}},
            "authentication": {"type": "oauth2-client", "tokenUrl": "https://h/t", "clientId": "a", "clientSecret": "B"},
            "expect": {"status": [200, "202-299"], "schema": {"type": "object"}},
            "poll": {"until": {"pointer": "/status", "in": ["done"]}, "interval": "{{fields.every}}", "timeout": "5m"},
            "observe": {"url": "u", "compare": {"size": {"pointer": "/size", "value": "{{fields.size}}"}}},
            "delete": {"url": "u", "expect": {"status": [204, 404]}},
        });
        assert_eq!(check("rest-api", &rest), "");
        let git = json!({
            "repository": "{{environment.targetRepository}}", "branch": "main", "commitMessage": "a",
            "files": [{"path": "a", "contentTemplate": ""}, {"path": "b", "operation": "delete"}],
            "createPullRequest": true, "waitFor": "opened",
            "pullRequest": {"title": "t", "body": "b", "reviewers": ["x"], "labels": ["y"], "draft": true, "autoMerge": false},
        });
        assert_eq!(check("git-commit", &git), "");
        let jira = json!({
            "instance": "main", "waitFor": "created", "links": [{"type": "blocks", "ticket": "OPS-1"}],
            "ticket": {"project": "OPS", "issueType": "Task", "summaryTemplate": "s", "customFields": {"x": {"id": 1}}},
        });
        assert_eq!(check("jira-ticket", &jira), "");
        for (kind, config) in [
            (
                "manual-task",
                json!({"title": "t", "instructions": "i", "outputs": [{"name": "host", "type": "string"}]}),
            ),
            ("notify", json!({"channel": "platform", "subject": "s", "message": "m"})),
            (
                "webhook",
                json!({"endpoint": {"url": "u"}, "body": {"template": "{}"}, "signature": {"secret": "S"}, "callback": {}}),
            ),
            (
                "github-workflow",
                json!({"repository": "acme/x", "workflow": "w.yml", "inputs": {"a": 1}, "timeout": "5m"}),
            ),
            (
                "terraform",
                json!({"module": {"source": "m", "version": "1"}, "variables": {"a": [1]}, "workspace": "w"}),
            ),
            (
                "approval",
                json!({"approvers": {"teams": ["a"]}, "required": 2, "onTimeout": "continue", "form": {"groups": []}}),
            ),
            ("command", json!({"program": "p", "args": ["a", 1], "stdin": "x", "env": {"A": "b"}})),
        ] {
            assert_eq!(check(kind, &config), "", "{kind}");
        }
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        let rest = json!({
            "endpont": {},
            "endpoint": {"method": "FETCH"},
            "headers": {"X-Count": 5},
            "body": {"type": "form", "contentTemplate": "a=b"},
            "authentication": {"type": "bearer"},
            "expect": {"status": [99, "2xx"]},
            "poll": {"until": {"pointer": "status", "in": []}, "interval": "soon"},
        });
        assert_snapshot!(check("rest-api", &rest), @r#"
        /authentication: missing property `token` (`token`: name of the secret that holds the bearer token)
        /body/contentTemplate: expected a mapping, found text `a=b` (write `{key: value}`, or each `key: value` on its own line below)
        /endpoint: missing property `url` (`url`: where the request goes; values in it are percent-encoded)
        /endpoint/method: expected one of `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`, found `FETCH` (did you mean `PATCH`?)
        /endpont (key): unknown property `endpont` (did you mean `endpoint`?)
        /expect/status/0: expected at least 100, found 99 ()
        /expect/status/1: expected one status code or a range of them, as `200-299`, found `2xx` (for example `201`)
        /headers/X-Count: expected text, found number `5` (put it in quotes: "5")
        /poll/interval: expected pause between two questions, as a duration, found `soon` (for example `30s`)
        /poll/until/in: expected at least 1 entry, found 0 ()
        /poll/until/pointer: expected JSON pointer to the value that tells, beginning with `/`, found `status` (for example `/status`)
        "#);
        let git = json!({"repository": "", "files": [{"path": "a"}, {"operation": "delete"}], "waitFor": "marged"});
        assert_snapshot!(check("git-commit", &git), @r#"
        /files/0: missing property `contentTemplate` (`contentTemplate`: template of the whole file; values are escaped for what its ending says)
        /files/1: missing property `path` (`path`: path from the root of the repository; a value in it may not hold `/`)
        /repository: expected text that is not empty ()
        /waitFor (key): `waitFor` says nothing without `createPullRequest: true`: the files are committed without a review (write `createPullRequest: true`, or take this away)
        /waitFor: expected one of `merged`, `opened`, found `marged` (did you mean `merged`?)
        "#);
        assert_snapshot!(check("terraform", &json!({"workspace": "w"})), @r#": missing one of `contentTemplate`, `files`, `module` (write at least one of them)"#);
        assert_snapshot!(check("approval", &json!({"approvers": {}, "required": 0})), @r#"
        /approvers: missing one of `teams`, `users` (write at least one of them)
        /required: expected at least 1, found 0 ()
        "#);
        assert_snapshot!(check("notify", &json!(null)), @r#": expected a mapping, found nothing (write it, its lines indented further than the key, or take the property away)"#);
    }
}
