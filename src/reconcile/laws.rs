//! What holds for every catalog, whatever it wants: tests only.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::change::{Change, ChangeKind};
use super::desired::DesiredBuilder;
use super::plan::Plan;
use super::show;
use super::world::{World, path_of};
use crate::digest::Digest;
use crate::id::UnitKey;

/// A service as chance draws it: its offer, size, zone, environment, what it reads, and whether it is there.
type Draw = (u8, u8, u8, u8, Option<u8>, bool);

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    let reads = proptest::option::weighted(0.6, any::<u8>());
    vec((0..3_u8, 0..3_u8, 0..2_u8, 0..3_u8, reads, proptest::bool::weighted(0.8)), 0..7)
}

/// A catalog of the services that were drawn; each reads from one above it at most.
fn world_of(draws: &[Draw]) -> World {
    let mut world = World::new();
    let mut there: Vec<String> = Vec::new();
    for (number, (offer, size, zone, environment, reads, is_there)) in draws.iter().enumerate() {
        if !is_there {
            continue;
        }
        let id = format!("service-{number}");
        let size = ["small", "medium", "large"][usize::from(*size)];
        let zone = ["a", "b"][usize::from(*zone)];
        let mut fields = json!({"size": size, "zone": zone});
        let upstream = reads.filter(|_| !there.is_empty());
        let upstream = upstream.map(|pick| &there[usize::from(pick) % there.len()]);
        let policy = ["confirm", "delete", "retain"][number % 3];
        let mut more = json!({"deletionPolicy": policy});
        match (offer, upstream) {
            (2, Some(upstream)) => more["dependsOn"] = json!([upstream]),
            (_, Some(upstream)) => {
                fields["link"] = json!(format!("{{{{services.{upstream}.outputs.url}}}}"));
            }
            _ => {}
        }
        more["fields"] = fields;
        match environment {
            0 => more["metadata"] = json!({"environment": "staging"}),
            _ => more["metadata"] = json!({"environment": "production"}),
        }
        world.service(&id, "database", more);
        match offer {
            0 => {}
            1 => {
                world.set(&path_of(&id), "/catalogItem", json!("desk"));
            }
            _ => {
                let service = world.documents.get_mut(&path_of(&id)).and_then(Value::as_object_mut);
                let service = service.unwrap();
                service.remove("catalogItem");
                service.insert("catalogBundle".to_owned(), json!("shop"));
            }
        }
        there.push(id);
    }
    world
}

