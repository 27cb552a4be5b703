//! Opens the database: makes it where it is new, refuses it where going on would do harm.
//! Never makes an empty database where an old one is missing.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool};

use super::claims;
use super::writer::Writer;
use crate::store::StoreError;
use crate::store::private;

/// The first version that does not lose data when a log is reset under load.
const NEEDED: (u32, u32, u32) = (3, 51, 3);
const NEEDED_TEXT: &str = "3.51.3";

/// What every database of SQLite begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Stands in the header of every database of ours.
const APPLICATION: i64 = 0x5452_4c4e;

/// Each leads from the schema of its place to the next, and says so in `user_version`.
const MIGRATIONS: [&str; 14] = [
    include_str!("migrations/0001_state.sql"),
    include_str!("migrations/0002_claims.sql"),
    include_str!("migrations/0003_arrivals.sql"),
    include_str!("migrations/0004_approvals.sql"),
    include_str!("migrations/0005_audit.sql"),
    include_str!("migrations/0006_control.sql"),
    include_str!("migrations/0007_breakers.sql"),
    include_str!("migrations/0008_reviews.sql"),
    include_str!("migrations/0009_pages.sql"),
    include_str!("migrations/0010_people.sql"),
    include_str!("migrations/0011_requests.sql"),
    include_str!("migrations/0012_service_requests.sql"),
    include_str!("migrations/0013_activity.sql"),
    include_str!("migrations/0014_tasks_of_runs.sql"),
];

/// The schema that knows what units have outside; older ones have that in the units' records alone.
const CLAIMS: i64 = 2;

pub(super) const BUSY: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);
const READERS: u32 = 4;

/// How much each of those keeps of the database, in KiB and negative, as SQLite wants it.
const READ_CACHE: &str = "-8000";

/// One connection that writes, several that read.
pub(super) struct Connections {
    pub(super) writer: Writer,
    pub(super) readers: SqlitePool,
}

/// Opens a database, or makes it where there is none.
pub(super) async fn open(
    path: &Path,
    synchronous: SqliteSynchronous,
) -> Result<Connections, StoreError> {
    prepare(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .synchronous(synchronous)
        .disable_statement_logging();
    let writer = connect(path, &options).await.map_err(|error| at(path, error))?;
    let writer = Writer::new(writer, options.clone());
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        // They are of this process: asking one whether it still answers costs as much as a small statement.
        .test_before_acquire(false)
        .connect_lazy_with(options.pragma("query_only", "ON").pragma("cache_size", READ_CACHE));
    Ok(Connections { writer, readers })
}

/// Adds the path to errors that do not name it.
pub(super) fn at(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Busy { .. }
        | StoreError::Full { .. }
        | StoreError::Corrupt { .. }
        | StoreError::Database { .. } => {
            StoreError::Open { path: path.to_path_buf(), source: Box::new(error) }
        }
        other => other,
    }
}

/// Looks at the files before SQLite does: it would take an empty file for a new database and drop its log.
fn prepare(path: &Path) -> Result<(), StoreError> {
    private::make_folder_of(path)?;
    // First the log: a process that makes the database just now writes there last.
    let log_is_left = log_is_left(path);
    let there = path.try_exists().map_err(StoreError::file("look at", path))?;
    if !there && log_is_left {
        return Err(StoreError::Orphaned(path.to_path_buf()));
    }
    let file = private::open_file(path)?;
    private::refuse_exposed(path, &file)?;
    match header(path, file)?.as_slice() {
        b"" if log_is_left => Err(StoreError::Orphaned(path.to_path_buf())),
        b"" | MAGIC => Ok(()),
        _ => Err(StoreError::Foreign(path.to_path_buf())),
    }
}

/// Refuses a file that is no database, or one whose last writes stand in a log beside it.
pub(super) fn refuse_no_database(path: &Path) -> Result<(), StoreError> {
    let file = File::open(path).map_err(StoreError::file("open", path))?;
    if header(path, file)?.as_slice() != MAGIC {
        return Err(StoreError::Foreign(path.to_path_buf()));
    }
    if log_is_left(path) { Err(StoreError::Logged(path.to_path_buf())) } else { Ok(()) }
}

