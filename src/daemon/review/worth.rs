//! What a proposal reaches and what it costs, told from both sides of it. It has no IO.

use std::collections::BTreeMap;

use super::bench::Sides;
use crate::catalog::{Catalog, Entry};
use crate::reconcile::Plan;
use crate::reconcile::show::{self, Reach};

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

/// Returns what the services that change cost each month, before and after, by currency; what stays as it was is left out.
pub(super) fn costs(sides: &Sides, plan: &Plan) -> BTreeMap<String, (f64, f64)> {
    let mut costs = show::costs((&sides.base.catalog, &sides.merged.catalog), plan);
    costs.retain(|_, (before, after)| (*before - *after).abs() > 0.005);
    costs
}
