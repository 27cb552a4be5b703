//! Writes a store to one file beside whoever drives it: whole as of one moment, checked, and never over another file.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{check, open};
use crate::store::private;
use crate::store::{Checked, StoreError};

/// Copies a database as it is at this moment; the copy is there once it was checked, or not at all.
pub(super) async fn backup(database: &Path, target: &Path) -> Result<Checked, StoreError> {
    if target.symlink_metadata().is_ok() {
        return Err(StoreError::Exists(target.to_path_buf()));
    }
    let folder = private::folder_of(target);
    let failed = || StoreError::file("write", target);
    // Made by us, and empty: that is all that it may be where SQLite writes to it, and only we may read it.
    let beside = tempfile::Builder::new().prefix(".trueline-backup-").tempfile_in(folder);
    let beside = beside.map_err(failed())?;
    copy(database, beside.path()).await?;
    beside.as_file().sync_all().map_err(failed())?;
    let checked = check::check(beside.path()).await?;
    beside.persist_noclobber(target).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => StoreError::Exists(target.to_path_buf()),
        _ => failed()(error.error),
    })?;
    private::sync_folder(folder)?;
    Ok(checked)
}

async fn copy(database: &Path, target: &Path) -> Result<(), StoreError> {
    let failed = StoreError::database("copying it");
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(open::BUSY);
    let named = |error| open::at(database, error);
    let connected = options.disable_statement_logging().connect().await;
    let mut connection = connected.map_err(&failed).map_err(named)?;
    let path = target.to_str().ok_or_else(|| StoreError::Unnameable(target.to_path_buf()))?;
    let done = sqlx::query("VACUUM INTO $1").bind(path).execute(&mut connection).await;
    done.map_err(&failed).map_err(named)?;
    connection.close().await.map_err(&failed).map_err(named)
}
