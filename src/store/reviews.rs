//! What is remembered of reviews, by key. It knows nothing of what it remembers.

use async_trait::async_trait;
use serde_json::Value;

use super::error::StoreError;
use super::lease::Lease;
use super::store::ABOUT_CATALOG;

/// What a message about proposals, reviews and comments of the catalog's repository is about; behind it may stand `:` and
/// the head of a proposal that is to be reviewed again.
pub const ABOUT_REVIEWS: &str = "reviews";

/// Tells whether a message is about proposals, or about the branch that they are for.
pub fn is_about_proposals(about: &str) -> bool {
    let rest = about.strip_prefix(ABOUT_REVIEWS);
    about == ABOUT_CATALOG || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

/// Remembers what was found and said about proposals, so that nothing is said twice.
#[async_trait]
pub trait ReviewStore {
    /// Reads what is remembered under a key.
    async fn review_note(&self, key: &str) -> Result<Option<Value>, StoreError>;
    /// Reads what is remembered under keys that begin with a text, by key.
    async fn review_notes(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError>;
    /// Remembers something under a key; forgets it where it is nothing.
    async fn note_review(
        &self,
        lease: &Lease,
        key: &str,
        value: Option<&Value>,
    ) -> Result<(), StoreError>;
}
