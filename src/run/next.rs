//! What comes next in a run: pure, from its state and the time. It decides, and never carries out.

use jiff::Timestamp;

use super::event::{Event, RunEvent, StepEvent};
use super::fault::Fault;
use super::progress::Progress;
use super::run::{Run, RunState};
use super::step::StepState;
use crate::id::StepPath;

/// What comes next in a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Next {
    /// Events that follow from the state alone, to be journaled in this order.
    pub events: Vec<Event>,
    /// Steps to start now.
    pub start: Vec<StepPath>,
    /// When to look again, where a step is to be tried again later.
    pub wake_at: Option<Timestamp>,
}

/// Tells what comes next; nothing in a run that was not started or is over.
///
/// A step that failed stops the run: what has not started is cancelled, what is in effect finishes, and what
/// waits is cancelled with the end. Once its events are applied, asking again gives none.
pub fn next(run: &Run, now: Timestamp) -> Next {
    if !is_underway(run) {
        return finishing(run, now);
    }
    let end = why_stopped(run);
    if let Some(end) = end.clone().filter(|_| !run.goes_on()) {
        return Next { events: stop(run, end), ..finishing(run, now) };
    }
    let mut next = Next::default();
    let mut idle = true;
    let mut over = true;
    for (path, progress) in run.live() {
        over &= progress.state.is_over();
        match progress.state {
            StepState::Pending if run.is_open(path) => next.events.push(ready(path)),
            StepState::Ready { not_before: Some(at) } | StepState::Unknown { not_before: at }
                if at > now =>
            {
                next.wake_by(at);
            }
            StepState::Ready { .. } | StepState::Unknown { .. } => next.start.push(path.clone()),
            StepState::Started | StepState::Waiting { .. } => idle = false,
            _ => {}
        }
    }
    if over {
        next.events.push(Event::Run { event: end.unwrap_or_else(|| run.good_end()) });
    } else if idle && next == Next::default() {
        let stuck = || RunEvent::Failed { why: why_stuck(run) };
        next.events = stop(run, end.unwrap_or_else(stuck));
    }
    next
}

