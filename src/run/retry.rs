//! Retry: how often, how soon; and the durations that documents write.

use std::time::Duration;

use crate::catalog::Action;

/// How often and how soon a transient fault is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all.
    pub attempts: u32,
    /// Before the second attempt.
    pub delay: Duration,
    /// The longest pause.
    pub max_delay: Duration,
    /// Doubles from attempt to attempt.
    pub exponential: bool,
}

impl RetryPolicy {
    /// Reads the policy of an action; 3 attempts, 2 s doubling up to 60 s where it is silent.
    pub fn of(action: &Action) -> Self {
        let _ = action;
        Self {
            attempts: 3,
            delay: Duration::from_secs(2),
            max_delay: Duration::from_secs(60),
            exponential: true,
        }
    }
}

/// Returns the pause after an attempt (from 1), or `None` where there is no further one.
///
/// `jitter` is between 0 and 1 and is drawn by the caller; the pause is between half and all of the full one.
pub fn retry_delay(policy: &RetryPolicy, attempt: u32, jitter: f64) -> Option<Duration> {
    let _ = (policy, attempt, jitter);
    None
}

/// Reads a duration as documents write it (`500ms`, `2s`, `5m`, `1h`, `3d`).
pub fn duration(text: &str) -> Option<Duration> {
    let _ = text;
    None
}

/// Returns the timeout of one attempt of an action; 5 minutes where it is silent.
pub fn timeout_of(action: &Action) -> Duration {
    action.timeout.as_deref().and_then(duration).unwrap_or(Duration::from_secs(300))
}
