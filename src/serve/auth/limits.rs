//! How often somebody may ask: token buckets by user, key or address, and a slower one for signing in.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::serve::problem::Problem;

/// Requests a second that one may make for long, where nobody says otherwise.
const USUAL: u32 = 50;

/// How many seconds' worth may come at once.
const BURST_S: u32 = 4;

/// Attempts to sign in that one name may have from one address at once; one more comes every 20 seconds.
const SIGNING_IN: NonZeroU32 = NonZeroU32::new(5).expect("five is not nothing");
const SIGNING_IN_EVERY: Duration = Duration::from_secs(20);

/// How many are told apart before those that are quiet are forgotten.
const REMEMBERED: usize = 20_000;

type Limiter =
    RateLimiter<String, HashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// How often somebody may ask.
pub(in crate::serve) struct Limits {
    asking: Limiter,
    signing_in: Limiter,
    burst: u32,
}

impl Limits {
    /// Makes them for a rate.
    pub(in crate::serve) fn new(rate: Option<u32>) -> Self {
        let rate = NonZeroU32::new(rate.unwrap_or(USUAL)).unwrap_or(NonZeroU32::MIN);
        let burst = rate.saturating_mul(NonZeroU32::new(BURST_S).unwrap_or(NonZeroU32::MIN));
        let asking = Quota::per_second(rate).allow_burst(burst);
        let slow = Quota::with_period(SIGNING_IN_EVERY).unwrap_or(Quota::per_minute(SIGNING_IN));
        let limiter = |quota: Quota| {
            RateLimiter::hashmap(quota).with_middleware::<StateInformationMiddleware>()
        };
        Self {
            asking: limiter(asking),
            signing_in: limiter(slow.allow_burst(SIGNING_IN)),
            burst: burst.get(),
        }
    }

    /// Counts a request; returns how many more may come at once.
    pub(in crate::serve) fn ask(&self, who: &str) -> Result<u32, Problem> {
        checked(&self.asking, who, "you ask too often; wait a moment")
    }

    /// Counts an attempt to sign in.
    pub(in crate::serve) fn sign_in(&self, name: &str, address: &str) -> Result<(), Problem> {
        let who = format!("{name}@{address}");
        checked(&self.signing_in, &who, "too many attempts to sign in; wait a moment")?;
        Ok(())
    }

    /// Writes what may come still into headers.
    pub(in crate::serve) fn tell(&self, headers: &mut HeaderMap, left: u32) {
        let policy = format!("\"requests\";q={};w={BURST_S}", self.burst);
        let now = format!("\"requests\";r={left};t={BURST_S}");
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", now)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

fn checked(limiter: &Limiter, who: &str, detail: &str) -> Result<u32, Problem> {
    if limiter.len() > REMEMBERED {
        limiter.retain_recent();
    }
    match limiter.check_key(&who.to_owned()) {
        Ok(state) => Ok(state.remaining_burst_capacity()),
        Err(until) => {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let seconds = wait.as_secs().saturating_add(1);
            Err(Problem::later(StatusCode::TOO_MANY_REQUESTS, "too-many", detail, seconds))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_one_has_a_bucket_of_its_own() {
        let limits = Limits::new(Some(1));
        for left in [3, 2, 1, 0] {
            assert_eq!(limits.ask("ada").expect("allowed"), left);
        }
        assert_eq!(limits.ask("ada").expect_err("refused").status().as_u16(), 429);
        assert_eq!(limits.ask("bob").expect("allowed"), 3);
        for _ in 0..5 {
            limits.sign_in("ada", "192.0.2.1").expect("allowed");
        }
        assert!(limits.sign_in("ada", "192.0.2.1").is_err());
        assert!(limits.sign_in("ada", "192.0.2.2").is_ok());
    }
}
