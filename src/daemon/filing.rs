//! Files proposals to change documents of the catalog: a branch with one commit on top of its head, and the proposal
//! for it. It merges nothing.

use jiff::Timestamp;

use crate::forge::{Asked, NewProposal};
use crate::source::{Author, FileChange, Mirror, Push, SourceError, commit_files, push};

/// Who files what nobody in particular asked for.
pub(super) const NAME: &str = "Trueline";
pub(super) const EMAIL: &str = "trueline@localhost";

/// A proposal to be filed.
#[derive(Clone, Debug)]
pub struct Filing {
    /// What finds it again: the same intent has the same marker.
    pub marker: String,
    /// The branch, named after what is proposed.
    pub branch: String,
    /// One line.
    pub title: String,
    /// Why, as Markdown.
    pub body: String,
    /// Who asks for it, as `name <email>`.
    pub author: String,
    /// What becomes of files.
    pub files: Vec<FileChange>,
}

impl Filing {
    /// Returns who files what Trueline itself proposes.
    pub fn ourselves() -> String {
        format!("{NAME} <{EMAIL}>")
    }

    /// Pushes the branch; returns the one that it is for.
    pub fn push(&self, mirror: &Mirror, at: Timestamp) -> Result<String, SourceError> {
        let head = mirror.head()?;
        let base = head.as_deref().and_then(|head| git2::Oid::from_str(head).ok());
        let author = Author { name: NAME.to_owned(), email: EMAIL.to_owned(), at };
        let commit = commit_files(mirror.repository(), base, &self.files, &self.title, &author)?;
        let order = Push { commit, branch: self.branch.clone(), expected: None };
        match push(mirror, &order) {
            // A branch that an earlier attempt left holds the same.
            Ok(()) | Err(SourceError::Rejected { .. }) => Ok(mirror.branch().to_owned()),
            Err(error) => Err(error),
        }
    }

    /// Makes the proposal for the branch that was pushed.
    pub fn proposal(self, base_branch: String, at: Timestamp) -> NewProposal {
        NewProposal {
            title: self.title,
            body: self.body,
            author: self.author,
            source_branch: self.branch,
            base_branch,
            marker: self.marker,
            at,
            asked: Asked::default(),
        }
    }
}
