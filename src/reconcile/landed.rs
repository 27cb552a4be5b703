//! Which changes wait for owners: what was not approved by the owners of the documents that it is made of is not
//! converged. Who approved what is told to us.

use super::change::Change;
use super::facts::Facts;
use super::plan::Pending;
use crate::catalog::{Catalog, Entry};

/// What holds for everything: who must approve what stands there, too.
const SETTINGS: &str = "trueline.yaml";

/// Says whose approval a change waits for, one document after the other.
pub(super) fn pending(change: &Change, catalog: &Catalog, facts: &Facts) -> Vec<Pending> {
    if facts.broken.contains_key(&change.digest) {
        return Vec::new();
    }
    let mut why: Vec<Pending> = Vec::new();
    if let Some(unverified) = &facts.unverified {
        why.push(Pending::Owner { path: String::new(), why: unverified.clone() });
    }
    for (path, reason) in &facts.unapproved {
        if concerns(path, change, catalog) {
            why.push(Pending::Owner { path: path.clone(), why: reason.clone() });
        }
    }
    why
}

/// Tells whether a change is made of a document.
pub fn concerns(path: &str, change: &Change, catalog: &Catalog) -> bool {
    if change.path == path || concerns_service(path, &change.service, catalog) {
        return true;
    }
    let environment = change.environment.as_ref().and_then(|id| catalog.environments.get(id));
    if environment.is_some_and(|entry| &*entry.document.path == path) {
        return true;
    }
    let offer = catalog.services.get(&change.service).map(Entry::offer);
    let bundle = offer.and_then(|id| catalog.bundles.get(id));
    if bundle.is_some_and(|entry| &*entry.document.path == path) {
        return true;
    }
    let mut items = change.units.iter().filter_map(|unit| catalog.items.get(&unit.definition.item));
    items.any(|entry| &*entry.document.path == path)
}

/// Tells whether a path is that of a service's document, or holds for every service.
pub fn concerns_service(path: &str, service: &str, catalog: &Catalog) -> bool {
    let entry = catalog.services.get(service);
    let is_document = entry.is_some_and(|entry| &*entry.document.path == path);
    path == SETTINGS || is_document || names(path, service)
}

/// Tells whether a path is that of a service's file, which may be gone.
fn names(path: &str, service: &str) -> bool {
    let file = path.strip_prefix("services/").and_then(|path| path.rsplit('/').next());
    file.and_then(|file| file.strip_suffix(".yaml")) == Some(service)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::reconcile::Pending;
    use crate::reconcile::policies::settled;
    use crate::reconcile::world::World;

    /// Shows what a change of a database waits for, in a world that something was told to.
    fn waits(tell: &dyn Fn(&mut World)) -> Vec<String> {
        let mut world = settled();
        world.field("db", "size", json!("large"));
        tell(&mut world);
        let plan = world.plan();
        let why = plan.pending.get("db").into_iter().flatten();
        why.filter(|why| matches!(why, Pending::Owner { .. })).map(ToString::to_string).collect()
    }

    fn unapproved(path: &str) -> Vec<String> {
        waits(&|world| {
            world.facts.unapproved.insert(path.to_owned(), "not approved by @ada".to_owned());
        })
    }

    #[test]
    fn a_change_waits_for_the_owners_of_all_that_it_is_made_of() {
        assert!(waits(&|_| {}).is_empty());
        let expected = ["waits for the owners of trueline.yaml: not approved by @ada"];
        assert_eq!(unapproved("trueline.yaml"), expected);
        assert_eq!(unapproved(crate::reconcile::policies::ITEM).len(), 1);
        let path = settled().plan().changes.first().map_or_else(String::new, |it| it.path.clone());
        assert!(path.is_empty(), "nothing is to be done in a settled world");
        assert_eq!(unapproved("services/payments/db.yaml").len(), 1);
        assert!(unapproved("services/payments/other.yaml").is_empty());
        assert!(unapproved("README.md").is_empty());
    }

    #[test]
    fn nothing_goes_on_before_it_is_known_who_approved_it() {
        let unknown = waits(&|world| world.facts.unverified = Some("is looked up".to_owned()));
        assert_eq!(unknown, ["waits for owners: is looked up"]);
    }
}
