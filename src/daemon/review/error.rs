//! What can keep a review from being made.

use crate::engine::EngineError;
use crate::forge::ForgeError;
use crate::source::SourceError;
use crate::store::StoreError;

/// What can keep a review from being made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReviewError {
    /// The forge did not do as asked.
    #[error("the forge failed")]
    Forge(#[from] ForgeError),
    /// The repository can't be read.
    #[error("the catalog's repository can't be read")]
    Source(#[from] SourceError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// Facts could not be gathered.
    #[error("gathering facts failed")]
    Engine(#[from] EngineError),
    /// What is remembered can't be read.
    #[error("what is remembered of {key} can't be read")]
    Note {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A task of ours broke down.
    #[error("reviewing broke down")]
    Broken,
}

impl ReviewError {
    /// Tells whether another process took over, so that this one must stop.
    pub fn is_lease_lost(&self) -> bool {
        match self {
            Self::Store(error) => matches!(error, StoreError::LeaseLost),
            Self::Engine(error) => error.is_lease_lost(),
            _ => false,
        }
    }
}
