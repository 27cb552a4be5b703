//! Puts a backup in the place of a store. What stood there is put aside, never thrown away; what is put back is marked.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::lease::{self, lock_path};
use super::write::Write;
use super::{catalog, check, open};
use crate::store::private;
use crate::store::{Checked, CheckedCatalog, Restored, StoreError};

/// How a backup is put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restoring {
    /// Who does it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether the store that stands there already is put aside for it.
    pub force: bool,
}

/// What was put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// What the backup holds.
    pub checked: Checked,
    /// Where the store is now that stood there before.
    pub aside: Option<PathBuf>,
}

/// Puts a backup in the place of a database, while nobody drives it.
pub(super) async fn restore(
    database: &Path,
    backup: &Path,
    how: &Restoring,
) -> Result<PutBack, StoreError> {
    open::refuse_no_database(backup)?;
    private::make_folder_of(database)?;
    let Some(lock) = lease::lock(&lock_path(database)).await? else {
        return Err(StoreError::Held(named_holder(database).await));
    };
    let stands = database.symlink_metadata().is_ok() || open::log_is_left(database);
    if stands && !how.force {
        return Err(StoreError::Exists(database.to_path_buf()));
    }
    let folder = private::folder_of(database);
    let beside = tempfile::Builder::new().prefix(".trueline-restore-").tempfile_in(folder);
    let mut beside = beside.map_err(StoreError::file("write in", folder))?;
    let mut source = File::open(backup).map_err(StoreError::file("open", backup))?;
    std::io::copy(&mut source, beside.as_file_mut()).map_err(StoreError::file("copy", backup))?;
    let checked = check::check(beside.path()).await.map_err(|error| renamed(error, backup))?;
    mark(beside.path(), &checked.catalogs, how).await?;
    beside.as_file().sync_all().map_err(StoreError::file("write", beside.path()))?;
    let aside = if stands { Some(put_aside(database, how.at).await?) } else { None };
    let placed = beside.persist(database).map_err(|error| error.error);
    placed.map_err(StoreError::file("put the backup at", database))?;
    private::sync_folder(folder)?;
    drop(lock);
    Ok(PutBack { checked, aside })
}

/// Names the file that the person gave, not our copy of it.
fn renamed(error: StoreError, path: &Path) -> StoreError {
    let path = path.to_path_buf();
    match error {
        StoreError::Open { source, .. } => StoreError::Open { path, source },
        StoreError::Foreign(_) => StoreError::Foreign(path),
        StoreError::Newer { found, known, .. } => StoreError::Newer { path, found, known },
        StoreError::Damaged { told, .. } => StoreError::Damaged { path, told },
        StoreError::Broken { broken, .. } => StoreError::Broken { path, broken },
        other => other,
    }
}

async fn named_holder(database: &Path) -> crate::store::LeaseHolder {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    let pool = sqlx::SqlitePool::connect_lazy_with(options.disable_statement_logging());
    let named = lease::holder(&pool, "").await.ok().flatten();
    named.unwrap_or_else(lease::unnamed)
}

/// Says in the store itself that it was put back: it is older than the world, and nobody drives it.
async fn mark(path: &Path, catalogs: &[CheckedCatalog], how: &Restoring) -> Result<(), StoreError> {
    let connections = open::open(path, SqliteSynchronous::Full).await?;
    let mut writer = connections.writer;
    for held in catalogs {
        let until = held.until.unwrap_or(how.at);
        let mut state = catalog::state(&connections.readers, &held.name).await?;
        state.restored = Some(Restored { at: how.at, until });
        let mut write = Write::begin(&mut writer, &held.name).await?;
        catalog::save_state(&mut write, &state).await?;
        let head = held.head.map(|(seq, hash)| json!({"seq": seq, "hash": hash}));
        let detail = json!({"until": until, "head": head});
        write.audit(how.at, &how.by, "store.restored", &detail).await?;
        write.commit().await?;
    }
    connections.readers.close().await;
    let failed = StoreError::database("marking it as restored");
    sqlx::query("UPDATE lease SET holder = NULL")
        .execute(writer.connection())
        .await
        .map_err(&failed)?;
    fold_log(writer.connection()).await.map_err(&failed)?;
    writer.close().await.map_err(&failed)
}

/// Makes a database one file, without its log; fails where another process has it open.
async fn fold_log(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE").fetch_one(connection).await?;
    Ok(())
}

/// Gives the store that stands there another name, with its log where it can't be folded in.
async fn put_aside(database: &Path, at: Timestamp) -> Result<PathBuf, StoreError> {
    let folded = match open::refuse_no_database(database) {
        // SQLite throws the log of such a file away where it opens it.
        Err(error @ StoreError::Foreign(_)) => Err(error),
        _ => folded(database).await,
    };
    match folded {
        Ok(()) => {}
        Err(StoreError::Busy { .. }) => return Err(StoreError::InUse(database.to_path_buf())),
        // It may well be restored because it is damaged.
        Err(error) => tracing::warn!("{} is put aside as it is: {error}", database.display()),
    }
    let stamp = at.strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
    let aside = with_suffix(database, &format!(".before-restore-{stamp}"));
    for log in ["-wal", "-shm"] {
        let there = with_suffix(database, log);
        if there.symlink_metadata().is_ok() {
            let moved = fs::rename(&there, with_suffix(&aside, log));
            moved.map_err(StoreError::file("put aside", &there))?;
        }
    }
    if database.symlink_metadata().is_ok() {
        // Linked, not moved: there is a database in its place at every moment.
        let linked = fs::hard_link(database, &aside);
        linked.map_err(StoreError::file("put aside", database))?;
    }
    Ok(aside)
}

async fn folded(database: &Path) -> Result<(), StoreError> {
    let failed = StoreError::database("closing it");
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(open::BUSY / 5);
    let mut connection = options.disable_statement_logging().connect().await.map_err(&failed)?;
    let folded = fold_log(&mut connection).await.map_err(&failed);
    connection.close().await.map_err(&failed)?;
    folded
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
