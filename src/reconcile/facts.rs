//! Facts: what the planner is told beside desired and actual state. Gathered by the engine, never by us.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::forecast::Forecasts;
use super::people::Authors;
use super::schedule::Due;
use crate::catalog::Written;
use crate::digest::Digest;
use crate::id::{RunId, UnitKey};

/// Where the catalog's head stands against what was applied before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// The head.
    pub head: String,
    /// The last revision whose plan was acted upon.
    pub last: Option<String>,
    /// Whether the head descends from it; true where there is none.
    pub descends: bool,
}

/// A service whose last run stopped, and waits for a person's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The run.
    pub run: RunId,
    /// Why it stopped.
    pub why: String,
    /// What it was of, unit by unit: a newer revision lifts the stall.
    pub sources: BTreeMap<UnitKey, Digest>,
}

/// What the planner is told beside desired and actual state.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Name of the catalog.
    pub catalog: String,
    /// Where its head stands.
    pub revision: Revision,
    /// Who wrote the head, as `name <email>`.
    pub author: Option<String>,
    /// Who wrote which file since the catalog was looked at before.
    pub written: Written,
    /// Who wrote what, of the changes that were planned last: they stay theirs whoever writes the head.
    pub authors: BTreeMap<Digest, Authors>,
    /// What was acknowledged: `catalog`, `kind:rest-api`, `git:…`.
    pub contacts: BTreeSet<String>,
    /// Who approved which digest, of a plan or a change.
    pub approvals: BTreeMap<Digest, BTreeSet<String>>,
    /// Plans that were approved as a whole.
    pub approved_plans: BTreeSet<Digest>,
    /// Changes that were approved together with a whole plan: the guard lets them through.
    pub released: BTreeSet<Digest>,
    /// Changes that somebody has carried out without approvals and outside of windows, and why.
    pub broken: BTreeMap<Digest, String>,
    /// Digests that were rejected, and why.
    pub rejected: BTreeMap<Digest, String>,
    /// Services with a run that has not ended.
    pub running: BTreeMap<String, RunId>,
    /// Services for which a person stopped everything, with who and why.
    pub held: BTreeMap<String, String>,
    /// Services whose last run stopped.
    pub stalled: BTreeMap<String, Stall>,
    /// Services that a person asked to converge although only their definition differs.
    pub requested: BTreeSet<String>,
    /// Who has what in the outside world, of units that are not in question: gathered for what changes claim.
    pub claimed: BTreeMap<String, UnitKey>,
    /// Services whose units people had taken over instead of made.
    pub adopting: BTreeSet<String>,
    /// Scheduled operations that are due.
    pub due: BTreeMap<UnitKey, Due>,
    /// Whether forecasts are made at all; a review makes none, and waits for none.
    pub forecasting: bool,
    /// What was forecast, or why not.
    pub forecasts: Forecasts,
    /// How many services there were at the last revision.
    pub services_before: usize,
    /// Paths that are not as their owners approved them, with why.
    pub unapproved: BTreeMap<String, String>,
    /// Why it is not known yet what owners approved; nothing where it is, or need not be.
    pub unverified: Option<String>,
    /// The record was put back from a backup, which nobody acknowledged yet: when, and the last moment it knows of.
    pub restored: Option<(Timestamp, Timestamp)>,
}
