//! What a proposal is: a pull request in every forge's words. It never changes itself.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProposalState {
    /// It waits.
    Open,
    /// Its commits are on the base branch.
    Merged,
    /// It was turned down or withdrawn.
    Closed,
}

impl fmt::Display for ProposalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Merged => "merged",
            Self::Closed => "closed",
        })
    }
}

/// A proposal to bring commits onto a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// Its number, from 1.
    pub number: u64,
    /// One line.
    pub title: String,
    /// Why, as Markdown.
    pub body: String,
    /// Who opened it.
    pub author: String,
    /// The branch that was pushed for it.
    pub source_branch: String,
    /// The commit that it proposes.
    pub head: String,
    /// The branch that it is for.
    pub base_branch: String,
    /// What became of it.
    pub state: ProposalState,
    /// The commit that brought it onto the base branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_commit: Option<String>,
    /// Who merged or closed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<String>,
    /// What was said when it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What finds it again: the same intent has the same marker.
    pub marker: String,
}

/// What every marker of Trueline's begins with.
const OURS: &str = "trueline-";

/// Who commits what Trueline proposes.
pub const COMMITTER: &str = "trueline@localhost";

impl Proposal {
    /// Tells whether Trueline filed it, as its marker says.
    pub fn is_ours(&self) -> bool {
        self.marker.starts_with(OURS)
    }

    /// Tells whether it was closed by somebody else than Trueline, which means that it is declined.
    pub fn is_declined(&self) -> bool {
        let ours = |by: &String| by.contains(COMMITTER) || by == "Trueline";
        self.state == ProposalState::Closed && !self.settled_by.as_ref().is_some_and(ours)
    }
}

/// A proposal to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProposal {
    /// One line.
    pub title: String,
    /// Why, as Markdown.
    pub body: String,
    /// Who opens it.
    pub author: String,
    /// The branch that was pushed for it.
    pub source_branch: String,
    /// The branch that it is for.
    pub base_branch: String,
    /// What finds it again.
    pub marker: String,
    /// When.
    pub at: Timestamp,
    /// What else is asked for it.
    pub asked: Asked,
}

/// What is asked for a proposal, where a forge can do it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Who is asked for a review: users, and teams as `owner/team`.
    pub reviewers: Vec<String>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Whether it is not to be merged yet.
    pub draft: bool,
}

/// A proposal with what it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalDetail {
    /// The proposal.
    pub proposal: Proposal,
    /// A unified patch against where it left its base, cut at one MiB.
    pub diff: String,
}
