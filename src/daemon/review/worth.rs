//! What a proposal reaches and what it costs, told from both sides of it. It has no IO.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::bench::Sides;
use crate::catalog::{Catalog, Entry, Item};
use crate::reconcile::show::Reach;
use crate::reconcile::{ChangeKind, Plan, UnitChange};

/// The fields of a unit, with their values.
type Fields = Map<String, Value>;

/// Returns the items, bundles and environments that differ, each with the services that are of it.
pub(super) fn reach(sides: &Sides, plan: &Plan) -> Vec<Reach> {
    let (base, merged) = (&sides.base.catalog, &sides.merged.catalog);
    let differs = |path: &str| sides.touched.paths.contains(path);
    let mut found: Vec<Reach> = Vec::new();
    for (id, item) in merged
        .items
        .iter()
        .filter(|(id, item)| differs(&item.document.path) && base.items.contains_key(id.as_str()))
    {
        let of = |service: &str| of_item(merged, service, id);
        found.push(counted(format!("item {id}"), (merged, plan), of, item));
    }
    for (id, bundle) in merged.bundles.iter().filter(|(id, bundle)| {
        differs(&bundle.document.path) && base.bundles.contains_key(id.as_str())
    }) {
        let of = |service: &str| merged.services.get(service).is_some_and(|it| it.offer() == id);
        found.push(counted(format!("bundle {id}"), (merged, plan), of, bundle));
    }
    for (id, environment) in merged.environments.iter().filter(|(id, environment)| {
        differs(&environment.document.path) && base.environments.contains_key(id.as_str())
    }) {
        let of = |service: &str| {
            merged.services.get(service).is_some_and(|it| it.environment() == Some(id.as_str()))
        };
        found.push(counted(format!("environment {id}"), (merged, plan), of, environment));
    }
    found
}

fn of_item(catalog: &Catalog, service: &str, item: &str) -> bool {
    let Some(entry) = catalog.services.get(service) else { return false };
    let bundle = catalog.bundles.get(entry.offer());
    entry.offer() == item
        || bundle.is_some_and(|it| it.body.components.iter().any(|one| one.catalog_item == item))
}

fn counted<T>(
    what: String,
    (catalog, plan): (&Catalog, &Plan),
    of: impl Fn(&str) -> bool,
    _entry: &Entry<T>,
) -> Reach {
    let services = catalog.services.keys().filter(|id| of(id)).count();
    let changed = plan.changes.iter().filter(|change| of(&change.service)).count();
    Reach { what, services, changed }
}

/// Returns what the services that change cost each month, before and after, by currency.
pub(super) fn costs(sides: &Sides, plan: &Plan) -> BTreeMap<String, (f64, f64)> {
    let mut costs: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for unit in plan.changes.iter().flat_map(|change| &change.units) {
        let (before, after) = fields(unit);
        let old = before.and_then(|fields| cost(&sides.base.catalog, unit, &fields));
        let new = after.and_then(|fields| cost(&sides.merged.catalog, unit, &fields));
        if let Some((currency, amount)) = old {
            costs.entry(currency).or_default().0 += amount;
        }
        if let Some((currency, amount)) = new {
            costs.entry(currency).or_default().1 += amount;
        }
    }
    costs.retain(|_, (before, after)| (*before - *after).abs() > 0.005);
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
