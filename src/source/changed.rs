//! Compares two commits by their trees: what is equal is skipped without a look. It reads no blob.

use std::collections::{BTreeSet, HashMap};

use git2::{Oid, Repository};
use imbl::ordmap::DiffItem;

use super::error::SourceError;
use super::names::MAX_DEPTH;
use super::tree::{Entry, EntryKind, list};
use super::wanted::MAX_ENTRIES;
use crate::catalog::Snapshot;

/// What became of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its content or kind is another.
    Modified,
    /// It is gone.
    Removed,
}

/// One path that differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// Path from the root, with `/`.
    pub path: String,
    /// What became of it.
    pub kind: ChangeKind,
}

/// Returns the paths of files, links and submodules that differ between two commits, ordered by path. Names that a snapshot refuses are left out.
pub fn changed_paths(
    repository: &Repository,
    old: &str,
    new: &str,
) -> Result<Vec<Changed>, SourceError> {
    changed_in_trees(repository, Some(root(repository, old)?), Some(root(repository, new)?))
}

/// Returns the paths that differ between two trees, as [`changed_paths`] does for commits.
pub fn tree_changes(
    repository: &Repository,
    old: Oid,
    new: Oid,
) -> Result<Vec<Changed>, SourceError> {
    changed_in_trees(repository, Some(old), Some(new))
}

/// Returns the paths of files that differ between two snapshots.
pub fn changed_between(before: &Snapshot, after: &Snapshot) -> BTreeSet<String> {
    let changed = before.files.diff(&after.files);
    let paths = changed.map(|item| match item {
        DiffItem::Add(path, _)
        | DiffItem::Remove(path, _)
        | DiffItem::Update { new: (path, _), .. } => path.to_string(),
    });
    paths.collect()
}

/// Returns the paths that differ between two trees.
pub(crate) fn changed_in_trees(
    repository: &Repository,
    old: Option<Oid>,
    new: Option<Oid>,
) -> Result<Vec<Changed>, SourceError> {
    let mut comparison = Comparison { repository, changed: Vec::new(), looked_at: 0 };
    comparison.trees(old, new, "", 0)?;
    comparison.changed.sort();
    Ok(comparison.changed)
}

/// Returns the root tree of a commit.
pub(crate) fn root(repository: &Repository, commit: &str) -> Result<Oid, SourceError> {
    let gone = |_| SourceError::Gone { commit: super::names::escaped(commit.as_bytes()) };
    let id = Oid::from_str(commit).map_err(gone)?;
    Ok(repository.find_commit(id).map_err(gone)?.tree_id())
}

struct Comparison<'r> {
    repository: &'r Repository,
    changed: Vec<Changed>,
    looked_at: usize,
}

impl Comparison<'_> {
    fn trees(
        &mut self,
        old: Option<Oid>,
        new: Option<Oid>,
        prefix: &str,
        depth: usize,
    ) -> Result<(), SourceError> {
        if old == new || depth >= MAX_DEPTH {
            return Ok(());
        }
        let mut before: HashMap<String, Entry> = self
            .entries(old, prefix)?
            .into_iter()
            .map(|entry| (entry.name.clone(), entry))
            .collect();
        for entry in self.entries(new, prefix)? {
            let earlier = before.remove(&entry.name);
            self.entry(earlier.as_ref(), Some(&entry), prefix, depth)?;
        }
        for entry in before.into_values() {
            self.entry(Some(&entry), None, prefix, depth)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        old: Option<&Entry>,
        new: Option<&Entry>,
        prefix: &str,
        depth: usize,
    ) -> Result<(), SourceError> {
        if old == new {
            return Ok(());
        }
        let Some(named) = new.or(old) else { return Ok(()) };
        let is_tree = |entry: &&Entry| entry.kind == EntryKind::Tree;
        let tree = |entry: Option<&Entry>| entry.filter(is_tree).map(|entry| entry.id);
        let is_leaf = |entry: Option<&Entry>| entry.is_some_and(|entry| !is_tree(&entry));
        let path = format!("{prefix}{}", named.name);
        self.trees(tree(old), tree(new), &format!("{path}/"), depth + 1)?;
        let kind = match (is_leaf(old), is_leaf(new)) {
            (false, false) => return Ok(()),
            (false, true) => ChangeKind::Added,
            (true, true) => ChangeKind::Modified,
            (true, false) => ChangeKind::Removed,
        };
        self.changed.push(Changed { path, kind });
        Ok(())
    }

    fn entries(&mut self, tree: Option<Oid>, prefix: &str) -> Result<Vec<Entry>, SourceError> {
        let Some(tree) = tree else { return Ok(Vec::new()) };
        let (entries, _) = list(self.repository, tree, prefix)?;
        self.looked_at += entries.len();
        if self.looked_at > MAX_ENTRIES {
            return Err(SourceError::TooLarge {
                what: "the difference of two commits".to_owned(),
                limit: format!("{MAX_ENTRIES} entries"),
            });
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Repo;
    use super::*;

    fn check(before: &[(&str, &str)], after: &[(&str, &str)], expected: &[(&str, ChangeKind)]) {
        let repo = Repo::bare();
        let old = repo.commit_tree(before);
        let new = repo.commit_tree(after);
        let changed = changed_paths(&repo.open(), &old, &new).unwrap();
        let changed: Vec<_> = changed.iter().map(|c| (c.path.as_str(), c.kind)).collect();
        assert_eq!(changed, expected);
    }

    #[test]
    fn added_modified_removed_and_moved() {
        use ChangeKind::{Added, Modified, Removed};
        check(&[("a/b", "1")], &[("a/b", "1")], &[]);
        check(
            &[("a/b", "1"), ("a/c", "1"), ("d", "1"), ("same/x", "1")],
            &[("a/b", "2"), ("a/n", "1"), ("e/f/g", "1"), ("same/x", "1")],
            &[
                ("a/b", Modified),
                ("a/c", Removed),
                ("a/n", Added),
                ("d", Removed),
                ("e/f/g", Added),
            ],
        );
        check(&[("a", "1")], &[("a/b", "1")], &[("a", Removed), ("a/b", Added)]);
        check(&[("a/b", "1")], &[("a", "1")], &[("a", Added), ("a/b", Removed)]);
    }

    #[test]
    fn an_unknown_commit_is_gone() {
        let repo = Repo::bare();
        let commit = repo.commit_tree(&[("a", "1")]);
        for unknown in ["", "main", "0000000000000000000000000000000000000001"] {
            let result = changed_paths(&repo.open(), unknown, &commit);
            assert!(matches!(result, Err(SourceError::Gone { .. })), "{unknown}");
        }
    }
}
