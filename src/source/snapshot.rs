//! Reads the files of a commit from git objects, and only what differs from the snapshot before. It never checks out and follows nothing.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use git2::{ObjectType, Odb, Oid, Repository};

use super::above::{above, entries_to};
use super::changed::root;
use super::error::SourceError;
use super::git::author;
use super::names::{MAX_DEPTH, hostile};
use super::tree::{Entry, EntryKind, list};
use super::wanted::{
    MAX_ENTRIES, MAX_TOTAL_BYTES, Wanted, entered, is_lfs_pointer, lfs_pointer, matters, submodule,
    symlink, too_large, wanted,
};
use crate::catalog::{Blob, Files, Snapshot, seen_from};
use crate::finding::Finding;

/// Reads snapshots of commits and keeps what the last one used: equal trees are not walked again, equal blobs are not read again.
#[derive(Debug, Default)]
pub struct SnapshotReader {
    last: State,
    visited_trees: usize,
    read_blobs: usize,
}

/// What the last snapshot was made of.
#[derive(Debug, Default)]
struct State {
    root: Option<Oid>,
    files: Files,
    blobs: HashMap<Oid, Held>,
    /// By the path that a finding is about.
    findings: BTreeMap<String, Finding>,
    /// By the directory whose names they are about, with `/` at its end.
    names: BTreeMap<String, Vec<Finding>>,
    bytes: u64,
}

/// A blob and how many paths hold it.
#[derive(Debug)]
struct Held {
    blob: Blob,
    paths: usize,
}

impl SnapshotReader {
    /// Reads the snapshot of a commit.
    pub fn read(&mut self, repository: &Repository, commit: &str) -> Result<Snapshot, SourceError> {
        self.read_below(repository, commit, "")
    }

    /// Reads a folder of a commit as if it were all of it; nothing where there is no such folder.
    pub fn read_below(
        &mut self,
        repository: &Repository,
        commit: &str,
        folder: &str,
    ) -> Result<Snapshot, SourceError> {
        let top = root(repository, commit)?;
        let found = Oid::from_str(commit)
            .and_then(|id| repository.find_commit(id))
            .map_err(SourceError::corrupt(format!("commit {commit}")))?;
        let snapshot = self.read_tree(repository, top, folder)?;
        Ok(Snapshot { commit: commit.to_owned(), author: Some(author(&found)), ..snapshot })
    }

    /// Reads a folder of a tree, of which nobody knows the commit.
    pub(crate) fn read_tree(
        &mut self,
        repository: &Repository,
        top: Oid,
        folder: &str,
    ) -> Result<Snapshot, SourceError> {
        let root = folder_in(repository, top, folder)?;
        // Taken out: after a fault half way the next read starts from nothing.
        let state = std::mem::take(&mut self.last);
        let odb = repository.odb().map_err(SourceError::git("open the objects"))?;
        let mut walk = Walk { repository, odb, state, looked_at: 0, visited: 0, read: 0 };
        let before = walk.state.root;
        if before != root {
            walk.directory(before, root, "", 0)?;
        }
        walk.above(top, folder)?;
        self.visited_trees = walk.visited;
        self.read_blobs = walk.read;
        let mut state = walk.state;
        state.root = root;
        state.blobs.retain(|_, held| held.paths > 0);
        let names = state.names.values().flatten();
        let snapshot = Snapshot {
            folder: folder.to_owned(),
            files: state.files.clone(),
            findings: names.chain(state.findings.values()).cloned().collect(),
            ..Snapshot::default()
        };
        self.last = state;
        Ok(snapshot)
    }

    /// Returns how many trees the last read looked at, old ones included.
    pub fn visited_trees(&self) -> usize {
        self.visited_trees
    }

    /// Returns how many blobs the last read took from the repository.
    pub fn read_blobs(&self) -> usize {
        self.read_blobs
    }
}

/// Finds the tree of a folder; nothing where something else, or nothing, stands there.
pub(crate) fn folder_in(
    repository: &Repository,
    root: Oid,
    folder: &str,
) -> Result<Option<Oid>, SourceError> {
    if folder.is_empty() {
        return Ok(Some(root));
    }
    let tree =
        repository.find_tree(root).map_err(SourceError::corrupt(format!("the tree {root}")))?;
    let entry = tree.get_path(std::path::Path::new(folder)).ok();
    Ok(entry.filter(|entry| entry.kind() == Some(ObjectType::Tree)).map(|entry| entry.id()))
}

struct Walk<'r> {
    repository: &'r Repository,
    odb: Odb<'r>,
    state: State,
    looked_at: usize,
    visited: usize,
    read: usize,
}

