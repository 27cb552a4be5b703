//! Files proposals to change documents of the catalog: a branch with one commit on top of its head, and the proposal
//! for it. It merges nothing.

use git2::Oid;
use jiff::Timestamp;

use crate::forge::{Asked, COMMITTER, NewProposal};
use crate::source::{Author, FileChange, Mirror, Push, SourceError, commit_files, push};

/// Who files what nobody in particular asked for.
pub(super) const NAME: &str = "Trueline";
pub(super) const EMAIL: &str = COMMITTER;

/// Where a branch is fetched to that was there before.
const LEFT: &str = "refs/trueline/outgoing/left";

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
            Ok(()) => {}
            Err(SourceError::Rejected { location, reference, .. }) => {
                let rejected = |detail: &str| {
                    let detail = detail.to_owned();
                    SourceError::Rejected {
                        location: location.clone(),
                        reference: reference.clone(),
                        detail,
                    }
                };
                self.renew(mirror, commit, &rejected)?;
            }
            Err(error) => return Err(error),
        }
        Ok(mirror.branch().to_owned())
    }

    /// Writes over what an earlier attempt left on the branch, unless somebody else has committed to it.
    fn renew(
        &self,
        mirror: &Mirror,
        commit: Oid,
        rejected: &dyn Fn(&str) -> SourceError,
    ) -> Result<(), SourceError> {
        mirror.fetch_refs(&[(format!("refs/heads/{}", self.branch), LEFT.to_owned())])?;
        let repository = mirror.repository();
        let read = || -> Result<(Oid, bool, bool), git2::Error> {
            let (left, new) = (repository.refname_to_id(LEFT)?, repository.find_commit(commit)?);
            let left = repository.find_commit(left)?;
            let ours = left.committer().email_bytes() == EMAIL.as_bytes();
            let same = left.tree_id() == new.tree_id() && left.parent_ids().eq(new.parent_ids());
            Ok((left.id(), ours, same))
        };
        let (left, ours, same) = read().map_err(SourceError::git("read a branch"))?;
        if !ours {
            let why = "somebody else pushed to it; delete the branch to have it proposed again";
            return Err(rejected(why));
        }
        if same {
            return Ok(());
        }
        push(mirror, &Push { commit, branch: self.branch.clone(), expected: Some(left) })
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
