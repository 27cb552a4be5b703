//! What takes away what the steps of a unit left behind. It renders nothing: what was sent is what is taken away.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;

use super::actual::{StepRecord, UnitRecord};
use super::change::{Effect, PlannedStep, When};
use super::definition::Definition;
use super::steps::path_of;
use crate::catalog::{Action, Config};
use crate::id::StepPath;
use crate::kinds::{self, Reversal};

/// Plans to take away what the steps of a unit left behind, the last one first.
///
/// `definition` tells their order; `only` names the steps to take away, all where it is absent.
pub(super) fn undone(
    record: &UnitRecord,
    definition: &Definition,
    only: Option<&BTreeSet<String>>,
) -> Vec<PlannedStep> {
    let order: Vec<&String> = actions_of(definition).map(|action| &action.id).collect();
    let position = |id: &String| order.iter().position(|known| *known == id).unwrap_or(usize::MAX);
    let mut ids: Vec<&String> =
        record.steps.keys().filter(|id| only.is_none_or(|only| only.contains(*id))).collect();
    ids.sort_by_key(|id| std::cmp::Reverse(position(id)));
    let mut steps: Vec<PlannedStep> = Vec::new();
    for id in ids {
        let Some(left) = record.steps.get(id) else { continue };
        let Some(effect) = undo_effect(left) else { continue };
        let before = steps.last().map(|step| step.path.clone());
        steps.push(PlannedStep {
            path: StepPath(format!("{}~undo", path_of(&record.row.key, id))),
            effect,
            when: When::Yes,
            depends_on: before.into_iter().collect(),
            action: reverse(id, left, as_written(record, definition, (id, left))),
            config: left.sent.clone(),
            previous: Some(left.sent.clone()),
            outputs: Map::new(),
            forecast: None,
            failure: None,
        });
    }
    steps
}

/// The actions that may have left something behind, in the order in which they are done.
fn actions_of(definition: &Definition) -> impl Iterator<Item = &Action> {
    let update = definition.update.iter().flatten();
    let made = definition.before.iter().chain(&definition.create).chain(update);
    made.chain(&definition.after)
}

/// Finds the action that left something behind as its author wrote it, under whatever id it has now.
///
/// What a newer definition no longer has, what was applied has, or the run that came half-way.
fn as_written<'a>(
    record: &'a UnitRecord,
    definition: &'a Definition,
    (id, left): (&String, &StepRecord),
) -> Option<&'a Action> {
    let applied = record.applied.as_ref().map(|applied| &*applied.definition);
    let known = [Some(definition), applied, record.basis.as_deref()];
    let is_it = |action: &&Action| {
        action.kind == left.action && (action.id == *id || action.former_ids.contains(id))
    };
    known.into_iter().flatten().find_map(|definition| actions_of(definition).find(is_it))
}

/// Tells how what a step left behind is taken away; nothing where there is nothing to take away.
pub(super) fn undo_effect(left: &StepRecord) -> Option<Effect> {
    let Some(kind) = kinds::find(&left.action) else { return Some(Effect::UndoByHand) };
    match kind.reversal {
        Reversal::Natural => Some(Effect::Undo),
        Reversal::Configured(pointer) if left.sent.pointer(pointer).is_some() => Some(Effect::Undo),
        Reversal::Configured(_) | Reversal::Person => Some(Effect::UndoByHand),
        Reversal::Nothing => None,
    }
}

/// The reverse of an action is as patient as the action is.
fn reverse(id: &str, left: &StepRecord, written: Option<&Action>) -> Action {
    Action {
        id: id.to_owned(),
        kind: left.action.clone(),
        depends_on: None,
        when: None,
        timeout: written.and_then(|action| action.timeout.clone()),
        retry: written.and_then(|action| action.retry.clone()),
        config: Config::default(),
        outputs: BTreeMap::new(),
        verify: None,
        rollback: None,
        former_ids: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::reconcile::Effect;
    use crate::reconcile::policies::{ITEM, settled_with};
    use crate::reconcile::world::World;

    const ACTIONS: &str = "/fulfillment/automatic/actions";

    /// A database whose first action is patient and tries once, and whose second is silent.
    fn patient() -> World {
        let mut world = settled_with(json!({"fields": {"size": "small"}}));
        world.set(ITEM, &format!("{ACTIONS}/0/timeout"), json!("40m"));
        world.set(ITEM, &format!("{ACTIONS}/0/retry"), json!({"attempts": 1}));
        world.set(ITEM, "/metadata/version", json!("1.1.0"));
        world.field("db", "size", json!("large")).converge();
        world
    }

    #[track_caller]
    fn check(world: &mut World, expected: &[&str]) {
        let plan = world.plan();
        let steps = plan.changes.iter().flat_map(|change| &change.units).flat_map(|u| &u.steps);
        let undone = steps.filter(|step| step.effect == Effect::Undo).map(|step| {
            let attempts = step.action.retry.as_ref().and_then(|retry| retry.attempts);
            format!("{} {:?} {attempts:?}", step.path, step.action.timeout)
        });
        assert_eq!(undone.collect::<Vec<_>>(), expected);
    }

    const BOTH: [&str; 2] = ["register~undo None None", "provision~undo Some(\"40m\") Some(1)"];

    #[test]
    fn a_deletion_and_a_replacement_are_as_patient_as_what_they_take_back() {
        check(patient().remove("db"), &BOTH);
        check(patient().field("db", "zone", json!("b")), &BOTH);
    }

    #[test]
    fn what_a_newer_definition_no_longer_has_is_undone_as_it_was_written() {
        let mut world = patient();
        let mut second = world.documents[ITEM].pointer(&format!("{ACTIONS}/1")).unwrap().clone();
        second["config"]["body"]["contentTemplate"] = json!("{}");
        world.set(ITEM, ACTIONS, json!([second]));
        world.set(ITEM, "/outputs", json!({}));
        world.set(ITEM, "/metadata/version", json!("1.2.0"));
        check(&mut world, &["provision~undo Some(\"40m\") Some(1)"]);
    }

    #[test]
    fn an_action_by_another_name_is_still_the_one_that_did_it() {
        let mut world = patient();
        let rename = |record: &mut crate::reconcile::UnitRecord| {
            let left = record.steps.remove("provision").unwrap();
            record.steps.insert("made".to_owned(), left);
            let applied = record.applied.as_mut().unwrap();
            let mut definition = crate::reconcile::Definition::clone(&applied.definition);
            definition.create[0].former_ids.push("made".to_owned());
            applied.definition = definition.into();
        };
        world.records.values_mut().filter(|it| it.steps.len() > 1).for_each(rename);
        let mut undone: Vec<String> = Vec::new();
        for change in &world.remove("db").plan().changes {
            let steps = change.units.iter().flat_map(|unit| &unit.steps);
            undone.extend(steps.filter_map(|step| step.action.timeout.clone()));
        }
        assert_eq!(undone, ["40m"]);
    }

    #[test]
    fn a_run_that_came_half_way_is_undone_as_it_was_written() {
        let mut world = patient();
        let record = world.records.values_mut().find(|record| record.steps.len() > 1).unwrap();
        record.basis = record.applied.take().map(|applied| applied.definition);
        record.row.applied = None;
        check(world.remove("db"), &BOTH);
    }
}
