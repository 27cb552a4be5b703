//! What is asked of a forge. Nothing here changes anything.

use async_trait::async_trait;
use jiff::Timestamp;

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

    /// Lists those that Trueline filed, by number: all that are open, and those that were opened since a time.
    async fn ours(&self, since: Timestamp) -> Result<Vec<Proposal>, ForgeError> {
        let mut ours = self.list(None).await?;
        ours.retain(|it| {
            it.is_ours() && (it.state == ProposalState::Open || it.created_at >= since)
        });
        Ok(ours)
    }

    /// Tells whether somebody else than Trueline committed to the branch of an open proposal.
    async fn is_edited(&self, proposal: &Proposal) -> Result<bool, ForgeError>;

    /// Finds the proposal of a marker: the open one, otherwise the newest.
    async fn find_by_marker(&self, marker: &str) -> Result<Option<Proposal>, ForgeError>;
}
