//! The forge of a repository as it is named somewhere: on GitHub, or on this machine. It opens nothing.

use crate::action::{Ports, connect_github};
use crate::forge::github::{GitHub, GitHubForge};
use crate::forge::{Forge, LocalForge};
use crate::run::Fault;

/// A repository with its forge.
pub(super) struct Desk {
    /// Its name, the same however it is written.
    pub(super) name: String,
    /// Where it is, where it is on GitHub.
    pub(super) github: Option<GitHub>,
    local: Option<LocalForge>,
}

impl Desk {
    /// Finds the forge of a repository; nothing where it has none.
    pub(super) async fn of(ports: &Ports, repository: &str) -> Result<Option<Self>, Fault> {
        if let Some(github) = connect_github(ports, repository).await? {
            let name = github.repository().to_string();
            return Ok(Some(Self { name, github: Some(github), local: None }));
        }
        let Ok(local) = LocalForge::open_at(repository) else { return Ok(None) };
        let path = repository.strip_prefix("file://").unwrap_or(repository);
        let real = std::fs::canonicalize(path).map(|path| path.to_string_lossy().into_owned());
        let name = real.unwrap_or_else(|_| repository.to_owned());
        Ok(Some(Self { name, github: None, local: Some(local) }))
    }

    /// Returns the forge, for proposals that come from these branches.
    pub(super) fn forge(&self, branches: Vec<String>) -> Option<Box<dyn Forge>> {
        if let Some(github) = &self.github {
            return Some(Box::new(GitHubForge::new(github.clone(), branches)));
        }
        self.local.clone().map(|local| -> Box<dyn Forge> { Box::new(local) })
    }

    /// The same for looks that may wait.
    pub(super) fn for_looks(self) -> Result<Self, Fault> {
        let github = self.github.as_ref().map(GitHub::for_looks).transpose()?;
        Ok(Self { github, ..self })
    }

    /// Returns where people see a proposal.
    pub(super) fn url(&self, number: u64) -> Option<String> {
        let github = self.github.as_ref()?;
        Some(github.address().pull_request(github.repository(), number))
    }
}
