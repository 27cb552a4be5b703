//! CODEOWNERS of the repository that a catalog is a folder of: where it is, and whether it changed. It reads no content.

use std::path::{Path, PathBuf};

use git2::{Oid, Repository};

use super::changed::{ChangeKind, Changed};
use super::error::SourceError;
use super::tree::{Entry, EntryKind};
use crate::catalog::seen_from;
use crate::owners::LOCATIONS;

/// Returns where CODEOWNERS may be that does not stand in the folder itself; nowhere where that is the root.
pub(super) fn above(folder: &str) -> impl Iterator<Item = &'static str> {
    let inside = format!("{folder}/");
    let outside = LOCATIONS.into_iter().filter(move |path| !path.starts_with(&inside));
    outside.take(if folder.is_empty() { 0 } else { LOCATIONS.len() })
}

/// Finds the work tree that a directory is a folder of, and the folder; nothing where it is its root, or in none.
pub(super) fn repository_of(directory: &Path) -> Option<(PathBuf, String)> {
    let directory = directory.canonicalize().ok()?;
    let begins = |top: &&Path| {
        let git = top.join(".git");
        git.is_file() || git.join("HEAD").is_file()
    };
    let top = directory.ancestors().find(begins)?;
    let folder = directory.strip_prefix(top).ok()?.to_str()?;
    (!folder.is_empty()).then(|| (top.to_owned(), folder.to_owned()))
}

/// Returns what stands on the way to a path of a tree, and there.
pub(super) fn entries_to<'p>(
    repository: &Repository,
    top: Oid,
    path: &'p str,
) -> Result<Vec<(&'p str, Entry)>, SourceError> {
    let tree =
        repository.find_tree(top).map_err(SourceError::corrupt(format!("the tree {top}")))?;
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let parts = ends.filter_map(|end| path.get(..end));
    let found = parts.filter_map(|part| {
        let entry = tree.get_path(Path::new(part)).ok()?;
        let name = part.rsplit('/').next()?.to_owned();
        Some((part, Entry { name, id: entry.id(), kind: EntryKind::of(entry.filemode_raw()) }))
    });
    Ok(found.collect())
}

/// Returns which CODEOWNERS outside of a folder differ between two trees, by paths from that folder.
pub(super) fn changed_above(
    repository: &Repository,
    (old, new): (Oid, Oid),
    folder: &str,
) -> Result<Vec<Changed>, SourceError> {
    let mut changed = Vec::new();
    for location in above(folder) {
        let there = |tree| -> Result<Option<Entry>, SourceError> {
            let mut found = entries_to(repository, tree, location)?.into_iter().rev();
            Ok(found.find(|(part, _)| *part == location).map(|(_, entry)| entry))
        };
        let kind = match (there(old)?, there(new)?) {
            (None, Some(_)) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Removed,
            (old, new) if old != new => ChangeKind::Modified,
            _ => continue,
        };
        changed.push(Changed { path: seen_from(folder, location), kind });
    }
    Ok(changed)
}
