//! `repositoryMapping`: the configuration is filed as a pull request instead of being run. It says what `git-commit`
//! is to do, and does nothing itself.

use serde_json::{Value, json};

use super::config::Config;
use crate::action::Call;
use crate::action::scrub::Scrub;
use crate::run::Fault;

/// Tells whether a configuration is filed instead of run.
pub(super) fn is_mapped(config: &Value) -> bool {
    config.get("repositoryMapping").is_some()
}

/// Returns the call of `git-commit` that files the configuration.
pub(super) fn filed(call: &Call, scrub: &Scrub) -> Result<Call, Fault> {
    let mut filed = call.clone();
    filed.config = config_of(call, scrub)?;
    if let Some(left) = filed.previous.as_mut().filter(|left| is_mapped(&left.sent)) {
        let before = Call { config: left.sent.clone(), secrets: Vec::new(), ..call.clone() };
        // What can't be read any more is compared with nothing.
        left.sent = config_of(&before, scrub).unwrap_or_default();
    }
    Ok(filed)
}

fn config_of(call: &Call, scrub: &Scrub) -> Result<Value, Fault> {
    let config = Config::read(call)?;
    let Some(mapping) = &config.repository_mapping else {
        return Err(Fault::terminal("`config` has no `repositoryMapping`"));
    };
    let mut files = Vec::new();
    for (name, text) in config.written()? {
        if scrub.text(&text) != text {
            return Err(Fault::terminal(format!(
                "`{name}` would hold a secret, and everybody who reads {} would see it; let the configuration read it from where it runs",
                mapping.repository
            )));
        }
        let path = format!("{}/{name}", mapping.path.trim_end_matches('/'));
        files.push(json!({"path": path, "contentTemplate": text}));
    }
    Ok(json!({
        "repository": mapping.repository,
        "branch": mapping.branch,
        "createPullRequest": true,
        "waitFor": "merged",
        "commitMessage": format!("terraform: {}", call.service),
        "pullRequest": {
            "title": format!("Terraform of {}", call.service),
            "body": "The configuration of this service. Merge it to have it applied by whatever applies this repository.",
        },
        "files": files,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::testing::call;

    fn mapped(content: &str) -> Value {
        json!({"contentTemplate": content, "variables": {"size": 1},
               "repositoryMapping": {"repository": "acme/infra", "path": "services/db/"}})
    }

    #[test]
    fn the_configuration_becomes_files_of_a_pull_request() {
        let call = call(mapped("locals {}"));
        let filed = filed(&call, &Scrub::of(&call)).unwrap();
        let paths: Vec<&Value> =
            filed.config["files"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
        assert_eq!(paths, ["services/db/main.tf", "services/db/trueline.auto.tfvars.json"]);
        assert_eq!(filed.config["branch"], "main");
        assert_eq!(filed.config["createPullRequest"], true);
    }

    #[test]
    fn a_secret_is_never_filed() {
        let call = call(mapped("x = \"hunter22\""));
        let fault = filed(&call, &Scrub::of(&call)).unwrap_err();
        assert!(fault.message.contains("`main.tf` would hold a secret"), "{fault}");
    }
}