impl Walk<'_> {
    fn directory(
        &mut self,
        old: Option<Oid>,
        new: Option<Oid>,
        prefix: &str,
        depth: usize,
    ) -> Result<(), SourceError> {
        let path = prefix.trim_end_matches('/');
        if depth > MAX_DEPTH {
            let reason = format!("the directory is nested deeper than {MAX_DEPTH} levels");
            self.state.findings.insert(path.to_owned(), hostile(path.to_owned(), reason));
            return Ok(());
        }
        let (before, _) = self.list(old, prefix)?;
        let (entries, findings) = self.list(new, prefix)?;
        self.state.names.remove(prefix);
        if !findings.is_empty() {
            self.state.names.insert(prefix.to_owned(), findings);
        }
        let mut before: HashMap<&str, &Entry> =
            before.iter().map(|entry| (entry.name.as_str(), entry)).collect();
        for entry in &entries {
            let earlier = before.remove(entry.name.as_str());
            if earlier != Some(entry) {
                self.entry(earlier, entry, &format!("{prefix}{}", entry.name), depth)?;
            }
        }
        for gone in before.into_values() {
            self.forget(&format!("{prefix}{}", gone.name));
        }
        Ok(())
    }

    fn entry(
        &mut self,
        earlier: Option<&Entry>,
        entry: &Entry,
        path: &str,
        depth: usize,
    ) -> Result<(), SourceError> {
        let is_tree = |entry: &&Entry| entry.kind == EntryKind::Tree;
        let earlier_tree = earlier.filter(is_tree).map(|entry| entry.id);
        let enters = entry.kind == EntryKind::Tree && entered(path);
        // Of what was not there before nothing is known.
        if earlier.is_some() && !(enters && earlier_tree.is_some()) {
            self.forget(path);
        }
        if entry.kind == EntryKind::Tree && !enters {
            return Ok(());
        }
        match entry.kind {
            EntryKind::Tree => {
                self.directory(earlier_tree, Some(entry.id), &format!("{path}/"), depth + 1)?;
            }
            EntryKind::Blob => self.file(entry.id, path)?,
            EntryKind::Link if matters(path) => self.report(path, symlink(path)),
            EntryKind::Submodule if matters(path) => self.report(path, submodule(path)),
            EntryKind::Link | EntryKind::Submodule => {}
        }
        Ok(())
    }

    fn file(&mut self, id: Oid, path: &str) -> Result<(), SourceError> {
        let Some(Wanted { limit, must }) = wanted(path) else { return Ok(()) };
        if !self.state.blobs.contains_key(&id) {
            let (size, kind) = self.odb.read_header(id).map_err(damaged(id, path))?;
            let size = size as u64;
            if size > limit || kind != ObjectType::Blob {
                if must {
                    self.report(path, too_large(path, size, limit));
                }
                return Ok(());
            }
            let object = self.odb.read(id).map_err(damaged(id, path))?;
            let blob = Blob { id: id.to_string().into(), bytes: object.data().into() };
            self.read += 1;
            self.state.blobs.insert(id, Held { blob, paths: 0 });
        }
        let Some(held) = self.state.blobs.get_mut(&id) else { return Ok(()) };
        let size = held.blob.bytes.size();
        if size > limit || is_lfs_pointer(&held.blob.bytes.get()) {
            let pointer = size <= limit;
            if must {
                let finding =
                    if pointer { lfs_pointer(path) } else { too_large(path, size, limit) };
                self.report(path, finding);
            }
            return Ok(());
        }
        held.paths += 1;
        self.state.files.insert(path.into(), held.blob.clone());
        self.state.bytes += size;
        if self.state.bytes > MAX_TOTAL_BYTES {
            return Err(SourceError::TooLarge {
                what: "the catalog".to_owned(),
                limit: format!("{} MiB in all files together", MAX_TOTAL_BYTES / 1024 / 1024),
            });
        }
        Ok(())
    }

    /// Takes in the CODEOWNERS of the repository that a folder is in.
    fn above(&mut self, top: Oid, folder: &str) -> Result<(), SourceError> {
        self.forget("..");
        for location in above(folder) {
            for (part, entry) in entries_to(self.repository, top, location)? {
                let path = seen_from(folder, part);
                match entry.kind {
                    EntryKind::Blob if part == location => self.file(entry.id, &path)?,
                    EntryKind::Link => self.report(&path, symlink(&path)),
                    EntryKind::Submodule => self.report(&path, submodule(&path)),
                    EntryKind::Blob | EntryKind::Tree => {}
                }
            }
        }
        Ok(())
    }

    fn report(&mut self, path: &str, finding: Finding) {
        self.state.findings.insert(path.to_owned(), finding);
    }

    /// Forgets a path and everything below it.
    fn forget(&mut self, path: &str) {
        let below = format!("{path}/");
        let mut paths: Vec<Arc<str>> = self
            .state
            .files
            .range::<_, str>((Bound::Included(below.as_str()), Bound::Unbounded))
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&below))
            .cloned()
            .collect();
        paths.extend(self.state.files.get_key_value(path).map(|(path, _)| path.clone()));
        for path in paths {
            let Some(blob) = self.state.files.remove(&path) else { continue };
            self.state.bytes -= blob.bytes.size();
            if let Some(held) =
                Oid::from_str(&blob.id).ok().and_then(|id| self.state.blobs.get_mut(&id))
            {
                held.paths -= 1;
            }
        }
        self.state.findings.remove(path);
        for path in keys_below(&self.state.findings, &below) {
            self.state.findings.remove(&path);
        }
        for path in keys_below(&self.state.names, &below) {
            self.state.names.remove(&path);
        }
    }

    fn list(
        &mut self,
        tree: Option<Oid>,
        prefix: &str,
    ) -> Result<(Vec<Entry>, Vec<Finding>), SourceError> {
        let Some(tree) = tree else { return Ok((Vec::new(), Vec::new())) };
        self.visited += 1;
        let (entries, findings) = list(self.repository, tree, prefix)?;
        self.looked_at += entries.len();
        if self.looked_at > MAX_ENTRIES {
            return Err(SourceError::TooLarge {
                what: "the tree of the commit".to_owned(),
                limit: format!("{MAX_ENTRIES} entries"),
            });
        }
        Ok((entries, findings))
    }
}

/// Returns the keys that start with a directory's path, `/` at its end.
fn keys_below<K, V>(map: &BTreeMap<K, V>, below: &str) -> Vec<K>
where
    K: Ord + Clone + std::borrow::Borrow<str>,
{
    map.range::<str, _>((Bound::Included(below), Bound::Unbounded))
        .map(|(key, _)| key)
        .take_while(|key| key.borrow().starts_with(below))
        .cloned()
        .collect()
}

fn damaged(id: Oid, path: &str) -> impl FnOnce(git2::Error) -> SourceError {
    SourceError::corrupt(format!("object {id} of `{path}`"))
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
