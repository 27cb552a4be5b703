//! Checks the text of a template without any scope: syntax, nesting, names of helpers.

use super::parse::parse;

/// What is wrong with the text of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// Where it stands in the text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// How to write it.
    pub hint: Option<String>,
}

impl TemplateProblem {
    pub(super) fn new(offset: usize, message: impl Into<String>) -> Self {
        Self { offset, message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub(super) fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

/// Checks the text of a template: syntax, nesting, what is not allowed, helpers. No scope is needed.
pub fn check(text: &str) -> Vec<TemplateProblem> {
    parse(text).problems
}
