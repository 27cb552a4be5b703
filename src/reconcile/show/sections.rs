//! What a plan says beside its changes: what fits not, what is outdated, drifted, unknown; and its sums.

use super::reasons::{count, short_commit};
use super::values::literal;
use crate::reconcile::change::{ChangeKind, FieldChange};
use crate::reconcile::plan::{Drift, Plan};

/// One heading with what stands under it, as `(subject, what is said of it)`.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) rows: Vec<(String, String)>,
}

/// Returns the sections that have something to say, the urgent ones first.
pub(super) fn sections(plan: &Plan) -> Vec<Section> {
    let blocked = plan
        .blocked
        .iter()
        .flat_map(|(service, why)| why.iter().map(|why| (service.clone(), why.clone())));
    let unit = |(unit, why): (&crate::id::UnitKey, &String)| (unit.to_string(), why.clone());
    let removal = |(service, path): (&String, &String)| {
        let what = format!("is past its date: remove {path}, or move `expires`");
        (service.clone(), what)
    };
    let left = "is suspended: nothing is changed until its `state` says otherwise";
    let kept = "has no file any more and is kept, as `deletionPolicy: retain` says";
    [
        ("Blocked", blocked.collect()),
        ("Unknown", plan.unknown.iter().map(unit).collect()),
        ("Outdated", plan.outdated.iter().map(unit).collect()),
        ("Drifted", plan.drifted.iter().flat_map(drift).collect()),
        ("Expired", plan.expired.iter().map(removal).collect()),
        ("Suspended", plan.suspended.iter().map(|id| (id.clone(), left.to_owned())).collect()),
        ("Retained", plan.retained.iter().map(|key| (key.to_string(), kept.to_owned())).collect()),
        (
            "Running",
            plan.running
                .iter()
                .map(|(service, run)| {
                    (service.clone(), format!("is being converged: trueline run show {run}"))
                })
                .collect(),
        ),
    ]
    .into_iter()
    .filter(|(_, rows): &(_, Vec<_>)| !rows.is_empty())
    .map(|(title, rows)| Section { title, rows })
    .collect()
}

fn drift(drift: &Drift) -> Vec<(String, String)> {
    let subject = format!("{} {}", drift.unit, drift.step);
    if drift.absent {
        return vec![(subject, "is gone".to_owned())];
    }
    if drift.changes.is_empty() {
        return vec![(subject, "differs from what was last written".to_owned())];
    }
    drift.changes.iter().map(|change| (subject.clone(), differs(change))).collect()
}

fn differs(change: &FieldChange) -> String {
    let side = |value: &Option<serde_json::Value>| match value {
        Some(value) => super::values::cut(&literal(value), 400),
        None => "nothing".to_owned(),
    };
    format!(
        "{} was written as {} and is {}",
        change.name,
        side(&change.before),
        side(&change.after)
    )
}

/// Counts the units of a plan by what is done to them.
pub(super) fn units(plan: &Plan, kind: ChangeKind) -> usize {
    plan.changes.iter().flat_map(|change| &change.units).filter(|unit| unit.kind == kind).count()
}

/// Sums the plan up in one line.
pub(super) fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        return match sections(plan).iter().find(|section| section.title == "Blocked") {
            Some(_) => format!("No changes. {} blocked.", are(plan.blocked.len())),
            None => format!(
                "No changes. Everything that is looked after is as {} wants it.",
                short_commit(&plan.commit)
            ),
        };
    }
    let always = [ChangeKind::Create, ChangeKind::Update, ChangeKind::Replace, ChangeKind::Delete];
    let seldom = [ChangeKind::Operate, ChangeKind::Correct, ChangeKind::Adopt];
    let shown = always.into_iter().chain(seldom.into_iter().filter(|kind| units(plan, *kind) > 0));
    let parts: Vec<String> = shown.map(|kind| format!("{} to {kind}", units(plan, kind))).collect();
    format!("Plan: {}.", parts.join(", "))
}

fn are(services: usize) -> String {
    format!("{} {}", count(services, "service"), if services == 1 { "is" } else { "are" })
}
