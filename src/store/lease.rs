//! The lease: who may drive, and the token that every write of a driver carries.

use serde::{Deserialize, Serialize};

/// Who drives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHolder {
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// `serve` or `apply`.
    pub command: String,
}

/// The exclusive right to drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Larger than that of any lease before it.
    pub token: i64,
}
