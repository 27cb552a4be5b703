//! Services that people had taken over: what is recorded once every step was found to be there and equal, and when the
//! word for it is used up. It asks nothing outside.

use jiff::Timestamp;

use super::call::Bench;
use super::memory::Memory;
use crate::id::UnitKey;
use crate::reconcile::{ChangeKind, Effect, StepRecord, UnitRecord, recorded_as, step_digest};
use crate::run::{Run, RunState};

/// Returns the record of a unit whose every step was found to be there and equal: as if it had made all of it.
pub(super) fn adopted(bench: &Bench<'_>, now: Timestamp) -> Result<Option<UnitRecord>, String> {
    if bench.unit.kind != ChangeKind::Adopt {
        return Ok(None);
    }
    let mut record = bench.record.clone();
    for step in bench.unit.steps.iter().filter(|step| step.effect == Effect::Adopt) {
        let Some(progress) = bench.run.steps.get(&step.path) else { continue };
        // One that its condition leaves out is not there, and need not be.
        if progress.attempts == 0 {
            continue;
        }
        let left = StepRecord {
            action: step.action.kind.clone(),
            digest: step_digest(&step.action.kind, &bench.public(step, None)?),
            sent: bench.public(step, Some(&progress.outputs))?,
            result: progress.result.clone(),
            outputs: progress.outputs.clone(),
            run: bench.run.id.clone(),
            at: now,
        };
        record.steps.insert(recorded_as(&record, step), left);
    }
    Ok(Some(record))
}

impl Memory {
    /// Uses up the word to take a service over, once a run has found out; one that gave way to a newer revision did not.
    pub(super) fn adoption_ended(&mut self, run: &Run) {
        if run.adopts() && run.state != RunState::Superseded {
            self.state.adopting.remove(&run.change.service);
        }
    }

    /// Drops the words to take over what is looked after already.
    pub fn drop_adopted(&mut self) {
        let rows = &self.rows;
        self.state.adopting.retain(|service| {
            let own = rows.range(UnitKey::service(service)..);
            let mut own = own.take_while(|(key, _)| key.service == *service).peekable();
            own.peek().is_none() || own.any(|(_, row)| row.applied.is_none())
        });
    }
}
