//! What the templates of an item become for a service of it, real or made up. Nothing is sent, and no secret is read.

mod made_up;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::made_up::with_service;
use crate::catalog::{Catalog, Held, Service, Snapshot};
use crate::digest::Digest;
use crate::finding::Finding;
use crate::id::UnitKey;
use crate::reconcile::{
    Actual, Definition, Desired, DesiredBuilder, Facts, OperationBlock, Plan, Unit, UnitChange,
    UnitRow, carried_out, plan, scope_of, show,
};
use crate::validate::{Judge, Judged};

/// What is to be rendered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenderAsk {
    /// The item.
    pub item: String,
    /// Values of its form; a password is `{"secret": "NAME"}`.
    pub fields: Map<String, Value>,
    /// The environment of the made-up service.
    pub environment: Option<String>,
    /// Its team.
    pub team: Option<String>,
    /// Its id; a service of the catalog lends its fields, team and environment.
    pub service: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// `create`, `update`, `delete`, or an operation of the item.
    pub operation: String,
}

/// Why nothing was rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unrendered {
    /// There is no such thing.
    Unknown {
        /// What: `item`, `operation`, `action`.
        what: &'static str,
        /// How it was called.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It is a bundle.
    Bundle(String),
    /// The service would not fit.
    Misfit(Vec<String>),
    /// It fits and can't be rendered.
    Blocked(Vec<String>),
    /// There is nothing to do for this operation.
    Nothing,
}

fn unknown<'n>(
    what: &'static str,
    name: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Unrendered {
    let known = known.into_iter().map(str::to_owned).collect();
    Unrendered::Unknown { what, name: name.to_owned(), known }
}

/// Returns the team of the service that would be rendered; nothing where there is no such item.
pub fn team_of(catalog: &Catalog, ask: &RenderAsk) -> Option<String> {
    let item = &catalog.items.get(&ask.item)?.body;
    Some(made_up::team(item, made_up::lender(catalog, ask), ask))
}

/// Renders; everything in it is masked.
pub fn render(
    judge: &mut Judge,
    snapshot: Snapshot,
    ask: &RenderAsk,
    now: Timestamp,
) -> Result<Value, Unrendered> {
    let catalog = judge.judge(&snapshot).catalog;
    let (snapshot, id, path) = with_service(snapshot, &catalog, ask)?;
    let judged = judge.judge(&snapshot);
    must_fit(&judged, &id, &path)?;
    let unit = unit_of(&judged, &id)?;
    let change = change_of(&judged, &unit, (&ask.operation, now))?;
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
        "operation": ask.operation,
        "service": id,
        "team": unit.service.metadata.team,
        "environment": unit.service.metadata.environment,
        "scopes": scopes,
        "actions": actions_of(&change, ask.action.as_deref())?,
    }))
}

/// Says what is wrong with the service, as it would be said of a real one.
fn must_fit(judged: &Judged, id: &str, path: &str) -> Result<(), Unrendered> {
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
    Err(Unrendered::Misfit(why))
}

fn unit_of(judged: &Judged, id: &str) -> Result<Unit, Unrendered> {
    let mut desired =
        DesiredBuilder::default().build(&judged.catalog, &judged.misfits, Arc::default());
    if let Some(why) = desired.blocked.remove(id) {
        return Err(blocked(&why));
    }
    let unit = desired.units_of(id).next();
    unit.map(|unit| (**unit).clone()).ok_or_else(|| blocked(&[]))
}

fn blocked(why: &[String]) -> Unrendered {
    Unrendered::Blocked(why.to_vec())
}

/// Plans the operation on this one unit, as if what comes before had been carried out.
fn change_of(
    judged: &Judged,
    unit: &Unit,
    (operation, now): (&str, Timestamp),
) -> Result<UnitChange, Unrendered> {
    let mut first = unit.clone();
    first.service = in_state(&unit.service, "active");
    let created = planned(judged, Some(&first), (&Actual::default(), now));
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
fn operate(unit: &mut Unit, name: &str) -> Result<(), Unrendered> {
    const STATE: &str = "rendered";
    let definition: &Definition = &unit.definition;
    let Some(operation) = definition.operations.get(name) else {
        let own = definition.operations.keys().map(String::as_str);
        let known = ["create", "update", "delete"].into_iter().chain(own);
        return Err(unknown("operation", name, known));
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

fn only_change(plan: Plan) -> Result<UnitChange, Unrendered> {
    let blocked_by: Vec<String> =
        plan.blocked.into_values().flatten().chain(plan.outdated.into_values()).collect();
    let change = plan.changes.into_iter().flat_map(|change| change.units).next();
    change.ok_or_else(|| match blocked_by.as_slice() {
        [] => Unrendered::Nothing,
        why => blocked(why),
    })
}

fn actions_of(change: &UnitChange, wanted: Option<&str>) -> Result<Vec<Value>, Unrendered> {
    let id_of = |id: &str| id.rsplit('~').next().unwrap_or_default().to_owned();
    let is_wanted = |id: &str| wanted.is_none_or(|wanted| wanted == id || wanted == id_of(id));
    let actions: Vec<Value> = change
        .steps
        .iter()
        .filter(|step| is_wanted(&step.action.id))
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
    match wanted {
        Some(wanted) if actions.is_empty() => {
            let known = change.steps.iter().map(|step| step.action.id.as_str());
            Err(unknown("action", wanted, known))
        }
        _ => Ok(actions),
    }
}
