//! When scheduled operations come: which is due now, and when the next one is. What was acted upon is written into the
//! record of its unit together with the run that does it, so that none comes twice, whatever crashes in between.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::daemon::Daemon;
use super::error::TickError;
use crate::id::UnitKey;
use crate::reconcile::{Desired, Due, Fired, Schedule, Unit, jitter};
use crate::store::UnitWrite;

/// The scheduled operations of all units.
#[derive(Debug, Default)]
pub(super) struct Timetable {
    /// Head and writes to units that it was made for.
    made_for: Option<(String, u64)>,
    lines: Vec<Line>,
    /// When services expire, the earliest first.
    expiries: Vec<Timestamp>,
    /// When the next one comes.
    pub(super) next: Option<Timestamp>,
    /// What comes next of each, the earliest first.
    pub(super) upcoming: Arc<Vec<Upcoming>>,
    /// Until when that stays as it is.
    upcoming_until: Option<Timestamp>,
}

/// When a scheduled operation comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// When, jitter included.
    pub next: Timestamp,
    /// Of which unit.
    pub unit: UnitKey,
    /// The operation of its item.
    pub operation: String,
    /// When it comes by itself, as it was written.
    pub cron: String,
    /// The time zone that this is read in.
    pub timezone: String,
}

#[derive(Debug)]
struct Line {
    unit: UnitKey,
    operation: String,
    schedule: Schedule,
    offset: SignedDuration,
}

