//! Reads what a proposal means in the history of its repository: where it left, what it changes, whether it arrived. It writes nothing.

use git2::{Commit, DiffFormat, ErrorCode, Index, Oid, Repository};

use super::error::ForgeError;
use super::proposal::{COMMITTER, Proposal, ProposalState};
use crate::source::{branch_ref, escaped};

const DIFF_BYTES: usize = 1024 * 1024;
const MERGES_LOOKED_AT: usize = 10_000;

/// Follows the branch of an open proposal, and says that it is merged where its head reached the base branch some other way, or we died before noting it.
pub(crate) fn settled(
    repository: &Repository,
    mut proposal: Proposal,
) -> Result<Proposal, ForgeError> {
    if proposal.state != ProposalState::Open {
        return Ok(proposal);
    }
    let (Ok(base), Ok(head)) =
        (tip(repository, &proposal.base_branch), Oid::from_str(&proposal.head))
    else {
        return Ok(proposal);
    };
    // What is pushed to its branch is proposed with it.
    if let Ok(pushed) = tip(repository, &proposal.source_branch)
        && pushed != head
        && !contains(repository, base, pushed)?
    {
        proposal.head = pushed.to_string();
        return Ok(proposal);
    }
    if contains(repository, base, head)? {
        proposal.state = ProposalState::Merged;
        proposal.merge_commit = Some(merged_by(repository, base, head)?.to_string());
    }
    Ok(proposal)
}

/// Returns the merge on the base branch's own line that brought a commit, or the commit itself.
fn merged_by(repository: &Repository, base: Oid, head: Oid) -> Result<Oid, ForgeError> {
    let operation = "read the history of the base branch";
    let mut walk = repository.revwalk().map_err(ForgeError::git(operation))?;
    walk.simplify_first_parent().map_err(ForgeError::git(operation))?;
    walk.push(base).map_err(ForgeError::git(operation))?;
    for id in walk.take(MERGES_LOOKED_AT).flatten() {
        let commit = repository.find_commit(id).map_err(ForgeError::git(operation))?;
        if commit.parent_ids().skip(1).any(|parent| parent == head) {
            return Ok(id);
        }
    }
    Ok(head)
}

/// Tells whether a proposal has commits of somebody else than Trueline.
pub(crate) fn edited(repository: &Repository, proposal: &Proposal) -> Result<bool, ForgeError> {
    let operation = "read the commits of a proposal";
    let head = Oid::from_str(&proposal.head).map_err(ForgeError::git(operation))?;
    let mut walk = repository.revwalk().map_err(ForgeError::git(operation))?;
    walk.push(head).map_err(ForgeError::git(operation))?;
    if let Ok(base) = tip(repository, &proposal.base_branch) {
        walk.hide(base).map_err(ForgeError::git(operation))?;
    }
    for id in walk.take(MERGES_LOOKED_AT) {
        let id = id.map_err(ForgeError::git(operation))?;
        let commit = repository.find_commit(id).map_err(ForgeError::git(operation))?;
        if commit.committer().email_bytes() != COMMITTER.as_bytes() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the commit of a branch.
pub(crate) fn tip(repository: &Repository, branch: &str) -> Result<Oid, ForgeError> {
    let missing = |_| ForgeError::MissingBranch { branch: escaped(branch.as_bytes()) };
    repository.refname_to_id(&branch_ref(branch)?).map_err(missing)
}

/// Tells whether a branch holds a commit.
pub(crate) fn contains(repository: &Repository, base: Oid, head: Oid) -> Result<bool, ForgeError> {
    let descends = repository.graph_descendant_of(base, head);
    Ok(base == head || descends.map_err(ForgeError::git("read the history"))?)
}

/// Lists the paths of conflicts, escaped.
pub(crate) fn conflicts(index: &Index) -> Result<Vec<String>, ForgeError> {
    let conflicts = index.conflicts().map_err(ForgeError::git("list the conflicts"))?;
    let mut paths: Vec<String> = conflicts
        .flatten()
        .filter_map(|conflict| conflict.our.or(conflict.their).or(conflict.ancestor))
        .map(|entry| escaped(&entry.path))
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// Returns the unified patch from where a proposal left its base.
pub(crate) fn patch(repository: &Repository, proposal: &Proposal) -> Result<String, ForgeError> {
    let operation = "compare a proposal with its base";
    let head = Oid::from_str(&proposal.head).map_err(ForgeError::git(operation))?;
    let head = repository.find_commit(head).map_err(ForgeError::git(operation))?;
    let from = left_at(repository, proposal, &head);
    let before = from
        .map(|id| repository.find_commit(id)?.tree())
        .transpose()
        .map_err(ForgeError::git(operation))?;
    let after = head.tree().map_err(ForgeError::git(operation))?;
    let diff = repository
        .diff_tree_to_tree(before.as_ref(), Some(&after), None)
        .map_err(ForgeError::git(operation))?;
    let mut text = String::new();
    let mut push = |origin: char, content: &[u8]| {
        if matches!(origin, '+' | '-' | ' ') {
            text.push(origin);
        }
        for line in String::from_utf8_lossy(content).split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            let shown: Vec<String> =
                line.split('\t').map(|part| escaped(part.as_bytes())).collect();
            text += &shown.join("\t");
            text += end;
        }
        text.len() < DIFF_BYTES
    };
    let printed = diff.print(DiffFormat::Patch, |_, _, line| push(line.origin(), line.content()));
    match printed {
        Err(error) if error.code() != ErrorCode::User => Err(ForgeError::git(operation)(error)),
        Err(_) => Ok(text + "\n(the rest is left out)\n"),
        Ok(()) => Ok(text),
    }
}

/// Returns the commit of the base branch from which a proposal departs, before it was merged.
fn left_at(repository: &Repository, proposal: &Proposal, head: &Commit<'_>) -> Option<Oid> {
    let merge = proposal.merge_commit.as_ref().and_then(|merge| Oid::from_str(merge).ok());
    let base = match merge.and_then(|merge| repository.find_commit(merge).ok()) {
        Some(merge) => merge.parent_id(0).ok(),
        None => tip(repository, &proposal.base_branch).ok(),
    };
    repository.merge_base(base?, head.id()).ok()
}
