//! Commits that we pushed: written, pushed by lease, recognised again. It decides nothing about files.

use git2::{Commit, Oid, Repository};
use jiff::Timestamp;

use crate::forge::COMMITTER;
use crate::source::{Author, FileChange, Mirror, Push, SourceError, commit_files, push};

/// Who writes commits and proposals.
pub(super) const NAME: &str = "Trueline";
pub(super) const EMAIL: &str = COMMITTER;

/// How many commits are looked through for one of ours.
const HISTORY: usize = 500;

/// Writes a commit of ours; returns the base where nothing differs.
pub(super) fn write(
    repository: &Repository,
    base: Option<Oid>,
    changes: &[FileChange],
    message: &str,
) -> Result<Oid, SourceError> {
    let author = Author { name: NAME.to_owned(), email: EMAIL.to_owned(), at: Timestamp::now() };
    let (removes, writes): (Vec<FileChange>, Vec<FileChange>) =
        changes.iter().cloned().partition(|change| change.content.is_none());
    let Some(base) = base.filter(|_| !removes.is_empty() && !writes.is_empty()) else {
        return commit_files(repository, base, changes, message, &author);
    };
    // One after the other, so that a file may become a folder; and then both as one commit.
    let without = commit_files(repository, Some(base), &removes, message, &author)?;
    let both = commit_files(repository, Some(without), &writes, message, &author)?;
    let person = author.signature()?;
    let join = || -> Result<Oid, git2::Error> {
        let (base, tree) = (repository.find_commit(base)?, repository.find_commit(both)?.tree()?);
        repository.commit(None, &person, &person, message, &tree, &[&base])
    };
    join().map_err(SourceError::git("write a commit"))
}

/// Pushes a commit to a branch; false where somebody else moved the branch meanwhile.
pub(super) fn send(
    mirror: &Mirror,
    branch: &str,
    commit: Oid,
    expected: Option<Oid>,
) -> Result<bool, SourceError> {
    match push(mirror, &Push { commit, branch: branch.to_owned(), expected }) {
        Ok(()) => Ok(true),
        Err(SourceError::Rejected { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns the key under which we wrote a commit; nothing where somebody else had a hand in it.
pub(super) fn key_of(commit: &Commit<'_>) -> Option<String> {
    let ours = [commit.author(), commit.committer()]
        .iter()
        .all(|person| person.email_bytes() == EMAIL.as_bytes());
    let message = String::from_utf8_lossy(commit.message_bytes());
    let last = message.trim_end().rsplit("\n\n").next()?;
    let key = last.lines().find_map(|line| line.strip_prefix("Trueline-Key: "))?;
    ours.then(|| key.to_owned())
}

/// Returns the newest commit of a branch that we wrote under a key.
pub(super) fn find(repository: &Repository, head: Oid, key: &str) -> Option<Oid> {
    let mut walk = repository.revwalk().ok()?;
    walk.push(head).ok()?;
    walk.take(HISTORY).flatten().find(|id| {
        repository.find_commit(*id).is_ok_and(|commit| key_of(&commit).as_deref() == Some(key))
    })
}
