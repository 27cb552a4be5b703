//! Where requests are proposed: on GitHub or on this machine, asked the same way.

use crate::action::{Ports, connect_github};
use crate::forge::github::{GitHub, GitHubForge};
use crate::forge::{Forge, LocalForge};
use crate::run::Fault;

/// Where proposals to the catalog are filed.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the repository itself, which is on this machine.
    Local(LocalForge),
    /// On GitHub.
    GitHub(Box<GitHub>),
}

impl Place {
    /// Finds it: on GitHub where the operator set that up for this repository, otherwise on this machine; nothing where
    /// it is neither.
    pub async fn find(ports: &Ports, location: &str) -> Result<Option<Self>, Fault> {
        if let Some(github) = connect_github(ports, location).await? {
            return Ok(Some(Self::GitHub(Box::new(github))));
        }
        Ok(LocalForge::open_at(location).ok().map(Self::Local))
    }

    /// Tells whether asking it costs nothing.
    pub fn is_here(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Returns the forge, as it knows the proposal of a branch.
    pub(super) fn forge(&self, branch: &str) -> Box<dyn Forge> {
        match self {
            Self::Local(forge) => Box::new(forge.clone()),
            Self::GitHub(github) => {
                Box::new(GitHubForge::new((**github).clone(), vec![branch.to_owned()]))
            }
        }
    }

    /// Returns where people see a proposal.
    pub(super) fn url(&self, number: u64) -> Option<String> {
        match self {
            Self::Local(_) => None,
            Self::GitHub(github) => {
                Some(github.address().pull_request(github.repository(), number))
            }
        }
    }
}
