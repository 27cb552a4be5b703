//! Why a change does not start, in words that say what a person can do. It knows commands, and never runs one.

use crate::reconcile::change::Change;
use crate::reconcile::plan::{Hold, Pending, Plan};

/// Says of a change why it does not start yet; approvals, which one person gives at once, in one sentence.
pub fn pending(plan: &Plan, change: &Change) -> Vec<String> {
    let Some(reasons) = plan.pending.get(&change.service) else { return Vec::new() };
    let mut said: Vec<String> = approvals(change, reasons).into_iter().collect();
    for reason in reasons {
        said.extend(match reason {
            Pending::Approval { .. } => None,
            Pending::Rejected { reason } => {
                Some(format!("was rejected ({reason}): change {} to ask again", place(change)))
            }
            Pending::Forecast { step, why: None } => Some(format!(
                "waits for the forecast of {step}, which the daemon or `trueline apply` makes"
            )),
            Pending::Forecast { step, why: Some(why) } => {
                Some(format!("{step} can't be forecast, and is tried again later: {why}"))
            }
            Pending::Window { until } => Some(format!("waits for its change window: {until}")),
            Pending::Dependency { service } => Some(format!(
                "waits until service {service} is ready: trueline service show {service}"
            )),
            Pending::Stalled { run, why } => Some(format!(
                "run {run} stopped ({why}): mend the cause, then trueline service reconcile {}",
                change.service
            )),
            Pending::Flapping { unit, field, times } => Some(format!(
                "is flapping: {field} of {unit} was put right {times} times and differs again; find who writes it, \
                 then trueline service reconcile {}",
                change.service
            )),
            Pending::Owner { .. } => Some(format!(
                "{reason}; an owner accepts it with trueline approve {}",
                change.digest.short()
            )),
            Pending::Held { why } => {
                Some(format!("is {why}: trueline service release {}", change.service))
            }
            Pending::Guard => {
                Some(format!("waits for the whole plan: trueline approve {}", plan.digest.short()))
            }
        });
    }
    said
}

fn place(change: &Change) -> &str {
    if change.path.is_empty() { "the catalog" } else { &change.path }
}

fn approvals(change: &Change, reasons: &[Pending]) -> Option<String> {
    let mut most = 0;
    let mut asked = Vec::new();
    for reason in reasons {
        if let Pending::Approval { why, missing, from } = reason {
            most = most.max(*missing);
            asked.push(if from.is_empty() {
                why.clone()
            } else {
                format!("{why}, from {}", from.join(" or "))
            });
        }
    }
    (most > 0).then(|| {
        format!(
            "waits for {} ({}): trueline approve {}",
            count(most as usize, "approval"),
            asked.join("; "),
            change.digest.short()
        )
    })
}

/// Says why the guard holds a plan; the last sentence is what to do.
pub fn holds(plan: &Plan) -> Vec<String> {
    let verdict = &plan.verdict;
    let approve = format!("trueline approve {}", plan.digest.short());
    let said = |hold: &Hold| match hold {
        Hold::Deletions => format!(
            "held: {}, budget {}: {approve}",
            count(verdict.deletions, "deletion"),
            verdict.budget
        ),
        Hold::Shrank { before, now } => format!(
            "held: the catalog went from {} to {now} and {} would follow: {approve}",
            count(*before, "service"),
            count(verdict.deletions, "deletion"),
        ),
        Hold::History { from, to } => format!(
            "held: {} does not descend from {}, which was applied (force push, or restored backup): {approve}",
            short_commit(to),
            short_commit(from),
        ),
        Hold::Restored { until, .. } => format!(
            "held: the record was restored from a backup and knows nothing since {until:.0}; what was done \
             after that may be there already: {approve}"
        ),
    };
    verdict.holds.iter().map(said).collect()
}

/// Writes a number with its word: `1 approval`, `2 approvals`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// Shortens a commit as people do: 12 digits, also behind `dir:`.
pub(super) fn short_commit(commit: &str) -> String {
    let (lead, id) = commit.strip_prefix("dir:").map_or(("", commit), |id| ("dir:", id));
    format!("{lead}{}", id.chars().take(12).collect::<String>())
}
