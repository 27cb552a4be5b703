//! The branch of a proposal: one commit on top of its base, the same whoever makes it, rebuilt where an earlier one stands. It
//! writes nothing over what a person committed, and merges nothing.

use std::path::Path;

use git2::{Commit, Oid};
use jiff::Timestamp;

use crate::forge::{Asked, COMMITTER, NewProposal};
use crate::source::{Author, FileChange, Mirror, Push, SourceError, commit_files_for, push};

/// Who files what nobody in particular asked for.
const NAME: &str = "Trueline";

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
    /// What its commit says of somebody who asked for it; otherwise Trueline writes it upon the newest one.
    pub written: Option<Written>,
}

/// What the commit says of somebody who asked for it. It is the same commit whenever it is made.
#[derive(Clone, Debug)]
pub struct Written {
    /// Who asks, and since when.
    pub by: Author,
    /// The message.
    pub message: String,
    /// The commit that it was made upon; the newest one counts where that is gone.
    pub base: String,
}

/// What the branch holds after a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// What is proposed.
    Ours,
    /// What somebody else made of it.
    Theirs,
}

impl Filing {
    /// Returns who files what Trueline itself proposes.
    pub fn ourselves() -> String {
        format!("{NAME} <{COMMITTER}>")
    }

    /// Pushes the branch, unless somebody else committed to it.
    pub fn push(&self, mirror: &Mirror, at: Timestamp) -> Result<Pushed, SourceError> {
        let (_, commit) = self.commit(mirror, at)?;
        match push(mirror, &Push { commit, branch: self.branch.clone(), expected: None }) {
            Ok(()) => Ok(Pushed::Ours),
            Err(SourceError::Rejected { .. }) => self.renew(mirror, commit),
            Err(error) => Err(error),
        }
    }

    /// Builds the branch anew where what it changes is another in its base by now. What else moves there changes nothing of
    /// what is proposed, and to rebuild it for that would take the approvals that it has.
    pub fn rebuild(&self, mirror: &Mirror, at: Timestamp) -> Result<Pushed, SourceError> {
        let (base, commit) = self.commit(mirror, at)?;
        let left = self.left(mirror)?;
        let is_current = || -> Result<bool, git2::Error> {
            let find = |id: Oid| mirror.repository().find_commit(id);
            let before = find(left)?.parent(0).ok();
            let before = before.map(|before| self.files_in(&before)).transpose()?;
            let now = base.map(|base| self.files_in(&find(base)?)).transpose()?;
            Ok(before == now && self.files_in(&find(left)?)? == self.files_in(&find(commit)?)?)
        };
        let is_current =
            is_current().map_err(SourceError::git("compare a branch with its base"))?;
        if is_current || Some(commit) == base {
            Ok(Pushed::Ours)
        } else {
            self.renew(mirror, commit)
        }
    }

    /// Returns what stands in a commit of the files that are changed.
    fn files_in(&self, commit: &Commit<'_>) -> Result<Vec<Option<Oid>>, git2::Error> {
        let tree = commit.tree()?;
        let blob = |file: &FileChange| tree.get_path(Path::new(&file.path)).ok().map(|it| it.id());
        Ok(self.files.iter().map(blob).collect())
    }

    /// Writes the commit, and returns it with what it is built upon; the same where nothing differs.
    fn commit(&self, mirror: &Mirror, at: Timestamp) -> Result<(Option<Oid>, Oid), SourceError> {
        let repository = mirror.repository();
        let known =
            |id: &str| Oid::from_str(id).ok().filter(|id| repository.find_commit(*id).is_ok());
        let base = match self.written.as_ref().and_then(|written| known(&written.base)) {
            Some(base) => Some(base),
            None => mirror.head()?.as_deref().and_then(known),
        };
        let at = self.written.as_ref().map_or(at, |written| written.by.at);
        // Whoever adds to the branch is told from us by who commits.
        let ours = Author { name: NAME.to_owned(), email: COMMITTER.to_owned(), at };
        let (author, message) = match &self.written {
            Some(written) => (&written.by, written.message.as_str()),
            None => (&ours, self.title.as_str()),
        };
        let commit = commit_files_for(repository, base, &self.files, message, (author, &ours))?;
        Ok((base, commit))
    }

    /// Fetches what stands on the branch.
    fn left(&self, mirror: &Mirror) -> Result<Oid, SourceError> {
        mirror.fetch_refs(&[(format!("refs/heads/{}", self.branch), LEFT.to_owned())])?;
        mirror.repository().refname_to_id(LEFT).map_err(SourceError::git("read a branch"))
    }

    /// Writes over what an earlier attempt left on the branch, unless somebody else has committed to it.
    fn renew(&self, mirror: &Mirror, commit: Oid) -> Result<Pushed, SourceError> {
        let (left, repository) = (self.left(mirror)?, mirror.repository());
        let read = || -> Result<(bool, bool), git2::Error> {
            let (there, new) = (repository.find_commit(left)?, repository.find_commit(commit)?);
            let is_ours = there.committer().email_bytes() == COMMITTER.as_bytes();
            let is_same =
                there.tree_id() == new.tree_id() && there.parent_ids().eq(new.parent_ids());
            Ok((is_ours, is_same))
        };
        match read().map_err(SourceError::git("read a branch"))? {
            (false, _) => Ok(Pushed::Theirs),
            (true, true) => Ok(Pushed::Ours),
            (true, false) => {
                let (branch, expected) = (self.branch.clone(), Some(left));
                push(mirror, &Push { commit, branch, expected }).map(|()| Pushed::Ours)
            }
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
