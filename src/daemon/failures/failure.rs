//! The ways in which another side fails.

use std::time::Duration;

/// How an exchange with another side goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// Nobody is there.
    Refused,
    /// It hangs up before it does the work.
    CutBefore,
    /// It does the work, and hangs up in the middle of the answer.
    CutAfter,
    /// It does the work, and never answers.
    Lost,
    /// It does the work, and answers when nobody waits any more.
    Late,
    /// It does the work, and says that something broke.
    Broken,
    /// It does the work, and answers a page of a stranger.
    Garbage,
    /// It does no work, and sends us elsewhere.
    Redirect,
    /// It does the work, and answers more than anybody wants to read.
    Huge,
    /// It does the work, and answers byte after byte without an end.
    Slow,
}

impl Failure {
    pub(super) const ALL: [Self; 10] = [
        Self::Refused,
        Self::CutBefore,
        Self::CutAfter,
        Self::Lost,
        Self::Late,
        Self::Broken,
        Self::Garbage,
        Self::Redirect,
        Self::Huge,
        Self::Slow,
    ];

    /// What heads its column.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::CutBefore => "cut before",
            Self::CutAfter => "cut after",
            Self::Lost => "answer lost",
            Self::Late => "answer late",
            Self::Broken => "5xx after",
            Self::Garbage => "garbage",
            Self::Redirect => "redirect",
            Self::Huge => "huge answer",
            Self::Slow => "slow answer",
        }
    }

    /// Tells whether an attempt meets its limit in time.
    pub(super) fn hangs(self) -> bool {
        matches!(self, Self::Lost | Self::Late | Self::Slow)
    }
}

/// How long a late answer takes beyond the limit of an attempt.
pub(super) const LATE: Duration = Duration::from_millis(700);
