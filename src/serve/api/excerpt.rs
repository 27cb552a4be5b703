//! As much of a catalog as the plan of one service needs, so that planning it costs what it is about, not what there is.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::relations::{dependents, upstream};
use crate::catalog::{Catalog, Snapshot};
use crate::clock::Clock;
use crate::daemon::{Preview, compare};

/// One side of a comparison: what was read, and the catalog in it.
pub(super) type Side<'a> = (&'a Snapshot, &'a Arc<Catalog>);

/// Plans one service from what is around it. The guard counts all services there are: where it holds the plan of so few, it is asked
/// about all. What it does not hold of few it does not hold of all.
pub(super) fn planned_around(
    id: &str,
    base: Side<'_>,
    head: Side<'_>,
    (name, clock): (&str, &dyn Clock),
) -> Preview {
    let (before, after) = around(id, base, head);
    let preview = compare(&before, &after, name, clock);
    if preview.plan.verdict.holds.is_empty() {
        return preview;
    }
    compare(base.0, head.0, name, clock)
}

/// Takes the services out of both sides that neither need one service nor are needed by it or by those; all else stays.
fn around(id: &str, base: Side<'_>, head: Side<'_>) -> (Snapshot, Snapshot) {
    let mut kept = BTreeSet::from([id.to_owned()]);
    for (snapshot, catalog) in [base, head] {
        let Some(others) = dependents((catalog, snapshot), id) else {
            return (base.0.clone(), head.0.clone());
        };
        kept.extend(others.into_iter().map(|(other, _)| other));
    }
    for (_, catalog) in [base, head] {
        let mut rest: Vec<String> = kept.iter().cloned().collect();
        while let Some(one) = rest.pop() {
            let entry = catalog.services.get(&one);
            let needed = entry.map(|entry| upstream(catalog, entry)).unwrap_or_default();
            rest.extend(needed.into_iter().map(|(id, _)| id).filter(|id| kept.insert(id.clone())));
        }
    }
    (without_others(base, &kept), without_others(head, &kept))
}

fn without_others((snapshot, catalog): Side<'_>, kept: &BTreeSet<String>) -> Snapshot {
    let mut excerpt = snapshot.clone();
    for (_, entry) in catalog.services.iter().filter(|(id, _)| !kept.contains(*id)) {
        excerpt.files.remove(&entry.document.path);
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::daemon::SystemClock;
    use crate::reconcile::show;
    use crate::serve::api::scene;
    use crate::serve::api::services::only;
    use crate::validate::Judge;

    fn catalog(size: &str) -> Snapshot {
        let services = [
            ("unit-a", ""),
            ("unit-b", "unit-a"),
            ("unit-c", "unit-b"),
            ("unit-d", "unit-c"),
            ("unit-e", "unit-a"),
            ("unit-f", ""),
        ];
        let files = services.map(|(id, needs)| {
            let needs =
                if needs.is_empty() { String::new() } else { format!("dependsOn: [{needs}]\n") };
            let text = scene::service(id, "payments", if id == "unit-c" { size } else { "small" });
            (format!("services/payments/{id}.yaml"), format!("{text}{needs}").into_bytes())
        });
        let mut all = scene::snapshot();
        for (path, blob) in &Snapshot::of_files(files).files {
            all.files.insert(path.clone(), blob.clone());
        }
        all
    }

    fn judged(snapshot: &Snapshot) -> Arc<Catalog> {
        let judged = Judge::new(Vec::new()).judge(snapshot);
        let wrong: Vec<_> = judged.findings.iter().filter(|found| found.is_error()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
        judged.catalog.clone()
    }

    /// The plan of one service, as it is told.
    fn planned(base: &Snapshot, head: &Snapshot, id: &str) -> Value {
        let plan = only(compare(base, head, "tests", &SystemClock).plan, &|one| one == id);
        let mut told = show::json(&plan);
        // It names a plan of more, or of fewer.
        told.as_object_mut().map(|told| told.remove("digest"));
        told
    }

    #[test]
    fn the_plan_of_a_service_is_the_same_from_what_is_around_it() {
        let (base, changed) = (catalog("small"), catalog("large"));
        let mut gone = base.clone();
        gone.files.remove("services/payments/unit-d.yaml");
        for (head, id, left) in
            [(&changed, "unit-c", 4), (&gone, "unit-d", 4), (&changed, "unit-f", 1)]
        {
            let sides = ((&base, &judged(&base)), (head, &judged(head)));
            let (before, after) = around(id, sides.0, sides.1);
            let services = |snapshot: &Snapshot| {
                snapshot.files.keys().filter(|path| path.starts_with("services/payments/")).count()
            };
            assert_eq!(services(&before), left, "{id}");
            assert_eq!(planned(&before, &after, id), planned(&base, head, id), "{id}");
        }
    }

    #[test]
    fn the_guard_judges_what_goes_by_all_that_there_is() {
        let base = catalog("small");
        let mut gone = base.clone();
        gone.files.remove("services/payments/unit-f.yaml");
        let sides = ((&base, &judged(&base)), (&gone, &judged(&gone)));
        let (before, after) = around("unit-f", sides.0, sides.1);
        let held = compare(&before, &after, "tests", &SystemClock).plan.verdict;
        assert_eq!(held.holds.len(), 1, "alone, it is all that there is");
        let plan = planned_around("unit-f", sides.0, sides.1, ("tests", &SystemClock)).plan;
        assert!(plan.verdict.holds.is_empty() && plan.verdict.deletions == 1, "{:?}", plan.verdict);
        let mut told = show::json(&only(plan, &|one| one == "unit-f"));
        told.as_object_mut().map(|told| told.remove("digest"));
        assert_eq!(told, planned(&base, &gone, "unit-f"));
    }
}
