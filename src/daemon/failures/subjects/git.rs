//! `git-commit` against a GitHub over real repositories: by a commit, and by a pull request.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::subject::{Between, Shared, Subject};
use super::super::wire::{Speech, Wire};
use crate::action::{GitHubSettings, Operator, SecretRef};
use crate::forge::github::fake::FakeGitHub;

pub(super) const APP: &str = "acme/app";

/// A GitHub at the other end of a wire.
pub(super) struct Hub {
    pub(super) github: FakeGitHub,
    pub(super) wire: Wire,
}

impl Hub {
    pub(super) async fn start() -> Self {
        let github = FakeGitHub::start().await;
        let wire = Wire::to(github.address(), Speech::Http).await;
        github.state().base = wire.url("");
        Self { github, wire }
    }

    pub(super) fn operator(&self) -> Operator {
        let settings = GitHubSettings {
            api_url: Some(self.wire.url("/api/v3")),
            app_id: None,
            private_key_file: None,
            token: Some(SecretRef { secret: "GITHUB".to_owned() }),
            webhook_secrets: Vec::new(),
        };
        Operator { github: Some(settings), ..Operator::default() }
    }
}

struct Git {
    hub: Hub,
    proposes: bool,
}

pub(super) async fn direct() -> Shared {
    Arc::new(Git { hub: Hub::start().await, proposes: false })
}

pub(super) async fn proposed() -> Shared {
    Arc::new(Git { hub: Hub::start().await, proposes: true })
}

impl Git {
    /// Counts commits on `main`, without the one that was there before.
    fn commits(&self) -> usize {
        let count = self.hub.github.git(APP, &["rev-list", "--count", "main"]);
        count.trim().parse::<usize>().unwrap() - 1
    }
}

#[async_trait]
impl Subject for Git {
    fn document(&self) -> (Value, Value) {
        let mut config = json!({
            "repository": APP, "commitMessage": "Add a zone",
            "files": [{"path": "zones/one", "contentTemplate": "size {{fields.size}}\n"}],
        });
        if self.proposes {
            config["createPullRequest"] = json!(true);
            config["pullRequest"] = json!({"title": "Add a zone", "labels": ["dns"]});
        }
        (config, json!({}))
    }

    fn between(&self) -> Between<'_> {
        Between::Wire(&self.hub.wire)
    }

    fn operator(&self) -> Operator {
        self.hub.operator()
    }

    fn is_effect(&self, line: &str) -> bool {
        let pushes = line.ends_with("/git-receive-pack");
        line.starts_with("POST ")
            && (pushes || line.ends_with("/pulls") || line.ends_with("/labels"))
    }

    fn effects(&self) -> Vec<usize> {
        if !self.proposes {
            return vec![self.commits()];
        }
        let labels = self.hub.github.state().repositories[APP]
            .pulls
            .values()
            .map(|pull| pull.labels.len())
            .sum();
        vec![self.hub.github.pulls(APP), labels]
    }

    fn removals(&self) -> Vec<usize> {
        vec![self.commits() - 1]
    }

    async fn people(&self) {
        let open: Vec<u64> = {
            let state = self.hub.github.state();
            let pulls = state.repositories[APP].pulls.iter();
            pulls.filter(|(_, pull)| pull.merged.is_none()).map(|(number, _)| *number).collect()
        };
        for number in open {
            self.hub.github.merge(APP, number);
        }
    }

    /// Several programs and requests one after the other, on a machine that does much else.
    fn limit(&self) -> Duration {
        Duration::from_secs(8)
    }

    fn can(&self, _: Failure) -> bool {
        true
    }
}
