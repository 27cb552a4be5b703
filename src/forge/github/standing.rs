//! How we stand with GitHub: who we are there, what we may, what is left of our limits. It changes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::client::GitHub;
use super::judge::Refused;
use super::manifest::{EVENTS, PERMISSIONS, Permission};
use crate::run::Fault;

/// An installation of the App.
#[derive(Clone, Debug, Deserialize)]
pub struct Installation {
    /// Its number.
    pub id: u64,
    /// What it was granted, by permission.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// What it is told.
    #[serde(default)]
    pub events: Vec<String>,
    /// `all` or `selected`.
    #[serde(default)]
    pub repository_selection: String,
    /// When somebody suspended it.
    #[serde(default)]
    pub suspended_at: Option<Timestamp>,
}

impl Installation {
    /// Returns what is granted less than is needed; what only workflows need is told apart.
    pub fn missing(&self) -> Vec<Permission> {
        let rank = |access: &str| match access {
            "read" => 1,
            "write" => 2,
            "admin" => 3,
            _ => 0,
        };
        let has = |it: &&Permission| {
            rank(self.permissions.get(it.name).map_or("", String::as_str)) >= rank(it.access)
        };
        PERMISSIONS.iter().filter(|it| !has(it)).copied().collect()
    }

    /// Returns the events that it is not told.
    pub fn silent(&self) -> Vec<&'static str> {
        let told = |event: &str| self.events.iter().any(|it| it == event);
        EVENTS.iter().filter(|event| !told(event)).copied().collect()
    }
}

/// What is left of a limit («Rate limits for the REST API»).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Left {
    /// In an hour.
    pub limit: u64,
    /// Still.
    pub remaining: u64,
    /// When all of it is there again, in seconds of Unix.
    pub reset: i64,
}

#[derive(Deserialize)]
struct Overview {
    resources: Resources,
}

#[derive(Deserialize)]
struct Resources {
    core: Left,
    #[serde(default)]
    graphql: Option<Left>,
}

impl GitHub {
    /// Returns by which name we write.
    pub async fn name(&self) -> Result<String, Refused> {
        Ok(self.whoami().await?.login)
    }

    /// Returns the installation of the App for the repository; nothing where a token is set up.
    pub async fn installation(&self) -> Result<Option<Installation>, Refused> {
        if self.app().is_none() {
            return Ok(None);
        }
        let route = format!("{}/installation", self.repository().route());
        match self.core().ask_as_app(&route).await {
            Err(refused) if refused.status == 404 => {
                let message = format!(
                    "the GitHub App is not installed for {}; install it at its page, or choose this repository there",
                    self.repository()
                );
                Err(Fault::terminal(message).into())
            }
            told => told.map(Some),
        }
    }

    /// Tells whether the repository is shown to us.
    pub async fn is_shown(&self) -> Result<bool, Refused> {
        match self.default_branch().await {
            Ok(_) => Ok(true),
            Err(refused) if refused.status == 404 => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    /// Returns what is left of the limits on requests and on GraphQL; asking costs nothing of them. A server that
    /// has no limits has nothing to say.
    pub async fn left(&self) -> Result<Vec<(&'static str, Left)>, Refused> {
        let told: Overview = match self.get_from("/rate_limit").await {
            Ok(told) => told,
            Err(refused) if refused.status == 404 => return Ok(Vec::new()),
            Err(refused) => return Err(refused),
        };
        let graphql = told.resources.graphql.map(|left| ("graphql", left));
        Ok([("core", told.resources.core)].into_iter().chain(graphql).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_is_needed_is_missing() {
        let granted =
            [("metadata", "read"), ("contents", "read"), ("checks", "admin"), ("issues", "write")];
        let installation = Installation {
            id: 1,
            permissions: granted.map(|(name, access)| (name.to_owned(), access.to_owned())).into(),
            events: vec!["push".to_owned()],
            repository_selection: "all".to_owned(),
            suspended_at: None,
        };
        let missing: Vec<&str> = installation.missing().iter().map(|it| it.name).collect();
        assert_eq!(missing, ["contents", "pull_requests", "members", "actions"]);
        assert!(!installation.silent().contains(&"push"));
        assert_eq!(installation.silent().len(), EVENTS.len() - 1);
    }
}
