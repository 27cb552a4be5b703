//! How units and services stand, over rows of the store: what `status` and an API answer from. It reads, and never writes.

use std::collections::{BTreeMap, BTreeSet};

use super::unit_state::{Standing, UnitState, unit_state};
use crate::id::UnitKey;
use crate::reconcile::{Plan, UnitRow};
use crate::run::Run;
use crate::store::{CatalogState, OnHold, Operating, RunSummary, Store, StoreError};

/// What the store holds about how things stand, read together.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// What is remembered of the catalog.
    pub state: CatalogState,
    /// Every unit that is recorded.
    pub rows: BTreeMap<UnitKey, UnitRow>,
    /// Runs that have not ended, by service; the newest of each.
    pub runs: BTreeMap<String, Run>,
    /// The newest run of each service whose newest run stopped.
    pub stopped: BTreeMap<String, RunSummary>,
    /// The newest plan.
    pub plan: Option<Plan>,
    /// Units that a change of the newest plan touches, by service.
    pub planned: BTreeMap<String, BTreeSet<UnitKey>>,
}

/// How one unit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitView {
    /// Its name.
    pub key: UnitKey,
    /// Its state and why.
    pub standing: Standing,
    /// It differs from what was last written.
    pub drifted: bool,
}

/// How a service stands: as the most urgent of its units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceView {
    /// Its id.
    pub id: String,
    /// The standing of its most urgent unit.
    pub standing: Standing,
    /// Its units; none where it never got that far.
    pub units: Vec<UnitView>,
}

impl ServiceView {
    /// Tells whether a unit of it differs from what was last written.
    pub fn is_drifted(&self) -> bool {
        self.units.iter().any(|unit| unit.drifted)
    }

    /// Tells whether a person stopped everything for it.
    pub fn is_held(&self) -> bool {
        self.standing.state == UnitState::Held
    }
}

impl View {
    /// Reads it from a store.
    pub async fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let runs = store.open_runs().await?.into_iter();
        let stopped = store.stopped_runs().await?.into_iter();
        let rows = store.unit_rows().await?.into_iter();
        let mut state = store.catalog_state().await?;
        // What people say counts from the moment at which it was said, whoever drives.
        for decision in store.decisions_after(state.decisions_seen).await? {
            OnHold::take(&mut state.held, &decision);
            Operating::take(&mut state.operating, &decision);
        }
        let stopped = stopped.filter(|run| !state.forgotten.contains(&run.service));
        let stopped: BTreeMap<_, _> = stopped.map(|run| (run.service.clone(), run)).collect();
        let view = Self {
            state,
            rows: rows.map(|row| (row.key.clone(), row)).collect(),
            runs: runs.map(|run| (run.change.service.clone(), run)).collect(),
            stopped,
            ..Self::default()
        };
        Ok(view.with_plan(store.latest_plan().await?))
    }

    /// Takes in the newest plan.
    #[must_use]
    pub fn with_plan(self, plan: Option<Plan>) -> Self {
        let changes = plan.iter().flat_map(|plan| &plan.changes);
        let planned = changes
            .map(|change| {
                let units = change.units.iter().map(|unit| unit.unit.clone());
                (change.service.clone(), units.collect())
            })
            .collect();
        Self { plan, planned, ..self }
    }

    /// Returns the open run of a service.
    pub fn run_of(&self, service: &str) -> Option<&Run> {
        self.runs.get(service)
    }

    /// Tells how every unit stands: those that are recorded, and those that are planned or being made.
    pub fn units(&self) -> Vec<UnitView> {
        let running = self.runs.values().flat_map(|run| &run.change.units).map(|unit| &unit.unit);
        let coming = self.planned.values().flatten().chain(running);
        let keys: BTreeSet<&UnitKey> =
            self.rows.keys().chain(self.state.unknown.keys()).chain(coming).collect();
        keys.into_iter().map(|key| self.unit(key)).filter(UnitView::is_there).collect()
    }

    /// Tells how one unit stands.
    pub fn unit(&self, key: &UnitKey) -> UnitView {
        let row = self.rows.get(key);
        UnitView {
            key: key.clone(),
            standing: unit_state(key, row, self),
            drifted: row.is_some_and(|row| row.drifted),
        }
    }

    /// Tells how every service stands, those included that do not fit and so have no unit yet.
    pub fn services(&self) -> BTreeMap<String, ServiceView> {
        let mut units: BTreeMap<String, Vec<UnitView>> = BTreeMap::new();
        for unit in self.units() {
            units.entry(unit.key.service.clone()).or_default().push(unit);
        }
        let state = &self.state;
        let others = state.pending.keys().chain(state.held.keys()).chain(self.stopped.keys());
        for id in state.blocked.keys().chain(others) {
            units.entry(id.clone()).or_default();
        }
        units.into_iter().map(|(id, units)| (id.clone(), self.service(id, units))).collect()
    }

    fn service(&self, id: String, units: Vec<UnitView>) -> ServiceView {
        let worst = units.iter().map(|unit| &unit.standing).max_by_key(|standing| standing.state);
        let alone = || unit_state(&UnitKey::service(id.clone()), None, self);
        let standing = worst.cloned().unwrap_or_else(alone);
        ServiceView { id, standing, units }
    }
}

impl UnitView {
    /// Tells whether there is anything to it: a unit of an old plan that was called off is nothing.
    fn is_there(&self) -> bool {
        self.standing.state != UnitState::Deleted
    }
}
