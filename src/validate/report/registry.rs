//! The registry of formats: one row each. It writes none of them.

use super::report::Report;
use super::{github, json, junit, markdown, sarif, text};

/// A format of reports.
#[derive(Debug)]
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// Whom it is for, as a fragment.
    pub summary: &'static str,
    /// What to know about it, in sentences.
    pub about: &'static str,
    /// What its text is called where code is shown.
    pub language: &'static str,
    /// Writes it.
    pub write: fn(&Report<'_>) -> String,
}

static FORMATS: [&Format; 6] = [
    &text::FORMAT,
    &json::FORMAT,
    &sarif::FORMAT,
    &junit::FORMAT,
    &github::FORMAT,
    &markdown::FORMAT,
];

/// Returns all formats, the one for people first.
pub fn formats() -> &'static [&'static Format] {
    &FORMATS
}

/// Returns a format by its name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}
