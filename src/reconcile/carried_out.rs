//! What would be recorded once a plan had been carried out, as far as a plan can know: the base of a review.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::actual::{Actual, Applied, StepRecord, UnitRecord, UnitRow};
use super::change::{Effect, NeedKind, UnitChange, When};
use super::plan::Plan;
use super::steps::step_digest;
use crate::digest::Digest;
use crate::id::{RunId, Uid};

/// Returns the record that carrying out a plan from nothing would leave; unknown outputs stay unknown.
pub fn carried_out(plan: &Plan, at: Timestamp) -> Actual {
    let mut actual = Actual::default();
    for change in &plan.changes {
        for unit in &change.units {
            let needs = change.needs.iter().filter(|need| need.kind == NeedKind::Rule).cloned();
            let record = record_of(unit, needs.collect(), (&plan.commit, at));
            actual.rows.insert(unit.unit.clone(), record.row.clone());
            actual.records.insert(unit.unit.clone(), record);
        }
    }
    actual
}

fn record_of(
    unit: &UnitChange,
    needs: Vec<super::change::Need>,
    (commit, at): (&str, Timestamp),
) -> UnitRecord {
    let run = RunId("review".to_owned());
    let done = unit.steps.iter().filter(|step| {
        matches!(step.effect, Effect::Perform | Effect::Keep) && step.when != When::No
    });
    let steps: BTreeMap<String, StepRecord> = done
        .map(|step| {
            let left = StepRecord {
                action: step.action.kind.clone(),
                digest: step_digest(&step.action.kind, &step.config),
                sent: step.config.clone(),
                result: Value::Null,
                outputs: step.outputs.clone(),
                run: run.clone(),
                at,
            };
            (step.action.id.clone(), left)
        })
        .collect();
    let uid = Uid(Digest::of_bytes(unit.unit.to_string().as_bytes()).short());
    UnitRecord {
        row: UnitRow {
            key: unit.unit.clone(),
            uid,
            applied: Some((unit.intent, unit.definition_digest)),
            drifted: false,
            held: false,
            retained: false,
        },
        generation: 1,
        effect: 1,
        applied: Some(Applied {
            intent: unit.intent,
            definition_digest: unit.definition_digest,
            definition: unit.definition.clone(),
            inputs: unit.inputs.clone(),
            fields: unit.inputs.fields.clone(),
            outputs: serde_json::Map::new(),
            state: unit.state.clone(),
            depends_on: unit.requires.clone(),
            siblings: unit.depends_on.clone(),
            deletion: unit.deletion,
            needs,
            commit: commit.to_owned(),
            run,
            at,
        }),
        basis: Some(unit.definition.clone()),
        steps,
        observed: BTreeMap::new(),
        corrections: super::flapping::Corrections::default(),
        fired: BTreeMap::new(),
    }
}
