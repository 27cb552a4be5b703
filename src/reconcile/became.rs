//! What became different between the change that somebody approved and the one that is planned now. It never shows a
//! secret.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{Change, Need, PlannedStep, UnitChange};
use super::show::{literal, masked};
use crate::id::{StepPath, UnitKey};

/// Says in what two changes of one service differ; never nothing where their digests do.
pub fn became(before: &Change, after: &Change) -> Vec<String> {
    let mut told = Vec::new();
    let old: BTreeMap<&UnitKey, &UnitChange> =
        before.units.iter().map(|unit| (&unit.unit, unit)).collect();
    for unit in &after.units {
        match old.get(&unit.unit) {
            None => told.push(format!("{} is to {} too", unit.unit, unit.kind)),
            Some(old) => of_unit(old, unit, &mut told),
        }
    }
    let stays = |unit: &&UnitChange| !after.units.iter().any(|it| it.unit == unit.unit);
    told.extend(
        before.units.iter().filter(stays).map(|unit| format!("{} stays as it is", unit.unit)),
    );
    let new = |need: &&Need| !before.needs.contains(need);
    told.extend(
        after.needs.iter().filter(new).map(|need| format!("{} asks for approval too", need.why)),
    );
    let gone = |need: &&Need| !after.needs.contains(need);
    told.extend(before.needs.iter().filter(gone).map(|need| format!("{} asks no more", need.why)));
    if told.is_empty() {
        told.push("what is recorded of it".to_owned());
    }
    told
}

fn of_unit(before: &UnitChange, after: &UnitChange, told: &mut Vec<String>) {
    let unit = &after.unit;
    if before.kind != after.kind {
        told.push(format!("{unit}: {}, and no longer {}", after.kind, before.kind));
    }
    let (then, now) = (&before.inputs.fields, &after.inputs.fields);
    let names = then.keys().chain(now.keys().filter(|name| !then.contains_key(*name)));
    for name in names.filter(|name| then.get(*name) != now.get(*name)) {
        let hidden = after.definition.secret_fields.contains(name);
        let shown = |value: Option<&Value>| match value {
            None => "nothing".to_owned(),
            Some(_) if hidden => "(sensitive)".to_owned(),
            Some(value) => literal(&masked(value)),
        };
        told.push(format!(
            "{unit}: {name} is {}, and no longer {}",
            shown(now.get(name)),
            shown(then.get(name))
        ));
    }
    if before.state != after.state {
        told.push(format!(
            "{unit}: it leads to {}, and no longer to {}",
            after.state, before.state
        ));
    }
    if before.definition_digest != after.definition_digest {
        let version = |unit: &UnitChange| unit.definition.version.clone();
        told.push(format!("{unit}: its item changed ({} → {})", version(before), version(after)));
    }
    let steps: BTreeMap<&StepPath, &PlannedStep> =
        before.steps.iter().map(|step| (&step.path, step)).collect();
    for step in &after.steps {
        match steps.get(&step.path) {
            None => told.push(format!("step {} came in", step.path)),
            Some(old) if old.effect != step.effect || old.when != step.when => {
                told.push(format!("step {} is done otherwise", step.path));
            }
            Some(old) if old.config != step.config => {
                told.push(format!("step {} is given something else", step.path));
            }
            Some(old)
                if old.forecast.as_ref().map(|it| it.digest)
                    != step.forecast.as_ref().map(|it| it.digest) =>
            {
                told.push(format!("the forecast of step {} is another", step.path));
            }
            Some(_) => {}
        }
    }
    let stays = |step: &&PlannedStep| !after.steps.iter().any(|it| it.path == step.path);
    told.extend(
        before.steps.iter().filter(stays).map(|step| format!("step {} went out", step.path)),
    );
    if before.from != after.from {
        told.push(format!("{unit}: what is recorded or observed of it changed meanwhile"));
    }
}
