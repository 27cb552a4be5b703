//! What services cost each month, as their items estimate it. It asks nobody.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::catalog::{Catalog, Entry, Item};
use crate::reconcile::change::{ChangeKind, UnitChange};
use crate::reconcile::plan::Plan;

/// The fields of a unit, with their values.
type Fields = Map<String, Value>;

/// Returns what the services that change cost each month, before and after, by currency.
pub fn costs((base, merged): (&Catalog, &Catalog), plan: &Plan) -> BTreeMap<String, (f64, f64)> {
    let mut costs: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for unit in plan.changes.iter().flat_map(|change| &change.units) {
        let (before, after) = fields(unit);
        let old = before.and_then(|fields| cost(base, unit, &fields));
        let new = after.and_then(|fields| cost(merged, unit, &fields));
        if let Some((currency, amount)) = old {
            costs.entry(currency).or_default().0 += amount;
        }
        if let Some((currency, amount)) = new {
            costs.entry(currency).or_default().1 += amount;
        }
    }
    costs
}

/// Returns the fields of a unit before and after its change.
fn fields(unit: &UnitChange) -> (Option<Fields>, Option<Fields>) {
    let now = unit.inputs.fields.clone();
    match unit.kind {
        ChangeKind::Create => (None, Some(now)),
        ChangeKind::Delete => (Some(now), None),
        _ => {
            let mut before = now.clone();
            for field in &unit.fields {
                match &field.before {
                    Some(value) => before.insert(field.name.clone(), value.clone()),
                    None => before.remove(&field.name),
                };
            }
            (Some(before), Some(now))
        }
    }
}

/// Estimates what a unit costs each month: a base, and an amount for each unit of some fields.
fn cost(
    catalog: &Catalog,
    unit: &UnitChange,
    fields: &Map<String, Value>,
) -> Option<(String, f64)> {
    let item: &Entry<Item> = catalog.items.get(&unit.definition.item)?;
    let cost = item.body.metadata.cost.as_ref()?;
    let currency = cost.get("currency")?.as_str()?.to_owned();
    let monthly = cost.get("monthly").and_then(Value::as_f64).unwrap_or_default();
    let per_unit = cost.get("perUnit").and_then(Value::as_object);
    let counted: f64 = per_unit
        .into_iter()
        .flatten()
        .filter_map(|(field, price)| Some(fields.get(field)?.as_f64()? * price.as_f64()?))
        .sum();
    Some((currency, monthly + counted))
}
