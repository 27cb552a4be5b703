//! What has to change in a tree so that it is as wanted, and what stands in it. It writes nothing.

use git2::{ErrorCode, ObjectType, Oid, Repository, Tree};

use super::config::{Wanted, Written};
use super::target::fault;
use crate::run::Fault;
use crate::source::{FileChange, SourceError, escaped};

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// A file with this blob.
    File(Oid),
    Folder,
    /// A link or a submodule.
    Other,
}

/// A file of ours that is left where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) path: String,
    pub(super) why: String,
}

/// What has to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) changes: Vec<FileChange>,
    /// Files of ours that these changes remove.
    pub(super) removes: Vec<Written>,
    pub(super) left: Vec<Left>,
}

/// Compares what is wanted with a commit, or with an empty repository.
pub(super) fn edits(
    repository: &Repository,
    base: Option<Oid>,
    wanted: &Wanted,
) -> Result<Edits, Fault> {
    let tree = base.map(|base| tree_of(repository, base)).transpose().map_err(|e| fault(&e))?;
    let found = |path: &str| found(tree.as_ref(), path).map_err(|error| fault(&error));
    let mut edits = Edits::default();
    for file in &wanted.files {
        if found(&file.path)? != Found::File(file.blob) {
            let content = Some(file.content.clone().into_bytes());
            edits.changes.push(FileChange { path: file.path.clone(), content });
        }
    }
    for path in &wanted.deletes {
        if found(path)? != Found::Nothing {
            edits.changes.push(FileChange { path: path.clone(), content: None });
        }
    }
    let mut changed = Vec::new();
    for file in &wanted.old {
        match found(&file.path)? {
            // A folder stands there only once our file is gone.
            Found::Nothing | Found::Folder => {}
            Found::File(blob) if blob == file.blob => {
                edits.changes.push(FileChange { path: file.path.clone(), content: None });
                edits.removes.push(file.clone());
            }
            _ => changed.push(file.path.clone()),
        }
    }
    if wanted.strict && !changed.is_empty() {
        let paths: Vec<String> =
            changed.iter().map(|path| format!("`{}`", escaped(path.as_bytes()))).collect();
        return Err(Fault::terminal(format!(
            "somebody changed {} since it was written; remove it by hand or put it back, and try again",
            paths.join(", ")
        )));
    }
    let why = "somebody changed it since it was written".to_owned();
    edits.left = changed.into_iter().map(|path| Left { path, why: why.clone() }).collect();
    Ok(edits)
}

/// Returns the tree of a commit.
pub(super) fn tree_of(repository: &Repository, commit: Oid) -> Result<Tree<'_>, SourceError> {
    repository
        .find_commit(commit)
        .and_then(|commit| commit.tree())
        .map_err(SourceError::corrupt(format!("tree of {commit}")))
}

/// Looks what stands at a path.
pub(super) fn found(tree: Option<&Tree<'_>>, path: &str) -> Result<Found, SourceError> {
    let Some(tree) = tree else { return Ok(Found::Nothing) };
    match tree.get_path(path.as_ref()) {
        Ok(entry) => {
            let plain = entry.filemode() & 0o170_000 == 0o100_000;
            Ok(match entry.kind() {
                Some(ObjectType::Blob) if plain => Found::File(entry.id()),
                Some(ObjectType::Tree) => Found::Folder,
                _ => Found::Other,
            })
        }
        Err(error) if error.code() == ErrorCode::NotFound => Ok(Found::Nothing),
        Err(error) => Err(SourceError::corrupt(format!("`{}`", escaped(path.as_bytes())))(error)),
    }
}
