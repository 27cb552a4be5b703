//! The row of `git-commit`: files in a repository, directly or by a pull request. It writes none.

use serde_json::Value;

use super::registry::{ActionKind, Decided, Reversal, Slot, known_text, none};
use super::shown::Shown;
use crate::template::{Target, has_unknown};

/// Writes files to a repository.
pub(super) static GIT_COMMIT: ActionKind = ActionKind {
    name: "git-commit",
    summary: "writes files to a repository, directly or through a pull request",
    schema: include_str!("../../schemas/actions/git-commit.json"),
    slots: &[
        Slot::new("/files/*/path", Target::Path),
        Slot::new("/files/*/contentTemplate", Target::Text)
            .decided(Decided::ByEnding("/files/*/path")),
        Slot::new("/commitMessage", Target::Message),
        Slot::new("/pullRequest/title", Target::Message),
        Slot::new("/pullRequest/body", Target::Markdown),
    ],
    secrets: &[],
    shown: |_| Shown::Never(&[""]),
    reversal: Reversal::Natural,
    observable: Some("/files"),
    available: true,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims,
    targets,
    outputs,
};

/// Each file, by repository, branch and path.
fn claims(config: &Value) -> Vec<String> {
    let Some(repository) = known_text(config, "/repository") else { return Vec::new() };
    let branch = match config.get("branch") {
        Some(_) => known_text(config, "/branch"),
        None => Some("main"),
    };
    let Some(branch) = branch else { return Vec::new() };
    let files = config.get("files").and_then(Value::as_array);
    files
        .into_iter()
        .flatten()
        .filter_map(|file| file.get("path")?.as_str())
        .filter(|path| !has_unknown(path))
        .map(|path| format!("git:{repository}#{branch}:{path}"))
        .collect()
}

fn targets(config: &Value) -> Vec<String> {
    let repository = known_text(config, "/repository");
    repository.map(|repository| format!("git:{repository}")).into_iter().collect()
}

fn outputs(config: &Value) -> Vec<String> {
    let proposed = config.get("createPullRequest") == Some(&Value::Bool(true));
    let names: &[&str] = if proposed {
        &["commit", "branch", "pullRequestUrl", "pullRequestNumber"]
    } else {
        &["commit", "branch"]
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::unknown;

    #[test]
    fn every_known_file_is_claimed() {
        let config = json!({
            "repository": "acme/dns",
            "files": [{"path": "a.yaml"}, {"path": unknown("outputs.x")}, {"path": "b", "operation": "delete"}],
        });
        assert_eq!(claims(&config), ["git:acme/dns#main:a.yaml", "git:acme/dns#main:b"]);
        assert_eq!(targets(&config), ["git:acme/dns"]);
        let unknown_branch =
            json!({"repository": "r", "branch": unknown("b"), "files": [{"path": "a"}]});
        assert!(claims(&unknown_branch).is_empty());
        assert!(targets(&json!({"repository": unknown("outputs.x")})).is_empty());
    }

    #[test]
    fn a_pull_request_has_outputs_of_its_own() {
        assert_eq!(outputs(&json!({})), ["commit", "branch"]);
        assert_eq!(outputs(&json!({"createPullRequest": true})).len(), 4);
    }
}
