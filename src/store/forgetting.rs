//! What is remembered of a service that is to be forgotten, and how a driver tells the audit chain what it did. It
//! decides nothing.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::StoreError;
use super::lease::Lease;
use super::store::UnitWrite;

/// A person's word to forget a service, until it was acted upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forgetting {
    /// Number of the decision.
    pub decision: i64,
    /// Who said so.
    pub by: String,
    /// Also where its file is still there.
    pub still_wanted: bool,
}

/// Tells the audit chain what the driver did.
#[async_trait]
pub trait TellStore {
    /// Writes units, and tells the chain what that was, in one durable step.
    async fn write_and_tell(
        &self,
        lease: &Lease,
        writes: &[UnitWrite],
        (what, detail): (&str, &Value),
        at: Timestamp,
    ) -> Result<(), StoreError>;
}
