//! The owners of a catalog's paths, as one CODEOWNERS file names them. It decides over no approval.

use std::borrow::Cow;
use std::sync::Arc;

use super::index::Index;
use super::parse::parse;
use super::pattern::Pattern;
use super::shadow;
use crate::catalog::{Files, Snapshot, joined, seen_from};
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
/// Paths are written from the root of the catalog, with `/` between names and none in front; `../` leads to those of the
/// repository that the catalog is a folder of.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// The file that counts; nothing where there is none.
    pub path: Option<Arc<str>>,
    /// The lines that count, in the order of the file.
    pub lines: Vec<Line>,
    /// What is wrong with the file, line by line.
    pub findings: Vec<Finding>,
    /// Where the file may be.
    locations: Vec<String>,
    index: Index,
    /// What stands before a path of the catalog in a pattern; ends with `/` or is empty.
    prefix: String,
    /// Lines that are skipped because of an owner; that they were meant for a path is known.
    skipped: Vec<Line>,
    skipped_index: Index,
}

impl Owners {
    /// Returns where the file may be, as paths of the catalog: the first that exists counts.
    ///
    /// In a repository GitHub looks at the root only; a folder of it has a file of its own for where there is none.
    pub fn locations_in(folder: &str) -> Vec<String> {
        let mut locations = of_repository(folder);
        for own in LOCATIONS {
            if !locations.iter().any(|known| known == own) {
                locations.push(own.to_owned());
            }
        }
        locations
    }

    /// Reads the file that counts in a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let locations = Self::locations_in(&snapshot.folder);
        // A file that could not be taken in is there nevertheless: it is told already, and nobody owns anything.
        let refused = |path: &str| snapshot.findings.iter().any(|told| &*told.place.path == path);
        let mut there = locations
            .iter()
            .filter(|path| snapshot.files.contains_key(path.as_str()) || refused(path))
            .map(|path| Arc::<str>::from(path.as_str()));
        let Some(path) = there.next() else { return Self { locations, ..Self::default() } };
        let mut owners = match snapshot.files.get(&path) {
            Some(blob) => Self::read(path.clone(), &blob.bytes.get()),
            None => Self { path: Some(path.clone()), ..Self::default() },
        };
        let above = of_repository(&snapshot.folder);
        if above.iter().any(|above| **above == *path) {
            owners.prefix = format!("{}/", snapshot.folder);
        }
        owners.findings.extend(there.map(|other| {
            let message = format!("this file is not used: {path} comes before it");
            let hint = match owners.prefix.as_str() {
                prefix if !prefix.is_empty() && !above.iter().any(|above| **above == *other) => {
                    format!(
                        "move its lines there, with `/{prefix}` before their paths, and delete it"
                    )
                }
                _ => "move its lines there, and delete it".to_owned(),
            };
            Finding::note("owners/several-files", Place::start_of(other), message).hint(hint)
        }));
        Self { locations, ..owners }
    }

    /// Returns all that `of` looks at in a snapshot: the folder, the files, and what is wrong with taking them in.
    pub fn sources(snapshot: &Snapshot) -> (String, Files, Vec<Finding>) {
        let locations = Self::locations_in(&snapshot.folder);
        let files = locations.iter().filter_map(|path| snapshot.files.get_key_value(path.as_str()));
        let files = files.map(|(path, blob)| (path.clone(), blob.clone())).collect();
        let is_one = |told: &&Finding| locations.iter().any(|path| **path == *told.place.path);
        let refused = snapshot.findings.iter().filter(is_one).cloned().collect();
        (snapshot.folder.clone(), files, refused)
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
            locations: Self::locations_in(""),
            prefix: String::new(),
            index: Index::of(patterns),
            skipped,
            skipped_index: Index::of(skipped_patterns),
        }
    }

    /// Returns where the file may be, the most usual place first.
    pub fn locations(&self) -> impl Iterator<Item = &str> {
        self.locations.iter().map(String::as_str)
    }

    /// Tells whether a path is one where the file may be.
    pub fn is_location(&self, path: &str) -> bool {
        self.locations.iter().any(|location| location == path)
    }

    /// Writes a path as patterns are about it: from the root of the repository where the file is that one's.
    pub fn in_patterns<'p>(&self, path: &'p str) -> Cow<'p, str> {
        joined(&self.prefix, path)
    }

    /// Returns the line that decides over a path: the last that matches.
    pub fn line_of(&self, path: &str) -> Option<&Line> {
        self.lines.get(self.index.last(&self.in_patterns(path))?)
    }

    /// Returns the owners of a path; nobody where no line matches, or the one that does names none.
    pub fn owners_of(&self, path: &str) -> &[String] {
        self.line_of(path).map(|line| line.owners.as_slice()).unwrap_or_default()
    }

    /// Returns the line that would decide over a path if it were not skipped for an owner that is none.
    pub fn skipped_line_of(&self, path: &str) -> Option<&Line> {
        let line = self.skipped.get(self.skipped_index.last(&self.in_patterns(path))?)?;
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

/// Returns where the file of a repository may be, as seen from a folder of it; nowhere where that is its root.
fn of_repository(folder: &str) -> Vec<String> {
    match folder {
        "" => Vec::new(),
        _ => LOCATIONS.iter().map(|location| seen_from(folder, location)).collect(),
    }
}
