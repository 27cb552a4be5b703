//! What is asked of a forge. Nothing here changes anything.

use async_trait::async_trait;

use super::error::ForgeError;
use super::proposal::{Proposal, ProposalDetail, ProposalState};

/// Reads the proposals of one repository.
#[async_trait]
pub trait ForgeRead: Send + Sync {
    /// Lists proposals by number, all or those in one state.
    async fn list(&self, state: Option<ProposalState>) -> Result<Vec<Proposal>, ForgeError>;

    /// Returns one proposal with its patch.
    async fn show(&self, number: u64) -> Result<ProposalDetail, ForgeError>;

    /// Returns one proposal.
    async fn find(&self, number: u64) -> Result<Proposal, ForgeError> {
        Ok(self.show(number).await?.proposal)
    }

    /// Finds the proposal of a marker: the open one, otherwise the newest.
    async fn find_by_marker(&self, marker: &str) -> Result<Option<Proposal>, ForgeError>;
}
