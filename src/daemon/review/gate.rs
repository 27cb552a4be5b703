//! Holds back what owners did not approve: tells the loop and the planner what is known of that. It looks nothing up.

use std::collections::BTreeMap;

use super::notes::{LANDED, LandedNote};
use crate::catalog::Catalog;
use crate::daemon::daemon::Daemon;
use crate::daemon::error::TickError;
use crate::reconcile::{Change, Facts, concerns, concerns_service};
use crate::source::Source;
use crate::store::{Store, StoreError};

/// What of a head was not approved by its owners.
#[derive(Debug, Default)]
pub(in crate::daemon) struct Unapproved {
    /// Why not, by path.
    paths: BTreeMap<String, String>,
    /// Why nobody knows yet.
    unknown: Option<String>,
}

impl Daemon {
    /// Reads what owners did not approve. Of a plain directory there are no proposals, and no owners.
    pub(in crate::daemon) async fn unapproved(&self) -> Result<Unapproved, TickError> {
        if self.source.as_ref().and_then(Source::mirror).is_none() {
            return Ok(Unapproved::default());
        }
        let wanted = self.catalog.settings.owners.required;
        Ok(Unapproved::read(&*self.driver.engine.store, (&self.head.commit, wanted)).await?)
    }
}

impl Unapproved {
    /// Reads it for a head; `wanted` says whether its own settings hold back what owners did not approve.
    pub(in crate::daemon) async fn read(
        store: &dyn Store,
        (head, wanted): (&str, bool),
    ) -> Result<Self, StoreError> {
        let note = store.review_note(LANDED).await?;
        let note: Option<LandedNote> = note.and_then(|note| serde_json::from_value(note).ok());
        Ok(match note {
            Some(note) if note.ledger.commit == head => {
                let paths = note.ledger.required.then(|| note.ledger.reasons());
                Self { paths: paths.unwrap_or_default(), unknown: None }
            }
            Some(note) if !note.ledger.required && !wanted => Self::default(),
            None if !wanted => Self::default(),
            _ => {
                let commit: String = head.chars().take(12).collect();
                let unknown = Some(format!(
                    "`trueline serve` looks up on the forge who approved {commit}, and has not done so yet"
                ));
                Self { unknown, ..Self::default() }
            }
        })
    }

    /// Tells it to the planner.
    pub(in crate::daemon) fn tell(self, facts: Facts) -> Facts {
        Facts { unapproved: self.paths, unverified: self.unknown, ..facts }
    }

    /// Tells whether what is wanted of a change's service now may be what no owner approved. A run of it goes on then: who
    /// may push can't stop it.
    pub(in crate::daemon) fn is_about(&self, change: &Change, catalog: &Catalog) -> bool {
        self.unknown.is_some() || self.paths.keys().any(|path| concerns(path, change, catalog))
    }

    /// The same of a service.
    pub(in crate::daemon) fn is_about_service(&self, id: &str, catalog: &Catalog) -> bool {
        self.unknown.is_some() || self.paths.keys().any(|path| concerns_service(path, id, catalog))
    }
}
