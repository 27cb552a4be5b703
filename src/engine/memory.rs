//! What the driver remembers: a copy of what the store holds, kept true because only the driver writes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::engine::{Doing, EngineError};
use crate::digest::Digest;
use crate::id::{RunId, UnitKey};
use crate::reconcile::{Authors, Due, Fired, Plan, Stall, UnitRows};
use crate::run::{Control, Run};
use crate::store::{
    CatalogState, Decision, DecisionKind, Forgetting, OnHold, Operating, Store, UnitWrite,
};

/// What people decided, folded.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// Who approved which digest, of a plan or a change.
    pub approvals: BTreeMap<Digest, BTreeSet<String>>,
    /// Plans that were approved as a whole.
    pub approved_plans: BTreeSet<Digest>,
    /// Changes that were approved together with a whole plan.
    pub released: BTreeSet<Digest>,
    /// Changes that somebody has carried out without approvals and outside of windows, with who and why.
    pub broken: BTreeMap<Digest, String>,
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
    /// Scheduled operations that are due, by unit.
    pub due: BTreeMap<UnitKey, Due>,
    /// When scheduled operations came last, by unit and name: a copy of what the records hold.
    pub fired: BTreeMap<(UnitKey, String), Fired>,
    /// When a person last asked for a service, whatever came of it.
    pub asked: BTreeMap<String, Timestamp>,
    /// Runs that a person called off, with who and why.
    pub cancelling: BTreeMap<RunId, (String, String)>,
    /// Number of the last decision that was read.
    pub last_decision: i64,
    /// Digest of the plan that was saved last.
    pub saved_plan: Option<Digest>,
    /// Who wrote what the changes of that plan come from.
    pub authors: BTreeMap<Digest, Authors>,
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
        memory.stalled = stalled(store, &memory.state.forgotten).await?;
        if let Some(plan) = store.latest_plan().await.doing("reading the newest plan")? {
            memory.take_authors(&plan);
        }
        Ok(memory)
    }

    /// Remembers who wrote what the changes of a plan come from.
    pub fn take_authors(&mut self, plan: &Plan) {
        let authors = plan.changes.iter().map(|change| (change.digest, Authors::of(change)));
        self.authors = authors.collect();
    }

    /// Takes in what was written to units.
    pub fn take_writes(&mut self, writes: &[UnitWrite]) {
        self.unit_writes += 1;
        for write in writes {
            match write {
                UnitWrite::Put(record) => {
                    let key = &record.row.key;
                    self.rows.insert(key.clone(), record.row.clone());
                    for (name, owed) in record.fired.iter().filter(|(_, fired)| fired.owed) {
                        self.fired.insert((key.clone(), name.clone()), owed.clone());
                    }
                }
                UnitWrite::Remove(key) => {
                    self.rows.remove(key);
                    self.fired.retain(|(unit, _), _| unit != key);
                }
            }
        }
    }

    /// Uses up the approvals of a plan or a change: should the same be planned again, it is asked for again.
    pub fn use_up(&mut self, digest: Digest) {
        self.decided.released.remove(&digest);
        let plan = self.decided.approved_plans.remove(&digest);
        let broken = self.decided.broken.remove(&digest).is_some();
        if self.decided.approvals.remove(&digest).is_some() || plan || broken {
            self.state.used.insert(digest, self.last_decision);
        }
    }

    /// Folds a decision into what people decided.
    pub fn take_decision(&mut self, decision: &Decision) {
        self.last_decision = self.last_decision.max(decision.seq);
        let used = &self.state.used;
        let counts = |digest: &Digest| used.get(digest).is_none_or(|last| decision.seq > *last);
        match &decision.decision {
            DecisionKind::Approve { subject, changes, .. } => {
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
                    self.decided.broken.remove(digest);
                    self.decided.approved_plans.remove(digest);
                    self.decided.rejected.insert(*digest, format!("{reason} ({})", decision.by));
                }
            }
            DecisionKind::BreakGlass { .. }
            | DecisionKind::Adopt { .. }
            | DecisionKind::Forget { .. }
            | DecisionKind::Hold { .. }
            | DecisionKind::Release { .. }
            | DecisionKind::Operate { .. } => self.take_word(decision),
            DecisionKind::Apply { service: Some(service) } => {
                self.asked.insert(service.clone(), decision.at);
                if decision.seq > self.state.decisions_seen {
                    self.state.adopting.remove(service);
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
            | DecisionKind::ResetBreaker { .. }
            | DecisionKind::CompleteTask { .. }
            | DecisionKind::Grant { .. }
            | DecisionKind::Refuse { .. } => {}
        }
    }

    /// Remembers a word about one service or change, until it is acted upon.
    fn take_word(&mut self, decision: &Decision) {
        let is_new = decision.seq > self.state.decisions_seen;
        match &decision.decision {
            DecisionKind::BreakGlass { change, reason, .. }
                if self.state.used.get(change).is_none_or(|last| decision.seq > *last) =>
            {
                self.decided.broken.insert(*change, format!("{reason} ({})", decision.by));
                self.decided.rejected.remove(change);
            }
            DecisionKind::Adopt { service, .. } if is_new => {
                self.state.adopting.insert(service.clone());
            }
            DecisionKind::Forget { service, still_wanted, .. } if is_new => {
                let (by, still_wanted) = (decision.by.clone(), *still_wanted);
                let word = Forgetting { decision: decision.seq, by, still_wanted };
                self.state.forgetting.insert(service.clone(), word);
            }
            DecisionKind::Hold { .. } | DecisionKind::Release { .. } if is_new => {
                OnHold::take(&mut self.state.held, decision);
            }
            DecisionKind::Operate { .. } if is_new => {
                Operating::take(&mut self.state.operating, decision);
            }
            _ => {}
        }
    }
}

/// Reads which services stopped, and why.
pub(super) async fn stalled(
    store: &dyn Store,
    forgotten: &BTreeSet<String>,
) -> Result<BTreeMap<String, Stall>, EngineError> {
    let mut stalled = BTreeMap::new();
    let stopped = store.stopped_runs().await.doing("reading stopped runs")?;
    for stopped in stopped.into_iter().filter(|stopped| !forgotten.contains(&stopped.service)) {
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
