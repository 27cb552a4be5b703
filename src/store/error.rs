//! What can go wrong with the store, and what to do about it.

use std::error::Error;
use std::path::{Path, PathBuf};

use super::chain::ChainBreak;
use super::lease::LeaseHolder;
use crate::id::RunId;
use crate::run::IllegalEvent;

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
    /// Another process held the database for too long; trying again helps.
    #[error("the database stayed busy while {what}")]
    Busy {
        /// What was being done.
        what: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// What comes before could not be written, and was not let go yet.
    #[error("what comes before could not be written, and is worked out again")]
    Lost,
    /// The disk is full; nothing of the write took place.
    #[error("no space is left on the disk while {what}")]
    Full {
        /// What was being done.
        what: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database is damaged.
    #[error("the database is damaged, as seen while {what}")]
    Corrupt {
        /// What was being done.
        what: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database failed otherwise.
    #[error("the database failed while {what}")]
    Database {
        /// What was being done.
        what: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The database can't be opened at all.
    #[error("can't open the database {}", .path.display())]
    Open {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: Box<StoreError>,
    },
    /// The file holds something else.
    #[error("{} is not a database of trueline", .0.display())]
    Foreign(PathBuf),
    /// A newer version of the program wrote the database.
    #[error("{} has schema {found}, and this version of trueline knows up to {known}", .path.display())]
    Newer {
        /// Where it is.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that is known.
        known: i64,
    },
    /// The database is gone, and what was written to it last is still there.
    #[error("{} is missing or empty, but its write-ahead log is still there", .0.display())]
    Orphaned(PathBuf),
    /// Others may read or write the file.
    #[error("{} is open to other users (mode {mode:04o})", .path.display())]
    Exposed {
        /// Where it is.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The library loses data under load.
    #[error("sqlite {found} can corrupt a database, and {needed} is the first that does not")]
    OldSqlite {
        /// The version that is there.
        found: String,
        /// The first version that will do.
        needed: &'static str,
    },
    /// The file system can't share memory between processes.
    #[error("the file system of {} can't keep a write-ahead log", .0.display())]
    NoWriteAheadLog(PathBuf),
    /// A file can't be read or written.
    #[error("can't {what} {}", .path.display())]
    File {
        /// What was being done.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A stored row does not say what it should.
    #[error("what is stored as {what} can't be read")]
    Unreadable {
        /// What it should be.
        what: &'static str,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A journal holds an entry that does not follow from those before it.
    #[error("entry {seq} in the journal of run {run} does not fit those before it")]
    Journal {
        /// The run.
        run: RunId,
        /// The entry.
        seq: i64,
        /// Why.
        source: IllegalEvent,
    },
    /// What is to be changed is not there.
    #[error("there is no {0} in the store")]
    Missing(String),
    /// It was stored before, and differently.
    #[error("{0} is in the store already, with other content")]
    Conflict(String),
    /// Something stands there already, and is not written over.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// Another process has the database open.
    #[error("another process has {} open", .0.display())]
    InUse(PathBuf),
    /// The file is a database whose last writes stand in a log beside it.
    #[error("{} has a write-ahead log beside it: it is a database in use, or was copied from one", .0.display())]
    Logged(PathBuf),
    /// The name of the file is not text.
    #[error("{} can't be handed to sqlite: its name is not UTF-8", .0.display())]
    Unnameable(PathBuf),
    /// The file is not whole.
    #[error("{} is damaged: {told}", .path.display())]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What the check said.
        told: String,
    },
    /// An audit chain in the file is broken.
    #[error("the audit chain in {} is broken: {broken}", .path.display())]
    Broken {
        /// Where it is.
        path: PathBuf,
        /// Where, and what that means.
        broken: ChainBreak,
    },
    /// The key file does not hold a key.
    #[error("{} does not hold a key of 32 bytes", .0.display())]
    NotAKey(PathBuf),
    /// A sealed value does not open.
    #[error("the value was sealed with another key, or was altered")]
    Sealed,
}

impl StoreError {
    /// Tells whether trying again may help by itself.
    pub fn is_busy(&self) -> bool {
        match self {
            StoreError::Busy { .. } => true,
            StoreError::Open { source, .. } => source.is_busy(),
            _ => false,
        }
    }

    /// Says what a person can do about it, where that is known.
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            StoreError::Held(_) => {
                "stop that process first; commands other than `serve` and `apply` work beside it"
            }
            StoreError::Busy { .. } => {
                "find the process that keeps the database locked, a backup perhaps, and try again"
            }
            StoreError::Full { .. } => {
                "free some space and start again; what was stored before is intact"
            }
            StoreError::Corrupt { .. } => {
                "stop every trueline process, keep a copy of the file with its `-wal`, and restore a backup \
                 or run `sqlite3 FILE .recover`"
            }
            StoreError::Open { source, .. } => return source.advice(),
            StoreError::Foreign(_) => {
                "give the path of another file, or of one that is not there yet"
            }
            StoreError::Newer { .. } => "install the version that wrote it, or a newer one",
            StoreError::Orphaned(_) => {
                "put the database file back beside its `-wal`; to start from nothing, move the `-wal` and \
                 `-shm` files away"
            }
            StoreError::Exposed { .. } => "run `chmod 600` on it",
            StoreError::OldSqlite { .. } => "build with the sqlite that comes with trueline",
            StoreError::NoWriteAheadLog(_) => "keep the database on a local disk",
            StoreError::Exists(_) => "give another name; nothing that is there is written over",
            StoreError::InUse(_) => "wait until every other trueline command has ended",
            StoreError::Logged(_) => "give a file that `trueline backup` wrote",
            StoreError::Damaged { .. } | StoreError::Broken { .. } => "take another backup",
            StoreError::NotAKey(_) => "restore the key file from a backup",
            StoreError::Sealed => "restore the key file that belongs to this database",
            _ => return None,
        })
    }

    /// Sorts what the database said.
    pub(super) fn database(what: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |source| match primary_code(&source) {
            Some(5 | 6) => StoreError::Busy { what, source },
            Some(13) => StoreError::Full { what, source },
            Some(11 | 26) => StoreError::Corrupt { what, source },
            None if matches!(source, sqlx::Error::PoolTimedOut) => {
                StoreError::Busy { what, source }
            }
            _ => StoreError::Database { what, source },
        }
    }

    /// Names the file that could not be handled.
    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| StoreError::File { what, path, source }
    }

    /// Names the kind of row that could not be read.
    pub(super) fn unreadable<E: Error + Send + Sync + 'static>(
        what: &'static str,
    ) -> impl Fn(E) -> Self {
        move |source| StoreError::Unreadable { what, source: Box::new(source) }
    }
}

