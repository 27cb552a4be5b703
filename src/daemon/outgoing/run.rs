//! Looks every so often how proposals stand. It never waits for the loop that reconciles.

use std::time::Duration;

use tokio::time::sleep;

use super::keep::Keeper;
use crate::store::StoreError;

/// Looks until it is told to stop, or another process took over.
pub async fn run(
    mut keeper: Keeper,
    every: Duration,
    stop: impl Future<Output = ()>,
) -> Result<(), StoreError> {
    tokio::pin!(stop);
    loop {
        match keeper.pass().await {
            Ok(_) => {}
            Err(StoreError::LeaseLost) => return Err(StoreError::LeaseLost),
            Err(error) => tracing::warn!(%error, "how proposals stand can't be looked up"),
        }
        tokio::select! {
            () = &mut stop => return Ok(()),
            () = sleep(every) => {}
        }
    }
}
