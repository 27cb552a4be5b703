//! The system's clock: the only place that looks up the time for the loop.

use jiff::Timestamp;

use crate::clock::Clock;

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// Returns the present moment in whole milliseconds, as the store keeps it.
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}
