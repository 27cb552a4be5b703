//! Who drives: a lock that the kernel frees when its process dies, and a token that outlives it.
//!
//! The lock decides who may drive; the token, which every write of a driver carries, keeps a driver out
//! that lost the lock without noticing.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use sqlx::SqlitePool;

use super::rows;
use super::write::{OURSELVES, Write};
use crate::store::private;
use crate::store::{Lease, LeaseHolder, LeaseRow, StoreError};

/// Who asks whether somebody drives takes the lock for a moment: a driver that starts just then looks again.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// The lock file of a database.
pub(super) fn lock_path(database: &Path) -> PathBuf {
    private::folder_of(database).join("driver.lock")
}

/// Takes the lock, or returns nothing where another holds it.
pub(super) async fn lock(path: &Path) -> Result<Option<File>, StoreError> {
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let file = private::open_file(path)?;
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(StoreError::file("lock", path)(error)),
        }
    }
    Ok(None)
}

/// Frees the lock at once. Closing the file would not: a program that this process is just starting has it too, for as
/// long as it takes to start.
pub(super) fn unlock(file: &File) {
    // Where it fails, it is free once the file is closed everywhere.
    let _ = file.unlock();
}

/// Tells whether somebody holds the lock.
pub(super) fn is_locked(path: &Path) -> Result<bool, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(StoreError::file("open", path)(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => {
            unlock(&file);
            Ok(false)
        }
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(StoreError::file("lock", path)(error)),
    }
}

/// Writes down who drives from now on; returns the new token.
pub(super) async fn take(
    write: &mut Write<'_>,
    holder: &LeaseHolder,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let text = rows::to_json("a lease", holder)?;
    let token: i64 = sqlx::query_scalar(
        "INSERT INTO lease (catalog, token, holder) VALUES ($1, 1, $2)
         ON CONFLICT (catalog) DO UPDATE SET token = token + 1, holder = excluded.holder
         RETURNING token",
    )
    .bind(write.catalog)
    .bind(text)
    .fetch_one(write.connection())
    .await
    .map_err(StoreError::database("taking the lease"))?;
    let detail = json!({"holder": holder, "token": token});
    write.audit(now, OURSELVES, "lease.taken", &detail).await?;
    Ok(token)
}

/// Writes down that nobody drives; refuses a token that is not the newest.
pub(super) async fn give_back(write: &mut Write<'_>, lease: &Lease) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE lease SET holder = NULL WHERE catalog = $1 AND token = $2")
        .bind(write.catalog)
        .bind(lease.token)
        .execute(write.connection())
        .await
        .map_err(StoreError::database("giving the lease back"))?;
    if done.rows_affected() == 0 { Err(StoreError::LeaseLost) } else { Ok(()) }
}

/// Refuses a lease that was taken over or given back.
pub(super) async fn check(write: &mut Write<'_>, lease: &Lease) -> Result<(), StoreError> {
    let row: Option<(i64, bool)> =
        sqlx::query_as("SELECT token, holder IS NOT NULL FROM lease WHERE catalog = $1")
            .bind(write.catalog)
            .fetch_optional(write.connection())
            .await
            .map_err(StoreError::database("checking the lease"))?;
    let row = row.map(|(token, is_held)| LeaseRow { token, is_held }).unwrap_or_default();
    if row.admits(lease) { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// Reads who drives, or did last; of another catalog where nobody does of this one.
pub(super) async fn holder(
    readers: &SqlitePool,
    catalog: &str,
) -> Result<Option<LeaseHolder>, StoreError> {
    let text: Option<String> = sqlx::query_scalar(
        "SELECT holder FROM lease WHERE holder IS NOT NULL ORDER BY catalog <> $1, catalog LIMIT 1",
    )
    .bind(catalog)
    .fetch_optional(readers)
    .await
    .map_err(StoreError::database("reading who drives"))?;
    text.map(|text| rows::from_json("a lease", &text)).transpose()
}

/// Stands for a driver that holds the lock and has not yet said who it is.
pub(super) fn unnamed() -> LeaseHolder {
    LeaseHolder { pid: 0, host: "this host".to_owned(), command: "starting".to_owned() }
}

#[cfg(test)]
mod tests {
    use crate::store::sqlite::fixtures::{at, holder};
    use crate::store::{SqliteStore, Store as _, StoreError};

    #[tokio::test]
    async fn a_lock_is_free_at_once_although_a_child_that_starts_has_the_file_too() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("driver.lock");
        let lock = super::lock(&path).await.expect("opens").expect("free");
        let child = lock.try_clone().expect("as a fork does");
        super::unlock(&lock);
        drop(lock);
        assert!(!super::is_locked(&path).expect("looked"));
        assert!(super::lock(&path).await.expect("opens").is_some());
        drop(child);
    }

    #[tokio::test]
    async fn one_drives_at_a_time_and_the_next_has_a_larger_token() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("trueline.db");
        let one = SqliteStore::open(&path, "main").await.expect("opens");
        let two = SqliteStore::open(&path, "main").await.expect("opens");
        assert_eq!(two.holder().await.expect("read"), None);
        let lease = one.acquire(&holder("serve"), at(1)).await.expect("free");
        for store in [&one, &two] {
            assert_eq!(store.holder().await.expect("read"), Some(holder("serve")));
            match store.acquire(&holder("apply"), at(2)).await {
                Err(StoreError::Held(by)) => assert_eq!(by, holder("serve")),
                other => panic!("{other:?}"),
            }
        }
        one.release(&lease).await.expect("given back");
        one.release(&lease).await.expect("once more");
        assert_eq!(one.holder().await.expect("read"), None);
        assert_eq!(two.holder().await.expect("read"), None);
        let next = two.acquire(&holder("apply"), at(3)).await.expect("free");
        assert_eq!(next.token, lease.token + 1);
        assert_eq!(one.holder().await.expect("read"), Some(holder("apply")));
    }

    #[tokio::test]
    async fn a_driver_that_died_is_taken_over_at_once() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("trueline.db");
        let dead = SqliteStore::open(&path, "main").await.expect("opens");
        let lease = dead.acquire(&holder("serve"), at(1)).await.expect("free");
        drop(dead);
        let next = SqliteStore::open(&path, "main").await.expect("opens");
        assert_eq!(next.holder().await.expect("read"), None, "its name is not enough");
        let taken = next.acquire(&holder("apply"), at(2)).await.expect("taken over");
        assert_eq!(taken.token, lease.token + 1);
        let told = next.audit_after(0, 9).await.expect("read");
        let told: Vec<_> =
            told.iter().map(|entry| (entry.what.as_str(), &entry.detail["token"])).collect();
        assert_eq!(told, [("lease.taken", &1.into()), ("lease.taken", &2.into())]);
    }
}
