//! How a unit stands, as people name it; derived from what the store holds, and stored nowhere.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::view::View;
use crate::id::{RunId, UnitKey};
use crate::reconcile::{Pending, UnitRow};
use crate::run::{Run, RunState, waits_for};

/// The state of a unit; the least urgent stands first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitState {
    /// It is gone.
    Deleted,
    /// It is as git wants it.
    Ready,
    /// Nobody looks after it for now: git says so, or its file is gone and it is kept.
    Suspended,
    /// It is as git wants it, by a definition that is no longer the newest.
    Outdated,
    /// A run brings it there.
    Converging,
    /// A run waits for people or other sides.
    Waiting,
    /// A change of it has not started yet.
    Pending,
    /// A person stopped everything for it.
    Held,
    /// Its file is not there, and that can't be trusted.
    Unknown,
    /// Its service does not fit the catalog.
    Blocked,
    /// Its last run stopped.
    Stalled,
}

impl UnitState {
    /// All states, the least urgent first.
    pub const ALL: [UnitState; 11] = [
        UnitState::Deleted,
        UnitState::Ready,
        UnitState::Suspended,
        UnitState::Outdated,
        UnitState::Converging,
        UnitState::Waiting,
        UnitState::Pending,
        UnitState::Held,
        UnitState::Unknown,
        UnitState::Blocked,
        UnitState::Stalled,
    ];

    /// Tells whether nothing is to be done about it.
    pub fn is_settled(self) -> bool {
        matches!(self, UnitState::Deleted | UnitState::Ready | UnitState::Suspended)
    }
}

impl fmt::Display for UnitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            UnitState::Deleted => "deleted",
            UnitState::Ready => "ready",
            UnitState::Suspended => "suspended",
            UnitState::Outdated => "outdated",
            UnitState::Converging => "converging",
            UnitState::Waiting => "waiting",
            UnitState::Pending => "pending",
            UnitState::Held => "held",
            UnitState::Unknown => "unknown",
            UnitState::Blocked => "blocked",
            UnitState::Stalled => "stalled",
        })
    }
}

/// How a unit stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: UnitState,
    /// Why, where the state alone does not say it.
    pub why: Option<String>,
    /// The run that brings it there, or that stopped.
    pub run: Option<RunId>,
}

impl Standing {
    fn of(state: UnitState, why: impl Into<String>) -> Self {
        Self { state, why: Some(why.into()), run: None }
    }

    fn by(self, run: &RunId) -> Self {
        Self { run: Some(run.clone()), ..self }
    }
}

/// Tells how a unit stands: a person's hold weighs most; then, what happens to it now weighs more than what is wrong with it, and that more than what is to come.
pub fn unit_state(key: &UnitKey, row: Option<&UnitRow>, view: &View) -> Standing {
    let state = &view.state;
    if let Some(held) = state.held.get(&key.service) {
        let run = view.run_of(&key.service).map(|run| run.id.clone());
        return Standing { state: UnitState::Held, why: Some(held.to_string()), run };
    }
    if let Some(run) = view.run_of(&key.service)
        && (row.is_none_or(|row| row.applied.is_none()) || touches(run, key))
    {
        return underway(run);
    }
    if let Some(why) = state.blocked.get(&key.service) {
        return Standing::of(UnitState::Blocked, why);
    }
    if row.is_some_and(|row| row.retained) {
        return Standing::of(
            UnitState::Suspended,
            "its file is gone and it is kept (deletionPolicy: retain)",
        );
    }
    if let Some(why) = state.unknown.get(key) {
        return Standing::of(UnitState::Unknown, why);
    }
    if state.suspended.contains(&key.service) {
        return Standing::of(UnitState::Suspended, "its `state` is suspended");
    }
    if let Some(standing) = stopped(&key.service, view) {
        return standing;
    }
    if let Some(standing) = planned(key, view) {
        return standing;
    }
    if let Some(why) = state.outdated.get(key) {
        return Standing::of(UnitState::Outdated, why);
    }
    match row {
        Some(row) if row.applied.is_some() => {
            Standing { state: UnitState::Ready, why: None, run: None }
        }
        Some(_) => Standing::of(UnitState::Pending, "it was not applied in full"),
        None => Standing { state: UnitState::Deleted, why: None, run: None },
    }
}

fn touches(run: &Run, key: &UnitKey) -> bool {
    run.change.units.iter().any(|unit| unit.unit == *key)
}

/// Says why an open run is not further: what it waits for; nothing where a step is under way.
pub fn why_open(run: &Run) -> Option<String> {
    if run.state != RunState::Queued {
        return waits_for(run);
    }
    Some(match run.change.after.as_slice() {
        [] => "waits for its turn".to_owned(),
        before => format!("waits for its turn, after {}", before.join(", ")),
    })
}

fn underway(run: &Run) -> Standing {
    let waits = matches!(run.state, RunState::Waiting | RunState::Paused);
    let state = if waits { UnitState::Waiting } else { UnitState::Converging };
    Standing { state, why: why_open(run), run: Some(run.id.clone()) }
}

/// A run that stopped stands until something newer is wanted of its service.
fn stopped(service: &str, view: &View) -> Option<Standing> {
    let run = view.stopped.get(service)?;
    let same = |why: &Pending| matches!(why, Pending::Stalled { .. });
    let waits = view.plan.as_ref().and_then(|plan| plan.pending.get(service));
    if view.planned.contains_key(service) && !waits.is_some_and(|why| why.iter().any(same)) {
        return None;
    }
    let why = run.why.clone().unwrap_or_else(|| format!("run {} {}", run.id, run.state));
    Some(Standing::of(UnitState::Stalled, why).by(&run.id))
}

fn planned(key: &UnitKey, view: &View) -> Option<Standing> {
    let change = view.planned.get(&key.service);
    if change.is_some_and(|units| !units.contains(key)) {
        return None;
    }
    let why = view.state.pending.get(&key.service);
    if why.is_none() && change.is_none() {
        return None;
    }
    let soon = "its change starts with the next tick";
    Some(Standing::of(UnitState::Pending, why.map_or(soon, String::as_str)))
}
