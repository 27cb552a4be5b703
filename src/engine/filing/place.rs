//! Where proposals go: a repository as it is named somewhere, with its forge, on GitHub or on this machine. It opens nothing.

use jiff::Timestamp;

use crate::action::{Ports, connect_github};
use crate::forge::github::{GitHub, GitHubForge};
use crate::forge::{Asker, Forge, ForgeError, Full, LocalForge, Quota};
use crate::run::Fault;
use crate::secret::Secret;

/// A repository with its forge.
#[derive(Clone, Debug)]
pub struct Place {
    location: String,
    name: String,
    on: On,
}

/// The forge.
#[derive(Clone, Debug)]
enum On {
    GitHub(Box<GitHub>),
    Here(LocalForge),
}

impl Place {
    /// Finds the forge of a repository: on GitHub where the operator set that up for it, otherwise on this machine; nothing
    /// where it is neither.
    pub async fn find(ports: &Ports, location: &str) -> Result<Option<Self>, Fault> {
        if let Some(github) = connect_github(ports, location).await? {
            return Ok(Some(Self::on_github(location, github)));
        }
        Ok(LocalForge::open_at(location).ok().map(|forge| Self::here(location, forge)))
    }

    /// The place of a repository on GitHub, whose client that is.
    pub fn on_github(location: &str, github: GitHub) -> Self {
        let name = github.repository().to_string();
        Self { location: location.to_owned(), name, on: On::GitHub(Box::new(github)) }
    }

    /// The place of a repository on this machine.
    pub fn here(location: &str, forge: LocalForge) -> Self {
        let path = location.strip_prefix("file://").unwrap_or(location);
        let real = std::fs::canonicalize(path).map(|path| path.to_string_lossy().into_owned());
        let name = real.unwrap_or_else(|_| location.to_owned());
        Self { location: location.to_owned(), name, on: On::Here(forge) }
    }

    /// Returns the repository as it was named.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Returns its name, the same however it is written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether asking it costs nothing.
    pub fn is_here(&self) -> bool {
        matches!(self.on, On::Here(_))
    }

    /// Returns the client, where it is on GitHub.
    pub fn github(&self) -> Option<&GitHub> {
        match &self.on {
            On::GitHub(github) => Some(github),
            On::Here(_) => None,
        }
    }

    /// The same for looks that may wait.
    pub fn for_looks(self) -> Result<Self, Fault> {
        match self.github() {
            Some(github) => Ok(Self { on: On::GitHub(Box::new(github.for_looks()?)), ..self }),
            None => Ok(self),
        }
    }

    /// Returns the forge, as it knows the proposals that come from these branches.
    pub fn forge(&self, branches: Vec<String>) -> Box<dyn Forge> {
        match &self.on {
            On::GitHub(github) => Box::new(GitHubForge::new((**github).clone(), branches)),
            On::Here(forge) => Box::new(forge.clone()),
        }
    }

    /// Returns where people see a proposal; nothing where no page shows it.
    pub fn url(&self, number: u64) -> Option<String> {
        let github = self.github()?;
        Some(github.address().pull_request(github.repository(), number))
    }

    /// Returns what lets a push in, where that is Trueline's own: who may read a catalog may not be who may push to it.
    pub async fn token(&self) -> Result<Option<Secret>, Fault> {
        match self.github() {
            Some(github) => github.token().await.map(Some),
            None => Ok(None),
        }
    }

    /// Tells whether one more proposal may be filed, which waits since a moment where it does; otherwise why not.
    pub async fn admit(
        &self,
        quota: &Quota,
        (marker, since): (&str, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<Option<Full>, ForgeError> {
        let forge = self.forge(Vec::new());
        let asker = Asker { place: &self.location, marker, since, is_here: self.is_here() };
        quota.admit(&*forge, asker, now).await
    }
}
