//! The plan as a value: all changes of one catalog at one moment. [`super::planner`] makes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::change::{Change, FieldChange};
use crate::digest::Digest;
use crate::id::{RunId, StepPath, UnitKey};

/// All changes of one catalog at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the catalog.
    pub catalog: String,
    /// The commit it was made for; not part of the digest.
    pub commit: String,
    /// Hash of the sorted digests of its changes and of the verdict.
    pub digest: Digest,
    /// What each service needs, by service.
    pub changes: Vec<Change>,
    /// Why a change does not start yet, by service.
    pub pending: BTreeMap<String, Vec<Pending>>,
    /// Services that do not fit, with why.
    pub blocked: BTreeMap<String, Vec<String>>,
    /// Units whose definition is newer than what was applied; shown, and converged when asked.
    pub outdated: BTreeMap<UnitKey, String>,
    /// Units that differ from what was last written, where that is only reported.
    pub drifted: Vec<Drift>,
    /// Units that are absent and not known to be unwanted, with why.
    pub unknown: BTreeMap<UnitKey, String>,
    /// Services that are being converged.
    pub running: BTreeMap<String, RunId>,
    /// Services whose desired state is to be left alone: `state: suspended`.
    pub suspended: Vec<String>,
    /// Services that expired and whose removal is to be proposed: service → path of its file.
    pub expired: BTreeMap<String, String>,
    /// Units whose file is gone and whose policy is `retain`: kept, no longer looked after.
    pub retained: Vec<UnitKey>,
    /// Services that are recorded and that nothing in the catalog asks for any more, as far as can be read.
    #[serde(default)]
    pub absent: BTreeSet<String>,
    /// What the guard says of the whole.
    pub verdict: Verdict,
}

impl Plan {
    /// Computes the digest: the changes, sorted, and the verdict.
    pub fn compute_digest(&self) -> Digest {
        let mut changes: Vec<Digest> = self.changes.iter().map(|change| change.digest).collect();
        changes.sort_unstable();
        Digest::of_json(&json!({"changes": changes, "holds": self.verdict.holds}))
    }

    /// Tells whether nothing is to be done. Drift that is only reported does not count.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns the changes that may start now.
    pub fn ready(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| !self.pending.contains_key(&change.service))
    }

    /// Tells whether a program may be asked what a change would bring about: nothing runs of what people hold back.
    pub fn may_forecast(&self, service: &str) -> bool {
        let why = self.pending.get(service).into_iter().flatten();
        !why.into_iter().any(|why| {
            matches!(
                why,
                Pending::Guard
                    | Pending::Held { .. }
                    | Pending::Rejected { .. }
                    | Pending::Owner { .. }
            )
        })
    }

    /// Returns the change of a service.
    pub fn change(&self, service: &str) -> Option<&Change> {
        self.changes.iter().find(|change| change.service == service)
    }
}

