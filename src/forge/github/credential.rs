//! Who we are to GitHub: a token, or an App that is installed somewhere. A token of an installation reaches one
//! repository only, and is kept until shortly before it ends.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use octocrab::auth::create_jwt;
use octocrab::jsonwebtoken::EncodingKey;
use octocrab::models::AppId;

use crate::run::Fault;
use crate::secret::Secret;

/// How long before its end a token is taken for ended.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// Who we are to GitHub.
#[derive(Clone)]
pub enum Credential {
    /// A token, personal or of a machine's account.
    Token(Secret),
    /// An App.
    App {
        /// Its number.
        id: u64,
        /// Its private key, as PEM.
        key: Secret,
    },
}

impl Credential {
    /// Tells what is wrong with it in itself; whether GitHub takes it is not asked.
    pub fn check(&self) -> Result<(), Fault> {
        match self {
            Self::Token(token) if token.reveal().trim().is_empty() => {
                Err(Fault::terminal("the token for GitHub is empty"))
            }
            Self::Token(_) => Ok(()),
            Self::App { id, key } => sign(*id, key).map(drop),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token"),
            Self::App { id, .. } => write!(f, "App({id})"),
        }
    }
}

/// A token of an installation.
#[derive(Clone)]
pub(super) struct Installed {
    /// The installation, whose limits it shares.
    pub(super) installation: u64,
    pub(super) token: Secret,
    pub(super) expires_at: Timestamp,
}

impl Installed {
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        now + EARLY < self.expires_at
    }
}

/// Makes what an App authenticates itself with, for ten minutes.
pub(super) fn sign(id: u64, key: &Secret) -> Result<Secret, Fault> {
    let unusable =
        |what: &str| Fault::terminal(format!("the private key of the GitHub App {what}"));
    let key = EncodingKey::from_rsa_pem(key.reveal().as_bytes())
        .map_err(|_| unusable("cannot be read; it must be an RSA key as PEM"))?;
    let signed = create_jwt(AppId(id), &key).map_err(|_| unusable("cannot sign"))?;
    Ok(Secret::new(signed))
}
