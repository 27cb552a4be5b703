//! Spells out what is asked after an action's success: a step of its own, so that nobody does the action again to ask
//! once more. It asks nobody.

use serde_json::{Map, Value};

use super::by_hand::bare_action;
use super::change::{Effect, PlannedStep, When};
use super::steps::{Keeping, Source, record_of};
use crate::catalog::{Action, Config};
use crate::kinds::VERIFY;

/// What the end of a step's name says that it verifies the step before.
const SUFFIX: &str = "~verify";

/// What the observation of a unit's health is kept under; no action can have an id like it.
pub const HEALTH: &str = "~health";

/// Puts behind each action that is verified the step that does so; what came after the action comes after that.
pub(super) fn spelled_out(actions: &[Action]) -> Vec<Action> {
    let verified =
        |id: &String| actions.iter().any(|action| action.id == *id && action.verify.is_some());
    let behind = |id: &String| if verified(id) { named(id) } else { id.clone() };
    let mut all = Vec::with_capacity(actions.len());
    for action in actions {
        let depends_on = action.depends_on.as_ref().map(|ids| ids.iter().map(behind).collect());
        all.push(Action { depends_on, verify: None, ..action.clone() });
        all.extend(action.verify.as_ref().map(|verify| verifying(action, verify)));
    }
    all
}

/// Spells out how the health of a unit is asked for.
pub(super) fn asking_health(health: &Value) -> Action {
    Action { depends_on: Some(Vec::new()), ..asking(HEALTH, health, Map::new()) }
}

fn named(id: &str) -> String {
    format!("{id}{SUFFIX}")
}

/// It is asked where the action was carried out, with the headers and the authentication that the action has; whether
/// they are sent is decided once both addresses are known.
fn verifying(action: &Action, verify: &Value) -> Action {
    let mut config = Map::new();
    let ours = action.config.value();
    if action.kind == "rest-api" {
        let kept = ["headers", "authentication"].map(|key| Some((key, ours.get(key)?.clone())));
        let kept = kept.into_iter().flatten().map(|(key, value)| (key.to_owned(), value));
        config.extend(kept);
        if config.contains_key("headers") || config.contains_key("authentication") {
            let url = ours.pointer("/endpoint/url").cloned().unwrap_or_default();
            config.insert("meantFor".to_owned(), url);
        }
    }
    Action {
        depends_on: Some(vec![action.id.clone()]),
        when: action.when.clone(),
        former_ids: action.former_ids.iter().map(|id| named(id)).collect(),
        ..asking(&named(&action.id), verify, config)
    }
}

fn asking(id: &str, written: &Value, mut config: Map<String, Value>) -> Action {
    let poll = written.get("poll").and_then(Value::as_object).cloned().unwrap_or_default();
    config.extend(poll);
    config.extend(written.get("expect").map(|expect| ("expect".to_owned(), expect.clone())));
    bare_action(id, VERIFY.name, Config::from(Value::Object(config)))
}

/// What was verified once holds as long as nothing was done since: neither in this change, nor by a run whose own
/// verification failed.
pub(super) fn keeping(
    source: &Source<'_>,
    action: &Action,
    planned: &[PlannedStep],
    keeping: Keeping,
) -> Keeping {
    let Some(id) = action.id.strip_suffix(SUFFIX).filter(|_| action.kind == VERIFY.name) else {
        return keeping;
    };
    let Some(verified) = planned.iter().find(|step| step.action.id == id) else { return keeping };
    let is_done_anew = verified.effect != Effect::Keep && verified.when != When::No;
    let done = record_of(source.record, &verified.action).map(|record| record.at);
    let asked = record_of(source.record, action).map(|record| record.at);
    if is_done_anew || asked < done { Keeping::Nothing } else { keeping }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::reconcile::policies::{ITEM, settled_with, steps};
    use crate::reconcile::world::World;
    use crate::reconcile::{Effect, show};

    const VERIFIED: &str = "/fulfillment/automatic/actions/0/verify";

    /// A database that is there, whose first action is verified.
    fn verified() -> World {
        let mut world = settled_with(json!({"fields": {"size": "small"}}));
        let poll =
            json!({"url": "http://h/{{outputs.provision.url}}", "every": "1s", "timeout": "1m"});
        world.set(ITEM, VERIFIED, json!({"poll": poll, "expect": {"status": [200]}}));
        world.set(ITEM, "/metadata/version", json!("1.1.0"));
        world
    }

    #[track_caller]
    fn check(world: &mut World, expected: &[(&str, Effect)]) {
        let expected: Vec<(String, Effect)> =
            expected.iter().map(|(path, effect)| ((*path).to_owned(), *effect)).collect();
        assert_eq!(steps(&world.plan()), expected);
    }

    #[test]
    fn it_comes_between_an_action_and_what_follows() {
        let mut world = verified();
        let plan = world.field("db", "size", json!("large")).plan();
        let steps = &plan.changes[0].units[0].steps;
        let order: Vec<String> = steps
            .iter()
            .map(|step| {
                let before: Vec<&str> = step.depends_on.iter().map(|path| &*path.0).collect();
                format!("{} {} < {}", step.path, step.action.kind, before.join(" "))
            })
            .collect();
        assert_eq!(
            order,
            [
                "provision rest-api < ",
                "provision~verify verify < provision",
                "register rest-api < provision~verify",
                "tell notify < register",
            ]
        );
        let shown = show::text(&plan, show::Style::default());
        assert!(shown.contains("provision~verify  verify"), "{shown}");
        assert!(shown.contains("http://h/"), "{shown}");
    }

    #[test]
    fn it_is_asked_again_whenever_the_action_was_done_again() {
        let mut world = verified();
        // The definition is new, and nothing of what was done: only the question is.
        check(
            &mut world,
            &[
                ("provision", Effect::Keep),
                ("provision~verify", Effect::Perform),
                ("register", Effect::Keep),
                ("tell", Effect::Perform),
            ],
        );
        world.converge();
        check(&mut world, &[]);
        world.field("db", "size", json!("large"));
        let plan = world.plan();
        assert_eq!(
            steps(&plan)[..2],
            [
                ("provision".to_owned(), Effect::Perform),
                ("provision~verify".to_owned(), Effect::Perform),
            ]
        );
        // The run came as far as the action, whose verification failed.
        let earlier = world.records.clone();
        world.apply(&plan);
        for (key, record) in &mut world.records {
            if let Some(before) = earlier.get(key).filter(|before| before.steps.len() > 2) {
                record.applied.clone_from(&before.applied);
                record.row = before.row.clone();
                let verified = record.steps.get("provision").unwrap().at;
                record.steps.get_mut("provision~verify").unwrap().at =
                    verified - jiff::SignedDuration::from_secs(60);
            }
        }
        assert_eq!(
            steps(&world.plan())[..2],
            [
                ("provision".to_owned(), Effect::Keep),
                ("provision~verify".to_owned(), Effect::Perform),
            ]
        );
    }

    #[test]
    fn it_leaves_nothing_to_be_taken_away() {
        let mut world = verified();
        world.converge();
        check(
            world.remove("db"),
            &[("register~undo", Effect::Undo), ("provision~undo", Effect::Undo)],
        );
    }
}
