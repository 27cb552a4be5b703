//! The guard judges a plan as a whole: how much it takes away, and whether the catalog can be believed.

use super::actual::Actual;
use super::change::Change;
use super::desired::Desired;
use super::facts::Facts;
use super::plan::{Hold, Verdict};
use crate::catalog::Settings;

/// Judges all changes of a plan.
pub(super) fn judge(
    changes: &[Change],
    desired: &Desired,
    actual: &Actual,
    (settings, facts): (&Settings, &Facts),
) -> Verdict {
    let recorded = actual.rows.values().filter(|row| !row.retained).count();
    let percent = usize::try_from(settings.guard.max_deletions_percent).unwrap_or(100);
    let most = usize::try_from(settings.guard.max_deletions).unwrap_or(usize::MAX);
    let budget = most.max(recorded.saturating_mul(percent) / 100);
    let unreleased = changes.iter().filter(|change| !facts.released.contains(&change.digest));
    let deletions = unreleased.map(Change::deletions).sum();
    let mut holds = Vec::new();
    if deletions > budget {
        holds.push(Hold::Deletions);
    }
    if shrank(facts.services_before, desired.services) && deletions > 0 {
        holds.push(Hold::Shrank { before: facts.services_before, now: desired.services });
    }
    if let (Some(last), false) = (&facts.revision.last, facts.revision.descends) {
        holds.push(Hold::History { from: last.clone(), to: facts.revision.head.clone() });
    }
    if let Some((at, until)) = facts.restored {
        holds.push(Hold::Restored { at, until });
    }
    Verdict { deletions, budget, holds }
}

/// Tells whether a catalog emptied or shrank below half.
fn shrank(before: usize, now: usize) -> bool {
    before > 0 && (now == 0 || now * 2 < before)
}
