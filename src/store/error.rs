//! What can go wrong with the store.

use super::lease::LeaseHolder;

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process drives.
    #[error("process {} on {} ({}) drives this store already", .0.pid, .0.host, .0.command)]
    Held(LeaseHolder),
    /// The lease was taken over: this process must stop driving.
    #[error("another process took over driving this store")]
    LeaseLost,
}
