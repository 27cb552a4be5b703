//! The owners of a catalog's paths, as one CODEOWNERS file names them. It decides over no approval.

use std::sync::Arc;

use crate::catalog::Snapshot;
use crate::finding::Finding;

/// Where the file is looked for, in this order; the first that exists counts, as on GitHub.
pub const LOCATIONS: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// One line that names owners for a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u32,
    /// The pattern as it is written.
    pub pattern: String,
    /// The owners as they are written: `@user`, `@organisation/team` or a mail address; may be none.
    pub owners: Vec<String>,
}

/// The owners of paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// The file that counts; nothing where there is none.
    pub path: Option<Arc<str>>,
    /// The lines that count, in the order of the file.
    pub lines: Vec<Line>,
    /// What is wrong with the file, line by line.
    pub findings: Vec<Finding>,
}

impl Owners {
    /// Reads the file that counts in a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let found = LOCATIONS.iter().find_map(|path| snapshot.files.get_key_value(*path));
        Self { path: found.map(|(path, _)| path.clone()), ..Self::default() }
    }
}
