//! Turns what was found into what a forge shows: checks, remarks at lines, labels. It decides nothing.

use crate::finding::{Finding, Severity};
use crate::forge::{Annotation, Check, CheckState, Level};
use crate::owners::Why;
use crate::reconcile::Plan;
use crate::reconcile::show::{Reviewed, Standing, planning_summary, validation_summary};

/// The check of the documents.
pub(super) const VALIDATE: &str = "trueline/validate";
/// The check of the plan.
pub(super) const PLAN: &str = "trueline/plan";
/// The check of what is carried out.
pub(super) const APPLY: &str = "trueline/apply";

/// The most characters of a check's title; forges cut longer ones anywhere.
const MOST_OF_TITLE: usize = 240;

/// Makes both checks of a review.
pub(super) fn checks(reviewed: &Reviewed) -> [Check; 2] {
    let (standing, title) = reviewed.validation();
    let validate = Check {
        annotations: reviewed.findings.iter().map(annotation).collect(),
        ..check(VALIDATE, (&reviewed.head, state(standing)), &title, validation_summary(reviewed))
    };
    let (standing, title) = reviewed.planning();
    let plan = check(PLAN, (&reviewed.head, state(standing)), &title, planning_summary(reviewed));
    [validate, plan]
}

/// Makes a check without remarks.
pub(super) fn check(
    name: &str,
    (head, state): (&str, CheckState),
    title: &str,
    summary: String,
) -> Check {
    let title: String = title.chars().filter(|c| !c.is_control()).take(MOST_OF_TITLE).collect();
    Check {
        name: name.to_owned(),
        head: head.to_owned(),
        state,
        title,
        summary,
        annotations: Vec::new(),
        link: None,
    }
}

fn state(standing: Standing) -> CheckState {
    match standing {
        Standing::Success => CheckState::Success,
        Standing::Neutral => CheckState::Neutral,
        Standing::Failure => CheckState::Failure,
        Standing::ActionRequired => CheckState::ActionRequired,
    }
}

fn annotation(finding: &Finding) -> Annotation {
    let place = &finding.place;
    let end = place.column.saturating_add(place.length.max(1) - 1);
    let hint = finding.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
    Annotation {
        path: place.path.to_string(),
        lines: (place.line, place.line),
        columns: Some((place.column, end)),
        level: match finding.severity {
            Severity::Error => Level::Failure,
            Severity::Warning => Level::Warning,
            Severity::Note => Level::Notice,
        },
        title: finding.rule.clone(),
        message: format!("{}{hint}", finding.message),
    }
}

/// Returns whom to ask for reviews: the owners that are missing.
pub(super) fn reviewers(reviewed: &Reviewed) -> Vec<String> {
    let missing = reviewed.approval.missing().filter(|demand| demand.why != Why::Nobody);
    let mut owners: Vec<String> = missing
        .flat_map(|demand| &demand.owners)
        .filter(|owner| owner.starts_with('@'))
        .cloned()
        .collect();
    owners.sort();
    owners.dedup();
    owners
}

/// Returns the labels that say what it is about.
pub(super) fn labels(reviewed: &Reviewed) -> Vec<String> {
    let plan = reviewed.plan.as_ref();
    let deletes = plan.is_some_and(|plan| plan.changes.iter().any(|it| it.deletions() > 0));
    let is_held = plan.is_some_and(|plan| !plan.verdict.holds.is_empty());
    let is_broken = reviewed.findings.iter().any(Finding::is_error);
    let all = [
        (plan.is_some_and(Plan::is_empty), "trueline/no-change"),
        (deletes, "trueline/deletes"),
        (is_held, "trueline/held"),
        (is_broken, "trueline/invalid"),
        (reviewed.unmerged.is_some(), "trueline/conflict"),
        (!reviewed.reach.is_empty(), "trueline/blast-radius"),
        (!reviewed.approval.is_approved(), "trueline/needs-owners"),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, label)| label.to_owned()).collect()
}
