//! What a report is written of: findings, what they were found in, and how paths are to be read. It reads nothing.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::summary::Summary;
use crate::catalog::{Layout, Snapshot, joined};
use crate::finding::{Finding, Severity};
use crate::validate::{Rule, Suppressed, rule};

/// What a path of a URI may hold as it stands.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Findings, what they were found in, and how they are to be shown.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// What was judged.
    pub snapshot: &'a Snapshot,
    /// What was found, by place.
    pub findings: &'a [Finding],
    /// What comments took away, by place: counted, and told to programs that look at exceptions.
    pub suppressed: &'a [Suppressed],
    /// The parts of the catalog that were asked about, as paths from its root; empty means all of it.
    pub only: &'a [String],
    /// What counts as failed: this and worse.
    pub fail_on: Severity,
    /// What stands before a path so that it can be opened from here; ends with `/` or is empty.
    pub from_here: String,
    /// What stands before a path so that it begins at the root of the repository; ends with `/` or is empty.
    pub from_root: String,
    /// How the text report is shown.
    pub shown: Shown,
}

/// How the text report is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// With colours.
    pub colour: bool,
    /// With the line of the source, and what is meant underlined; otherwise one line a finding.
    pub source: bool,
    /// How many findings are shown of one file; the rest is counted. 0 means all.
    pub most_per_file: usize,
    /// URL of the catalog's folder, ending with `/`: places link into it. Needs colours.
    pub links: Option<String>,
}

impl<'a> Report<'a> {
    /// Makes a report of findings in a snapshot: all of its documents, paths from its root, errors count.
    pub fn new(snapshot: &'a Snapshot, findings: &'a [Finding]) -> Self {
        Self {
            snapshot,
            findings,
            suppressed: &[],
            only: &[],
            fail_on: Severity::Error,
            from_here: String::new(),
            from_root: String::new(),
            shown: Shown { source: true, ..Shown::default() },
        }
    }

    /// Tells whether anything was found that counts as failed.
    pub fn has_failed(&self) -> bool {
        self.findings.iter().any(|finding| self.fails(finding))
    }

    /// Tells whether a finding counts as failed.
    pub fn fails(&self, finding: &Finding) -> bool {
        finding.severity >= self.fail_on
    }

    /// Counts what was found.
    pub fn summary(&self) -> Summary {
        Summary::of(self.findings)
    }

    /// Returns the paths of the documents that were asked about, found fault with or not.
    pub fn documents(&self) -> impl Iterator<Item = &'a str> {
        let only = self.only;
        let paths = self.snapshot.files.keys().map(|path| &**path);
        paths.filter(|path| !matches!(Layout::of(path), Layout::Other) && covers(only, path))
    }

    /// Returns the rules that found something, by id.
    pub(super) fn rules(&self) -> Vec<&'static Rule> {
        rows(self.findings)
    }

    /// Returns the findings, the most severe first, otherwise in their order.
    pub(super) fn severe_first(&self) -> Vec<&'a Finding> {
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings.sort_by_key(|finding| Reverse(finding.severity));
        findings
    }

    /// Returns a path from the root of the repository.
    pub(super) fn path(&self, path: &str) -> String {
        joined(&self.from_root, path).into_owned()
    }

    /// Returns a path from the root of the repository, as a reference of a URI.
    pub(super) fn uri(&self, path: &str) -> String {
        encoded(&self.path(path))
    }
}

/// Tells whether a path is one of some, or below one; none of them mean all.
pub fn covers(only: &[String], path: &str) -> bool {
    let below = |only: &String| {
        path.strip_prefix(only.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    only.is_empty() || only.iter().any(below)
}

/// Returns the rules of findings, by id.
pub(super) fn rows<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<&'static Rule> {
    let ids: BTreeSet<&str> = findings.into_iter().map(|f| f.rule.as_str()).collect();
    ids.into_iter().filter_map(rule).collect()
}

/// Encodes a path for a URI: relative, and nothing else.
pub(super) fn encoded(path: &str) -> String {
    let encoded = utf8_percent_encode(path, ENCODED).to_string();
    // Two slashes in front would name a host, one the root of the machine.
    match encoded.strip_prefix('/') {
        Some(rest) => format!("%2F{}", rest.replace("//", "/%2F")),
        None => encoded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_relative_reference_whatever_it_holds() {
        for (path, expected) in [
            ("services/a/b-c_d.yaml", "services/a/b-c_d.yaml"),
            ("a b/ü:?#%.yaml", "a%20b/%C3%BC%3A%3F%23%25.yaml"),
            ("//evil/x", "%2F/evil/x"),
            ("http://evil", "http%3A//evil"),
            ("\n\u{1b}", "%0A%1B"),
        ] {
            assert_eq!(encoded(path), expected);
        }
    }

    #[test]
    fn what_fails_is_what_was_asked_for() {
        let snapshot = Snapshot::of_files([
            ("services/a/b.yaml".to_owned(), Vec::new()),
            ("README.md".to_owned(), Vec::new()),
        ]);
        let place = crate::finding::Place::start_of("services/a/b.yaml");
        let findings =
            [Finding::note("a/b", place.clone(), "n"), Finding::warning("a/b", place, "w")];
        let report = Report::new(&snapshot, &findings);
        assert!(!report.has_failed());
        assert!(Report { fail_on: Severity::Warning, ..report.clone() }.has_failed());
        let order: Vec<_> = report.severe_first().iter().map(|f| f.message.as_str()).collect();
        assert_eq!(order, ["w", "n"]);
        assert_eq!(report.documents().collect::<Vec<_>>(), ["services/a/b.yaml"]);
        assert_eq!(report.summary().to_string(), "1 warning, 1 note");
    }
}
