//! Lists one tree of a commit with its names judged. It reads no blob and never descends.

use git2::{Oid, Repository};

use super::error::SourceError;
use super::names::judge;
use crate::finding::Finding;

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A directory.
    Tree,
    /// A file; its exec bit does not matter.
    Blob,
    /// A symbolic link.
    Link,
    /// A submodule.
    Submodule,
}

impl EntryKind {
    pub(super) fn of(mode: i32) -> Self {
        match mode & 0o170_000 {
            0o040_000 => Self::Tree,
            0o120_000 => Self::Link,
            0o160_000 => Self::Submodule,
            _ => Self::Blob,
        }
    }
}

/// One entry of a tree whose name is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) id: Oid,
    pub(crate) kind: EntryKind,
}

/// Lists the accepted entries of a tree, and findings about the others.
pub(crate) fn list(
    repository: &Repository,
    tree: Oid,
    prefix: &str,
) -> Result<(Vec<Entry>, Vec<Finding>), SourceError> {
    let tree = repository
        .find_tree(tree)
        .map_err(SourceError::corrupt(format!("tree {tree} of `{prefix}`")))?;
    let names: Vec<Vec<u8>> = tree.iter().map(|entry| entry.name_bytes().to_vec()).collect();
    let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
    let (accepted, findings) = judge(prefix, &names);
    let entries = tree
        .iter()
        .zip(names.iter().zip(accepted))
        .filter(|(_, (_, accepted))| *accepted)
        .map(|(entry, (name, _))| Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            id: entry.id(),
            kind: EntryKind::of(entry.filemode_raw()),
        })
        .collect();
    Ok((entries, findings))
}
