//! The hooks around whatever is done to a unit: what they see of earlier runs, and how they stand around a deletion.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::change::PlannedStep;
use super::steps::{Keeping, Source, outputs_seen, performed, record_of};
use crate::catalog::Action;
use crate::id::StepPath;

/// Returns what is known of the outputs of actions that are not carried out now: what they answered in earlier runs.
pub(super) fn seen_before(source: &Source<'_>, actions: &[Action]) -> BTreeMap<String, Value> {
    let definition = source.definition;
    if definition.before.is_empty() && definition.after.is_empty() {
        return BTreeMap::new();
    }
    let now: BTreeSet<&String> = actions.iter().map(|action| &action.id).collect();
    let other = definition.create.iter().filter(|action| !now.contains(&action.id));
    let seen = other.map(|action| {
        let mut seen = outputs_seen(action, None);
        if let Some(left) = record_of(source.record, action) {
            let known = left.outputs.iter().map(|(name, value)| {
                let path = format!("outputs.{}.{name}", action.id);
                (name.clone(), super::evaluate::public(value, &path))
            });
            seen.extend(known);
        }
        (action.id.clone(), json!(seen))
    });
    seen.collect()
}

/// Puts the hooks around what takes a unit away.
pub(super) fn around(
    source: &Source<'_>,
    mut undone: Vec<PlannedStep>,
) -> Result<Vec<PlannedStep>, Vec<String>> {
    let mut before = performed(source, &[], "delete", Keeping::Nothing)?;
    let mut after = before.split_off(source.definition.before.len().min(before.len()));
    let last = ends_of(&before);
    for step in undone.iter_mut().filter(|step| step.depends_on.is_empty()) {
        step.depends_on.clone_from(&last);
    }
    let gate = ends_of(&undone);
    let own: BTreeSet<StepPath> = after.iter().map(|step| step.path.clone()).collect();
    for step in &mut after {
        let is_first = !step.depends_on.iter().any(|path| own.contains(path));
        if is_first && !gate.is_empty() {
            step.depends_on.clone_from(&gate);
        }
    }
    Ok(before.into_iter().chain(undone).chain(after).collect())
}

/// Returns the steps that no other one of them comes after.
fn ends_of(steps: &[PlannedStep]) -> Vec<StepPath> {
    let needed: BTreeSet<&StepPath> = steps.iter().flat_map(|step| &step.depends_on).collect();
    let paths = steps.iter().map(|step| &step.path);
    paths.filter(|path| !needed.contains(path)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::reconcile::policies::{ITEM, settled_with};
    use crate::reconcile::world::World;

    /// A database with hooks, the second of which tells what was made.
    fn hooked() -> World {
        let mut world = settled_with(json!({"fields": {"size": "small"}}));
        let tell = |id: &str, message: &str| json!([{"id": id, "type": "notify", "config": {"channel": "ops", "message": message}}]);
        world.set(ITEM, "/fulfillment/hooks", json!({
            "before": tell("greet", "begins"), "after": tell("part", "done with {{outputs.provision.url}}"),
        }));
        world.set(ITEM, "/metadata/version", json!("1.1.0"));
        world.converge();
        world
    }

    #[track_caller]
    fn check(world: &mut World, expected: &[&str]) {
        let plan = world.plan();
        let steps = plan.changes.iter().flat_map(|change| &change.units).flat_map(|u| &u.steps);
        let told = steps.map(|step| {
            let before: Vec<&str> = step.depends_on.iter().map(|path| &*path.0).collect();
            format!("{} < {}", step.path, before.join(" "))
        });
        assert_eq!(told.collect::<Vec<_>>(), expected, "{:?}", plan.blocked);
    }

    #[test]
    fn hooks_stand_around_a_deletion_too() {
        check(
            hooked().remove("db"),
            &[
                "greet < ",
                "register~undo < greet",
                "provision~undo < register~undo",
                "part < provision~undo",
            ],
        );
    }

    #[test]
    fn hooks_around_an_operation_see_what_was_made_before() {
        let mut world = hooked();
        world.set(&crate::reconcile::world::path_of("db"), "/state", json!("hibernated"));
        check(&mut world, &["greet < ", "hibernate~stop < greet", "part < hibernate~stop"]);
        let plan = world.plan();
        let part = plan.changes[0].units[0].steps.last().unwrap();
        let said = part.config["message"].as_str().unwrap();
        assert!(said.starts_with("done with ") && !crate::template::has_unknown(said), "{said}");
    }
}
