//! Which units have a new name, and whose records are worth reading. By digests alone: nothing is rendered here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::actual::UnitRows;
use super::desired::{Desired, Unit};
use crate::id::UnitKey;

/// Returns the units that have a new name: old → new. To be written before anything is planned.
pub fn renames(desired: &Desired, rows: &UnitRows) -> Vec<(UnitKey, UnitKey)> {
    desired
        .units
        .values()
        .filter(|unit| !unit.former.is_empty() && !rows.contains_key(&unit.key))
        .filter_map(|unit| {
            let old = unit
                .former
                .iter()
                .find(|old| rows.contains_key(*old) && !desired.units.contains_key(*old))?;
            Some((old.clone(), unit.key.clone()))
        })
        .collect()
}

/// Returns the units whose records are worth reading: all that may need something, or have something to show.
pub fn suspects(desired: &Desired, rows: &UnitRows, now: Timestamp) -> BTreeSet<UnitKey> {
    let mut suspects = BTreeSet::new();
    for (key, unit) in &desired.units {
        let in_sync = rows.get(key).is_some_and(|row| {
            !row.drifted
                && !row.retained
                && row.applied == Some((unit.intent, unit.definition_digest))
        });
        if !in_sync || desired.is_expired(unit, now) {
            suspects.insert(key.clone());
        }
    }
    suspects.extend(readers(desired, &suspects));
    suspects.extend(rows.keys().filter(|key| !desired.units.contains_key(*key)).cloned());
    suspects
}

/// Returns the units that come after any of some units, near and far: what is made anew has new outputs.
fn readers(desired: &Desired, of: &BTreeSet<UnitKey>) -> BTreeSet<UnitKey> {
    let mut found = BTreeSet::new();
    let mut open: Vec<UnitKey> = of.iter().cloned().collect();
    if open.is_empty() {
        return found;
    }
    let mut after: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for unit in desired.units.values() {
        let siblings = unit.depends_on.first().map(|sibling| &sibling.service);
        for service in unit.requires.iter().chain(siblings) {
            after.entry(service).or_default().push(unit);
        }
    }
    while let Some(key) = open.pop() {
        for unit in after.get(&*key.service).into_iter().flatten() {
            if reads(unit, &key) && !of.contains(&unit.key) && found.insert(unit.key.clone()) {
                open.push(unit.key.clone());
            }
        }
    }
    found
}

/// Tells whether a unit comes after another, and may read its outputs.
pub(super) fn reads(unit: &Unit, other: &UnitKey) -> bool {
    unit.requires.contains(&other.service) || unit.depends_on.contains(other)
}
