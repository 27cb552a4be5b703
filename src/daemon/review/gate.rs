//! Holds back what owners did not approve: tells the planner what is known of that. It looks nothing up.

use super::notes::{LANDED, LandedNote};
use crate::daemon::daemon::Daemon;
use crate::daemon::error::TickError;
use crate::reconcile::Facts;
use crate::source::Source;
use crate::store::{Store, StoreError};

impl Daemon {
    /// Adds to the facts what owners did not approve. Of a plain directory there are no proposals, and no owners.
    pub(in crate::daemon) async fn gate(&self, facts: Facts) -> Result<Facts, TickError> {
        if self.source.as_ref().and_then(Source::mirror).is_none() {
            return Ok(facts);
        }
        let wanted = self.catalog.settings.owners.required;
        Ok(gated(&*self.driver.engine.store, (&self.head.commit, wanted), facts).await?)
    }
}

/// Adds to the facts of a head what owners did not approve; `wanted` says whether its own settings hold that back.
pub(in crate::daemon) async fn gated(
    store: &dyn Store,
    (head, wanted): (&str, bool),
    mut facts: Facts,
) -> Result<Facts, StoreError> {
    let note = store.review_note(LANDED).await?;
    let note: Option<LandedNote> = note.and_then(|note| serde_json::from_value(note).ok());
    match note {
        Some(note) if note.ledger.commit == head => {
            if note.ledger.required {
                facts.unapproved = note.ledger.reasons();
            }
        }
        Some(note) if !note.ledger.required && !wanted => {}
        None if !wanted => {}
        _ => {
            let commit: String = head.chars().take(12).collect();
            facts.unverified = Some(format!(
                "`trueline serve` looks up on the forge who approved {commit}, and has not done so yet"
            ));
        }
    }
    Ok(facts)
}
