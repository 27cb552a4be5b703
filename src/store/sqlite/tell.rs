//! What the driver did outside any run: units and the entry of the chain that tells of it, in one durable step.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use super::write::{OURSELVES, Write};
use super::{SqliteStore, units};
use crate::store::{Lease, StoreError, TellStore, UnitWrite};

#[async_trait]
impl TellStore for SqliteStore {
    async fn write_and_tell(
        &self,
        lease: &Lease,
        writes: &[UnitWrite],
        (what, detail): (&str, &Value),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::fenced(&mut writer, &self.catalog, lease).await?;
        units::write(&mut write, writes, at).await?;
        write.audit(at, OURSELVES, what, detail).await?;
        write.commit().await
    }
}