impl Next {
    fn wake_by(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// Tells what is still done in a run in which nothing new starts: what nobody knows the outcome of is looked up.
pub fn finishing(run: &Run, now: Timestamp) -> Next {
    let mut next = Next::default();
    if run.state.is_over() {
        return next;
    }
    for (path, progress) in run.live() {
        match progress.state {
            StepState::Unknown { not_before } if not_before > now => next.wake_by(not_before),
            StepState::Unknown { .. } => next.start.push(path.clone()),
            _ => {}
        }
    }
    next
}

/// Returns what happens to a run whose place a newer revision takes: what waits is cancelled, and it ends.
pub fn give_way(run: &Run, commit: &str) -> Vec<Event> {
    let end = RunEvent::Superseded { commit: commit.to_owned() };
    ended(run, "a newer revision took the run's place", end)
}

/// Returns what happens to a run that a person calls off: what waits is cancelled, and it ends.
pub fn call_off(run: &Run, by: &str, why: &str) -> Vec<Event> {
    let end = RunEvent::Cancelled { by: by.to_owned(), why: why.to_owned() };
    ended(run, &format!("the run was cancelled by {by}: {why}"), end)
}

fn ended(run: &Run, why: &str, end: RunEvent) -> Vec<Event> {
    let waits = |step: &Progress| matches!(step.state, StepState::Waiting { .. });
    let waiting = run.live().filter(|(_, step)| !run.state.is_over() && waits(step));
    let cancelled = waiting.map(|(path, _)| {
        let event = StepEvent::Cancelled { why: why.to_owned() };
        Event::Step { path: path.clone(), event }
    });
    cancelled.chain([Event::Run { event: end }]).collect()
}

/// Returns what happens to a run that took too long: nothing more starts, and it ends; nothing while a step is in effect.
pub fn time_out(run: &Run, why: &str) -> Vec<Event> {
    if run.is_in_effect() {
        return Vec::new();
    }
    let open = run.live().filter(|(_, progress)| !progress.state.is_over());
    let cancelled = open.map(|(path, _)| {
        let event = StepEvent::Cancelled { why: why.to_owned() };
        Event::Step { path: path.clone(), event }
    });
    cancelled.chain([Event::Run { event: RunEvent::Failed { why: why.to_owned() } }]).collect()
}

/// Returns what happens to a run that is not to be tried again: what was in effect is left to a decision, and it ends.
pub fn park(run: &Run, why: &str) -> Vec<Event> {
    let unknown = run.live().filter(|(_, progress)| progress.state.is_in_effect());
    let unknown = unknown.map(|(path, _)| {
        let event = StepEvent::NeedsDecision { fault: Fault::unknown(why) };
        Event::Step { path: path.clone(), event }
    });
    unknown.chain([Event::Run { event: RunEvent::Parked { why: why.to_owned() } }]).collect()
}

/// Returns the steps that were in effect when the process ended; each is started again under its key.
pub fn interrupted(run: &Run) -> Vec<StepPath> {
    let steps = run.live().filter(|(_, progress)| progress.state == StepState::Started);
    steps.map(|(path, _)| path.clone()).collect()
}

/// Says for people what a run waits for; nothing while a step is in effect or may start at once.
pub fn waits_for(run: &Run) -> Option<String> {
    if run.state == RunState::Paused {
        let said = run.said.as_ref().map(|said| format!("paused by {}: {}", said.by, said.why));
        return said.or_else(|| Some("paused".to_owned()));
    }
    if !is_underway(run) {
        return None;
    }
    let mut waits = Vec::new();
    for (path, progress) in run.live() {
        match &progress.state {
            StepState::Started | StepState::Ready { not_before: None } => return None,
            StepState::Waiting { on } => waits.push(on.told().into_owned()),
            StepState::Unknown { not_before: at } => waits.push(match &progress.fault {
                Some(fault) => format!("look at step `{path}` at {at} after: {fault}"),
                None => format!("look at step `{path}` at {at}"),
            }),
            StepState::Ready { not_before: Some(at) } => waits.push(match &progress.fault {
                Some(fault) => format!("retry of step `{path}` at {at} after: {fault}"),
                None => format!("retry of step `{path}` at {at}"),
            }),
            _ => {}
        }
    }
    let waits = (!waits.is_empty()).then(|| waits.join("; "))?;
    Some(match &run.failing {
        Some(why) => format!("{waits}, which its hooks began; it failed: {why}"),
        None => waits,
    })
}

fn is_underway(run: &Run) -> bool {
    matches!(run.state, RunState::Running | RunState::Waiting | RunState::RollingBack)
}

fn ready(path: &StepPath) -> Event {
    Event::Step { path: path.clone(), event: StepEvent::Ready }
}

/// Returns how a run ends that can't succeed any more: an unknown outcome weighs most, then a failure.
fn why_stopped(run: &Run) -> Option<RunEvent> {
    let mut worst: Option<(u8, String)> = None;
    let mut others = 0_usize;
    for (path, progress) in run.live() {
        let (weight, why) = match &progress.state {
            StepState::NeedsDecision { fault } => {
                (2, format!("nobody knows whether step `{path}` took effect: {fault}"))
            }
            StepState::Failed { fault } => (1, format!("step `{path}` failed: {fault}")),
            StepState::Cancelled => (0, format!("step `{path}` was cancelled")),
            _ => continue,
        };
        others += usize::from(weight > 0);
        if worst.as_ref().is_none_or(|(known, _)| *known < weight) {
            worst = Some((weight, why));
        }
    }
    let (weight, mut why) = worst?;
    if others > 1 {
        why = format!("{why} (and {} more)", others - 1);
    }
    if let Some(failing) = &run.failing {
        let why = format!("{failing} (and its hook failed: {why})");
        return Some(RunEvent::Failed { why });
    }
    // What takes back is asked for again as it was, so that nobody needs to know first.
    let undecided = weight == 2 && !run.rolls_back;
    Some(if undecided { RunEvent::NeedsDecision { why } } else { RunEvent::Failed { why } })
}

/// Cancels what has not started, and where nothing is in effect, what waits and then ends the run.
fn stop(run: &Run, end: RunEvent) -> Vec<Event> {
    let (RunEvent::Failed { why } | RunEvent::NeedsDecision { why }) = &end else {
        return Vec::new();
    };
    let in_effect = run.is_in_effect();
    let cancelled = run.live().filter(|(_, progress)| match progress.state {
        StepState::Pending | StepState::Ready { .. } => true,
        StepState::Waiting { .. } => !in_effect,
        _ => false,
    });
    let mut events: Vec<Event> = cancelled
        .map(|(path, _)| {
            let event = StepEvent::Cancelled { why: why.clone() };
            Event::Step { path: path.clone(), event }
        })
        .collect();
    if !in_effect {
        events.push(Event::Run { event: end });
    }
    events
}

/// Says why steps are left that will never start.
fn why_stuck(run: &Run) -> String {
    let first = run.live().find(|(_, progress)| !progress.state.is_over());
    let path = first.map(|(path, _)| path.to_string()).unwrap_or_default();
    format!("step `{path}` comes after itself, or after a step that is not part of the change")
}

#[cfg(test)]
#[path = "next_tests.rs"]
mod tests;
