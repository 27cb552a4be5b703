//! What can keep a tick from doing its work.

use crate::engine::EngineError;
use crate::source::SourceError;
use crate::store::StoreError;

/// What can keep a tick from doing its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TickError {
    /// The catalog can't be read, and no earlier state of it is at hand.
    #[error("the catalog can't be read")]
    Source(#[from] SourceError),
    /// Driving failed.
    #[error("driving failed")]
    Engine(#[from] EngineError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A task of ours broke down.
    #[error("reading the catalog broke down")]
    Broken,
}

impl TickError {
    /// Tells whether another process took over, so that this one must stop.
    pub fn is_lease_lost(&self) -> bool {
        match self {
            TickError::Engine(error) => error.is_lease_lost(),
            TickError::Store(error) => matches!(error, StoreError::LeaseLost),
            TickError::Source(_) | TickError::Broken => false,
        }
    }
}
