//! The owners of a catalog's paths, as one CODEOWNERS file names them. It decides over no approval.

use std::sync::Arc;

use super::index::Index;
use super::parse::parse;
use super::pattern::Pattern;
use super::shadow;
use crate::catalog::Snapshot;
use crate::finding::{Finding, Place};

/// Where the file is looked for, in this order; the first that exists counts, as on GitHub.
pub const LOCATIONS: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// The most bytes that the file may have; a larger one is not used at all.
pub const MAX_BYTES: usize = 3 * 1024 * 1024;

/// One line that names owners for a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: u32,
    /// Where the pattern begins, in characters from 1.
    pub column: u32,
    /// The pattern as it is written.
    pub pattern: String,
    /// The owners as they are written: `@user`, `@organisation/team` or a mail address; may be none.
    pub owners: Vec<String>,
}

/// The owners of paths.
///
/// Paths are written from the root, with `/` between names and none in front.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// The file that counts; nothing where there is none.
    pub path: Option<Arc<str>>,
    /// The lines that count, in the order of the file.
    pub lines: Vec<Line>,
    /// What is wrong with the file, line by line.
    pub findings: Vec<Finding>,
    index: Index,
    /// Lines that are skipped because of an owner; that they were meant for a path is known.
    skipped: Vec<Line>,
    skipped_index: Index,
}

impl Owners {
    /// Reads the file that counts in a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        // A file that could not be taken in is there nevertheless: it is told already, and nobody owns anything.
        let refused = |path: &str| snapshot.findings.iter().any(|told| &*told.place.path == path);
        let mut there = LOCATIONS
            .iter()
            .filter(|path| snapshot.files.contains_key(**path) || refused(path))
            .map(|path| Arc::<str>::from(*path));
        let Some(path) = there.next() else { return Self::default() };
        let mut owners = match snapshot.files.get(&path) {
            Some(blob) => Self::read(path.clone(), &blob.bytes.get()),
            None => Self { path: Some(path.clone()), ..Self::default() },
        };
        owners.findings.extend(there.map(|other| {
            let message = format!("this file is not used: {path} comes before it");
            Finding::note("owners/several-files", Place::start_of(other), message)
                .hint("move its lines there, and delete it")
        }));
        owners
    }

    /// Reads a file.
    pub fn read(path: impl Into<Arc<str>>, bytes: &[u8]) -> Self {
        let path = path.into();
        let parsed = parse(&path, bytes);
        let (lines, patterns): (Vec<Line>, Vec<Pattern>) = parsed.lines.into_iter().unzip();
        let (skipped, skipped_patterns): (Vec<Line>, Vec<Pattern>) =
            parsed.skipped.into_iter().unzip();
        Self {
            path: Some(path),
            lines,
            findings: parsed.findings,
            index: Index::of(patterns),
            skipped,
            skipped_index: Index::of(skipped_patterns),
        }
    }

    /// Returns the line that decides over a path: the last that matches.
    pub fn line_of(&self, path: &str) -> Option<&Line> {
        self.lines.get(self.index.last(path)?)
    }

    /// Returns the owners of a path; nobody where no line matches, or the one that does names none.
    pub fn owners_of(&self, path: &str) -> &[String] {
        self.line_of(path).map(|line| line.owners.as_slice()).unwrap_or_default()
    }

    /// Returns the line that would decide over a path if it were not skipped for an owner that is none.
    pub fn skipped_line_of(&self, path: &str) -> Option<&Line> {
        let line = self.skipped.get(self.skipped_index.last(path)?)?;
        let decides = self.line_of(path).map_or(0, |line| line.number);
        (line.number > decides).then_some(line)
    }

    /// Returns the lines that never decide, each with a later one that matches all that it matches.
    pub fn shadowed(&self) -> Vec<(&Line, &Line)> {
        let pairs = shadow::shadowed(self.index.patterns()).into_iter();
        pairs
            .filter_map(|(one, later)| Some((self.lines.get(one)?, self.lines.get(later)?)))
            .collect()
    }

    /// Returns the place of a line's pattern.
    pub fn place_of(&self, line: &Line) -> Place {
        let path = self.path.clone().unwrap_or_default();
        let length = u32::try_from(line.pattern.chars().count()).unwrap_or_default();
        Place { path, line: line.number, column: line.column, length }
    }
}
