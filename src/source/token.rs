//! What git authenticates itself with to an https remote: a secret, or whoever is asked for one each time git is run. It is
//! never written down.

use std::fmt;
use std::sync::Arc;

use super::error::SourceError;
use super::location::Location;
use crate::run::{Fault, FaultClass};
use crate::secret::Secret;

/// Gives a token that holds now. It may block, and it is asked often: who gives a token remembers it while it holds.
pub trait Tokens: Send + Sync {
    /// Returns a token; a fault where none can be had, transient where one may be had later.
    fn token(&self) -> Result<Secret, Fault>;
}

/// What git authenticates itself with.
#[derive(Clone)]
pub enum Token {
    /// The same as long as the process lives.
    Fixed(Secret),
    /// One that ends, and is replaced before it does.
    Given(Arc<dyn Tokens>),
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl From<Secret> for Token {
    fn from(secret: Secret) -> Self {
        Self::Fixed(secret)
    }
}

impl Token {
    /// Returns the secret to reach a repository with.
    pub(super) fn secret(&self, location: &Location) -> Result<Secret, SourceError> {
        let given = match self {
            Self::Fixed(secret) => return Ok(secret.clone()),
            Self::Given(tokens) => tokens.token(),
        };
        given.map_err(|fault| {
            let (location, detail) = (location.to_string(), fault.message);
            match fault.class {
                FaultClass::Terminal => SourceError::Denied { location, detail },
                FaultClass::Transient | FaultClass::Unknown => {
                    SourceError::Unreachable { location, detail }
                }
            }
        })
    }
}
