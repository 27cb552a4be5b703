//! One service in full: its units, what was applied, what drifted. Sensitive values are masked before they are kept here.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::app::App;
use super::desired::DesiredWire;
use super::runs::RunLine;
use super::standing::standings;
use crate::catalog::{Entry, Mode};
use crate::engine::{UnitState, UnitView};
use crate::id::UnitKey;
use crate::reconcile::show::masked;
use crate::reconcile::{Applied, FieldChange, HEALTH, Observation, Observed, UnitRecord};
use crate::secret::MASK;
use crate::serve::problem::Problem;

/// One service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceWire {
    /// Its id.
    id: String,
    team: Option<String>,
    /// The item or bundle that it is of; nothing where its file is gone.
    offer: Option<String>,
    environment: Option<String>,
    /// How it stands: as the most urgent of its units.
    #[schema(value_type = String, example = "ready")]
    state: UnitState,
    /// Why, where the state alone does not say it.
    why: Option<String>,
    drifted: bool,
    held: bool,
    last_run: Option<RunLine>,
    /// What the catalog's file asks for; nothing where it is gone.
    desired: Option<DesiredWire>,
    units: Vec<UnitWire>,
}

/// What is fulfilled: a service, or one component of a service of a bundle.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnitWire {
    /// `service`, or `service/component`.
    unit: String,
    #[schema(value_type = String, example = "ready")]
    state: UnitState,
    why: Option<String>,
    /// The run that brings it there, or that stopped.
    run: Option<String>,
    drifted: bool,
    applied: Option<AppliedWire>,
    /// What was asked for; names of secrets masked.
    fields: Map<String, Value>,
    /// What it offers; sensitive values masked.
    outputs: Map<String, Value>,
    health: Option<HealthWire>,
    drift: Vec<DriftWire>,
}

/// What was last applied in full.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AppliedWire {
    item: String,
    version: String,
    /// By whom it is fulfilled: `automatic` or `manual`.
    #[schema(value_type = String, example = "automatic")]
    mode: Mode,
    state: String,
    commit: String,
    run: String,
    #[schema(format = DateTime)]
    at: String,
}

/// What was last answered about its health.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HealthWire {
    healthy: bool,
    #[schema(format = DateTime)]
    since: String,
    why: Option<String>,
}

/// A difference between what was last written and what is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DriftWire {
    step: String,
    #[schema(format = DateTime)]
    at: String,
    /// `absent`, `different` or `unknown`.
    what: &'static str,
    changes: Vec<DifferenceWire>,
    why: Option<String>,
}

/// One value that differs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DifferenceWire {
    name: String,
    written: Option<Value>,
    found: Option<Value>,
}

/// Reads a service.
pub(super) async fn service_wire(
    app: &App,
    id: &str,
    team: Option<String>,
) -> Result<ServiceWire, Problem> {
    let published = app.published()?;
    let standings = standings(app, &published, &[id.to_owned()]).await?;
    let view = standings.service(id);
    let units = view.as_ref().map(|view| view.units.as_slice()).unwrap_or_default();
    let keys: Vec<UnitKey> = units.iter().map(|unit| unit.key.clone()).collect();
    let records = app.store().units(&keys).await?;
    let entry = published.catalog().services.get(id);
    let record = |unit: &UnitView| records.iter().find(|record| record.row.key == unit.key);
    // Nothing that is known of it means that it comes, where git has it, and that it is gone otherwise.
    let unmade = if entry.is_some() { UnitState::Pending } else { UnitState::Deleted };
    Ok(ServiceWire {
        id: id.to_owned(),
        team,
        offer: entry.map(|entry| entry.offer().to_owned()),
        environment: entry.and_then(Entry::environment).map(str::to_owned),
        state: view.as_ref().map_or(unmade, |view| view.standing.state),
        why: view.as_ref().and_then(|view| view.standing.why.clone()),
        drifted: view.as_ref().is_some_and(crate::engine::ServiceView::is_drifted),
        held: view.as_ref().is_some_and(crate::engine::ServiceView::is_held),
        last_run: standings.newest(id).map(RunLine::of),
        desired: entry.map(|entry| DesiredWire::of(published.catalog(), entry)),
        units: units.iter().map(|unit| UnitWire::of(unit, record(unit))).collect(),
    })
}

impl UnitWire {
    fn of(unit: &UnitView, record: Option<&UnitRecord>) -> Self {
        let applied = record.and_then(|record| record.applied.as_ref());
        let observed = record.map(|record| &record.observed).into_iter().flatten();
        let health = record.and_then(|record| record.observed.get(HEALTH));
        Self {
            unit: unit.key.to_string(),
            state: unit.standing.state,
            why: unit.standing.why.clone(),
            run: unit.standing.run.as_ref().map(ToString::to_string),
            drifted: unit.drifted,
            applied: applied.map(AppliedWire::of),
            fields: applied.map(fields_of).unwrap_or_default(),
            outputs: applied.map(outputs_of).unwrap_or_default(),
            health: health.map(HealthWire::of),
            drift: observed
                .filter(|(step, _)| *step != HEALTH)
                .filter_map(|(step, seen)| DriftWire::of(step, seen))
                .collect(),
        }
    }
}

impl AppliedWire {
    fn of(applied: &Applied) -> Self {
        Self {
            item: applied.definition.item.clone(),
            version: applied.definition.version.clone(),
            mode: applied.definition.mode,
            state: applied.state.clone(),
            commit: applied.commit.clone(),
            run: applied.run.to_string(),
            at: applied.at.to_string(),
        }
    }
}

impl HealthWire {
    fn of(seen: &Observed) -> Self {
        let why = match &seen.observation {
            Observation::Unknown { reason } => Some(reason.clone()),
            _ => None,
        };
        let healthy = seen.observation == Observation::Same;
        Self { healthy, since: seen.at.to_string(), why }
    }
}

impl DriftWire {
    fn of(step: &str, seen: &Observed) -> Option<Self> {
        let (what, changes, why) = match &seen.observation {
            Observation::Same => return None,
            Observation::Absent => ("absent", Vec::new(), None),
            Observation::Different { changes } => {
                ("different", changes.iter().map(DifferenceWire::of).collect(), None)
            }
            Observation::Unknown { reason } => ("unknown", Vec::new(), Some(reason.clone())),
        };
        Some(Self { step: step.to_owned(), at: seen.at.to_string(), what, changes, why })
    }
}

impl DifferenceWire {
    fn of(change: &FieldChange) -> Self {
        Self {
            name: change.name.clone(),
            written: change.before.as_ref().map(masked),
            found: change.after.as_ref().map(masked),
        }
    }
}

fn fields_of(applied: &Applied) -> Map<String, Value> {
    hidden(&applied.fields, |name| applied.definition.secret_fields.contains(name))
}

fn outputs_of(applied: &Applied) -> Map<String, Value> {
    let offered = &applied.definition.outputs;
    hidden(&applied.outputs, |name| offered.get(name).is_some_and(|output| output.sensitive))
}

/// Masks what is sealed, what names a secret, and what is told to be sensitive.
fn hidden(values: &Map<String, Value>, sensitive: impl Fn(&String) -> bool) -> Map<String, Value> {
    let mask = || Value::String(MASK.to_owned());
    let shown = values.iter().map(|(name, one)| {
        let one = if sensitive(name) { mask() } else { masked(one) };
        (name.clone(), one)
    });
    shown.collect()
}
