//! How long ended runs are kept. The audit chain has no such bound: it is never cut.

use jiff::{SignedDuration, Timestamp};

/// How long ended runs are kept: what is older than the age *and* beyond the count may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// The age; nothing where runs are kept for ever.
    pub runs: Option<SignedDuration>,
    /// How many of each service are kept, however old they are; at least one.
    pub per_service: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { runs: Some(SignedDuration::from_hours(24 * 90)), per_service: 50 }
    }
}

impl Retention {
    /// Returns the moment before which runs are old; nothing where they are kept for ever.
    pub fn oldest(&self, now: Timestamp) -> Option<Timestamp> {
        self.runs.map(|age| now.checked_sub(age).unwrap_or(Timestamp::MIN))
    }
}
