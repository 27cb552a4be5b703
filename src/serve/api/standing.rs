//! How the services of one page stand: what the whole view would say of them, from their own rows alone.

use std::collections::BTreeMap;

use super::app::App;
use crate::daemon::Published;
use crate::engine::{ServiceView, View};
use crate::id::UnitKey;
use crate::reconcile::{Plan, Verdict};
use crate::serve::problem::Problem;
use crate::store::{CatalogState, Numbered, RunSummary};

/// How some services stand.
pub(super) struct Standings {
    services: BTreeMap<String, ServiceView>,
    newest: BTreeMap<String, Numbered<RunSummary>>,
}

impl Standings {
    /// Tells how one stands; nothing where nothing is known of it.
    pub(super) fn service(&self, id: &str) -> Option<ServiceView> {
        self.services.get(id).cloned()
    }

    /// Tells the team of the newest run of one.
    pub(super) fn team(&self, id: &str) -> Option<String> {
        self.newest.get(id)?.team.clone()
    }

    /// Returns the newest run of one.
    pub(super) fn newest(&self, id: &str) -> Option<&RunSummary> {
        self.newest.get(id).map(|run| &run.row)
    }
}

/// Reads how some services stand.
pub(super) async fn standings(
    app: &App,
    published: &Published,
    ids: &[String],
) -> Result<Standings, Problem> {
    let store = app.store();
    let rows = store.unit_rows_of(ids).await?;
    let newest = store.newest_runs(ids).await?;
    let mut view = View { state: state_of(&published.state, ids), ..View::default() };
    view.rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
    for run in newest.iter().map(|run| &run.row) {
        if run.state.is_stopped() && !published.state.forgotten.contains(&run.service) {
            view.stopped.insert(run.service.clone(), run.clone());
        } else if !run.state.is_over() {
            let open = store.run(&run.id).await?;
            view.runs.extend(open.map(|open| (run.service.clone(), open)));
        }
    }
    let outline = &published.outline;
    for id in ids {
        let units = outline.units.get(id).cloned();
        view.planned.extend(units.map(|units| (id.clone(), units)));
    }
    view.plan = Some(excerpt(published, ids));
    let newest = newest.into_iter().map(|run| (run.row.service.clone(), run)).collect();
    Ok(Standings { services: view.services(), newest })
}

/// What is remembered of the catalog, as far as it is about some services.
fn state_of(state: &CatalogState, ids: &[String]) -> CatalogState {
    let words = |all: &BTreeMap<String, String>| {
        ids.iter().filter_map(|id| Some((id.clone(), all.get(id)?.clone()))).collect()
    };
    let units = |all: &BTreeMap<UnitKey, String>| {
        let own = ids.iter().flat_map(|id| {
            let first = UnitKey::service(id.clone());
            all.range(first..).take_while(move |(key, _)| key.service == *id)
        });
        own.map(|(key, why)| (key.clone(), why.clone())).collect()
    };
    CatalogState {
        blocked: words(&state.blocked),
        pending: words(&state.pending),
        outdated: units(&state.outdated),
        unknown: units(&state.unknown),
        held: ids.iter().filter_map(|id| Some((id.clone(), state.held.get(id)?.clone()))).collect(),
        suspended: ids.iter().filter(|id| state.suspended.contains(*id)).cloned().collect(),
        ..CatalogState::default()
    }
}

/// What the newest plan says of why changes of some services do not start.
fn excerpt(published: &Published, ids: &[String]) -> Plan {
    let outline = &published.outline;
    let own = ids.iter().filter_map(|id| Some((id.clone(), outline.pending.get(id)?.clone())));
    Plan {
        catalog: String::new(),
        commit: String::new(),
        digest: crate::digest::Digest::of_bytes(b""),
        changes: Vec::new(),
        pending: own.collect(),
        blocked: BTreeMap::new(),
        outdated: BTreeMap::new(),
        drifted: Vec::new(),
        unknown: BTreeMap::new(),
        absent: std::collections::BTreeSet::new(),
        running: BTreeMap::new(),
        suspended: Vec::new(),
        expired: BTreeMap::new(),
        retained: Vec::new(),
        verdict: Verdict::default(),
    }
}
