//! What a review of a proposal found, as a value: what it says of itself in one line, and how it stands. It has no IO.

use std::collections::BTreeMap;

use super::reasons::count;
use super::sections::units;
use crate::finding::{Finding, Severity};
use crate::owners::Approval;
use crate::reconcile::change::ChangeKind;
use crate::reconcile::plan::Plan;

/// What a review of a proposal found.
#[derive(Clone, Debug, Default)]
pub struct Reviewed {
    /// The commit of the branch that it is for.
    pub base: String,
    /// The commit that it proposes.
    pub head: String,
    /// What is in the way of a merge; nothing where there is nothing.
    pub unmerged: Option<Unmerged>,
    /// What the change is to blame for.
    pub findings: Vec<Finding>,
    /// Errors that the base has by itself.
    pub errors_before: usize,
    /// What it needs from owners, by the CODEOWNERS of the base.
    pub approval: Approval,
    /// Whether what owners did not approve is left unconverged.
    pub owners_required: bool,
    /// What the merge would have done; nothing where that could not be found out.
    pub plan: Option<Plan>,
    /// What a change of an item, bundle or environment reaches.
    pub reach: Vec<Reach>,
    /// What services cost, by currency: before and after, each month.
    pub costs: BTreeMap<String, (f64, f64)>,
    /// Whether the head lies in a repository that is not ours.
    pub from_fork: bool,
}

/// What is in the way of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmerged {
    /// Both sides changed the same lines of these paths.
    Conflict(Vec<String>),
    /// The two share no history, or one can't be read: why.
    Unreadable(String),
}

/// What a change of a shared document reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The document, such as `item database-postgresql-standard`.
    pub what: String,
    /// All services that are of it, or in it.
    pub services: usize,
    /// Those of them that are to be changed.
    pub changed: usize,
}

/// How a check of a review stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All is well.
    Success,
    /// Somebody should look.
    Neutral,
    /// It is in the way.
    Failure,
    /// People must do something first.
    ActionRequired,
}

impl Reviewed {
    /// Says how the check of the documents stands, and why in one line.
    pub fn validation(&self) -> (Standing, String) {
        match &self.unmerged {
            Some(Unmerged::Conflict(paths)) => {
                let title = format!("conflicts with its base in {}", some(paths));
                return (Standing::ActionRequired, title);
            }
            Some(Unmerged::Unreadable(why)) => return (Standing::ActionRequired, why.clone()),
            None => {}
        }
        let number = |severity| self.findings.iter().filter(|one| one.severity == severity).count();
        let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
        let notes = number(Severity::Note);
        let counted = [(errors, "error"), (warnings, "warning"), (notes, "note")];
        let words = counted.iter().filter(|(number, _)| *number > 0);
        let words: Vec<String> = words.map(|(number, word)| count(*number, word)).collect();
        let mut title =
            if words.is_empty() { "nothing found".to_owned() } else { words.join(", ") };
        if self.errors_before > 0 {
            title.extend(["; its base has ", &count(self.errors_before, "error")]);
        }
        let standing = match (errors, warnings) {
            (1.., _) => Standing::Failure,
            (0, 1..) => Standing::Neutral,
            (0, 0) => Standing::Success,
        };
        (standing, title)
    }

    /// Says how the check of the plan stands, and what it would do in one line.
    pub fn planning(&self) -> (Standing, String) {
        let (Some(plan), None) = (&self.plan, &self.unmerged) else {
            return (Standing::ActionRequired, self.validation().1);
        };
        let mut title = counts(plan);
        for reach in self.reach.iter().filter(|reach| reach.services > 0) {
            let services = count(reach.services, "service");
            title.extend(["; ", &reach.what, " reaches ", &services]);
        }
        let deletions = plan.changes.iter().any(|change| change.deletions() > 0);
        let asks = deletions || !plan.verdict.holds.is_empty() || !plan.blocked.is_empty();
        let missing = self.approval.missing().count();
        if missing > 0 {
            title.extend(["; ", &count(missing, "approval"), " of owners missing"]);
        }
        match missing {
            1.. if self.owners_required => (Standing::ActionRequired, title),
            _ if asks => (Standing::Neutral, title),
            _ => (Standing::Success, title),
        }
    }

    /// Returns what is worth a warning: what is taken away, replaced, held, or must wait for its window.
    pub fn warnings(&self) -> Vec<String> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let mut said = Vec::new();
        for (kind, what) in [
            (ChangeKind::Delete, "is taken away with all that it holds"),
            (ChangeKind::Replace, "is taken away and made anew"),
        ] {
            let of_kind = plan.changes.iter().flat_map(|change| &change.units);
            let named: Vec<String> = of_kind
                .filter(|unit| unit.kind == kind)
                .map(|unit| unit.unit.to_string())
                .collect();
            if !named.is_empty() {
                said.push(format!("{} {what}", some(&named)));
            }
        }
        for (service, why) in &plan.pending {
            for why in why {
                if let crate::reconcile::Pending::Window { until } = why {
                    said.push(format!("{service} waits for its change window: {until}"));
                }
            }
        }
        if self.from_fork {
            said.push(
                "its head lies in a fork: it was judged and planned without a secret".to_owned(),
            );
        }
        said
    }
}

/// Counts what a plan does, in the words of the title.
fn counts(plan: &Plan) -> String {
    let kinds = [
        ChangeKind::Create,
        ChangeKind::Update,
        ChangeKind::Replace,
        ChangeKind::Delete,
        ChangeKind::Operate,
        ChangeKind::Correct,
        ChangeKind::Adopt,
    ];
    let mut words: Vec<String> = kinds
        .into_iter()
        .map(|kind| (units(plan, kind), kind))
        .filter(|(number, _)| *number > 0)
        .map(|(number, kind)| format!("{number} to {kind}"))
        .collect();
    if !plan.blocked.is_empty() {
        words.push(format!("{} blocked", plan.blocked.len()));
    }
    if words.is_empty() { "no changes".to_owned() } else { words.join(", ") }
}

/// Names the first few.
pub(super) fn some(names: &[String]) -> String {
    const MOST: usize = 5;
    let named: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    match names.len() {
        0..=MOST => named.join(", "),
        all => format!("{} and {} more", named.join(", "), all - MOST),
    }
}

#[cfg(test)]
#[path = "review_tests.rs"]
mod tests;
