//! What can go wrong with proposals. It never holds a credential.

use super::proposal::ProposalState;
use crate::run::{Fault, FaultClass};
use crate::source::SourceError;

/// A fault of a forge, or a request that it cannot fulfil.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// There is no such proposal.
    #[error("there is no proposal {number}; `trueline proposal list` shows those that there are")]
    Unknown {
        /// Its number.
        number: u64,
    },
    /// The proposal is not open any more.
    #[error("proposal {number} is {state} already")]
    Settled {
        /// Its number.
        number: u64,
        /// What became of it.
        state: ProposalState,
    },
    /// The two sides changed the same lines.
    #[error("proposal {number} conflicts with its base in {}; update it and try again", .paths.join(", "))]
    Conflict {
        /// Its number.
        number: u64,
        /// The paths, escaped.
        paths: Vec<String>,
    },
    /// The base branch kept moving while we merged.
    #[error("branch `{branch}` kept moving while proposal {number} was merged")]
    Moved {
        /// Its number.
        number: u64,
        /// The base branch.
        branch: String,
    },
    /// A branch is not there.
    #[error("there is no branch `{branch}`; push it first")]
    MissingBranch {
        /// The branch.
        branch: String,
    },
    /// The branch holds nothing that its base does not hold already.
    #[error("branch `{branch}` has nothing that `{base}` has not")]
    NothingToPropose {
        /// The branch.
        branch: String,
        /// The base branch.
        base: String,
    },
    /// What stands about a proposal in the repository cannot be read.
    #[error("the record of proposal {number} cannot be read: {reason}")]
    Unreadable {
        /// Its number.
        number: u64,
        /// Why.
        reason: String,
    },
    /// The location is not a repository on this machine.
    #[error("{location} is no repository on this machine, which the local forge needs")]
    NotLocal {
        /// The location.
        location: String,
    },
    /// Another process holds the forge's lock.
    #[error("another process is writing proposals")]
    Busy,
    /// The source beneath failed.
    #[error("the repository of the proposals cannot be used")]
    Source(#[from] SourceError),
    /// An operation inside the repository failed.
    #[error("cannot {operation}")]
    Git {
        /// What was tried.
        operation: &'static str,
        /// What libgit2 said.
        #[source]
        source: git2::Error,
    },
    /// A forge elsewhere did not do as asked.
    #[error("{0}")]
    Remote(Fault),
    /// The work was cut off.
    #[error("the work on a proposal was cut off")]
    Stopped,
}

impl ForgeError {
    /// Tells whether trying again later, with nothing else changed, may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Moved { .. } | Self::Busy | Self::Stopped => true,
            Self::Source(source) => source.is_transient(),
            Self::Remote(fault) => fault.class != FaultClass::Terminal,
            Self::Git { source, .. } => {
                matches!(source.code(), git2::ErrorCode::Locked | git2::ErrorCode::Modified)
            }
            _ => false,
        }
    }

    /// Wraps a fault of libgit2.
    pub(crate) fn git(operation: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Git { operation, source }
    }
}
