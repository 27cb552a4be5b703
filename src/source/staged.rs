//! What is staged in git's index, as a tree that is kept in memory only. It looks at no working directory.

use std::path::Path;

use git2::{Index, IndexEntryExtendedFlag, Oid, Repository};

use super::error::SourceError;
use super::names::escaped;
use super::wanted::matters;
use crate::finding::{Finding, Place};

/// Before every place where objects are kept on disk.
const FIRST: i32 = 1000;

/// What a commit of the index would hold.
pub(super) struct Staged {
    pub(super) tree: Oid,
    /// Paths from the root that were merged in vain: nobody knows yet what a commit would hold there.
    unmerged: Vec<String>,
}

impl Staged {
    /// Returns what is wrong below a folder, with paths from there.
    pub(super) fn findings_below(&self, folder: &str) -> impl Iterator<Item = Finding> {
        let inside = self.unmerged.iter().filter_map(move |path| match folder {
            "" => Some(path.as_str()),
            _ => path.strip_prefix(folder)?.strip_prefix('/'),
        });
        inside.filter(|path| matters(path)).map(|path| {
            let message = "a conflict of a merge is not resolved here";
            Finding::error("source/unreadable", Place::start_of(path), message)
                .hint("write what it should be, then `git add` it; until then it counts as unknown")
        })
    }
}

/// Makes the tree of an index.
pub(super) fn tree(repository: &Repository, index: &Path) -> Result<Staged, SourceError> {
    if repository.is_bare() && !index.exists() {
        return Err(SourceError::NoRepository {
            location: repository.path().display().to_string(),
            detail: "a bare repository has no index in which anything could be staged".to_owned(),
        });
    }
    let mut index = Index::open(index).map_err(SourceError::git("read the index of git"))?;
    let mut left_out = Vec::new();
    let mut unmerged = Vec::new();
    for entry in index.iter() {
        let stage = i32::from((entry.flags >> 12) & 0b11);
        let flags = IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended);
        // Only announced by `git add --intent-to-add`: no commit would hold it.
        let announced = flags.contains(IndexEntryExtendedFlag::INTENT_TO_ADD);
        if stage > 0 {
            unmerged.push(escaped(&entry.path));
        }
        if stage > 0 || announced {
            left_out.push((entry.path.clone(), stage));
        }
    }
    unmerged.dedup();
    for (path, stage) in left_out {
        index
            .remove(&bytes_path(&path), stage)
            .map_err(SourceError::git("leave an entry of the index out"))?;
    }
    // Objects are written to memory: looking must leave nothing behind.
    let odb = repository.odb().map_err(SourceError::git("open the objects"))?;
    odb.add_new_mempack_backend(FIRST).map_err(SourceError::git("keep objects in memory"))?;
    let tree =
        index.write_tree_to(repository).map_err(SourceError::git("make a tree of the index"))?;
    Ok(Staged { tree, unmerged })
}

fn bytes_path(path: &[u8]) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    std::ffi::OsStr::from_bytes(path).into()
}