/// Why a change does not start yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "kebab-case")]
pub enum Pending {
    /// It takes approvals.
    Approval {
        /// What asks for them.
        why: String,
        /// How many are missing.
        missing: u32,
        /// From whom.
        from: Vec<String>,
    },
    /// It was rejected.
    Rejected {
        /// Why.
        reason: String,
    },
    /// What a step would bring about is not known yet.
    Forecast {
        /// The step.
        step: StepPath,
        /// Why it can't be told, where that was tried.
        why: Option<String>,
    },
    /// The change window is closed.
    Window {
        /// When it opens and why it is closed.
        until: String,
    },
    /// A service it depends on is not ready.
    Dependency {
        /// The service.
        service: String,
    },
    /// Its last run stopped, and a person decides.
    Stalled {
        /// The run.
        run: RunId,
        /// Why it stopped.
        why: String,
    },
    /// It was put right again and again, and differs again.
    Flapping {
        /// The unit.
        unit: UnitKey,
        /// The field.
        field: String,
        /// How often it was put right.
        times: u32,
    },
    /// Its owners did not approve what it is made of.
    Owner {
        /// The document; empty where that is not known yet.
        path: String,
        /// Who is missing, and why.
        why: String,
    },
    /// A person stopped everything for it.
    Held {
        /// Who and why: `held by ada: …`.
        #[serde(default)]
        why: String,
    },
    /// The guard holds the whole plan.
    Guard,
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pending::Approval { why, missing, from } if from.is_empty() => {
                write!(f, "waits for {} ({why})", approvals(*missing))
            }
            Pending::Approval { why, missing, from } => {
                write!(f, "waits for {} ({why}, from {})", approvals(*missing), from.join(", "))
            }
            Pending::Rejected { reason } => write!(f, "rejected: {reason}"),
            Pending::Forecast { step, why: None } => write!(f, "forecasting {step}"),
            Pending::Forecast { step, why: Some(why) } => {
                write!(f, "{step} can't be forecast: {why}")
            }
            Pending::Window { until } => write!(f, "change window {until}"),
            Pending::Dependency { service } => write!(f, "waits for service {service}"),
            Pending::Stalled { run, why } => write!(f, "run {run} stopped: {why}"),
            Pending::Flapping { unit, field, times } => write!(
                f,
                "flapping: {field} of {unit} was put right {times} times and differs again; \
                 `trueline service reconcile {}` puts it right once more",
                unit.service
            ),
            Pending::Owner { path, why } if path.is_empty() => write!(f, "waits for owners: {why}"),
            Pending::Owner { path, why } => write!(f, "waits for the owners of {path}: {why}"),
            Pending::Held { why } => f.write_str(why),
            Pending::Guard => f.write_str("the guard holds the whole plan"),
        }
    }
}

fn approvals(missing: u32) -> String {
    let plural = if missing == 1 { "" } else { "s" };
    format!("{missing} approval{plural}")
}

/// A unit that differs from what was last written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The unit.
    pub unit: UnitKey,
    /// The step whose work differs.
    pub step: String,
    /// Whether it is gone altogether.
    pub absent: bool,
    /// What differs: `before` is what we wrote, `after` what is there.
    pub changes: Vec<FieldChange>,
}

/// What the guard says of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Units that it takes away.
    pub deletions: usize,
    /// Units that it may take away.
    pub budget: usize,
    /// Why it is held; empty where it is not.
    pub holds: Vec<Hold>,
}

/// Why a plan is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hold", rename_all = "kebab-case")]
pub enum Hold {
    /// More deletions than the budget.
    Deletions,
    /// The catalog emptied, or shrank below half.
    Shrank {
        /// Services before.
        before: usize,
        /// Services now.
        now: usize,
    },
    /// The head does not descend from what was applied.
    History {
        /// What was applied.
        from: String,
        /// The head.
        to: String,
    },
    /// The record was put back from a backup, and is older than the world.
    Restored {
        /// When it was put back.
        at: Timestamp,
        /// The last moment that it knows of.
        until: Timestamp,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::reconcile::policies::settled;
    use crate::reconcile::world::World;

    /// Tells whether the change of a database may be forecast in a world that something was done to.
    fn may_forecast(prepare: &dyn Fn(&mut World)) -> bool {
        let mut world = settled();
        world.field("db", "size", json!("large"));
        prepare(&mut world);
        let plan = world.plan();
        assert_eq!(plan.changes.len(), 1);
        plan.may_forecast("db")
    }

    /// A head that does not descend from what was applied.
    fn rewritten(world: &mut World) {
        world.facts.revision.last = Some("aaa".to_owned());
        world.facts.revision.head = "bbb".to_owned();
        world.facts.revision.descends = false;
    }

    #[test]
    fn nothing_runs_of_what_people_hold_back() {
        assert!(may_forecast(&|_| {}));
        assert!(may_forecast(&|world| {
            world.facts.requested.insert("other".to_owned());
        }));
        assert!(!may_forecast(&rewritten));
        assert!(!may_forecast(&|world| {
            world.facts.held.insert("db".to_owned(), "held by ada: no".to_owned());
        }));
        assert!(!may_forecast(&|world| {
            let digest = world.plan().changes[0].digest;
            world.facts.rejected.insert(digest, "no".to_owned());
        }));
    }

    #[test]
    fn a_plan_that_was_approved_as_a_whole_is_no_longer_held_back() {
        assert!(may_forecast(&|world| {
            rewritten(world);
            let digest = world.plan().digest;
            world.facts.approved_plans.insert(digest);
        }));
    }
}
