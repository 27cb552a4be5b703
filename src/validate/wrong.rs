//! What is wrong with a path in a template, before it is known where that stands. It finds nothing itself.

use super::findings::Findings;
use crate::finding::{Finding, nearest};

/// What is wrong with a path, what to do, and which part of it to write in another way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    message: String,
    hint: Option<String>,
    instead: Option<(String, String)>,
}

impl Wrong {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, instead: None }
    }

    /// Says which of the known words was probably meant.
    pub(super) fn near<'n>(self, word: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        let Some(near) = nearest(word, known) else { return self };
        let hint = Some(format!("did you mean `{near}`?"));
        Self { hint, instead: Some((word.to_owned(), near.to_owned())), ..self }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Says what to do, where nothing is said of that yet.
    pub(super) fn or_hint(self, hint: impl FnOnce() -> String) -> Self {
        Self { hint: Some(self.hint.unwrap_or_else(hint)), ..self }
    }

    /// Makes a finding of it, about the path that begins at a byte of a text.
    pub(super) fn at(self, findings: &Findings<'_>, pointer: &str, offset: usize) -> Finding {
        let finding = findings.in_text(pointer, offset, self.message).maybe_hint(self.hint);
        match self.instead {
            Some((word, near)) => findings.respell(finding, &word, &near),
            None => finding,
        }
    }
}
