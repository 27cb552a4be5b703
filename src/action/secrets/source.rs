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

/// The largest secret that is taken, in bytes.
pub(super) const MAX_SECRET_BYTES: usize = 64 << 10;

/// One place where secrets are kept.
#[async_trait]
pub trait SecretKeeper: Send + Sync {
    /// Returns a secret; nothing where it is certain that none of that name is there, for then another place is asked.
    async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault>;

    /// Says for people where it would be: `the environment variable X`.
    fn place(&self, owner: Owner<'_>, name: &str) -> String;
}

#[async_trait]
impl<K: SecretKeeper> SecretSource for K {
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        if !is_plain(name) {
            return Err(Fault::terminal(format!("`{}` can't name a secret", name.escape_debug())));
        }
        if let Owner::Team(team) = owner
            && !is_plain(team)
        {
            return Err(Fault::terminal(format!(
                "`{}` can't be the name of a team",
                team.escape_debug()
            )));
        }
        self.get(owner, name).await?.ok_or_else(|| {
            let place = self.place(owner, name);
            Fault::terminal(format!("secret `{name}` of {owner} is not there: looked for {place}"))
        })
    }
}

/// Tells whether a name may become a part of a path, a variable or an argument.
pub(super) fn is_plain(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !part.is_empty() && part.len() <= 128 && part.chars().all(plain)
}

/// Makes a secret of what a place holds, without the end of its line; an empty or huge one is none.
pub(super) fn checked(text: &str, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\r', '\n']);
    let wrong = |what: &str| Fault::terminal(format!("secret `{name}` of {owner} {what}"));
    if text.is_empty() {
        return Err(wrong("is there and empty"));
    }
    if text.len() > MAX_SECRET_BYTES {
        return Err(wrong("is larger than 64 KiB"));
    }
    Ok(Secret::new(text))
}

/// A pattern of a path or an argument with `{team}` and `{name}` in it.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// The pattern.
    pub(super) text: String,
    /// What stands for `{team}` where the operator's own are asked for; they are not there where absent.
    pub(super) operator: Option<String>,
}

impl Pattern {
    /// Fills the pattern; nothing where the owner has no secrets there.
    pub(super) fn fill(&self, owner: Owner<'_>, name: &str) -> Option<String> {
        let team = match (owner, &self.operator) {
            (Owner::Operator, operator) => operator.as_deref()?,
            // No team takes the operator's place.
            (Owner::Team(team), Some(operator)) if team == operator => return None,
            (Owner::Team(team), _) => team,
        };
        Some(self.text.replace("{team}", team).replace("{name}", name))
    }
}

/// Finds a secret by its owner and its name.
#[async_trait]
pub trait SecretSource: Send + Sync {
    /// Finds a secret; a terminal fault where there is none, which never lists others.
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault>;
}