fn header(path: &Path, file: File) -> Result<Vec<u8>, StoreError> {
    let mut header = Vec::new();
    file.take(16).read_to_end(&mut header).map_err(StoreError::file("read", path))?;
    Ok(header)
}

/// Tells whether a database has a log beside it that holds something.
pub(super) fn log_is_left(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log).metadata().is_ok_and(|log| log.len() > 0)
}

async fn connect(
    path: &Path,
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, StoreError> {
    let failed = StoreError::database("opening it");
    let mut connection = options.connect().await.map_err(&failed)?;
    let version: String = sqlx::query_scalar("SELECT sqlite_version()")
        .fetch_one(&mut connection)
        .await
        .map_err(&failed)?;
    refuse_old(&version)?;
    let mut look = connection.begin().await.map_err(&failed)?;
    refuse_foreign(path, &mut look).await?;
    look.rollback().await.map_err(&failed)?;
    keep_log(path, &mut connection).await?;
    migrate(path, &mut connection).await?;
    Ok(connection)
}

fn refuse_old(version: &str) -> Result<(), StoreError> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < NEEDED {
        return Err(StoreError::OldSqlite { found: version.to_owned(), needed: NEEDED_TEXT });
    }
    Ok(())
}

async fn number(
    connection: &mut SqliteConnection,
    pragma: &'static str,
) -> Result<i64, StoreError> {
    let number = sqlx::query_scalar(pragma).fetch_one(connection).await;
    number.map_err(StoreError::database("reading its header"))
}

/// Refuses databases of other programs and of newer versions of this one; in a transaction, so that one that
/// another process makes just now is seen whole or not at all.
pub(super) async fn refuse_foreign(
    path: &Path,
    connection: &mut SqliteConnection,
) -> Result<i64, StoreError> {
    let application = number(connection, "PRAGMA application_id").await?;
    let found = number(connection, "PRAGMA user_version").await?;
    let tables = number(connection, "SELECT count(*) FROM sqlite_schema").await?;
    let new = application == 0 && found == 0 && tables == 0;
    if !new && application != APPLICATION {
        return Err(StoreError::Foreign(path.to_path_buf()));
    }
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { path: path.to_path_buf(), found, known });
    }
    Ok(found)
}

/// Turns the write-ahead log on. SQLite does not wait for the lock that this takes, so we do.
async fn keep_log(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let tries = BUSY.as_millis() / PAUSE.as_millis();
    for _ in 0..tries {
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL")
            .fetch_one(&mut *connection)
            .await
            .map_err(StoreError::database("turning its write-ahead log on"));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => return Err(StoreError::NoWriteAheadLog(path.to_path_buf())),
            Err(error) if error.is_busy() => tokio::time::sleep(PAUSE).await,
            Err(error) => return Err(error),
        }
    }
    let source = sqlx::Error::PoolTimedOut;
    Err(StoreError::Busy { what: "turning its write-ahead log on", source })
}