/// SQLite's result code without its extension.
fn primary_code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions as _, SqliteConnection};
    use std::time::Duration;

    async fn connected(path: &Path) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        options.busy_timeout(Duration::ZERO).connect().await.expect("connects")
    }

    async fn execute(connection: &mut SqliteConnection, sql: &'static str) -> StoreError {
        let outcome = sqlx::raw_sql(sql).execute(connection).await;
        outcome.map_err(StoreError::database("testing")).expect_err("fails")
    }

    #[tokio::test]
    async fn faults_of_the_database_are_told_apart() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("some.db");
        let mut one = connected(&path).await;
        let mut two = connected(&path).await;
        let table = "CREATE TABLE some (x); PRAGMA max_page_count = 3; BEGIN IMMEDIATE";
        sqlx::raw_sql(table).execute(&mut one).await.expect("begun");
        let busy = execute(&mut two, "BEGIN IMMEDIATE").await;
        assert!(busy.is_busy() && busy.advice().is_some(), "{busy:?}");
        let wrapped = StoreError::Open { path: path.clone(), source: Box::new(busy) };
        assert!(wrapped.is_busy() && wrapped.advice().is_some(), "{wrapped:?}");
        let full = execute(&mut one, "INSERT INTO some VALUES (zeroblob(100000))").await;
        assert!(matches!(full, StoreError::Full { .. }) && !full.is_busy(), "{full:?}");
        assert_eq!(full.to_string(), "no space is left on the disk while testing");
        let other = execute(&mut two, "SELECT nothing").await;
        assert!(matches!(other, StoreError::Database { .. }), "{other:?}");
        std::fs::write(&path, "garbage, and more of it".repeat(99)).expect("written");
        let corrupt = execute(&mut connected(&path).await, "SELECT * FROM some").await;
        assert!(matches!(corrupt, StoreError::Corrupt { .. }), "{corrupt:?}");
    }
}
