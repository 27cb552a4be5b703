//! Plans with what units in sync have outside: asked for by what the plan claims, so that nothing else is read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::engine::{Doing, EngineError};
use super::memory::Memory;
use crate::catalog::Catalog;
use crate::id::UnitKey;
use crate::reconcile::{Actual, Desired, Facts, Plan, claims_of_change, plan};
use crate::store::Store;

/// Makes the plan; where it claims what a unit that is not in question has, or an open run is about to have, it
/// is made again with that known.
pub async fn plan_beside_others(
    (store, memory): (&dyn Store, &Memory),
    (catalog, desired, actual): (&Catalog, &Desired, &Actual),
    (mut facts, now): (Facts, Timestamp),
) -> Result<Plan, EngineError> {
    let mut asked: BTreeSet<String> = BTreeSet::new();
    loop {
        let plan = plan(catalog, desired, actual, (&facts, now));
        let claimed: Vec<(String, &UnitKey)> =
            plan.changes.iter().flat_map(claims_of_change).collect();
        let fresh: BTreeSet<&String> = claimed
            .iter()
            .map(|(claim, _)| claim)
            .filter(|claim| !asked.contains(*claim))
            .collect();
        if fresh.is_empty() {
            return Ok(plan);
        }
        let taken = holders((store, memory), &fresh, actual).await?;
        let refused =
            claimed.iter().any(|(claim, unit)| taken.get(claim).is_some_and(|by| by != *unit));
        if !refused {
            return Ok(plan);
        }
        asked.extend(fresh.into_iter().cloned());
        facts.claimed.extend(taken);
    }
}

/// Returns who has some things: units whose records are not at hand, and units of open runs.
async fn holders(
    (store, memory): (&dyn Store, &Memory),
    claims: &BTreeSet<&String>,
    actual: &Actual,
) -> Result<BTreeMap<String, UnitKey>, EngineError> {
    let listed: Vec<String> = claims.iter().map(|claim| (*claim).clone()).collect();
    let found = store.holders(&listed).await.doing("looking for what units have")?;
    // What is recorded of units at hand, the planner sees itself.
    let found = found.into_iter().filter(|(_, unit)| !actual.records.contains_key(unit));
    let underway = memory.runs.values().flat_map(|run| claims_of_change(&run.change));
    let underway = underway
        .filter(|(claim, _)| claims.contains(claim))
        .map(|(claim, unit)| (claim, unit.clone()));
    let mut holders = BTreeMap::new();
    for (claim, unit) in found.chain(underway) {
        holders.entry(claim).or_insert(unit);
    }
    Ok(holders)
}
