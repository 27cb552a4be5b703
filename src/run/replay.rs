//! Runs a run again from what others answered: what it says itself must come out as it was journaled. Pure.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::event::{Event, RunEvent, StepEvent};
use super::next::{call_off, finishing, give_way, interrupted, next, time_out};
use super::run::{IllegalEvent, Run};

/// What came of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// The run as far as it went.
    pub run: Run,
    /// How many of the events were answers: what came from outside, and was taken as it was recorded.
    pub answers: usize,
    /// Where it came out otherwise; nothing where it is the same journal.
    pub difference: Option<Difference>,
    /// What would have followed by itself after the last event.
    pub left: Vec<Event>,
}

/// The first place where a journal does not come out as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Place of the event in the journal, from 0.
    pub index: usize,
    /// What came out in its place; nothing where nothing would have happened.
    pub replayed: Option<Event>,
    /// Why the recorded event is refused, where it is.
    pub refused: Option<IllegalEvent>,
}

/// Runs a fresh run again against the recorded answers.
///
/// Answers are what the machine can't know: that it was started or superseded, what people said, that an attempt
/// began, and what came of it. Everything else it says itself, and is compared. Times take no part.
pub fn replay(run: Run, recorded: &[Event]) -> Replayed {
    let mut told = Replayed { run, answers: 0, difference: None, left: Vec::new() };
    // What is left of what the machine said together; a crash may have cut it off anywhere.
    let mut batch: VecDeque<Event> = VecDeque::new();
    for (index, event) in recorded.iter().enumerate() {
        let differs = |replayed, refused| Some(Difference { index, replayed, refused });
        if is_answer(event) {
            batch.clear();
            told.answers += 1;
            if let Err(replayed) = is_due(&told.run, event) {
                told.difference = differs(replayed, None);
                return told;
            }
        } else if batch.front() == Some(event) {
            batch.pop_front();
        } else {
            let rest = recorded.get(index..).unwrap_or_default();
            match said(&told.run, rest) {
                Ok(more) => batch = more,
                Err(fresh) => {
                    let replayed = batch.pop_front().or(fresh);
                    told.difference = differs(replayed, None);
                    return told;
                }
            }
        }
        if let Err(refused) = told.run.apply(event) {
            told.difference = differs(None, Some(refused));
            return told;
        }
    }
    told.left = next(&told.run, Timestamp::MAX).events;
    told
}

/// Tells whether an event comes from outside the machine. The end by a newer revision does too, but not alone:
/// what it cancels is said by the machine.
fn is_answer(event: &Event) -> bool {
    match event {
        Event::Run { event } => !matches!(
            event,
            RunEvent::Succeeded
                | RunEvent::Failed { .. }
                | RunEvent::NeedsDecision { .. }
                | RunEvent::Superseded { .. }
                | RunEvent::RolledBack
        ),
        Event::Step { event, .. } => {
            !matches!(event, StepEvent::Ready | StepEvent::Cancelled { .. })
        }
    }
}

/// An attempt starts only where the machine would start one; else what it would have said instead.
fn is_due(run: &Run, event: &Event) -> Result<(), Option<Event>> {
    let Event::Step { path, event: StepEvent::Started { .. } } = event else { return Ok(()) };
    let next = next(run, Timestamp::MAX);
    let begins = next.events.is_empty() && next.start.contains(path);
    // Where nothing new starts any more, what nobody knows the outcome of is still looked up.
    let looks = || finishing(run, Timestamp::MAX).start.contains(path);
    if begins || interrupted(run).contains(path) || looks() {
        return Ok(());
    }
    Err(next.events.into_iter().next())
}

/// Returns what the machine says after the first of some events; what it would have said, where that differs.
fn said(run: &Run, rest: &[Event]) -> Result<VecDeque<Event>, Option<Event>> {
    let first = rest.first();
    let mut own: VecDeque<Event> = next(run, Timestamp::MAX).events.into();
    if own.front() == first {
        own.pop_front();
        return Ok(own);
    }
    let mut ending: VecDeque<Event> =
        outer_end(run, rest, own.is_empty()).unwrap_or_default().into();
    if !ending.is_empty() && ending.front() == first {
        ending.pop_front();
        return Ok(ending);
    }
    Err(own.pop_front().or_else(|| ending.pop_front()))
}

