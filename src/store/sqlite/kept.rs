//! The store as a file that is copied, checked and put back.

use std::path::Path;

use super::restore::{PutBack, Restoring};
use super::{SqliteStore, backup, check, restore};
use crate::store::{Checked, StoreError};

impl SqliteStore {
    /// Writes all of it to one file, as it is at this moment: beside whoever drives it, checked, mode 0600.
    ///
    /// Refuses to write over anything. The key that seals sensitive outputs is not in it.
    pub async fn backup(&self, target: &Path) -> Result<Checked, StoreError> {
        backup::backup(self.path(), target).await
    }

    /// Checks a file that holds a store and that nobody writes to; changes nothing.
    pub async fn check(path: &Path) -> Result<Checked, StoreError> {
        check::check(path).await
    }

    /// Puts a backup in the place of a database, marked so that nothing is carried out before a person says so.
    ///
    /// Refuses a file that is not whole, a database that somebody drives or has open, and, unless it is forced,
    /// any database that stands there.
    pub async fn restore(
        database: &Path,
        backup: &Path,
        how: &Restoring,
    ) -> Result<PutBack, StoreError> {
        restore::restore(database, backup, how).await
    }
}
