//! Deletions that would leave others without what they depend on. It plans nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::actual::Actual;
use super::change::{ChangeKind, UnitChange};
use super::desired::Desired;

/// Returns the services that can't be deleted because a unit that stays depends on them, with why.
pub(super) fn refused(
    changed: &BTreeMap<String, Vec<UnitChange>>,
    desired: &Desired,
    actual: &Actual,
) -> BTreeMap<String, String> {
    let goes = |(service, units): &(&String, &Vec<UnitChange>)| {
        units.iter().all(|unit| unit.kind == ChangeKind::Delete)
            && desired.units_of(service).next().is_none()
    };
    let deleted: BTreeSet<&String> =
        changed.iter().filter(goes).map(|(service, _)| service).collect();
    if deleted.is_empty() {
        return BTreeMap::new();
    }
    let mut dependents: BTreeMap<&String, &String> = BTreeMap::new();
    for unit in desired.units.values() {
        for service in unit.requires.iter().filter(|service| deleted.contains(service)) {
            dependents.entry(service).or_insert(&unit.key.service);
        }
    }
    // One that no longer fits is not among what is wanted, and is there all the same.
    for (key, record) in &actual.records {
        if record.row.retained || !desired.blocked.contains_key(&key.service) {
            continue;
        }
        let needed = record.applied.iter().flat_map(|applied| &applied.depends_on);
        for service in needed.filter(|service| deleted.contains(service)) {
            dependents.entry(service).or_insert(&key.service);
        }
    }
    let why = |(service, dependent): (&String, &String)| {
        (service.clone(), format!("{service} can't be deleted while {dependent} depends on it"))
    };
    dependents.into_iter().map(why).collect()
}
