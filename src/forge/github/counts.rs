//! What is counted of requests, and what is left of the limits, for whoever watches. It holds nothing up.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

/// What is left of one limit of one account («Rate limits for the REST API»).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Whose it is: `installation:42`, `app:7`, `token:…`.
    pub account: String,
    /// Of what: `core`, `graphql`; `creations` is what our own pace leaves of the hour.
    pub resource: String,
    /// In an hour.
    pub limit: u64,
    /// Still.
    pub remaining: u64,
    /// When all of it is there again, where that is one moment.
    pub reset: Option<Timestamp>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It was done.
    Done,
    /// What was asked for is as it was; it costs nothing of a limit.
    Unchanged,
    /// It was refused.
    Refused,
    /// GitHub says that we ask too much.
    Limited,
    /// GitHub broke down over it.
    Failed,
    /// There was no whole answer.
    Unanswered,
    /// It was not sent, for it would have been too much.
    Held,
}

impl Outcome {
    /// Reads what became of a request by the status of its answer.
    pub(super) fn of(status: u16) -> Self {
        match status / 100 {
            _ if status == 304 => Self::Unchanged,
            0..4 => Self::Done,
            4 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
            Self::Held => "held",
        })
    }
}

/// Requests by account, and by what became of them.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<(String, Outcome), u64>);

impl Counts {
    pub(super) fn count(&mut self, account: &str, outcome: Outcome) {
        *self.0.entry((account.to_owned(), outcome)).or_default() += 1;
    }

    pub(super) fn all(&self) -> Vec<(String, Outcome, u64)> {
        let told = |((account, outcome), count): (&(String, Outcome), &u64)| {
            (account.clone(), *outcome, *count)
        };
        self.0.iter().map(told).collect()
    }
}
