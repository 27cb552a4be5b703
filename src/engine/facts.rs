//! Gathers what the planner is told: facts, and the records of the units in question.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::engine::{Doing, EngineError};
use super::memory::Memory;
use crate::catalog::{Catalog, Written};
use crate::id::{RunId, UnitKey};
use crate::reconcile::{
    Actual, ChangeKind, Desired, Facts, KnownOutputs, Revision, UpstreamReads, reads_others,
    suspects,
};
use crate::store::Store;

/// What is known of the catalog's head, besides its documents.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The commit.
    pub commit: String,
    /// Who wrote it, as `name <email>`.
    pub author: Option<String>,
    /// Who wrote which file since the catalog was looked at before.
    pub written: Written,
    /// Whether it descends from the last revision that was acted upon.
    pub descends: bool,
}

/// Gathers actual state and facts for a desired state.
pub async fn gather(
    (store, memory): (&dyn Store, &Memory),
    desired: &Desired,
    (catalog, head): (&str, &Head),
    now: Timestamp,
) -> Result<(Actual, Facts), EngineError> {
    let keys: Vec<UnitKey> = suspects(desired, &memory.rows, now)
        .into_iter()
        .chain(memory.due.keys().cloned())
        .filter(|key| memory.rows.contains_key(key))
        .collect();
    let records = store.units(&keys).await.doing("reading units")?;
    let actual = Actual {
        rows: memory.rows.clone(),
        records: records.into_iter().map(|record| (record.row.key.clone(), record)).collect(),
    };
    let facts = Facts {
        catalog: catalog.to_owned(),
        author: head.author.clone(),
        written: head.written.clone(),
        authors: memory.authors.clone(),
        revision: Revision {
            head: head.commit.clone(),
            last: memory.state.applied_revision.clone(),
            descends: head.descends,
        },
        contacts: memory.state.contacts.clone(),
        approvals: memory.decided.approvals.clone(),
        approved_plans: memory.decided.approved_plans.clone(),
        released: memory.decided.released.clone(),
        broken: memory.decided.broken.clone(),
        rejected: memory.decided.rejected.clone(),
        running: memory
            .runs
            .values()
            .map(|run| (run.change.service.clone(), run.id.clone()))
            .collect(),
        held: memory.state.held.iter().map(|(id, held)| (id.clone(), held.to_string())).collect(),
        stalled: memory.stalled.clone(),
        requested: memory.requested.clone(),
        adopting: memory.state.adopting.clone(),
        due: memory.due.clone(),
        forecasting: true,
        forecasts: memory.state.forecasts.clone(),
        claimed: std::collections::BTreeMap::new(),
        services_before: memory.state.services,
        unapproved: std::collections::BTreeMap::new(),
        unverified: None,
        restored: memory.state.restored.map(|restored| (restored.at, restored.until)),
    };
    Ok((actual, facts))
}

/// Reads the outputs of the units that others read; sensitive ones stay sealed.
pub async fn known_outputs(
    store: &dyn Store,
    catalog: &Catalog,
) -> Result<KnownOutputs, EngineError> {
    let mut keys: BTreeSet<UnitKey> = BTreeSet::new();
    for (id, entry) in &catalog.services {
        let bundle = entry.body.catalog_bundle.as_ref().and_then(|id| catalog.bundles.get(id));
        if !reads_others(&entry.body, bundle.map(|entry| &*entry.body)) {
            continue;
        }
        let reads = UpstreamReads::of_service(&entry.body, bundle.map(|entry| &*entry.body));
        keys.extend(reads.units(id, catalog));
    }
    let keys: Vec<UnitKey> = keys.into_iter().collect();
    let records = store.units(&keys).await.doing("reading outputs")?;
    Ok(records
        .into_iter()
        .filter_map(|record| Some((record.row.key, record.applied?.outputs)))
        .collect())
}

/// Returns the runs whose service git wants differently by now.
pub fn superseded(memory: &Memory, desired: &Desired, now: Timestamp) -> Vec<RunId> {
    let differs = |run: &&crate::run::Run| {
        !desired.blocked.contains_key(&run.change.service)
            && run.change.units.iter().any(|unit| match desired.units.get(&unit.unit) {
                Some(wanted) if unit.kind == ChangeKind::Delete => {
                    !desired.is_deleted_by_date(wanted, now)
                }
                Some(wanted) => wanted.source != unit.source,
                None => unit.kind != ChangeKind::Delete && desired.absent_is_unknown.is_none(),
            })
    };
    memory.runs.values().filter(differs).map(|run| run.id.clone()).collect()
}
