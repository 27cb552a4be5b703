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

/// What is recorded of the right to drive, whoever has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeaseRow {
    /// The newest token; 0 where nobody ever drove.
    pub token: i64,
    /// Whether it was not given back.
    pub is_held: bool,
}

impl LeaseRow {
    /// Returns the row after somebody took the right.
    #[must_use]
    pub fn taken(self) -> Self {
        Self { token: self.token + 1, is_held: true }
    }

    /// Tells whether a lease still counts: nobody took it over, and it was not given back.
    pub fn admits(self, lease: &Lease) -> bool {
        self.is_held && self.token == lease.token
    }
}

/// The exclusive right to drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Larger than that of any lease before it.
    pub token: i64,
}
