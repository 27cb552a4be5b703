//! Starts runs: one for each change of a plan that nothing holds back any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::drive::Driver;
use super::engine::{Doing, EngineError};
use crate::id::{RunId, Uid, UnitKey};
use crate::reconcile::{Change, ChangeKind, Plan, UnitChange, UnitRecord, UnitRow};
use crate::run::Run;
use crate::store::{RunWrite, UnitWrite};

/// How many runs are recorded together at most.
const TOGETHER: usize = 512;

impl Driver {
    /// Makes a queued run of every change that may start; returns how many.
    pub async fn start(&mut self, plan: &Plan) -> Result<usize, EngineError> {
        self.be_sure().await?;
        self.memory.drop_adopted();
        let mut started = 0;
        // What an older run left is taken back first: it may be the very thing that this one makes.
        let ready = plan.ready().filter(|change| !self.withdrawals.is_busy(&change.service));
        let ready: Vec<&Change> = ready.collect();
        for together in ready.chunks(TOGETHER) {
            let mut created = Vec::new();
            let mut known = self.recorded(together).await?;
            for change in together {
                created.push(self.create(change, &plan.commit, &mut known));
            }
            let recorded = self.engine.store.flush(&self.engine.lease).await;
            if recorded.is_err() {
                self.engine.store.let_go();
            }
            recorded.doing("recording runs")?;
            started += created.len();
            created.into_iter().for_each(|(run, writes)| self.take_up_new(run, &writes));
        }
        Ok(started)
    }

    /// Makes a run of a change; nobody knows of it before it is durable.
    fn create(
        &self,
        change: &Change,
        commit: &str,
        known: &mut BTreeMap<UnitKey, UnitRecord>,
    ) -> (Run, Vec<UnitWrite>) {
        let now = self.engine.clock.now();
        let record_of = |unit| record_of(unit, known.remove(&unit.unit));
        let records: Vec<UnitRecord> = change.units.iter().map(record_of).collect();
        let asked = self.memory.requested.contains(&change.service);
        let effect = records.iter().map(|record| record.effect).max().unwrap_or_default() + 1;
        let writes: Vec<UnitWrite> = records
            .into_iter()
            .zip(&change.units)
            .map(|(mut record, unit)| {
                record.effect = effect;
                record.corrections = record.corrections.after(unit, asked);
                // With the run, in one durable step: it comes neither twice nor never.
                if let Some(due) = &unit.due {
                    record.fired.insert(due.kept_as(), due.fired.clone());
                }
                record.basis = Some(unit.definition.clone());
                UnitWrite::Put(Box::new(record))
            })
            .collect();
        let run =
            Run::new(new_run_id(now), Arc::new(change.clone()), effect, commit.to_owned(), now);
        let units = writes.clone();
        self.engine.store.gather(RunWrite::Created { run: Box::new(run.clone()), units });
        (run, writes)
    }

    fn take_up_new(&mut self, run: Run, writes: &[UnitWrite]) {
        let change = run.change.clone();
        self.memory.take_writes(writes);
        for (unit, due) in change.units.iter().filter_map(|unit| Some((unit, unit.due.as_ref()?))) {
            let key = (unit.unit.clone(), due.kept_as());
            self.memory.fired.insert(key, due.fired.clone());
        }
        self.memory.stalled.remove(&change.service);
        self.memory.state.forgotten.remove(&change.service);
        self.memory.requested.remove(&change.service);
        self.memory.use_up(change.digest);
        let contacts = change.needs.iter().filter_map(|need| need.contact.clone());
        self.memory.state.contacts.extend(contacts);
        tracing::info!(run = %run.id, service = change.service, change = %change.digest.short(), kind = %change.kind(), "run queued");
        let id = run.id.clone();
        self.memory.runs.insert(id.clone(), run);
        self.queue(&id);
    }

    /// Reads what is recorded of the units of changes, all at once.
    async fn recorded(
        &self,
        changes: &[&Change],
    ) -> Result<BTreeMap<UnitKey, UnitRecord>, EngineError> {
        let units = changes.iter().flat_map(|change| &change.units);
        let keys: Vec<UnitKey> = units.map(|unit| unit.unit.clone()).collect();
        let known = self.engine.store.units(&keys).await.doing("reading units")?;
        Ok(known.into_iter().map(|record| (record.row.key.clone(), record)).collect())
    }
}

/// Returns the record that a run of a unit begins with: the known one, or a new one.
fn record_of(unit: &UnitChange, known: Option<UnitRecord>) -> UnitRecord {
    let reborn = |record: &UnitRecord| unit.kind == ChangeKind::Create && record.row.retained;
    match known {
        Some(record) if !reborn(&record) => record,
        Some(record) => UnitRecord { generation: record.generation + 1, ..new_record(unit) },
        None => new_record(unit),
    }
}

/// Makes the record of a unit that is not there yet.
pub(super) fn new_record(unit: &UnitChange) -> UnitRecord {
    UnitRecord {
        row: UnitRow {
            key: unit.unit.clone(),
            uid: Uid(random_hex(8)),
            applied: None,
            drifted: false,
            held: false,
            retained: false,
        },
        generation: 1,
        effect: 0,
        applied: None,
        basis: None,
        steps: BTreeMap::new(),
        observed: BTreeMap::new(),
        corrections: crate::reconcile::Corrections::default(),
        fired: BTreeMap::new(),
    }
}

/// Makes a name for a run that sorts by the time it was made.
fn new_run_id(now: Timestamp) -> RunId {
    RunId(format!("{:012x}{}", now.as_millisecond(), random_hex(4)))
}

/// Draws random bytes as hexadecimal digits.
fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0_u8; bytes];
    getrandom::fill(&mut buffer).expect("the operating system gives random bytes");
    buffer.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
