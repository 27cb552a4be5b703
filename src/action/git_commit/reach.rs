//! What the repositories of a step are reached by: the client and the token of those on GitHub. It reaches none of
//! those that nobody named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::target::PATIENCE;
use crate::action::{Call, Ports, github};
use crate::forge::Quota;
use crate::forge::github::GitHub;
use crate::run::Fault;
use crate::secret::Secret;

/// A repository on GitHub, and what git gets in there with.
#[derive(Clone, Debug)]
pub(super) struct Hub {
    pub(super) client: GitHub,
    pub(super) token: Secret,
}

/// What the repositories of a step are reached by.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub(super) state_dir: PathBuf,
    /// How long git may take: shorter than the attempt, which would leave it at work behind itself when it is given up.
    pub(super) patience: Duration,
    /// How many proposals are filed.
    pub(super) quota: Arc<Quota>,
    /// By the name that `config` and results use.
    hubs: BTreeMap<String, Hub>,
}

impl Reach {
    /// Finds what reaches the repository of `config`, and the one that was written to before.
    pub(super) async fn of(ports: &Ports, call: &Call) -> Result<Self, Fault> {
        let before = call.previous.as_ref().map(|previous| &previous.result);
        let names = [Some(&call.config), before].into_iter().flatten();
        let names = names.filter_map(|value| value.get("repository").and_then(Value::as_str));
        let reach = Self::to(ports, names).await?;
        Ok(Self { patience: call.timeout.mul_f64(0.8), ..reach })
    }

    /// Finds what reaches these repositories.
    pub(super) async fn to(
        ports: &Ports,
        names: impl Iterator<Item = &str>,
    ) -> Result<Self, Fault> {
        let mut hubs = BTreeMap::new();
        for name in names {
            if hubs.contains_key(name) {
                continue;
            }
            if let Some(repository) = github::repository(ports, name)? {
                let client = github::connect(ports, repository).await?;
                let token = client.token().await?;
                hubs.insert(name.to_owned(), Hub { client, token });
            }
        }
        let (state_dir, quota) = (ports.state_dir.clone(), Arc::clone(&ports.operator.proposals));
        Ok(Self { state_dir, patience: PATIENCE, quota, hubs })
    }

    /// Returns what reaches a repository, where it is on GitHub.
    pub(super) fn hub(&self, name: &str) -> Option<&Hub> {
        self.hubs.get(name)
    }

    /// Returns where a repository's mirror is.
    pub(super) fn mirror(&self, name: &str) -> PathBuf {
        Path::new(&self.state_dir).join("targets").join(name)
    }

    /// Returns the secrets in it, to be masked.
    pub(super) fn secrets(&self) -> impl Iterator<Item = Secret> {
        self.hubs.values().map(|hub| hub.token.clone())
    }
}
