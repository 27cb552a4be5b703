//! Two units that claim one thing outside: the second is refused, and is told who has it.

use std::collections::{BTreeMap, BTreeSet};

use super::actual::UnitRecord;
use super::change::{Change, ChangeKind, Effect, UnitChange};
use crate::id::UnitKey;
use crate::kinds;

/// Returns the services whose change claims what another unit has, with why.
///
/// What is recorded counts before what is planned: of units in question by their records, of others by `claimed`;
/// of two planned ones the first by name has it.
pub(super) fn taken(
    changed: &BTreeMap<String, Vec<UnitChange>>,
    records: &BTreeMap<UnitKey, UnitRecord>,
    claimed: &BTreeMap<String, UnitKey>,
) -> BTreeMap<String, Vec<String>> {
    let mut owners: BTreeMap<String, UnitKey> = claimed.clone();
    for (key, record) in records {
        for claim in claims_of_record(record) {
            owners.entry(claim).or_insert_with(|| key.clone());
        }
    }
    let mut refused: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for unit in changed.values().flatten() {
        for claim in claims_of_unit(unit) {
            let owner = owners.entry(claim.clone()).or_insert_with(|| unit.unit.clone());
            if *owner != unit.unit {
                let why = format!("{} claims {claim}, which {owner} has already", unit.unit);
                refused.entry(unit.unit.service.clone()).or_default().push(why);
            }
        }
    }
    refused
}

/// Names the things outside that a unit has, by what its steps last sent.
pub fn claims_of_record(record: &UnitRecord) -> BTreeSet<String> {
    let steps = record.steps.values();
    steps.flat_map(|step| claims_of(&step.action, &step.sent)).collect()
}

/// Names the things outside that a change claims, each with the unit that does.
pub fn claims_of_change(change: &Change) -> impl Iterator<Item = (String, &UnitKey)> {
    let of_unit = |unit| claims_of_unit(unit).map(|claim| (claim, &unit.unit));
    change.units.iter().flat_map(of_unit)
}

fn claims_of_unit(unit: &UnitChange) -> impl Iterator<Item = String> {
    let stays = unit.kind != ChangeKind::Delete;
    let performed = unit
        .steps
        .iter()
        .filter(move |step| stays && matches!(step.effect, Effect::Perform | Effect::Adopt));
    performed.flat_map(|step| claims_of(&step.action.kind, &step.config))
}

fn claims_of(kind: &str, config: &serde_json::Value) -> Vec<String> {
    kinds::find(kind).map(|kind| (kind.claims)(config)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::policies::{ITEM, check};
    use super::super::world::World;
    use super::*;

    /// A database; what it is linked to is where it stands outside.
    fn put(world: &mut World, id: &str, link: &str) {
        world.service(id, "database", json!({"fields": {"link": link}}));
    }

    /// A world with a few services, so that one that goes is no mass deletion.
    fn world() -> World {
        let mut world = World::new();
        for (action, host) in [(0, "api"), (1, "dns")] {
            for call in ["endpoint", "delete"] {
                let pointer = format!("/fulfillment/automatic/actions/{action}/config/{call}/url");
                let url = format!("https://{host}.example.com/{{{{fields.link}}}}");
                world.set(ITEM, &pointer, json!(url));
            }
        }
        world.service("desk1", "desk", json!({})).service("desk2", "desk", json!({}));
        world.converge();
        world
    }

    const PROVISIONED: &str = "rest:https://api.example.com/orders";
    const REGISTERED: &str = "rest:https://dns.example.com/orders";

    fn refused(second: &str, first: &str) -> [String; 2] {
        [PROVISIONED, REGISTERED]
            .map(|claim| format!("blocked: {second} claims {claim}, which {first} has already"))
    }

    #[test]
    fn of_two_in_a_plan_the_second_is_blocked_and_told_who_was_first() {
        let mut world = world();
        put(&mut world, "orders", "orders");
        put(&mut world, "copy-of-it", "orders");
        put(&mut world, "other", "other");
        let [one, two] = refused("orders", "copy-of-it");
        check(&world.plan(), &["create copy-of-it", "create other", &one, &two]);
    }

    #[test]
    fn what_a_recorded_unit_has_is_not_claimed_by_one_that_comes_first_by_name() {
        let mut world = world();
        put(&mut world, "orders", "orders");
        world.converge();
        put(&mut world, "a-copy", "orders");
        world.field("orders", "size", json!("large"));
        let [one, two] = refused("a-copy", "orders");
        check(&world.plan(), &["update orders", &one, &two]);
        // The one that has it keeps it, and is not in its own way.
        world.remove("a-copy");
        check(&world.plan(), &["update orders"]);
    }

    #[test]
    fn what_goes_is_free_only_once_it_is_gone() {
        let mut world = world();
        put(&mut world, "orders", "orders");
        world.converge();
        world.remove("orders");
        put(&mut world, "a-copy", "orders");
        let [one, two] = refused("a-copy", "orders");
        let plan = world.plan();
        check(&plan, &["delete orders", "  waits for 1 approval (deleting orders)", &one, &two]);
        world.apply(&plan);
        check(&world.plan(), &["create a-copy"]);
    }

    #[test]
    fn what_a_unit_that_is_in_sync_has_is_a_fact_that_the_planner_is_told() {
        let mut world = world();
        put(&mut world, "orders", "orders");
        world.converge();
        put(&mut world, "a-copy", "orders");
        check(&world.plan(), &["create a-copy"]);
        let orders = UnitKey::service("orders");
        let claims = claims_of_record(&world.records[&orders]);
        assert_eq!(claims, BTreeSet::from([PROVISIONED.to_owned(), REGISTERED.to_owned()]));
        world.facts.claimed = claims.into_iter().map(|claim| (claim, orders.clone())).collect();
        let [one, two] = refused("a-copy", "orders");
        check(&world.plan(), &[&one, &two]);
        // Told of its own claims, a unit is not in its own way.
        world.remove("a-copy").field("orders", "size", json!("large"));
        check(&world.plan(), &["update orders"]);
    }

    #[test]
    fn a_change_names_what_it_claims_but_not_what_it_takes_away() {
        let mut world = world();
        put(&mut world, "orders", "orders");
        let plan = world.converge();
        let claims = |plan: &crate::reconcile::Plan| {
            let all = plan.changes.iter().flat_map(claims_of_change);
            all.map(|(claim, unit)| format!("{unit} {claim}")).collect::<Vec<_>>()
        };
        let both = [PROVISIONED, REGISTERED].map(|claim| format!("orders {claim}"));
        assert_eq!(claims(&plan), both);
        world.field("orders", "size", json!("large"));
        assert_eq!(claims(&world.plan()), both);
        world.remove("orders");
        assert!(claims(&world.plan()).is_empty());
    }
}
