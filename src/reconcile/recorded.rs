//! What is recorded of a unit, compared: its fingerprint, its fields, its drift. It decides nothing.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::actual::{Observation, UnitRecord};
use super::change::FieldChange;
use crate::digest::Digest;

/// Fingerprint of the recorded actual that a change starts from.
pub fn fingerprint(record: &UnitRecord) -> Digest {
    let steps: Map<String, Value> =
        record.steps.iter().map(|(id, step)| (id.clone(), json!(step.digest))).collect();
    let drift: Vec<(&String, &Observation)> = record
        .observed
        .iter()
        .filter(|(_, seen)| seen.observation.is_drift())
        .map(|(id, seen)| (id, &seen.observation))
        .collect();
    let applied =
        record.applied.as_ref().map(|applied| (applied.intent, applied.definition_digest));
    Digest::of_json(
        &json!({"generation": record.generation, "applied": applied, "steps": steps, "drift": drift}),
    )
}

/// Compares two sets of fields.
pub fn field_changes(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    immutable: &[String],
) -> Vec<FieldChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| FieldChange {
            name: name.clone(),
            before: before.get(name).cloned(),
            after: after.get(name).cloned(),
            immutable: immutable.contains(name),
        })
        .collect()
}

/// What puts drift right: from what is there to what was last written.
pub(super) fn drift_changes(record: Option<&UnitRecord>) -> Vec<FieldChange> {
    let Some(record) = record else { return Vec::new() };
    let mut all = Vec::new();
    for (step, seen) in &record.observed {
        match &seen.observation {
            Observation::Different { changes } => {
                all.extend(changes.iter().map(|change| FieldChange {
                    name: format!("{step}{}", change.name),
                    // Put right: from what is there to what we wrote.
                    before: change.after.clone(),
                    after: change.before.clone(),
                    immutable: false,
                }));
            }
            Observation::Absent => all.push(FieldChange {
                name: step.clone(),
                before: Some(json!("absent")),
                after: Some(json!("as it was last written")),
                immutable: false,
            }),
            Observation::Same | Observation::Unknown { .. } => {}
        }
    }
    all
}
