//! What the loop read and planned last, for whoever shows it. It is replaced as a whole and never changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::daemon::Daemon;
use crate::catalog::{Catalog, Snapshot};
use crate::digest::Digest;
use crate::id::UnitKey;
use crate::reconcile::{Pending, Plan, UnitRows};
use crate::store::CatalogState;
use crate::validate::Judged;

pub use super::timetable::Upcoming;

/// What a plan says of services, without its changes.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// The plan.
    pub digest: Option<Digest>,
    /// Units that a change of it touches, by service.
    pub units: BTreeMap<String, BTreeSet<UnitKey>>,
    /// Why changes of it do not start, by service.
    pub pending: BTreeMap<String, Vec<Pending>>,
}

/// What the loop read and planned last.
#[derive(Clone, Debug)]
pub struct Published {
    /// The head as it was read.
    pub snapshot: Snapshot,
    /// The catalog in force, and what the rules found.
    pub judged: Arc<Judged>,
    /// What is remembered of the catalog.
    pub state: Arc<CatalogState>,
    /// What is recorded of units.
    pub rows: UnitRows,
    /// What the newest plan says.
    pub outline: Arc<Outline>,
    /// When scheduled operations come next, the earliest first.
    pub upcoming: Arc<Vec<Upcoming>>,
}

impl Published {
    /// Returns the catalog in force.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.judged.catalog
    }
}

/// Shares what the loop read and planned last.
#[derive(Clone, Debug, Default)]
pub struct Window(Arc<Mutex<Option<Arc<Published>>>>);

impl Window {
    /// Shows something new.
    pub fn set(&self, published: Published) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(published));
    }

    /// Looks; nothing before the first tick.
    pub fn get(&self) -> Option<Arc<Published>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Outline {
    fn of(plan: &Plan) -> Self {
        let units = plan.changes.iter().map(|change| {
            let units = change.units.iter().map(|unit| unit.unit.clone());
            (change.service.clone(), units.collect())
        });
        Self { digest: Some(plan.digest), units: units.collect(), pending: plan.pending.clone() }
    }
}

impl Daemon {
    /// Shows what a tick came to; what is as before is shared.
    pub(super) fn publish(&self, plan: &Plan) {
        let (Some(snapshot), Some(judged)) = (&self.snapshot, &self.judged) else { return };
        let last = self.window.get();
        let outline = last.as_ref().map(|last| &last.outline).filter(|outline| {
            outline.digest == Some(plan.digest) && outline.pending == plan.pending
        });
        let state = &self.driver.memory.state;
        let known = last.as_ref().map(|last| &last.state).filter(|known| ***known == *state);
        self.window.set(Published {
            snapshot: snapshot.clone(),
            judged: judged.clone(),
            state: known.cloned().unwrap_or_else(|| Arc::new(state.clone())),
            rows: self.driver.memory.rows.clone(),
            upcoming: self.timetable.upcoming.clone(),
            outline: outline.cloned().unwrap_or_else(|| Arc::new(Outline::of(plan))),
        });
    }
}
