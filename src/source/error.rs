//! What can go wrong between us and a repository or directory. It never holds a credential.

use std::path::PathBuf;

/// A fault of the outside world while reading or writing a source.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The location has a form that is not allowed.
    #[error("location `{location}` is refused: {reason}")]
    Location {
        /// What was asked for, escaped.
        location: String,
        /// Why, and what to write instead.
        reason: String,
    },
    /// The name of the branch is not one that git allows.
    #[error("`{branch}` is not a name of a branch")]
    BranchName {
        /// What was asked for, escaped.
        branch: String,
    },
    /// A path that we were asked to write is not one we write.
    #[error("path `{path}` cannot be written: {reason}")]
    Path {
        /// The path, escaped.
        path: String,
        /// Why.
        reason: String,
    },
    /// The program `git` cannot be started.
    #[error("the program `git` cannot be started; install git and make sure it is on PATH")]
    NoProgram(#[source] std::io::Error),
    /// The other side did not answer as it should.
    #[error("{location} cannot be reached: {detail}")]
    Unreachable {
        /// The repository.
        location: String,
        /// What git said, cleaned.
        detail: String,
    },
    /// The other side took too long.
    #[error("{location} did not answer within {seconds} s")]
    Timeout {
        /// The repository.
        location: String,
        /// How long we waited.
        seconds: u64,
    },
    /// The other side does not know us, or we do not know it.
    #[error("{location} refuses access: {detail}")]
    Denied {
        /// The repository.
        location: String,
        /// What git said, cleaned.
        detail: String,
    },
    /// There is no repository.
    #[error("there is no git repository at {location}: {detail}")]
    NoRepository {
        /// The repository.
        location: String,
        /// What git said, cleaned.
        detail: String,
    },
    /// The other side sends us elsewhere, which we do not follow.
    #[error("{location} redirects to another address; use that address: {detail}")]
    Redirected {
        /// The repository.
        location: String,
        /// What git said, cleaned.
        detail: String,
    },
    /// There is a repository, but without a single branch.
    #[error("the repository {location} is empty; push a first commit to `{branch}`")]
    EmptyRepository {
        /// The repository.
        location: String,
        /// The branch that was asked for.
        branch: String,
    },
    /// The branch is not there.
    #[error("{location} has no branch `{branch}`; it has {}", list(.known))]
    MissingBranch {
        /// The repository.
        location: String,
        /// The branch that was asked for.
        branch: String,
        /// Some of those that there are.
        known: Vec<String>,
    },
    /// The commit is not there.
    #[error("commit {commit} is not known")]
    Gone {
        /// The commit.
        commit: String,
    },
    /// An object is missing or damaged.
    #[error("{what} cannot be read")]
    Corrupt {
        /// Which object.
        what: String,
        /// What libgit2 said.
        #[source]
        source: git2::Error,
    },
    /// A limit that protects this process was reached.
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The limit with its unit.
        limit: String,
    },
    /// Somebody else moved the ref between our reading and our push.
    #[error("{location} refuses the push to {reference}, somebody else moved it: {detail}")]
    Rejected {
        /// The repository.
        location: String,
        /// The full name of the ref.
        reference: String,
        /// What git said, cleaned.
        detail: String,
    },
    /// The other side has a rule against the push.
    #[error("{location} refuses the push to {reference}: {detail}")]
    Forbidden {
        /// The repository.
        location: String,
        /// The full name of the ref.
        reference: String,
        /// What git said, cleaned.
        detail: String,
    },
    /// An operation inside a repository of ours failed.
    #[error("cannot {operation}")]
    Git {
        /// What was tried.
        operation: &'static str,
        /// What libgit2 said.
        #[source]
        source: git2::Error,
    },
    /// A file or directory could not be read or written.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

impl SourceError {
    /// Tells whether trying again later, with nothing else changed, may help.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::Rejected { .. }
                | Self::Corrupt { .. }
                | Self::Io { .. }
        )
    }

    /// Wraps a fault of libgit2 while something of ours was tried.
    pub(crate) fn git(operation: &'static str) -> impl FnOnce(git2::Error) -> Self {
        move |source| Self::Git { operation, source }
    }

    /// Wraps a fault of the file system.
    pub(crate) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { operation, path, source }
    }

    /// Wraps a fault while an object was read.
    pub(crate) fn corrupt(what: impl Into<String>) -> impl FnOnce(git2::Error) -> Self {
        let what = what.into();
        move |source| Self::Corrupt { what, source }
    }
}