/// Brings the schema up to date in one transaction.
async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = StoreError::database("bringing its schema up to date");
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
    let found = refuse_foreign(path, &mut transaction).await?;
    let done = usize::try_from(found).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await.map_err(&failed)?;
    }
    if found < CLAIMS {
        claims::fill(&mut transaction).await?;
    }
    transaction.commit().await.map_err(&failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SqliteStore;
    use std::os::unix::fs::PermissionsExt;

    async fn refusal(path: &Path) -> StoreError {
        SqliteStore::open(path, "main").await.err().expect("is refused")
    }

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("state/trueline.db");
        (folder, path)
    }

    async fn made(path: &Path) {
        SqliteStore::open(path, "main").await.expect("opens").close().await;
    }

    async fn execute(path: &Path, sql: &'static str) {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut connection = options.connect().await.expect("connects");
        sqlx::raw_sql(sql).execute(&mut connection).await.expect("executes");
        connection.close().await.expect("closes");
    }

    #[tokio::test]
    async fn everything_is_for_its_owner_alone() {
        let (_folder, path) = folder();
        let store = SqliteStore::open(&path, "main").await.expect("opens");
        let state = path.parent().expect("parent");
        let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(state), 0o700);
        let files: Vec<_> = std::fs::read_dir(state).expect("listed").flatten().collect();
        assert!(files.len() >= 3, "the database, its log and its index: {files:?}");
        for file in files {
            assert_eq!(mode(&file.path()), 0o600, "{file:?}");
        }
        drop(store);
    }

    #[tokio::test]
    async fn a_database_that_others_may_read_is_refused() {
        let (_folder, path) = folder();
        made(&path).await;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("set");
        assert!(matches!(refusal(&path).await, StoreError::Exposed { mode: 0o644, .. }));
    }

    #[tokio::test]
    async fn what_is_not_a_database_of_ours_is_refused_and_left_alone() {
        let (_folder, path) = folder();
        std::fs::create_dir_all(path.parent().expect("parent")).expect("made");
        for garbage in [&b"x"[..], b"SQLite format 2\0", &[0xff; 9000], b"{\"not\": \"it\"}"] {
            std::fs::write(&path, garbage).expect("written");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("set");
            assert!(matches!(refusal(&path).await, StoreError::Foreign(_)));
            assert_eq!(std::fs::read(&path).expect("read"), garbage);
        }
        std::fs::remove_file(&path).expect("removed");
        execute(&path, "CREATE TABLE theirs (x); PRAGMA user_version = 1").await;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("set");
        assert!(matches!(refusal(&path).await, StoreError::Foreign(_)));
    }

    #[tokio::test]
    async fn a_damaged_database_is_refused_with_advice() {
        let (_folder, path) = folder();
        for damage in [
            (|bytes: &mut Vec<u8>| bytes.truncate(4096 * 2)) as fn(&mut Vec<u8>),
            |bytes| bytes.truncate(100),
            |bytes| bytes.iter_mut().skip(16).for_each(|byte| *byte = 0xaa),
            |bytes| bytes.iter_mut().skip(100).take(3000).for_each(|byte| *byte = 0x55),
        ] {
            let _ = std::fs::remove_file(&path);
            made(&path).await;
            let mut bytes = std::fs::read(&path).expect("read");
            damage(&mut bytes);
            std::fs::write(&path, bytes).expect("written");
            let error = refusal(&path).await;
            assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
            assert!(error.to_string().contains("trueline.db"), "{error}");
            assert!(error.advice().is_some_and(|advice| advice.contains("backup")), "{error:?}");
        }
    }

    #[tokio::test]
    async fn a_newer_schema_is_refused() {
        let (_folder, path) = folder();
        made(&path).await;
        execute(&path, "PRAGMA user_version = 99").await;
        let error = refusal(&path).await;
        assert!(matches!(error, StoreError::Newer { found: 99, known: 14, .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_log_without_its_database_is_not_thrown_away() {
        let (_folder, path) = folder();
        made(&path).await;
        let log = path.with_file_name("trueline.db-wal");
        std::fs::write(&log, b"the last writes").expect("written");
        std::fs::write(&path, b"").expect("emptied");
        assert!(matches!(refusal(&path).await, StoreError::Orphaned(_)));
        std::fs::remove_file(&path).expect("removed");
        assert!(matches!(refusal(&path).await, StoreError::Orphaned(_)));
        assert!(log.exists() && !path.exists());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn many_that_open_a_new_database_at_once_all_succeed() {
        let (_folder, path) = folder();
        let opened = |_| {
            let path = path.clone();
            tokio::spawn(async move { SqliteStore::open(&path, "main").await.map(drop) })
        };
        for task in (0..8).map(opened).collect::<Vec<_>>() {
            task.await.expect("ends").expect("opens");
        }
    }

    #[test]
    fn versions_compare_by_number() {
        for (version, good) in
            [("3.51.3", true), ("3.54.0", true), ("4.0", true), ("3.51.2", false), ("3.9.9", false)]
        {
            assert_eq!(refuse_old(version).is_ok(), good, "{version}");
        }
    }
}
