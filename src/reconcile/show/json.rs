//! A plan as JSON, version `trueline.plan/v1`: a wire form of its own, described by `schemas/reports/plan.json`.

use serde::Serialize;
use serde_json::Value;

use super::reasons;
use super::sections::{summary, units};
use super::wire::{ChangeWire, FieldWire, change_of, field_of};
use crate::digest::Digest;
use crate::id::{RunId, UnitKey};
use crate::reconcile::change::ChangeKind;
use crate::reconcile::plan::{Drift, Hold, Plan};
use crate::template::show_markers;

/// Version of the wire form.
pub const VERSION: &str = "trueline.plan/v1";

/// Shows a plan as JSON: markers in words, secrets masked, everything in a stable order.
pub fn json(plan: &Plan) -> Value {
    let wire = PlanWire {
        version: VERSION,
        catalog: &plan.catalog,
        commit: &plan.commit,
        digest: plan.digest,
        summary: summary_of(plan),
        changes: plan.changes.iter().map(|change| change_of(plan, change)).collect(),
        blocked: plan.blocked.iter().map(|(service, why)| BlockedWire { service, why }).collect(),
        outdated: plan.outdated.iter().map(|(unit, why)| UnitWhy { unit, why }).collect(),
        drifted: plan.drifted.iter().map(drift_of).collect(),
        unknown: plan.unknown.iter().map(|(unit, why)| UnitWhy { unit, why }).collect(),
        running: plan.running.iter().map(|(service, run)| RunningWire { service, run }).collect(),
        suspended: &plan.suspended,
        expired: plan.expired.iter().map(|(service, path)| ExpiredWire { service, path }).collect(),
        retained: &plan.retained,
        guard: GuardWire {
            held: !plan.verdict.holds.is_empty(),
            deletions: plan.verdict.deletions,
            budget: plan.verdict.budget,
            holds: plan.verdict.holds.iter().zip(reasons::holds(plan)).map(hold_of).collect(),
        },
    };
    serde_json::to_value(&wire).map(|value| in_words(&value)).unwrap_or_default()
}

/// Puts markers in words wherever a text may hold one; values were masked one by one before.
fn in_words(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(show_markers(text)),
        Value::Array(items) => items.iter().map(in_words).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, item)| (key.clone(), in_words(item))).collect())
        }
        other => other.clone(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanWire<'a> {
    version: &'static str,
    catalog: &'a str,
    commit: &'a str,
    digest: Digest,
    summary: SummaryWire,
    changes: Vec<ChangeWire<'a>>,
    blocked: Vec<BlockedWire<'a>>,
    outdated: Vec<UnitWhy<'a>>,
    drifted: Vec<DriftWire<'a>>,
    unknown: Vec<UnitWhy<'a>>,
    running: Vec<RunningWire<'a>>,
    suspended: &'a [String],
    expired: Vec<ExpiredWire<'a>>,
    retained: &'a [UnitKey],
    guard: GuardWire<'a>,
}

#[derive(Serialize)]
struct SummaryWire {
    text: String,
    create: usize,
    update: usize,
    replace: usize,
    delete: usize,
    operate: usize,
    correct: usize,
    adopt: usize,
}

fn summary_of(plan: &Plan) -> SummaryWire {
    SummaryWire {
        text: summary(plan),
        create: units(plan, ChangeKind::Create),
        update: units(plan, ChangeKind::Update),
        replace: units(plan, ChangeKind::Replace),
        delete: units(plan, ChangeKind::Delete),
        operate: units(plan, ChangeKind::Operate),
        correct: units(plan, ChangeKind::Correct),
        adopt: units(plan, ChangeKind::Adopt),
    }
}

#[derive(Serialize)]
struct BlockedWire<'a> {
    service: &'a str,
    why: &'a [String],
}

#[derive(Serialize)]
struct UnitWhy<'a> {
    unit: &'a UnitKey,
    why: &'a str,
}

#[derive(Serialize)]
struct DriftWire<'a> {
    unit: &'a UnitKey,
    step: &'a str,
    absent: bool,
    changes: Vec<FieldWire<'a>>,
}

fn drift_of(drift: &Drift) -> DriftWire<'_> {
    DriftWire {
        unit: &drift.unit,
        step: &drift.step,
        absent: drift.absent,
        changes: drift.changes.iter().map(|change| field_of(change, false)).collect(),
    }
}

#[derive(Serialize)]
struct RunningWire<'a> {
    service: &'a str,
    run: &'a RunId,
}

#[derive(Serialize)]
struct ExpiredWire<'a> {
    service: &'a str,
    path: &'a str,
}

#[derive(Serialize)]
struct GuardWire<'a> {
    held: bool,
    deletions: usize,
    budget: usize,
    holds: Vec<HoldWire<'a>>,
}

#[derive(Serialize)]
struct HoldWire<'a> {
    text: String,
    #[serde(flatten)]
    hold: HoldKind<'a>,
}

#[derive(Serialize)]
#[serde(tag = "hold", rename_all = "kebab-case")]
enum HoldKind<'a> {
    Deletions,
    Shrank { before: usize, now: usize },
    History { from: &'a str, to: &'a str },
}

fn hold_of((hold, text): (&Hold, String)) -> HoldWire<'_> {
    let hold = match hold {
        Hold::Deletions => HoldKind::Deletions,
        Hold::Shrank { before, now } => HoldKind::Shrank { before: *before, now: *now },
        Hold::History { from, to } => HoldKind::History { from, to },
    };
    HoldWire { text, hold }
}
