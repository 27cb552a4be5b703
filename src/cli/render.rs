//! `trueline render`: what the templates of an item become. Nothing is sent, and no secret is read.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::local::unknown;
use super::output::{Exit, Failure};
use super::render_ask::with_service;
use crate::catalog::{Held, Service};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::digest::Digest;
use crate::finding::Finding;
use crate::id::UnitKey;
use crate::reconcile::{
    Actual, Definition, Desired, DesiredBuilder, Facts, OperationBlock, Plan, Unit, UnitChange,
    UnitRow, carried_out, plan, scope_of, show,
};
use crate::validate::{Judge, Judged};

/// What `render` takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// The item.
    pub item: String,
    /// A field of its form; a password field takes the name of a secret.
    #[arg(long, value_name = "NAME=VALUE")]
    pub field: Vec<String>,
    /// The environment of the made-up service.
    #[arg(long, value_name = "ID")]
    pub environment: Option<String>,
    /// The team of the made-up service.
    #[arg(long, value_name = "ID")]
    pub team: Option<String>,
    /// Its id; a service of the catalog lends its fields, team and environment.
    #[arg(long, value_name = "ID")]
    pub service: Option<String>,
    /// Only this action.
    #[arg(long, value_name = "ID")]
    pub action: Option<String>,
    /// `create`, `update`, `delete`, or an operation of the item.
    #[arg(long, default_value = "create", value_name = "NAME")]
    pub operation: String,
}

/// Shows scopes and rendered actions.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let rendered = rendered(context, options)?;
    context.show(&rendered, || as_text(&rendered))?;
    Ok(Exit::Success)
}

/// Renders; everything in it is masked.
fn rendered(context: &Context, options: &Options) -> Result<Value, Failure> {
    let snapshot = context.snapshot()?;
    let mut judge = Judge::new(Vec::new());
    let catalog = judge.judge(&snapshot).catalog;
    let (snapshot, id, path) = with_service(snapshot, &catalog, options)?;
    let judged = judge.judge(&snapshot);
    must_fit(&judged, &id, &path)?;
    let unit = unit_of(&judged, &id)?;
    let change = change_of(&judged, &unit, options)?;
    let scope = scope_of(&change.inputs, &change.inputs.fields, &change.definition);
    let scopes: BTreeMap<&String, Value> = scope
        .values()
        .as_object()
        .into_iter()
        .flatten()
        // `env` is only another name.
        .filter(|(root, _)| *root != "env")
        .map(|(root, value)| (root, show::masked(value)))
        .collect();
    Ok(json!({
        "version": "trueline.render/v1",
        "item": change.definition.item,
        "itemVersion": change.definition.version,
        "operation": options.operation,
        "service": id,
        "team": unit.service.metadata.team,
        "environment": unit.service.metadata.environment,
        "scopes": scopes,
        "actions": actions_of(&change, options)?,
    }))
}

/// Says what is wrong with the made-up service, as it would be said of a real one.
fn must_fit(judged: &Judged, id: &str, path: &str) -> Result<(), Failure> {
    let own = |finding: &&Finding| finding.is_error() && &*finding.place.path == path;
    let mut why: Vec<String> = judged
        .findings
        .iter()
        .filter(own)
        .map(|finding| match &finding.hint {
            Some(hint) => format!("{} ({hint})", finding.message),
            None => finding.message.clone(),
        })
        .collect();
    if why.is_empty() {
        why.extend(judged.misfits.get(id).into_iter().flatten().cloned());
    }
    if why.is_empty() && judged.catalog.services.contains_key(id) {
        return Ok(());
    }
    let why: Vec<String> = why.iter().map(|why| show::visible(why)).collect();
    Err(Failure::failed(format!("the service would not fit: {}", why.join("; "))).hint(
        "give each field with --field NAME=VALUE; --team, --environment and --service set the rest",
    ))
}

fn unit_of(judged: &Judged, id: &str) -> Result<Unit, Failure> {
    let mut desired =
        DesiredBuilder::default().build(&judged.catalog, &judged.misfits, Arc::default());
    if let Some(why) = desired.blocked.remove(id) {
        return Err(blocked(&why));
    }
    let unit = desired.units_of(id).next();
    unit.map(|unit| (**unit).clone()).ok_or_else(|| blocked(&[]))
}

fn blocked(why: &[String]) -> Failure {
    let why: Vec<String> = why.iter().map(|why| show::visible(why)).collect();
    Failure::failed(format!("it can't be rendered: {}", why.join("; ")))
}

