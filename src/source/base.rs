//! A revision by the name that people give it, and its snapshot: the base of a review. It writes nothing.

use std::path::Path;

use git2::{Oid, Repository};

use super::error::SourceError;
use super::names::escaped;
use super::open::Source;
use super::snapshot::SnapshotReader;
use crate::catalog::Snapshot;

impl Source {
    /// Reads the snapshot of a revision: a branch, a tag, a commit or `HEAD~1`.
    ///
    /// For a directory that is what the repository has of it that it is in, be it the root of its work tree or a folder.
    pub fn revision(&self, name: &str) -> Result<Snapshot, SourceError> {
        match self {
            Self::Git(_) => {
                let mirror = self.mirror().ok_or_else(|| unknown(name))?;
                read(mirror.repository(), name)
            }
            Self::Directory(directory) => of_work_tree(directory.root(), name),
        }
    }
}

fn of_work_tree(root: &Path, name: &str) -> Result<Snapshot, SourceError> {
    let mut repository = super::repository::Repository::open(root)?;
    let commit = resolve(&repository.git, name).ok_or_else(|| unknown(name))?;
    repository.snapshot(&commit.to_string())
}

fn unknown(name: &str) -> SourceError {
    SourceError::Gone { commit: escaped(name.as_bytes()) }
}

fn read(repository: &Repository, name: &str) -> Result<Snapshot, SourceError> {
    let commit = resolve(repository, name).ok_or_else(|| unknown(name))?;
    SnapshotReader::default().read(repository, &commit.to_string())
}

/// Finds a commit: a branch wins over a tag of its name.
fn resolve(repository: &Repository, name: &str) -> Option<Oid> {
    let folders = ["", "refs/heads/", "refs/remotes/", "refs/tags/"];
    let named = folders.iter().filter_map(|folder| {
        let full = format!("{folder}{name}");
        let is_full = full.starts_with("refs/") || full == "HEAD";
        is_full.then(|| repository.find_reference(&full).ok()).flatten()
    });
    let by_ref = named.into_iter().find_map(|reference| reference.peel_to_commit().ok());
    let commit = by_ref.or_else(|| repository.revparse_single(name).ok()?.peel_to_commit().ok())?;
    Some(commit.id())
}
