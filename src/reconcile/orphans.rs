//! Deletions that would leave others without what they depend on. It plans nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::actual::{Actual, UnitRecord};
use super::change::{ChangeKind, UnitChange};
use super::desired::Desired;
use crate::catalog::DeletionPolicy;
use crate::id::UnitKey;

/// Returns the services that can't be deleted because a unit that stays depends on them, with why. What is refused
/// stays too, and keeps what it depends on.
pub(super) fn refused(
    changed: &BTreeMap<String, Vec<UnitChange>>,
    desired: &Desired,
    actual: &Actual,
) -> BTreeMap<String, String> {
    let is_going = |(service, units): &(&String, &Vec<UnitChange>)| {
        units.iter().all(|unit| unit.kind == ChangeKind::Delete)
            && desired.units_of(service).next().is_none()
    };
    let mut going: BTreeSet<&String> =
        changed.iter().filter(is_going).map(|(service, _)| service).collect();
    let units = changed.values().flatten();
    let deleted: BTreeSet<&UnitKey> =
        units.filter(|unit| unit.kind == ChangeKind::Delete).map(|unit| &unit.unit).collect();
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let leaves = |key: &UnitKey| deleted.contains(key) && !refused.contains_key(&key.service);
        let dependents = dependents(&going, leaves, (desired, actual));
        if dependents.is_empty() {
            return refused;
        }
        for (service, dependent) in dependents {
            let why = format!("{service} can't be deleted while {dependent} depends on it");
            refused.insert(service.clone(), why);
            going.remove(service);
        }
    }
}

/// Returns which of some services others depend on that stay, and who.
fn dependents<'a>(
    going: &BTreeSet<&'a String>,
    leaves: impl Fn(&UnitKey) -> bool,
    (desired, actual): (&'a Desired, &'a Actual),
) -> BTreeMap<&'a String, &'a String> {
    let mut found: BTreeMap<&String, &String> = BTreeMap::new();
    if going.is_empty() {
        return found;
    }
    for unit in desired.units.values() {
        for service in unit.requires.iter().filter_map(|service| going.get(service).copied()) {
            found.entry(service).or_insert(&unit.key.service);
        }
    }
    // What does not fit, or whose file is gone and that is not deleted, is not among what is wanted, and is there.
    let stays = |record: &&UnitRecord| {
        let key = &record.row.key;
        !record.row.retained && !leaves(key) && !desired.units.contains_key(key)
    };
    for record in actual.records.values().filter(stays) {
        let Some(applied) = &record.applied else { continue };
        let is_blocked = desired.blocked.contains_key(&record.row.key.service);
        if applied.deletion == DeletionPolicy::Retain && !is_blocked {
            continue;
        }
        for service in applied.depends_on.iter().filter_map(|service| going.get(service).copied()) {
            found.entry(service).or_insert(&record.row.key.service);
        }
    }
    found
}
