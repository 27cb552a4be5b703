//! What a tick tells of the whole, for whoever scrapes it: how services stand, and what waits. It counts, and decides nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::daemon::Daemon;
use crate::engine::{Memory, UnitState};
use crate::reconcile::{Pending, Plan};
use crate::run::{Run, RunState};

impl Daemon {
    /// Tells how things stand after a tick.
    pub(super) fn measure(&self, plan: &Plan, services: usize) {
        let (driver, now) = (&self.driver, self.driver.engine.clock.now());
        let metrics = &driver.metrics;
        metrics.planned(plan.changes.len(), queue(driver.memory.runs.values(), now));
        metrics.asks(driver.breakers());
        metrics.services(&states(plan, &driver.memory, services));
    }
}

/// Counts the runs that wait for their turn, and tells how long the oldest has.
fn queue<'r>(runs: impl Iterator<Item = &'r Run>, now: Timestamp) -> (usize, Duration) {
    let queued = runs.filter(|run| run.state == RunState::Queued);
    queued.fold((0, Duration::ZERO), |(depth, oldest), run| {
        let age = now.as_millisecond().saturating_sub(run.created_at.as_millisecond()).max(0);
        (depth + 1, oldest.max(Duration::from_millis(age.unsigned_abs())))
    })
}

/// Counts services by their most urgent state; all that nothing is to be said of are ready.
fn states(plan: &Plan, memory: &Memory, services: usize) -> BTreeMap<UnitState, usize> {
    let mut stands: BTreeMap<&str, UnitState> = BTreeMap::new();
    let outdated = plan.outdated.keys().map(|unit| (&unit.service, UnitState::Outdated));
    let suspended = plan.suspended.iter().map(|id| (id, UnitState::Suspended));
    let coming = plan.changes.iter().map(|change| (&change.service, UnitState::Pending));
    let unknown = plan.unknown.keys().map(|unit| (&unit.service, UnitState::Unknown));
    let blocked = plan.blocked.keys().map(|id| (id, UnitState::Blocked));
    let planned = |id: &String| plan.pending.get(id).into_iter().flatten();
    let stalls = |why: &Pending| matches!(why, Pending::Stalled { .. });
    let stands_still = |id: &&String| plan.change(id).is_none() || planned(id).any(stalls);
    let stalled = memory.stalled.keys().filter(stands_still).map(|id| (id, UnitState::Stalled));
    let underway = memory.runs.values().map(|run| {
        let waits = matches!(run.state, RunState::Waiting | RunState::Paused);
        let state = if waits { UnitState::Waiting } else { UnitState::Converging };
        (&run.change.service, state)
    });
    let held = memory.state.held.keys().map(|id| (id, UnitState::Held));
    // What comes later here weighs more, as it does where each service is shown.
    let all = outdated.chain(coming).chain(stalled).chain(suspended).chain(unknown);
    for (service, state) in all.chain(blocked).chain(underway).chain(held) {
        stands.insert(service, state);
    }
    let told = stands.keys().filter(|id| !plan.absent.contains(**id)).count();
    let mut counted: BTreeMap<UnitState, usize> = BTreeMap::new();
    for state in stands.into_values() {
        *counted.entry(state).or_default() += 1;
    }
    counted.insert(UnitState::Ready, services.saturating_sub(told));
    counted
}
