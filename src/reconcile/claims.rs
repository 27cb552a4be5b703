//! Two units that claim one thing outside: the second is refused, and is told who has it.

use std::collections::BTreeMap;

use super::actual::UnitRecord;
use super::change::{ChangeKind, Effect, UnitChange};
use crate::id::UnitKey;
use crate::kinds;

/// Returns the services whose change claims what another unit has, with why.
///
/// What is recorded of units in question counts before what is planned; of two planned ones the first by name has it.
pub(super) fn taken(
    changed: &BTreeMap<String, Vec<UnitChange>>,
    records: &BTreeMap<UnitKey, UnitRecord>,
) -> BTreeMap<String, Vec<String>> {
    let mut owners: BTreeMap<String, UnitKey> = BTreeMap::new();
    for (key, record) in records {
        for step in record.steps.values() {
            for claim in claims_of(&step.action, &step.sent) {
                owners.entry(claim).or_insert_with(|| key.clone());
            }
        }
    }
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for unit in changed.values().flatten().filter(|unit| unit.kind != ChangeKind::Delete) {
        let performed = unit.steps.iter().filter(|step| step.effect == Effect::Perform);
        for claim in performed.flat_map(|step| claims_of(&step.action.kind, &step.config)) {
            let owner = owners.entry(claim.clone()).or_insert_with(|| unit.unit.clone());
            if *owner != unit.unit {
                let why = format!("{} claims {claim}, which {owner} has already", unit.unit);
                refused.entry(unit.unit.service.clone()).or_default().push(why);
            }
        }
    }
    refused
}

fn claims_of(kind: &str, config: &serde_json::Value) -> Vec<String> {
    kinds::find(kind).map(|kind| (kind.claims)(config)).unwrap_or_default()
}