impl Daemon {
    /// Tells the driver which scheduled operations are due.
    pub(super) async fn keep_time(&mut self, desired: &Desired) -> Result<(), TickError> {
        let now = self.driver.engine.clock.now();
        let made_for = (self.head.commit.clone(), self.driver.memory.unit_writes);
        if self.timetable.made_for.as_ref() != Some(&made_for) {
            self.timetable.lines = self.lines_of(desired);
            let expiries = desired.units.values().filter_map(|unit| desired.expires_at(unit));
            self.timetable.expiries = expiries.collect();
            self.timetable.expiries.sort_unstable();
            self.take_up_times(now).await?;
            self.timetable.made_for = Some(made_for);
            self.timetable.upcoming_until = None;
        }
        let memory = &mut self.driver.memory;
        memory.due.clear();
        self.timetable.next = None;
        for line in &self.timetable.lines {
            let key = (line.unit.clone(), line.operation.clone());
            let Some(last) = memory.fired.get(&key) else { continue };
            if let Some(slot) = line.schedule.due(last, line.offset, now) {
                let fired = Fired { slot, of: last.of, owed: false };
                let due = Due { operation: line.operation.clone(), fired, asked: None };
                let first = memory.due.entry(line.unit.clone()).or_insert_with(|| due.clone());
                if due.fired.slot < first.fired.slot {
                    *first = due;
                }
            }
            let wake = line.schedule.wake(last, line.offset, now);
            self.timetable.next = match (self.timetable.next, wake) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
        self.list_upcoming(now);
        let upcoming = self.timetable.expiries.iter().find(|at| **at > now).copied();
        self.timetable.next = match (self.timetable.next, upcoming) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Box::pin(self.add_asked(desired)).await
    }

    /// Lists what comes next, once what was listed is past.
    fn list_upcoming(&mut self, now: Timestamp) {
        if self.timetable.upcoming_until.is_some_and(|until| until > now) {
            return;
        }
        let fired = &self.driver.memory.fired;
        let next = |line: &Line| {
            let last = fired.get(&(line.unit.clone(), line.operation.clone()))?;
            Some(Upcoming {
                next: line.schedule.wake(last, line.offset, now)?,
                unit: line.unit.clone(),
                operation: line.operation.clone(),
                cron: line.schedule.cron().to_owned(),
                timezone: line.schedule.timezone().to_owned(),
            })
        };
        let mut upcoming: Vec<Upcoming> = self.timetable.lines.iter().filter_map(next).collect();
        upcoming.sort_unstable_by(|one, other| {
            (one.next, &one.unit, &one.operation).cmp(&(other.next, &other.unit, &other.operation))
        });
        self.timetable.upcoming_until =
            upcoming.first().map(|first| first.next).or(Some(Timestamp::MAX));
        self.timetable.upcoming = Arc::new(upcoming);
    }

    /// Tells whether it is time for a drift sweep, and remembers that; always where none is scheduled.
    pub(super) async fn sweep_is_due(&mut self) -> Result<bool, TickError> {
        let Some(schedule) = &self.sweep_at else { return Ok(true) };
        let now = self.driver.engine.clock.now();
        let kept = self.driver.memory.state.swept.clone().filter(|it| schedule.is_of(it));
        let is_new = kept.is_none();
        let last = kept.unwrap_or_else(|| schedule.from_now(now));
        let slot = schedule.due(&last, SignedDuration::ZERO, now);
        if slot.is_some() || is_new {
            let slot = slot.unwrap_or(last.slot);
            self.driver.memory.state.swept = Some(Fired { slot, ..last });
            self.save_state().await?;
        }
        Ok(slot.is_some())
    }

    /// Returns when the next scheduled drift sweep comes.
    pub(super) fn next_sweep(&self) -> Option<Timestamp> {
        let schedule = self.sweep_at.as_ref()?;
        let last = self.driver.memory.state.swept.as_ref()?;
        schedule.wake(last, SignedDuration::ZERO, self.driver.engine.clock.now())
    }

    fn lines_of(&self, desired: &Desired) -> Vec<Line> {
        let rows = &self.driver.memory.rows;
        let mut lines = Vec::new();
        for unit in desired.units.values() {
            let row = rows.get(&unit.key).filter(|row| row.applied.is_some() && !row.retained);
            let Some(row) = row else { continue };
            lines.extend(scheduled(unit).map(|(operation, schedule)| Line {
                unit: unit.key.clone(),
                offset: jitter(&format!("{} {operation}", row.uid)),
                operation,
                schedule,
            }));
        }
        lines
    }

    /// Reads when operations ran last; one that is new, or has another schedule, begins to count now.
    async fn take_up_times(&mut self, now: Timestamp) -> Result<(), TickError> {
        let memory = &self.driver.memory;
        let is_known = |line: &&Line| {
            let known = memory.fired.get(&(line.unit.clone(), line.operation.clone()));
            known.is_some_and(|fired| line.schedule.is_of(fired))
        };
        let fresh: Vec<&Line> =
            self.timetable.lines.iter().filter(|line| !is_known(line)).collect();
        let keys: Vec<UnitKey> = fresh.iter().map(|line| line.unit.clone()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let engine = &self.driver.engine;
        let (mut writes, mut known) = (Vec::new(), Vec::new());
        for mut record in engine.store.units(&keys).await? {
            let mut changed = false;
            for line in fresh.iter().filter(|line| line.unit == record.row.key) {
                let kept = record.fired.get(&line.operation).filter(|it| line.schedule.is_of(it));
                let last = kept.cloned().unwrap_or_else(|| line.schedule.from_now(now));
                changed |= kept.is_none();
                record.fired.insert(line.operation.clone(), last.clone());
                known.push(((line.unit.clone(), line.operation.clone()), last));
            }
            if changed {
                writes.push(UnitWrite::Put(Box::new(record)));
            }
        }
        if !writes.is_empty() {
            engine.store.write_units(&engine.lease, &writes).await?;
        }
        self.driver.memory.fired.extend(known);
        Ok(())
    }
}

/// Returns the operations of a unit that have a schedule which can be read.
fn scheduled(unit: &Unit) -> impl Iterator<Item = (String, Schedule)> {
    let operations = unit.item.fulfillment.operations.iter();
    // What leads to a state is asked for by the service alone.
    operations.filter(|(_, operation)| operation.state.is_none()).filter_map(|(name, operation)| {
        let schedule = Schedule::read(operation.schedule.as_ref()?).ok()?;
        Some((name.clone(), schedule))
    })
}
