//! What comes next in a run: pure, from its state and the time.

use jiff::Timestamp;

use super::event::Event;
use super::run::Run;
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

/// Tells what comes next.
pub fn next(run: &Run, now: Timestamp) -> Next {
    let _ = (run, now);
    Next::default()
}
