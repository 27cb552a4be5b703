//! What the driver remembers: a copy of what the store holds, kept true because only the driver writes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::engine::{Doing, EngineError};
use crate::digest::Digest;
use crate::id::RunId;
use crate::reconcile::{Stall, UnitRows};
use crate::run::{Control, Run};
use crate::store::{CatalogState, Decision, DecisionKind, Store, UnitWrite};

/// What people decided, folded.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// Who approved which digest, of a plan or a change.
    pub approvals: BTreeMap<Digest, BTreeSet<String>>,
    /// Plans that were approved as a whole.
    pub approved_plans: BTreeSet<Digest>,
    /// Changes that were approved together with a whole plan.
    pub released: BTreeSet<Digest>,
    /// What was rejected, and why.
    pub rejected: BTreeMap<Digest, String>,
}

/// What the driver remembers.
#[derive(Debug, Default)]
pub struct Memory {
    /// Every unit.
    pub rows: UnitRows,
    /// What is remembered of the catalog between ticks.
    pub state: CatalogState,
    /// Runs that have not ended.
    pub runs: BTreeMap<RunId, Run>,
    /// Services whose last run stopped.
    pub stalled: BTreeMap<String, Stall>,
    /// What people decided.
    pub decided: Decided,
    /// Services that a person asked to converge.
    pub requested: BTreeSet<String>,
    /// When a person last asked for a service, whatever came of it.
    pub asked: BTreeMap<String, Timestamp>,
    /// Runs that a person called off, with who and why.
    pub cancelling: BTreeMap<RunId, (String, String)>,
    /// Number of the last decision that was read.
    pub last_decision: i64,
    /// Digest of the plan that was saved last.
    pub saved_plan: Option<Digest>,
    /// Rises with every write to units: tells whether known outputs may have changed.
    pub unit_writes: u64,
}

impl Memory {
    /// Reads everything from the store.
    pub async fn load(store: &dyn Store) -> Result<Self, EngineError> {
        let mut memory = Memory {
            rows: store
                .unit_rows()
                .await
                .doing("reading units")?
                .into_iter()
                .map(|row| (row.key.clone(), row))
                .collect(),
            state: store.catalog_state().await.doing("reading the catalog's state")?,
            runs: store
                .open_runs()
                .await
                .doing("reading open runs")?
                .into_iter()
                .map(|run| (run.id.clone(), run))
                .collect(),
            ..Memory::default()
        };
        // The process may have ended between the record of a run and that of what it used up.
        let last = store.last_decision().await.doing("reading decisions")?;
        for run in memory.runs.values() {
            memory.state.used.insert(run.change.digest, last);
            let contacts = run.change.needs.iter().filter_map(|need| need.contact.clone());
            memory.state.contacts.extend(contacts);
        }
        memory.stalled = stalled(store).await?;
        Ok(memory)
    }

    /// Takes in what was written to units.
    pub fn take_writes(&mut self, writes: &[UnitWrite]) {
        self.unit_writes += 1;
        for write in writes {
            match write {
                UnitWrite::Put(record) => {
                    self.rows.insert(record.row.key.clone(), record.row.clone());
                }
                UnitWrite::Remove(key) => {
                    self.rows.remove(key);
                }
            }
        }
    }

    /// Uses up the approvals of a plan or a change: should the same be planned again, it is asked for again.
    pub fn use_up(&mut self, digest: Digest) {
        self.decided.released.remove(&digest);
        let plan = self.decided.approved_plans.remove(&digest);
        if self.decided.approvals.remove(&digest).is_some() || plan {
            self.state.used.insert(digest, self.last_decision);
        }
    }

    /// Folds a decision into what people decided.
    pub fn take_decision(&mut self, decision: &Decision) {
        self.last_decision = self.last_decision.max(decision.seq);
        let used = &self.state.used;
        let counts = |digest: &Digest| used.get(digest).is_none_or(|last| decision.seq > *last);
        match &decision.decision {
            DecisionKind::Approve { subject, changes } => {
                let whole_plan = !changes.is_empty() && changes.as_slice() != [*subject];
                let fresh: Vec<&Digest> = changes.iter().filter(|digest| counts(digest)).collect();
                if whole_plan || changes.is_empty() {
                    if counts(subject) {
                        self.decided.approved_plans.insert(*subject);
                    }
                    self.decided.released.extend(fresh.iter().copied());
                }
                for digest in std::iter::once(subject).filter(|digest| counts(digest)).chain(fresh)
                {
                    self.decided.approvals.entry(*digest).or_default().insert(decision.by.clone());
                    self.decided.rejected.remove(digest);
                }
            }
            DecisionKind::Reject { subject, changes, reason } => {
                for digest in std::iter::once(subject).chain(changes) {
                    self.decided.approvals.remove(digest);
                    self.decided.released.remove(digest);
                    self.decided.approved_plans.remove(digest);
                    self.decided.rejected.insert(*digest, format!("{reason} ({})", decision.by));
                }
            }
            DecisionKind::Apply { service: Some(service) } => {
                self.asked.insert(service.clone(), decision.at);
                if decision.seq > self.state.decisions_seen {
                    self.requested.insert(service.clone());
                }
            }
            DecisionKind::Control { run, control: Control::Cancel, reason, .. } => {
                // Always legal in a run that is open: it ends once no step of it is in effect.
                if self.runs.contains_key(run) {
                    self.cancelling.insert(run.clone(), (decision.by.clone(), reason.clone()));
                }
            }
            DecisionKind::Control { .. }
            | DecisionKind::Apply { service: None }
            | DecisionKind::CompleteTask { .. }
            | DecisionKind::Grant { .. }
            | DecisionKind::Refuse { .. } => {}
        }
    }
}

/// Reads which services stopped, and why.
pub(super) async fn stalled(store: &dyn Store) -> Result<BTreeMap<String, Stall>, EngineError> {
    let mut stalled = BTreeMap::new();
    for stopped in store.stopped_runs().await.doing("reading stopped runs")? {
        if let Some(run) = store.run(&stopped.id).await.doing("reading a stopped run")? {
            stalled.insert(stopped.service, stall_of(&run, stopped.why.unwrap_or_default()));
        }
    }
    Ok(stalled)
}

/// Remembers why a run stopped, and what it was of.
pub(super) fn stall_of(run: &Run, why: String) -> Stall {
    let sources = run.change.units.iter().map(|unit| (unit.unit.clone(), unit.source)).collect();
    Stall { run: run.id.clone(), why, sources }
}
