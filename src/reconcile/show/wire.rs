//! The wire form of one change, apart from the core types so that those may change. Every value is masked here.

use serde::Serialize;
use serde_json::Value;

use super::reasons;
use super::values::masked;
use crate::catalog::{Mode, Priority};
use crate::digest::Digest;
use crate::id::{RunId, StepPath, Uid, UnitKey};
use crate::reconcile::change::{
    Change, ChangeKind, Effect, FieldChange, Need, NeedKind, PlannedStep, UnitChange, When,
};
use crate::reconcile::forecast::Forecast;
use crate::reconcile::plan::{Pending, Plan};
use crate::template::sensitive;

#[derive(Serialize)]
pub(super) struct ChangeWire<'a> {
    service: &'a str,
    team: &'a str,
    environment: Option<&'a str>,
    path: &'a str,
    priority: Priority,
    kind: ChangeKind,
    digest: Digest,
    author: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    coauthors: &'a [String],
    after: &'a [String],
    needs: Vec<NeedWire<'a>>,
    pending: Vec<PendingWire<'a>>,
    waits: Vec<String>,
    units: Vec<UnitWire<'a>>,
}

pub(super) fn change_of<'a>(plan: &'a Plan, change: &'a Change) -> ChangeWire<'a> {
    let pending = plan.pending.get(&change.service).map(Vec::as_slice).unwrap_or_default();
    ChangeWire {
        service: &change.service,
        team: &change.team,
        environment: change.environment.as_deref(),
        path: &change.path,
        priority: change.priority,
        kind: change.kind(),
        digest: change.digest,
        author: change.author.as_deref(),
        coauthors: &change.coauthors,
        after: &change.after,
        needs: change.needs.iter().map(need_of).collect(),
        pending: pending.iter().map(pending_of).collect(),
        waits: reasons::pending(plan, change),
        units: change.units.iter().map(unit_of).collect(),
    }
}

#[derive(Serialize)]
pub(super) struct NeedWire<'a> {
    kind: NeedKind,
    why: &'a str,
    required: u32,
    from: &'a [String],
    contact: Option<&'a str>,
}

fn need_of(need: &Need) -> NeedWire<'_> {
    NeedWire {
        kind: need.kind,
        why: &need.why,
        required: need.required,
        from: &need.from,
        contact: need.contact.as_deref(),
    }
}

#[derive(Serialize)]
#[serde(tag = "on", rename_all = "kebab-case")]
pub(super) enum PendingWire<'a> {
    Approval { why: &'a str, missing: u32, from: &'a [String] },
    Rejected { reason: &'a str },
    Forecast { step: &'a StepPath, why: Option<&'a str> },
    Window { until: &'a str },
    Dependency { service: &'a str },
    Stalled { run: &'a RunId, why: &'a str },
    Flapping { unit: &'a UnitKey, field: &'a str, times: u32 },
    Owner { path: &'a str, why: &'a str },
    Held { why: &'a str },
    Guard,
}

fn pending_of(pending: &Pending) -> PendingWire<'_> {
    match pending {
        Pending::Approval { why, missing, from } => {
            PendingWire::Approval { why, missing: *missing, from }
        }
        Pending::Rejected { reason } => PendingWire::Rejected { reason },
        Pending::Forecast { step, why } => PendingWire::Forecast { step, why: why.as_deref() },
        Pending::Window { until } => PendingWire::Window { until },
        Pending::Dependency { service } => PendingWire::Dependency { service },
        Pending::Stalled { run, why } => PendingWire::Stalled { run, why },
        Pending::Flapping { unit, field, times } => {
            PendingWire::Flapping { unit, field, times: *times }
        }
        Pending::Owner { path, why } => PendingWire::Owner { path, why },
        Pending::Held { why } => PendingWire::Held { why },
        Pending::Guard => PendingWire::Guard,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UnitWire<'a> {
    unit: &'a UnitKey,
    uid: Option<&'a Uid>,
    kind: ChangeKind,
    item: &'a str,
    version: &'a str,
    mode: Mode,
    state: &'a str,
    depends_on: &'a [UnitKey],
    fields: Vec<FieldWire<'a>>,
    steps: Vec<StepWire<'a>>,
}

fn unit_of(unit: &UnitChange) -> UnitWire<'_> {
    let hidden = |field: &FieldChange| unit.definition.secret_fields.contains(&field.name);
    UnitWire {
        unit: &unit.unit,
        uid: unit.uid.as_ref(),
        kind: unit.kind,
        item: &unit.definition.item,
        version: &unit.definition.version,
        mode: unit.definition.mode,
        state: &unit.state,
        depends_on: &unit.depends_on,
        fields: unit.fields.iter().map(|field| field_of(field, hidden(field))).collect(),
        steps: unit.steps.iter().map(step_of).collect(),
    }
}

#[derive(Serialize)]
pub(super) struct FieldWire<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    immutable: bool,
}

pub(super) fn field_of(field: &FieldChange, hidden: bool) -> FieldWire<'_> {
    let mask = Value::String(sensitive("field"));
    let shown = |value: &Value| masked(if hidden { &mask } else { value });
    FieldWire {
        name: &field.name,
        before: field.before.as_ref().map(shown),
        after: field.after.as_ref().map(shown),
        immutable: field.immutable,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepWire<'a> {
    path: &'a StepPath,
    #[serde(rename = "type")]
    kind: &'a str,
    effect: &'static str,
    when: When,
    depends_on: &'a [StepPath],
    config: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<ForecastWire<'a>>,
}

#[derive(Serialize)]
struct ForecastWire<'a> {
    digest: Digest,
    summary: &'a str,
    lines: &'a [String],
}

fn forecast_of(forecast: &Forecast) -> ForecastWire<'_> {
    ForecastWire { digest: forecast.digest, summary: &forecast.summary, lines: &forecast.lines }
}

fn step_of(step: &PlannedStep) -> StepWire<'_> {
    StepWire {
        path: &step.path,
        kind: &step.action.kind,
        effect: effect_word(step.effect),
        when: step.when,
        depends_on: &step.depends_on,
        config: masked(&step.config),
        previous: step.previous.as_ref().map(masked),
        forecast: step.forecast.as_ref().map(forecast_of),
    }
}

fn effect_word(effect: Effect) -> &'static str {
    match effect {
        Effect::Perform => "perform",
        Effect::Keep => "keep",
        Effect::Undo => "undo",
        Effect::UndoByHand => "undo-by-hand",
        Effect::Restore => "restore",
        Effect::Adopt => "adopt",
    }
}
