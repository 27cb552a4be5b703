//! Findings: what is wrong, where, and what to do. A user's mistake is a finding, never an `Err`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How bad a finding is; ordered from mild to severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not meant.
    Warning,
    /// Must be mended before the document counts.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// Where something stands: a path in the catalog, and a line and column counted from 1 in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Path from the catalog's root, with `/`.
    pub path: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Length in characters of what is marked on that line; 0 where that is not known.
    #[serde(default)]
    pub length: u32,
}

impl Place {
    /// Names the start of a file.
    pub fn start_of(path: impl Into<Arc<str>>) -> Self {
        Self { path: path.into(), line: 1, column: 1, length: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path, self.line, self.column)
    }
}

/// A change of bytes: what stands from `start` to `end` becomes `text`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// First byte that is replaced, from the start of the file.
    pub start: usize,
    /// First byte that stays.
    pub end: usize,
    /// What stands there instead.
    pub text: String,
}

/// How a finding can be mended in the file that it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// What it does, as an imperative: "quote the number".
    pub what: String,
    /// Whether it is certain to be what was meant; `--fix` applies no other.
    pub safe: bool,
    /// The changes; none of them overlap.
    pub edits: Vec<Edit>,
}

/// One thing that a rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable id of the rule, `group/name`; documented in `docs/rules.md`.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub place: Place,
    /// What is wrong: one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Other places that belong to it, each with what it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<(Place, String)>,
    /// How it can be mended, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

impl Finding {
    /// Makes an error.
    pub fn error(rule: &str, place: Place, message: impl Into<String>) -> Self {
        Self {
            rule: rule.to_owned(),
            severity: Severity::Error,
            place,
            message: message.into(),
            hint: None,
            related: Vec::new(),
            fix: None,
        }
    }

    /// Makes a warning.
    pub fn warning(rule: &str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(rule, place, message) }
    }

    /// Makes a note.
    pub fn note(rule: &str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(rule, place, message) }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint where there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Adds what to do, where nothing is said of that yet.
    #[must_use]
    pub fn or_hint(mut self, hint: impl FnOnce() -> String) -> Self {
        self.hint = Some(self.hint.unwrap_or_else(hint));
        self
    }

    /// Adds another place that belongs to it.
    #[must_use]
    pub fn related(mut self, place: Place, what: impl Into<String>) -> Self {
        self.related.push((place, what.into()));
        self
    }

    /// Adds how it can be mended.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Tells whether the document it stands in is wrong.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {} {}", self.place, self.severity, self.rule, self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// Returns the candidate nearest to a word that was probably mistyped, for "did you mean".
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= 1 + word.chars().count().max(candidate.chars().count()) / 4
        })
        .min_by_key(|(distance, candidate)| (*distance, *candidate))
        .map(|(_, candidate)| candidate)
}

/// Returns "did you mean `x`?" for a word that was probably mistyped.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_forgives_typing_errors_only() {
        let known = ["database-postgresql", "network-private", "dns-record"];
        assert_eq!(nearest("database-postgres", known), Some("database-postgresql"));
        assert_eq!(nearest("dns-recrod", known), Some("dns-record"));
        assert_eq!(nearest("queue", known), None);
    }

    #[test]
    fn a_finding_reads_as_one_line() {
        let place = Place { path: "services/a/b.yaml".into(), line: 3, column: 7, length: 2 };
        let finding = Finding::error("reference/unknown-item", place, "no item `x`").hint("try y");
        assert_eq!(
            finding.to_string(),
            "services/a/b.yaml:3:7: error reference/unknown-item no item `x` (try y)"
        );
    }
}
