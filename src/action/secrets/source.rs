//! How a secret is asked for. It holds none.

use std::fmt;

use async_trait::async_trait;
use serde::Deserialize;

use crate::run::Fault;
use crate::secret::Secret;

/// Whose secret it is; a name means something only under its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner<'a> {
    /// The operator's own: tokens of instances, keys of the forge. No catalog can name them.
    Operator,
    /// A team's: of a service, or of who owns an item.
    Team(&'a str),
}

impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("the operator"),
            Self::Team(team) => write!(f, "team `{team}`"),
        }
    }
}

/// A secret that the operator's settings name: `{secret = "JIRA_TOKEN"}`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// Its name among the operator's own.
    pub secret: String,
}

/// Finds a secret by its owner and its name.
#[async_trait]
pub trait SecretSource: Send + Sync {
    /// Finds a secret; a terminal fault where there is none, which never lists others.
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault>;
}
