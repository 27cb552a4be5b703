//! What is known of a store that was put back from a backup, and of a file that holds one. It reads nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// A store that was put back from a backup: until a person acknowledges that, nothing is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// When it was put back.
    pub at: Timestamp,
    /// The last moment that the backup knows of.
    pub until: Timestamp,
}

/// A file of a store that was checked and is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The schema that it has.
    pub schema: i64,
    /// Its size in bytes.
    pub bytes: u64,
    /// The catalogs that it holds, by name.
    pub catalogs: Vec<CheckedCatalog>,
    /// Something that was sealed, to try a key on; nothing where nothing is.
    pub sealed: Option<serde_json::Value>,
}

/// One catalog in a file that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedCatalog {
    /// Its name.
    pub name: String,
    /// Number and hash of the last entry of its audit chain.
    pub head: Option<(i64, Digest)>,
    /// When that was.
    pub until: Option<Timestamp>,
    /// How many units it has.
    pub units: i64,
    /// How many runs it has.
    pub runs: i64,
}