fn digests(plan: &Plan) -> BTreeMap<&str, Digest> {
    plan.changes.iter().map(|change| (change.service.as_str(), change.digest)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// From nothing and from anything, carrying out a plan leads to what is wanted.
    #[test]
    fn applying_the_plan_gives_desired(first in draws(), second in draws()) {
        let mut world = world_of(&first);
        world.converge();
        prop_assert_eq!(world.plan().changes, vec![]);
        world.wants(&world_of(&second));
        world.converge();
        let again = world.plan();
        prop_assert!(again.is_empty(), "{}", show::text(&again, show::Style::default()));
        prop_assert!(again.blocked.is_empty() && again.outdated.is_empty() && again.drifted.is_empty());
    }

    /// What is there is named by desired state, or is kept by policy.
    #[test]
    fn nothing_is_left_behind(first in draws(), second in draws()) {
        let mut world = world_of(&first);
        world.converge();
        world.wants(&world_of(&second));
        world.converge();
        let catalog = world.catalog();
        let desired = world.desired_by(&mut DesiredBuilder::default(), &catalog);
        for (key, record) in &world.records {
            prop_assert!(record.row.retained || desired.units.contains_key(key), "{key}");
        }
        for key in desired.units.keys() {
            prop_assert!(world.records.contains_key(key), "{key}");
        }
    }

    /// The same input gives the same bytes, also where the builder remembers earlier catalogs.
    #[test]
    fn the_same_input_gives_the_same_bytes(first in draws(), second in draws()) {
        let mut world = world_of(&first);
        let mut remembering = DesiredBuilder::default();
        let plan = world.plan_by(&mut remembering);
        prop_assert_eq!(show::json(&plan).to_string(), show::json(&world.plan()).to_string());
        world.apply(&plan);
        world.wants(&world_of(&second));
        let (one, two) = (world.plan_by(&mut remembering), world.plan());
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(one.digest, one.compute_digest());
        prop_assert_eq!(show::json(&one).to_string(), show::json(&two).to_string());
        let stored: Plan = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        prop_assert_eq!(stored, one, "a plan survives the store");
    }

    /// Keys of documents may stand in any order.
    #[test]
    fn the_order_of_documents_changes_nothing(drawn in draws(), seed in any::<u64>()) {
        let mut world = world_of(&drawn);
        let catalog = world.catalog();
        let mut documents: Vec<_> = catalog.documents.values().cloned().collect();
        documents.sort_by_key(|document| Digest::of_json(&json!([seed, &*document.path])));
        let shuffled = crate::catalog::Catalog::of("c0ffee", documents);
        let one = world.desired_by(&mut DesiredBuilder::default(), &catalog);
        let two = world.desired_by(&mut DesiredBuilder::default(), &shuffled);
        let intents = |desired: &super::Desired| -> Vec<_> {
            desired.units.values().map(|unit| (unit.key.clone(), unit.intent, unit.source)).collect()
        };
        prop_assert_eq!(intents(&one), intents(&two));
        let (facts, now) = (world.facts.clone(), world.now);
        let actual = super::Actual::default();
        let plan_of = |catalog, desired| super::plan(catalog, desired, &actual, (&facts, now));
        prop_assert_eq!(plan_of(&catalog, &one), plan_of(&shuffled, &two));
        prop_assert_eq!(plan_of(&catalog, &one), world.plan());
    }

    /// A change of a service voids no approval of another that does not read from it.
    #[test]
    fn an_unrelated_service_leaves_digests_alone(drawn in draws(), size in "[a-z]{3,8}") {
        let mut world = world_of(&drawn);
        let before = world.plan();
        world.service("unrelated", "database", json!({"fields": {"size": size}}));
        let after = world.plan();
        let (before, after) = (digests(&before), digests(&after));
        prop_assert_eq!(after.len(), before.len() + 1);
        for (service, digest) in before {
            prop_assert_eq!(Some(&digest), after.get(service), "{}", service);
        }
    }

    /// Every change is unlike the one that follows when its service wants something else.
    #[test]
    fn what_is_wanted_decides_the_digest(drawn in draws(), size in "[a-z]{8}") {
        let mut world = world_of(&drawn);
        let before = world.plan();
        for change in &before.changes {
            world.field(&change.service, "size", json!(size));
        }
        let after = world.plan();
        let (before, after) = (digests(&before), digests(&after));
        for (service, digest) in before {
            prop_assert_ne!(Some(&digest), after.get(service), "{}", service);
        }
    }

    /// Nothing is taken away while the catalog can't be read as a whole.
    #[test]
    fn an_unreadable_catalog_takes_nothing_away(first in draws(), second in draws()) {
        let mut world = world_of(&first);
        world.converge();
        world.wants(&world_of(&second));
        world.absent_is_unknown = Some("services/a.yaml can't be read".to_owned());
        let plan = world.plan();
        let catalog = world.catalog();
        let desired = world.desired_by(&mut DesiredBuilder::default(), &catalog);
        let gone = |unit: &&super::UnitChange| unit.kind == ChangeKind::Delete;
        let deleted: Vec<_> =
            plan.changes.iter().flat_map(|change| &change.units).filter(gone).collect();
        prop_assert!(deleted.is_empty(), "{:?}", deleted);
        for (key, record) in world.records.iter().filter(|(key, _)| !desired.units.contains_key(*key)) {
            prop_assert!(plan.unknown.contains_key(key) || record.row.retained, "{key}");
        }
    }

    /// What comes before stands before, and is part of the same change or plan.
    #[test]
    fn what_comes_before_is_there(first in draws(), second in draws()) {
        let mut world = world_of(&first);
        world.converge();
        world.wants(&world_of(&second));
        let plan = world.plan();
        for change in &plan.changes {
            prop_assert!(change.after.iter().all(|id| plan.change(id).is_some()), "{:?}", change.after);
            ordered(change)?;
        }
    }
}

fn ordered(change: &Change) -> Result<(), TestCaseError> {
    for unit in &change.units {
        for (index, step) in unit.steps.iter().enumerate() {
            let above = &unit.steps[..index];
            for before in &step.depends_on {
                prop_assert!(above.iter().any(|step| step.path == *before), "{before}");
            }
        }
    }
    for (index, unit) in change.units.iter().enumerate() {
        let known = |key: &UnitKey| change.units.iter().any(|unit| unit.unit == *key);
        for before in unit.depends_on.iter().filter(|key| known(key)) {
            prop_assert!(change.units[..index].iter().any(|unit| unit.unit == *before), "{before}");
        }
    }
    Ok(())
}
