//! The branch of a proposal: one commit on top of its base, rebuilt where it must be. It keeps its hands off
//! a branch that a person pushed to.

use git2::{Oid, Repository};

use super::answer::Standing;
use super::config::{Work, is_key_of_step};
use super::direct::{ATTEMPTS, kept_moving, mend, there_already};
use super::edits::{Edits, edits};
use super::pushed;
use super::target::{PATIENCE, Place, fault, head};
use crate::digest::Digest;
use crate::forge::Proposal;
use crate::run::Fault;
use crate::source::{Mirror, SourceError};

/// What came of building the branch.
pub(super) enum Built {
    /// The base holds everything that is wanted.
    There {
        standing: Standing,
        /// Whether the open proposal is ours alone, and to be closed.
        withdraw: bool,
    },
    /// There is something to propose, and it may not be proposed yet.
    Held,
    /// The branch holds what is wanted.
    Branch { name: String, standing: Standing },
}

/// What became of one branch.
enum Pushed {
    Done(Oid),
    /// Somebody else has it.
    Taken,
    /// Somebody else was faster.
    Moved,
}

/// Builds the branch of the open proposal, or a new one where one may be filed.
pub(super) fn build(work: &Work, open: Option<&Proposal>, may_file: bool) -> Result<Built, Fault> {
    let told = |error: SourceError| fault(&error);
    let place = &work.place;
    let mut mirror = place.open(&place.branch, PATIENCE).map_err(told)?;
    mend(&mut mirror);
    for _ in 0..ATTEMPTS {
        let Some(base) = head(&mut mirror).map_err(told)? else { return Err(empty(work)) };
        let edits = edits(mirror.repository(), Some(base), &work.wanted)?;
        if edits.changes.is_empty() {
            let commit = Some(there_already(&mirror, work, base));
            let withdraw = match open {
                Some(open) => is_free(&tip(place, &open.source_branch)?, &work.marker, base)?,
                None => false,
            };
            let standing = Standing { commit, edits, proposal: None };
            return Ok(Built::There { standing, withdraw });
        }
        if open.is_none() && !may_file {
            return Ok(Built::Held);
        }
        let commit = pushed::write(mirror.repository(), Some(base), &edits.changes, &work.message);
        let branch = Branch { work, base, commit: commit.map_err(told)? };
        if let Some(built) = branch.settle(open, edits)? {
            return Ok(built);
        }
    }
    Err(kept_moving(place, &format!("trueline/{}", work.service)))
}

struct Branch<'a> {
    work: &'a Work,
    base: Oid,
    /// What the branch is to hold.
    commit: Oid,
}

impl Branch<'_> {
    /// Brings the commit to the branch of the open proposal, or to the first name that is free.
    fn settle(&self, open: Option<&Proposal>, edits: Edits) -> Result<Option<Built>, Fault> {
        let names = match open {
            Some(open) => vec![open.source_branch.clone()],
            None => names(self.work),
        };
        for name in &names {
            match self.push(name, open.is_some())? {
                Pushed::Done(commit) => {
                    let commit = Some(commit.to_string());
                    let standing = Standing { commit, edits, proposal: None };
                    return Ok(Some(Built::Branch { name: name.clone(), standing }));
                }
                Pushed::Moved => return Ok(None),
                Pushed::Taken => {}
            }
        }
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let advice = match open {
            Some(open) => format!("merge or close {} {}", self.work.place.word(), open.number),
            None => "delete it".to_owned(),
        };
        Err(Fault::terminal(format!(
            "somebody else pushed to {} of {}; {advice}, and try again",
            names.join(" and "),
            self.work.place.repository
        )))
    }

    fn push(&self, name: &str, is_open: bool) -> Result<Pushed, Fault> {
        let told = |error: SourceError| fault(&error);
        let tip = tip(&self.work.place, name)?;
        let Tip { mirror, head } = &tip;
        if let Some(head) = head {
            if !is_free(&tip, &self.work.marker, self.base)? {
                let done = is_open && holds_wanted(mirror.repository(), *head, self.work)?;
                return Ok(if done { Pushed::Done(*head) } else { Pushed::Taken });
            }
            if self.is_current(mirror.repository(), *head) {
                return Ok(Pushed::Done(*head));
            }
        }
        let sent = pushed::send(mirror, name, self.commit, *head).map_err(told)?;
        Ok(if sent { Pushed::Done(self.commit) } else { Pushed::Moved })
    }

    /// Tells whether a commit of ours is what would be written again, but for its time.
    fn is_current(&self, repository: &Repository, head: Oid) -> bool {
        let same = || -> Result<bool, git2::Error> {
            let (theirs, ours) =
                (repository.find_commit(head)?, repository.find_commit(self.commit)?);
            Ok(theirs.tree_id() == ours.tree_id() && theirs.parent_ids().eq(ours.parent_ids()))
        };
        same().unwrap_or(false)
    }
}

/// A branch with its mirror.
pub(super) struct Tip {
    mirror: Mirror,
    head: Option<Oid>,
}

/// Fetches a branch.
pub(super) fn tip(place: &Place, branch: &str) -> Result<Tip, Fault> {
    let told = |error: SourceError| fault(&error);
    let mut mirror = place.open(branch, PATIENCE).map_err(told)?;
    let head = match head(&mut mirror) {
        Err(SourceError::MissingBranch { .. }) => None,
        head => head.map_err(told)?,
    };
    Ok(Tip { mirror, head })
}

/// Tells whether a branch may be written over: it is absent, merged, or holds only a commit of the step of a marker.
pub(super) fn is_free(tip: &Tip, marker: &str, base: Oid) -> Result<bool, Fault> {
    let Some(head) = tip.head else { return Ok(true) };
    let repository = tip.mirror.repository();
    let told = |error: SourceError| fault(&error);
    if tip.mirror.is_ancestor(&head.to_string(), &base.to_string()).map_err(told)? {
        return Ok(true);
    }
    let commit = repository.find_commit(head).map_err(SourceError::corrupt("a branch"));
    let key = pushed::key_of(&commit.map_err(told)?);
    Ok(key.is_some_and(|key| is_key_of_step(marker, &key)))
}

/// Tells whether a commit holds everything that is wanted, whoever wrote it.
fn holds_wanted(repository: &Repository, commit: Oid, work: &Work) -> Result<bool, Fault> {
    let mut wanted = work.wanted.clone();
    wanted.strict = false;
    Ok(edits(repository, Some(commit), &wanted)?.changes.is_empty())
}

/// One branch a service; where another step has it, one that this step has alone.
pub(super) fn names(work: &Work) -> Vec<String> {
    let own = Digest::of_bytes(work.marker.as_bytes()).short();
    vec![format!("trueline/{}", work.service), format!("trueline/{}-{own}", work.service)]
}

fn empty(work: &Work) -> Fault {
    Fault::terminal(format!(
        "{} has no commit that a proposal could be for; push a first one to `{}`",
        work.place.repository, work.place.branch
    ))
}
