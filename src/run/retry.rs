//! Retry: how often, how soon; and the durations that documents write. Never the clock, never chance.

use std::time::Duration;

use crate::catalog::{Action, duration};

/// The most attempts an author can ask for.
const MOST_ATTEMPTS: u32 = 10;

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

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            delay: Duration::from_secs(2),
            max_delay: Duration::from_mins(1),
            exponential: true,
        }
    }
}

impl RetryPolicy {
    /// Reads the policy of an action; 3 attempts, 2 s doubling up to 60 s where it is silent.
    ///
    /// A `delay` above 60 s without a `maxDelay` is taken at its word.
    pub fn of(action: &Action) -> Self {
        let usual = Self::default();
        let Some(retry) = &action.retry else { return usual };
        let read = |text: &Option<String>| text.as_deref().and_then(duration);
        let delay = read(&retry.delay).unwrap_or(usual.delay);
        Self {
            attempts: retry.attempts.unwrap_or(usual.attempts).clamp(1, MOST_ATTEMPTS),
            delay,
            max_delay: read(&retry.max_delay).unwrap_or(usual.max_delay.max(delay)),
            exponential: retry.backoff.as_deref() != Some("fixed"),
        }
    }
}

/// Returns the pause after an attempt (from 1), or `None` where there is no further one.
///
/// `jitter` is between 0 and 1 and is drawn by the caller; the pause is between half and all of the full one.
pub fn retry_delay(policy: &RetryPolicy, attempt: u32, jitter: f64) -> Option<Duration> {
    if attempt >= policy.attempts {
        return None;
    }
    let factor =
        if policy.exponential { 2_u32.saturating_pow(attempt.saturating_sub(1)) } else { 1 };
    let half = policy.delay.saturating_mul(factor).min(policy.max_delay) / 2;
    let jitter = if jitter.is_nan() { 1.0 } else { jitter.clamp(0.0, 1.0) };
    // `min`, because a float rounds up where the pause is long.
    Some(half + half.mul_f64(jitter).min(half))
}

/// Returns the timeout of one attempt of an action; 5 minutes where it is silent.
pub fn timeout_of(action: &Action) -> Duration {
    action.timeout.as_deref().and_then(duration).unwrap_or(Duration::from_mins(5))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn action(retry: &Value) -> Action {
        serde_json::from_value(json!({"id": "a", "type": "notify", "retry": retry})).unwrap()
    }

    #[test]
    fn durations_are_a_number_and_a_unit() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(duration(text), expected.map(Duration::from_millis), "{text:?}");
        };
        check("500ms", Some(500));
        check("2s", Some(2_000));
        check("5m", Some(300_000));
        check("1h", Some(3_600_000));
        check("3d", Some(259_200_000));
        check("365d", Some(31_536_000_000));
        for wrong in [
            "",
            "0s",
            "0ms",
            "-1s",
            "+1s",
            "1",
            "s",
            "1.5s",
            "1 s",
            " 1s",
            "1s ",
            "1S",
            "1w",
            "366d",
            "8761h",
            "18446744073709551615d",
            "18446744073709551616s",
            "99999999999999999999ms",
            "1s2s",
            "1m30s",
            "٣s",
            "1_000s",
            "0x1s",
            "1ѕ",
            "\u{0}1s",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_silent_action_gets_the_usual_policy() {
        for silent in [Value::Null, json!({}), json!({"delay": "soon", "maxDelay": "-1s"})] {
            assert_eq!(RetryPolicy::of(&action(&silent)), RetryPolicy::default());
        }
    }

    #[test]
    fn a_policy_is_read_as_written_and_bounded() {
        let policy = RetryPolicy::of(&action(
            &json!({"attempts": 5, "backoff": "fixed", "delay": "100ms", "maxDelay": "1s"}),
        ));
        assert_eq!(policy.attempts, 5);
        assert_eq!(policy.delay, Duration::from_millis(100));
        assert_eq!(policy.max_delay, Duration::from_secs(1));
        assert!(!policy.exponential);
        assert_eq!(RetryPolicy::of(&action(&json!({"attempts": 0}))).attempts, 1);
        assert_eq!(RetryPolicy::of(&action(&json!({"attempts": u32::MAX}))).attempts, 10);
        let long = RetryPolicy::of(&action(&json!({"delay": "5m"})));
        assert_eq!(long.max_delay, Duration::from_mins(5));
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_then_end() {
        let policy = RetryPolicy {
            attempts: 5,
            delay: Duration::from_secs(2),
            max_delay: Duration::from_secs(10),
            exponential: true,
        };
        let pauses = |policy: &RetryPolicy, jitter: f64| -> Vec<Option<u128>> {
            (1..=5).map(|n| retry_delay(policy, n, jitter).map(|pause| pause.as_millis())).collect()
        };
        let full = [Some(2_000), Some(4_000), Some(8_000), Some(10_000), None];
        assert_eq!(pauses(&policy, 1.0), full);
        let half = [Some(1_000), Some(2_000), Some(4_000), Some(5_000), None];
        assert_eq!(pauses(&policy, 0.0), half);
        let fixed = RetryPolicy { exponential: false, ..policy };
        assert_eq!(pauses(&fixed, 1.0), [Some(2_000), Some(2_000), Some(2_000), Some(2_000), None]);
    }

    #[test]
    fn one_attempt_means_no_retry() {
        let policy = RetryPolicy { attempts: 1, ..RetryPolicy::default() };
        assert_eq!(retry_delay(&policy, 1, 0.5), None);
    }

    #[test]
    fn a_timeout_is_read_or_five_minutes() {
        let check = |timeout: Value, seconds: u64| {
            let action: Action =
                serde_json::from_value(json!({"type": "notify", "timeout": timeout})).unwrap();
            assert_eq!(timeout_of(&action), Duration::from_secs(seconds));
        };
        check(json!("30s"), 30);
        check(Value::Null, 300);
        check(json!("0s"), 300);
    }

    proptest! {
        #[test]
        fn a_pause_stays_between_half_and_all_of_the_full_one(
            delay: Duration, max_delay: Duration, attempt: u32, attempts: u32, exponential: bool,
            jitter in prop_oneof![proptest::num::f64::ANY, 0.0..1.0],
        ) {
            let policy = RetryPolicy { attempts, delay, max_delay, exponential };
            let pause = retry_delay(&policy, attempt, jitter);
            prop_assert_eq!(pause.is_some(), attempt < attempts);
            if let Some(pause) = pause {
                let full = retry_delay(&policy, attempt, 1.0).unwrap();
                prop_assert!(pause <= full && full <= max_delay);
                prop_assert!(pause >= full / 2);
            }
        }

        #[test]
        fn any_text_is_a_bounded_duration_or_none(text in ".{0,24}") {
            if let Some(read) = duration(&text) {
                prop_assert!(read > Duration::ZERO && read <= Duration::from_hours(365 * 24));
            }
        }
    }
}
