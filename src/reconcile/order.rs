//! In which order the units of one change are carried out. It decides over no other change.

use super::change::UnitChange;
use super::desired::Unit;
use crate::catalog::{Catalog, ErrorHandling};
use crate::id::UnitKey;

/// Orders the units of a change: what comes before stands before; a deletion goes the other way round.
pub(super) fn order_units(units: &mut Vec<UnitChange>, deleting: bool) {
    let mut waiting = std::mem::take(units);
    while !waiting.is_empty() {
        let names: Vec<UnitKey> = waiting.iter().map(|unit| unit.unit.clone()).collect();
        let free = |unit: &UnitChange| !unit.depends_on.iter().any(|before| names.contains(before));
        let next = waiting.iter().position(free).unwrap_or(0);
        units.push(waiting.remove(next));
    }
    if deleting {
        units.reverse();
        let mut before: Option<UnitKey> = None;
        for unit in units {
            unit.depends_on = before.take().into_iter().collect();
            before = Some(unit.unit.clone());
        }
    }
}

/// Returns what follows the failure of a unit: its bundle's word.
pub(super) fn error_handling(catalog: &Catalog, unit: &Unit) -> ErrorHandling {
    let id = unit.service.catalog_bundle.as_deref();
    let bundle = id.and_then(|id| catalog.bundles.get(id));
    bundle.map(|bundle| bundle.body.fulfillment.orchestration.error_handling).unwrap_or_default()
}
