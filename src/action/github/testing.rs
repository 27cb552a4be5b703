//! Ports that reach the fake GitHub of a test.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::action::{GitHubSettings, Operator, Owner, Ports, SecretRef, SecretSource};
use crate::forge::github::fake::{APP, APP_KEY, FakeGitHub};
use crate::run::Fault;
use crate::secret::Secret;

struct Fixed;

#[async_trait]
impl SecretSource for Fixed {
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        assert_eq!((owner, name), (Owner::Operator, "GITHUB_TOKEN"));
        Ok(Secret::new("t0ken-of-acme"))
    }
}

fn settings(github: &FakeGitHub) -> GitHubSettings {
    GitHubSettings {
        api_url: Some(github.api_url()),
        app_id: None,
        private_key_file: None,
        token: Some(SecretRef { secret: "GITHUB_TOKEN".to_owned() }),
        webhook_secrets: Vec::new(),
    }
}

/// Ports with a token.
pub(in crate::action) fn ports(github: &FakeGitHub, state_dir: &Path) -> Ports {
    with(settings(github), state_dir)
}

/// Ports of the App; its key is written to the state folder.
pub(in crate::action) fn ports_of_app(github: &FakeGitHub, state_dir: &Path) -> Ports {
    let key = state_dir.join("app.pem");
    std::fs::write(&key, APP_KEY).unwrap();
    let github = settings(github);
    with(
        GitHubSettings { app_id: Some(APP), private_key_file: Some(key), token: None, ..github },
        state_dir,
    )
}

fn with(settings: GitHubSettings, state_dir: &Path) -> Ports {
    Ports {
        state_dir: state_dir.to_owned(),
        operator: Arc::new(Operator { github: Some(settings), ..Operator::default() }),
        secrets: Arc::new(Fixed),
        ..crate::action::testing::ports()
    }
}
