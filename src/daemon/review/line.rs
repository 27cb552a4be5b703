//! How a branch came from one commit to another: what landed at once, and what it changed. Its functions block.

use std::collections::{BTreeMap, BTreeSet};

use git2::{Oid, Repository};

use super::bench::merged_tree;
use super::error::ReviewError;
use crate::source::{SourceError, changed_paths, escaped, tree_changes};

/// The most commits that are looked at one by one; of more it is not known how they got there.
const MOST_COMMITS: usize = 5_000;

/// The commits by which a branch came from one to another, oldest first; nothing where it did not descend.
pub(super) fn line(
    repository: &Repository,
    from: &str,
    to: &str,
) -> Result<Option<Vec<String>>, ReviewError> {
    let damaged = || SourceError::git("read the history of the branch");
    let (Ok(from), Ok(to)) = (Oid::from_str(from), Oid::from_str(to)) else { return Ok(None) };
    if repository.find_commit(from).is_err() {
        return Ok(None);
    }
    let reaches = |id: Oid| -> Result<bool, ReviewError> {
        Ok(id == from || repository.graph_descendant_of(id, from).map_err(damaged())?)
    };
    if !reaches(to)? {
        return Ok(None);
    }
    let mut line = Vec::new();
    let mut at = to;
    while at != from {
        if line.len() >= MOST_COMMITS {
            return Ok(None);
        }
        line.push(at.to_string());
        let commit = repository.find_commit(at).map_err(damaged())?;
        let mut next = None;
        for parent in commit.parent_ids() {
            if reaches(parent)? {
                next = Some(parent);
                break;
            }
        }
        let Some(parent) = next else { return Ok(None) };
        at = parent;
    }
    line.reverse();
    Ok(Some(line))
}

/// Returns when a commit was made, in seconds since 1970.
pub(super) fn committed(repository: &Repository, commit: &str) -> Result<i64, SourceError> {
    let failed = || SourceError::git("read when a commit was made");
    let id = Oid::from_str(commit).map_err(failed())?;
    Ok(repository.find_commit(id).map_err(failed())?.time().seconds())
}

/// What differs between two commits of a branch.
pub(super) struct Difference {
    pub(super) paths: BTreeSet<String>,
    /// What each held before and after.
    pub(super) blobs: BTreeMap<String, (Option<String>, Option<String>)>,
    /// Paths that are not what a merge of the approved head would have made of them.
    pub(super) by_hand: BTreeSet<String>,
}

/// Compares two commits of a branch, and the later one with what a merge of an approved head would have been.
pub(super) fn difference(
    repository: &Repository,
    (before, after): (&str, &str),
    head: Option<&str>,
) -> Result<Difference, ReviewError> {
    let changed = changed_paths(repository, before, after)?;
    let paths: BTreeSet<String> = changed.into_iter().map(|changed| changed.path).collect();
    let held = |commit: &str, path: &str| -> Option<String> {
        let id = Oid::from_str(commit).ok()?;
        let tree = repository.find_commit(id).ok()?.tree().ok()?;
        let entry = tree.get_path(std::path::Path::new(path)).ok()?;
        Some(format!("{:o}:{}", entry.filemode(), entry.id()))
    };
    let blobs =
        paths.iter().map(|path| (path.clone(), (held(before, path), held(after, path)))).collect();
    let by_hand = match head {
        None => BTreeSet::new(),
        Some(head) => match merged_tree(repository, before, head) {
            Ok(Ok(expected)) => {
                let id = Oid::from_str(after)
                    .map_err(|_| SourceError::Gone { commit: escaped(after.as_bytes()) })?;
                let found =
                    repository.find_commit(id).map_err(SourceError::git("read a commit"))?;
                let changed = tree_changes(repository, expected, found.tree_id())?;
                changed.into_iter().map(|changed| changed.path).collect()
            }
            // What can't be made again can't be compared: nothing of it is taken for approved.
            Ok(Err(_)) | Err(_) => paths.clone(),
        },
    };
    Ok(Difference { paths, blobs, by_hand })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::Repo;

    #[test]
    fn a_branch_is_followed_through_merges_and_not_through_a_rewrite() {
        let repo = Repo::bare();
        let first = repo.commit_tree(&[("a", "1"), ("b", "1")]);
        let topic = repo.commit_on("topic", Some(&first), &[("a", "2"), ("b", "1")]);
        let tree = repo.git(&["rev-parse", "topic^{tree}"], "");
        let merge = repo.git(&["commit-tree", "-m", "m", "-p", &first, "-p", &topic, &tree], "");
        repo.git(&["update-ref", "refs/heads/main", &merge], "");
        let last = repo.commit_tree(&[("a", "3"), ("b", "1")]);
        let git = repo.open();
        let found = line(&git, &first, &last).unwrap().unwrap();
        assert_eq!(found, [merge.clone(), last.clone()]);
        assert_eq!(line(&git, &last, &first).unwrap(), None);
        assert_eq!(line(&git, &"0".repeat(40), &first).unwrap(), None);
        // A merge the other way around still leads back.
        let foxtrot = repo.git(&["commit-tree", "-m", "m", "-p", &topic, "-p", &last, &tree], "");
        assert_eq!(line(&git, &last, &foxtrot).unwrap().unwrap(), [foxtrot]);
    }

    #[test]
    fn what_somebody_changed_while_merging_is_seen() {
        let repo = Repo::bare();
        let base = repo.commit_tree(&[("a", "1"), ("b", "1")]);
        let topic = repo.commit_on("topic", Some(&base), &[("a", "2"), ("b", "1")]);
        let by_hand = |after: &str| {
            let found = difference(&repo.open(), (&base, after), Some(&topic)).unwrap();
            (found.paths.into_iter().collect(), found.by_hand.into_iter().collect())
        };
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).into()).collect() };
        let squashed = repo.commit_on("squashed", Some(&base), &[("a", "2"), ("b", "1")]);
        assert_eq!(by_hand(&squashed), (names(&["a"]), names(&[])));
        let evil = repo.commit_on("evil", Some(&base), &[("a", "2"), ("b", "evil")]);
        assert_eq!(by_hand(&evil), (names(&["a", "b"]), names(&["b"])));
        let found = difference(&repo.open(), (&base, &evil), None).unwrap();
        assert!(found.by_hand.is_empty() && found.blobs["b"].0 != found.blobs["b"].1);
    }
}
