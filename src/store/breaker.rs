//! What is remembered of circuit breakers. It decides nothing about them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::StoreError;
use super::lease::Lease;
use crate::run::{Breaker, BreakerKey};

/// Remembers circuit breakers.
#[async_trait]
pub trait BreakerStore {
    /// Reads the breakers that have something to remember.
    async fn breakers(&self) -> Result<BTreeMap<BreakerKey, Breaker>, StoreError>;
    /// Writes a breaker, and tells the audit chain where its state changed.
    async fn save_breaker(
        &self,
        lease: &Lease,
        known: (&BreakerKey, &Breaker),
        at: Timestamp,
    ) -> Result<(), StoreError>;
}
