//! How the proposals stand that Trueline filed, or is about to file. It is plain data.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How one of them stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It waits for people.
    Open,
    /// Somebody else committed to it: Trueline keeps its hands off.
    Edited,
    /// It is not filed yet, for there are too many.
    Limited,
    /// A person closed it: it is not filed again before somebody asks.
    Declined,
    /// It is on its base branch.
    Merged,
    /// What a person opened was closed.
    Closed,
}

impl Standing {
    /// Those of which something is still to come, in the order in which they are shown.
    pub const PENDING: [Self; 4] = [Self::Open, Self::Edited, Self::Limited, Self::Declined];
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Edited => "edited",
            Self::Limited => "limited",
            Self::Declined => "declined",
            Self::Merged => "merged",
            Self::Closed => "closed",
        })
    }
}

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// How it stands.
    pub standing: Standing,
    /// The repository that it is filed in.
    pub repository: String,
    /// Its number there; absent before it is filed.
    pub number: Option<u64>,
    /// Where people see it.
    pub url: Option<String>,
    /// One line.
    pub title: String,
    /// Who opened it, where that was not Trueline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The service that it is for.
    pub service: Option<String>,
    /// The run that waits for it.
    pub run: Option<String>,
    /// Since when it stands so, as far as that is known.
    pub since: Timestamp,
    /// Why it waits, or what is to know of it.
    pub why: Option<String>,
    /// The command that has it filed again.
    pub ask: Option<String>,
}

/// A repository that could not be looked at; what was known of it is shown as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The repository.
    pub repository: String,
    /// Why.
    pub why: String,
}

/// All that Trueline filed, or is about to file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// The proposals: by how they stand, repository and number.
    pub lines: Vec<Line>,
    /// Repositories that could not be looked at.
    pub unseen: Vec<Unseen>,
    /// What people opened in the catalog's repository, and what was merged of late; in the same order.
    #[serde(default)]
    pub others: Vec<Line>,
    /// The catalog's repository, as lines name it.
    #[serde(default)]
    pub catalog: Option<String>,
}

impl Board {
    /// Returns those that stand so.
    pub fn of(&self, standing: Standing) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.standing == standing)
    }
}
