//! The store in SQLite: WAL, full sync, one file.

/// The store in SQLite.
pub struct SqliteStore {}
