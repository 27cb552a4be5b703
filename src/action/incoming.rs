//! What others post to us: who checks it, and what a checked message says. It keeps nothing.

use async_trait::async_trait;
use reqwest::header::HeaderMap;

use super::action::Ports;

/// The largest message that is taken, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// A message as it came.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// What follows the sender's name in the path: the instance, where there are several.
    pub rest: &'a str,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The raw bytes, over which it is signed.
    pub body: &'a [u8],
}

/// What a checked message says. It is a poke: state is always asked for, never taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Who sent it, and its number there: by both it is known again when it comes twice.
    pub id: String,
    /// What to look at; nothing where the message does not concern us.
    pub pokes: Vec<Poke>,
}

/// What a message asks to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poke {
    /// The catalog's repository.
    Catalog,
    /// The proposals to the catalog.
    Reviews,
    /// The proposals with this head, although nothing of them may have changed: somebody wants it.
    Again {
        /// The commit.
        head: String,
    },
    /// Steps whose [`crate::run::Wait::reference`] holds this text as `about`.
    Waiting {
        /// `jira:main:OPS-12`, `github:acme/app:run:17`.
        about: String,
    },
}

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody by that name is set up.
    #[error("nobody of that name sends messages here")]
    Unknown,
    /// The signature is missing or wrong.
    #[error("the signature is missing or wrong")]
    Unsigned,
    /// It is signed, and can't be read.
    #[error("the message cannot be read: {0}")]
    Unreadable(String),
    /// Its secret can't be had just now.
    #[error("the signature cannot be checked just now")]
    Later,
}

/// Somebody who posts signed messages to `/api/v1/webhooks/<name>`.
#[async_trait]
pub trait Sender: Send + Sync {
    /// Returns the name in the path.
    fn name(&self) -> &'static str;

    /// Checks the signature over the raw bytes, in constant time, and only then reads the message.
    async fn check(&self, ports: &Ports, message: Message<'_>) -> Result<Delivery, Refused>;
}