/// Returns how the run ends from outside, where that is what comes next: a newer revision, a person who calls it off, or
/// too long a time.
///
/// The time of a run is looked at where nothing follows by itself; else its end would be whatever somebody wrote.
fn outer_end(run: &Run, rest: &[Event], is_idle: bool) -> Option<Vec<Event>> {
    let cancels =
        |event: &&Event| matches!(event, Event::Step { event: StepEvent::Cancelled { .. }, .. });
    match rest.iter().find(|event| !cancels(event))? {
        Event::Run { event: RunEvent::Superseded { commit } } => Some(give_way(run, commit)),
        Event::Run { event: RunEvent::Cancelled { by, why } } => Some(call_off(run, by, why)),
        Event::Run { event: RunEvent::Failed { why } } if is_idle => Some(time_out(run, why)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{event, run, stands};
    use super::*;

    /// Replays events, a line each; tells what differs, and how it stands.
    fn check(change: &str, journal: &str, expected: &str) {
        let lines = journal.lines().map(str::trim).filter(|line| !line.is_empty());
        let told = replay(run(change), &lines.map(event).collect::<Vec<_>>());
        let difference = match &told.difference {
            None => format!("the same, {} left", told.left.len()),
            Some(Difference { index, refused: Some(refused), .. }) => format!("{index}: {refused}"),
            Some(Difference { index, replayed: None, .. }) => format!("{index}: nothing"),
            Some(Difference { index, replayed: Some(Event::Step { path, event }), .. }) => {
                format!("{index}: {path} {event}")
            }
            Some(Difference { index, replayed: Some(Event::Run { event }), .. }) => {
                format!("{index}: run {event}")
            }
        };
        assert_eq!(format!("{difference} | {}", stands(&told.run)), expected);
    }

    const BEGIN: &str = "run started\ndb/a ready\ndb/a start 1\n";

    #[test]
    fn too_long_a_time_cancels_what_is_open_and_ends_it() {
        check(
            "db: a, b < a",
            &then("db/a wait 1\ndb/a cancel\ndb/b cancel\nrun failed"),
            "the same, 0 left | failed: db/a=cancelled#1 db/b=cancelled",
        );
        check(
            "db: a, b < a",
            &then("db/a wait 1\ndb/b cancel\nrun failed"),
            "4: db/a cancelled | waiting: db/a=waiting#1 db/b=pending",
        );
    }

    #[test]
    fn that_a_run_was_parked_is_an_answer() {
        check(
            "db: a, b < a",
            &then("db/a start 2\ndb/a unknown\nrun parked"),
            "the same, 0 left | parked: db/a=needs-decision#2 db/b=pending",
        );
    }

    fn then(more: &str) -> String {
        format!("{BEGIN}{more}")
    }

    #[test]
    fn a_journal_comes_out_as_it_was_recorded() {
        check(
            "db: a, b < a",
            &then(
                "db/a retry 10\ndb/a start 2\ndb/a done\ndb/b ready\ndb/b start 1\ndb/b done\nrun succeeded",
            ),
            "the same, 0 left | succeeded: db/a=succeeded#2 db/b=succeeded#1",
        );
        check(
            "db: a, b < a",
            &then("db/a start 2\ndb/a done"),
            "the same, 1 left | running: db/a=succeeded#2 db/b=pending",
        );
        check("db: a", "", "the same, 0 left | queued: db/a=pending");
    }

    #[test]
    fn what_the_machine_says_itself_must_be_what_is_recorded() {
        check(
            "db: a, b < a",
            &then("db/a done\nrun succeeded"),
            "4: db/b made ready | running: db/a=succeeded#1 db/b=pending",
        );
        check(
            "db: a, b < a",
            &then("db/a done\ndb/b start 1"),
            "4: db/b made ready | running: db/a=succeeded#1 db/b=pending",
        );
        check("db: a", &then("run failed"), "3: nothing | running: db/a=started#1");
        check("db: a", "run started\ndb/a cancel", "1: db/a made ready | running: db/a=pending");
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused() {
        check(
            "db: a",
            &then("db/a start 2 other-key"),
            "3: step `db/a` can't be started as attempt 2 under key `other-key` while it is started under \
             key `db/a` | running: db/a=started#1",
        );
        check("db: a", "db/a start 1", "0: nothing | queued: db/a=pending");
    }

    #[test]
    fn a_newer_revision_cancels_what_waits_and_ends_it() {
        let journal = then("db/a wait 1\nrun superseded");
        check("db: a", &journal, "4: db/a cancelled | waiting: db/a=waiting#1");
        let mut whole = replay(run("db: a"), &[]).run;
        let events: Vec<Event> = then("db/a wait 1").lines().map(event).collect();
        events.iter().for_each(|event| whole.apply(event).expect("fits"));
        let journal: Vec<Event> = events.into_iter().chain(give_way(&whole, "beef")).collect();
        let told = replay(run("db: a"), &journal);
        assert_eq!(told.difference, None);
        assert_eq!(stands(&told.run), "superseded: db/a=cancelled#1");
    }
}
