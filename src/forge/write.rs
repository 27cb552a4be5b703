//! What a forge is told to do. A dry run answers as if it had been done, and does nothing.

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::ForgeError;
use super::proposal::{NewProposal, Proposal};
use super::read::ForgeRead;

/// Writes the proposals of one repository.
#[async_trait]
pub trait ForgeWrite: Send + Sync {
    /// Opens a proposal; an open one of the same marker is brought up to date instead.
    async fn open(&self, new: NewProposal) -> Result<Proposal, ForgeError>;

    /// Brings an open proposal onto its base branch by a merge commit.
    async fn merge(&self, number: u64, by: &str, at: Timestamp) -> Result<Proposal, ForgeError>;

    /// Has an open proposal merged as soon as nothing is in the way; it stays open where that is not to be had.
    async fn merge_when_ready(
        &self,
        number: u64,
        by: &str,
        at: Timestamp,
    ) -> Result<Proposal, ForgeError>;

    /// Closes an open proposal without merging it.
    async fn close(&self, number: u64, by: &str, at: Timestamp) -> Result<Proposal, ForgeError>;

    /// Closes an open proposal, and says why in a comment.
    async fn withdraw(
        &self,
        number: u64,
        by: &str,
        why: &str,
        at: Timestamp,
    ) -> Result<Proposal, ForgeError>;
}

/// Reads and writes the proposals of one repository.
pub trait Forge: ForgeRead + ForgeWrite {}

impl<T: ForgeRead + ForgeWrite> Forge for T {}