/// Plans the operation on this one unit, as if what comes before had been carried out.
fn change_of(judged: &Judged, unit: &Unit, options: &Options) -> Result<UnitChange, Failure> {
    let now = SystemClock.now();
    let mut first = unit.clone();
    first.service = in_state(&unit.service, "active");
    let created = planned(judged, Some(&first), (&Actual::default(), now));
    let operation = options.operation.as_str();
    if operation == "create" {
        return only_change(created);
    }
    let mut actual = carried_out(&created, now);
    // Whatever was recorded, this unit is looked at, and may go.
    let not_applied =
        |(key, row): (&UnitKey, &UnitRow)| (key.clone(), UnitRow { applied: None, ..row.clone() });
    actual.rows = actual.rows.iter().map(not_applied).collect();
    let applied = actual.records.values_mut().filter_map(|record| record.applied.as_mut());
    for applied in applied {
        applied.deletion = crate::catalog::DeletionPolicy::Delete;
        if operation == "update" {
            applied.intent = Digest::of_bytes(b"something else");
        }
    }
    match operation {
        "update" => only_change(planned(judged, Some(&first), (&actual, now))),
        "delete" => only_change(planned(judged, None, (&actual, now))),
        name => {
            operate(&mut first, name)?;
            only_change(planned(judged, Some(&first), (&actual, now)))
        }
    }
}

/// Makes a unit want the state that an operation leads to; one without a state is given one.
fn operate(unit: &mut Unit, name: &str) -> Result<(), Failure> {
    const STATE: &str = "rendered";
    let definition: &Definition = &unit.definition;
    let Some(operation) = definition.operations.get(name) else {
        let own = definition.operations.keys().map(String::as_str);
        let known: Vec<&str> = ["create", "update", "delete"].into_iter().chain(own).collect();
        return Err(unknown("operation", name, &known));
    };
    let block = OperationBlock { state: Some(STATE.to_owned()), ..operation.clone() };
    let operations = BTreeMap::from([(name.to_owned(), block)]);
    unit.definition = Arc::new(Definition { operations, ..definition.clone() });
    unit.service = in_state(&unit.service, STATE);
    Ok(())
}

fn in_state(service: &Service, state: &str) -> Held<Service> {
    Held::from(Service { state: state.to_owned(), ..service.clone() })
}

fn planned(judged: &Judged, unit: Option<&Unit>, (actual, now): (&Actual, Timestamp)) -> Plan {
    let units = unit.map(|unit| (unit.key.clone(), Arc::new(unit.clone())));
    let desired = Desired {
        commit: judged.catalog.commit.clone(),
        units: units.into_iter().collect(),
        services: 1,
        ..Desired::default()
    };
    plan(&judged.catalog, &desired, actual, (&Facts::default(), now))
}

fn only_change(plan: Plan) -> Result<UnitChange, Failure> {
    let blocked_by: Vec<String> =
        plan.blocked.into_values().flatten().chain(plan.outdated.into_values()).collect();
    let change = plan.changes.into_iter().flat_map(|change| change.units).next();
    change.ok_or_else(|| match blocked_by.as_slice() {
        [] => Failure::failed("there is nothing to do for this operation"),
        why => blocked(why),
    })
}

fn actions_of(change: &UnitChange, options: &Options) -> Result<Vec<Value>, Failure> {
    let id_of = |id: &str| id.rsplit('~').next().unwrap_or_default().to_owned();
    let wanted = |id: &str| {
        options.action.as_deref().is_none_or(|wanted| wanted == id || wanted == id_of(id))
    };
    let actions: Vec<Value> = change
        .steps
        .iter()
        .filter(|step| wanted(&step.action.id))
        .map(|step| {
            json!({
                "id": step.path,
                "type": step.action.kind,
                "undo": matches!(step.effect,
                    crate::reconcile::Effect::Undo | crate::reconcile::Effect::UndoByHand),
                "when": step.when,
                "dependsOn": step.depends_on,
                "config": show::masked(&step.config),
            })
        })
        .collect();
    match &options.action {
        Some(wanted) if actions.is_empty() => {
            let known: Vec<&str> =
                change.steps.iter().map(|step| step.action.id.as_str()).collect();
            Err(unknown("action", wanted, &known))
        }
        _ => Ok(actions),
    }
}

fn as_text(rendered: &Value) -> String {
    let text = |value: &Value, key: &str| {
        show::visible(value.get(key).and_then(Value::as_str).unwrap_or_default())
    };
    let mut lines = vec![format!(
        "{} of {} {} (service {}, team {}{})",
        text(rendered, "operation"),
        text(rendered, "item"),
        text(rendered, "itemVersion"),
        text(rendered, "service"),
        text(rendered, "team"),
        Some(text(rendered, "environment"))
            .filter(|id| !id.is_empty())
            .map(|id| format!(", environment {id}"))
            .unwrap_or_default(),
    )];
    lines.push("\nscopes".to_owned());
    if let Some(scopes) = rendered.get("scopes") {
        lines.extend(show::lines(scopes).into_iter().map(|line| format!("  {line}")));
    }
    lines.push("\nactions".to_owned());
    let actions = rendered.get("actions").and_then(Value::as_array);
    for action in actions.into_iter().flatten() {
        let mut words = vec![format!("  {}  {}", text(action, "id"), text(action, "type"))];
        words.extend((action.get("undo") == Some(&json!(true))).then(|| "(undo)".to_owned()));
        words.extend(match action.get("when").and_then(Value::as_str) {
            Some("no") => Some("(left out, by `when`)".to_owned()),
            Some("maybe") => Some("(maybe, by `when`)".to_owned()),
            _ => None,
        });
        lines.push(words.join("  "));
        if let Some(config) = action.get("config") {
            lines.extend(show::lines(config).into_iter().map(|line| format!("    {line}")));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
