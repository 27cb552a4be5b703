//! Brings files to a branch by a commit of their own. It never forces: where somebody else was faster, it starts over.

use std::sync::Arc;

use git2::Oid;

use super::answer::Standing;
use super::config::{Wanted, Work, Written};
use super::edits::{Left, edits};
use super::pushed;
use super::target::{PATIENCE, Place, blocking, fault, head, turn};
use crate::action::Outcome;
use crate::run::{Fault, FaultClass};
use crate::source::{Mirror, SourceError};

/// How often it starts over before the engine is told to wait.
pub(super) const ATTEMPTS: usize = 8;

/// Commits what is wanted, and removes what stands where `config` no longer points.
pub(super) async fn commit(work: &Arc<Work>) -> Result<Outcome, Fault> {
    let mut standing = land(work, work.place.clone(), work.wanted.clone()).await?;
    if let Some((place, old)) = &work.elsewhere {
        standing.edits.left.extend(clear(work, place, old).await?);
    }
    standing.answer(work)
}

/// Removes files of ours from another place; what cannot be removed is left, and said so.
async fn clear(work: &Arc<Work>, place: &Place, old: &[Written]) -> Result<Vec<Left>, Fault> {
    let wanted =
        Wanted { files: Vec::new(), deletes: Vec::new(), old: old.to_vec(), strict: false };
    match land(work, place.clone(), wanted).await {
        Ok(standing) => Ok(standing.edits.left),
        Err(fault) if fault.class == FaultClass::Terminal => {
            let left = old.iter().map(|file| Left {
                path: file.path.clone(),
                why: format!("it stands in {}: {}", place.repository, fault.message),
            });
            Ok(left.collect())
        }
        Err(fault) => Err(fault),
    }
}

async fn land(work: &Arc<Work>, place: Place, wanted: Wanted) -> Result<Standing, Fault> {
    let turn = turn(&place).await;
    let work = Arc::clone(work);
    let (_, standing) = blocking(turn, move || {
        let mut mirror = place.open(&place.branch, PATIENCE).map_err(|error| fault(&error))?;
        mend(&mut mirror);
        for _ in 0..ATTEMPTS {
            if let Some(standing) = once(&mut mirror, &work, (&place, &wanted))? {
                return Ok(standing);
            }
        }
        Err(kept_moving(&place, &place.branch))
    })
    .await?;
    Ok(standing)
}

/// Makes the mirror again where objects of its head are missing; what fails here fails in the fetch as well.
pub(super) fn mend(mirror: &mut Mirror) {
    let head = mirror.head().ok().flatten().and_then(|head| Oid::from_str(&head).ok());
    let whole = head.is_none_or(|head| mirror.repository().find_commit(head).is_ok());
    if !whole {
        let _ = mirror.rebuild();
    }
}

pub(super) fn kept_moving(place: &Place, branch: &str) -> Fault {
    Fault::transient(format!(
        "branch `{branch}` of {} kept moving while it was written",
        place.repository
    ))
}

/// Tries once; nothing where somebody else was faster.
fn once(
    mirror: &mut Mirror,
    work: &Work,
    (place, wanted): (&Place, &Wanted),
) -> Result<Option<Standing>, Fault> {
    let told = |error: SourceError| fault(&error);
    let head = head(mirror).map_err(told)?;
    let edits = edits(mirror.repository(), head, wanted)?;
    if edits.changes.is_empty() {
        let commit = head.map(|head| there_already(mirror, work, head));
        return Ok(Some(Standing { commit, edits, proposal: None }));
    }
    let commit =
        pushed::write(mirror.repository(), head, &edits.changes, &work.message).map_err(told)?;
    let sent = pushed::send(mirror, &place.branch, commit, head).map_err(told)?;
    Ok(sent.then(|| Standing { commit: Some(commit.to_string()), edits, proposal: None }))
}

/// Names the commit that brought what is there already: ours, where it can be found.
pub(super) fn there_already(mirror: &Mirror, work: &Work, head: Oid) -> String {
    if let Some(commit) = pushed::find(mirror.repository(), head, &work.key) {
        return commit.to_string();
    }
    let head = head.to_string();
    let before = work.before.clone();
    before.filter(|it| mirror.is_ancestor(it, &head).unwrap_or(false)).unwrap_or(head)
}
