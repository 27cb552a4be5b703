//! What a plan says beside its changes: what fits not, what is outdated, drifted, unknown; and its sums.

use super::compare::compare;
use super::line::Line;
use super::reasons::{count, short_commit};
use super::values::{lines, literal};
use crate::reconcile::change::{ChangeKind, FieldChange};
use crate::reconcile::plan::{Drift, Plan};

/// One heading with what stands under it.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) rows: Vec<Row>,
}

/// What is said of one subject.
pub(super) struct Row {
    pub(super) subject: String,
    pub(super) what: String,
    /// The same line by line, where it is long; only text shows it.
    pub(super) lines: Vec<Line>,
}

impl From<(String, String)> for Row {
    fn from((subject, what): (String, String)) -> Self {
        Self { subject, what, lines: Vec::new() }
    }
}

/// Returns the sections that have something to say, the urgent ones first.
pub(super) fn sections(plan: &Plan) -> Vec<Section> {
    let left = "is suspended: nothing is changed until its `state` says otherwise";
    let kept = "has no file any more and is kept, as `deletionPolicy: retain` says";
    let blocked = plan
        .blocked
        .iter()
        .flat_map(|(service, why)| why.iter().map(|why| (service.clone(), why.clone())));
    let unit =
        |(unit, why): (&crate::id::UnitKey, &String)| Row::from((unit.to_string(), why.clone()));
    let removal = |(service, path): (&String, &String)| {
        let what = format!("is past its date: remove {path}, or move `expires`");
        Row::from((service.clone(), what))
    };
    let left_alone = |id: &String| Row::from((id.clone(), left.to_owned()));
    let kept_row = |key: &crate::id::UnitKey| Row::from((key.to_string(), kept.to_owned()));
    [
        ("Blocked", blocked.map(Row::from).collect()),
        ("Unknown", plan.unknown.iter().map(unit).collect()),
        ("Outdated", plan.outdated.iter().map(unit).collect()),
        ("Drifted", plan.drifted.iter().flat_map(drift).collect()),
        ("Expired", plan.expired.iter().map(removal).collect()),
        ("Suspended", plan.suspended.iter().map(left_alone).collect()),
        ("Retained", plan.retained.iter().map(kept_row).collect()),
        (
            "Running",
            plan.running
                .iter()
                .map(|(service, run)| {
                    let what = format!("is being converged: trueline run show {run}");
                    Row::from((service.clone(), what))
                })
                .collect(),
        ),
    ]
    .into_iter()
    .filter(|(_, rows): &(_, Vec<_>)| !rows.is_empty())
    .map(|(title, rows)| Section { title, rows })
    .collect()
}

fn drift(drift: &Drift) -> Vec<Row> {
    let subject = format!("{} {}", drift.unit, drift.step);
    if drift.absent {
        return vec![(subject, "is gone".to_owned()).into()];
    }
    if drift.changes.is_empty() {
        return vec![(subject, "differs from what was last written".to_owned()).into()];
    }
    drift.changes.iter().map(|change| differs(subject.clone(), change)).collect()
}

/// Says what differs: on one line where it is short, else line by line.
fn differs(subject: String, change: &FieldChange) -> Row {
    let name = name_of(change);
    let of = |value: &Option<serde_json::Value>| value.as_ref().map(lines).unwrap_or_default();
    let (before, after) = (of(&change.before), of(&change.after));
    if before.len() > 1 || after.len() > 1 {
        let what = format!("{name} differs from what was last written");
        return Row { subject, what, lines: compare(&before, &after, 4) };
    }
    let side = |value: &Option<serde_json::Value>| match value {
        Some(value) => super::values::cut(&literal(value), 400),
        None => "nothing".to_owned(),
    };
    let (before, after) = (side(&change.before), side(&change.after));
    (subject, format!("{name} was written as {before} and is {after}")).into()
}

/// Names what differs; a file by its path, as people write it.
fn name_of(change: &FieldChange) -> String {
    match change.name.strip_prefix('/') {
        Some(file) if !file.contains('/') && file.contains("~1") => {
            super::values::visible(&file.replace("~1", "/").replace("~0", "~"))
        }
        _ => change.name.clone(),
    }
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
