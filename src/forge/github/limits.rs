//! GitHub's limits: what is left, how long it asked us to wait, how much we created. It waits for nobody: whoever may
//! not send now is told when to come again.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

use super::counts::Budget;
use crate::run::Fault;

/// How much may be created: below the 80 a minute and 500 an hour of «Rate limits for the REST API».
const CREATIONS_PER_MINUTE: usize = 60;
const CREATIONS_PER_HOUR: usize = 450;

/// Which part of a limit looks leave to whoever acts: one in five.
const RESERVE: u64 = 5;

/// How long a secondary limit is waited for where GitHub does not say: «at least one minute».
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// The longest wait that GitHub is believed.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A look, which may wait.
    Look,
    /// A part of something that is being done.
    Act,
    /// The same, and it makes something that people see.
    Create,
}

#[derive(Clone, Copy, Debug)]
struct Primary {
    limit: u64,
    remaining: u64,
    reset: Timestamp,
}

/// What is known of the limits of each account.
#[derive(Debug, Default)]
pub(super) struct Limits {
    paused: BTreeMap<String, (Timestamp, &'static str)>,
    primary: BTreeMap<(String, String), Primary>,
    created: BTreeMap<String, VecDeque<Timestamp>>,
}

impl Limits {
    /// Tells whether a request may be sent now, and counts it where it creates something.
    pub(super) fn admit(
        &mut self,
        who: &str,
        (resource, purpose): (&str, Purpose),
        now: Timestamp,
    ) -> Result<(), Fault> {
        if let Some((until, why)) = self.paused.get(who).filter(|(until, _)| *until > now) {
            return Err(wait(why, *until, now));
        }
        let key = (who.to_owned(), resource.to_owned());
        if let Some(primary) = self.primary.get(&key).filter(|primary| primary.reset > now) {
            let reserve = if purpose == Purpose::Look { primary.limit / RESERVE } else { 0 };
            if primary.remaining <= reserve {
                let why = if reserve == 0 {
                    "its limit on requests is used up"
                } else {
                    "the rest of its limit on requests is kept for what is being done"
                };
                return Err(wait(why, primary.reset, now));
            }
        }
        if purpose == Purpose::Create {
            self.pace(who, now)?;
        }
        Ok(())
    }

    fn pace(&mut self, who: &str, now: Timestamp) -> Result<(), Fault> {
        let created = self.created.entry(who.to_owned()).or_default();
        while created.front().is_some_and(|at| *at + SignedDuration::from_hours(1) <= now) {
            created.pop_front();
        }
        for (most, span) in [
            (CREATIONS_PER_MINUTE, SignedDuration::from_mins(1)),
            (CREATIONS_PER_HOUR, SignedDuration::from_hours(1)),
        ] {
            let first = created.len().checked_sub(most).and_then(|index| created.get(index));
            if let Some(free) = first.map(|at| *at + span).filter(|free| *free > now) {
                return Err(wait("as much was created as its rules allow", free, now));
            }
        }
        created.push_back(now);
        Ok(())
    }

    /// Returns what is left of every limit that GitHub told of, and of what may be created.
    pub(super) fn budget(&self, now: Timestamp) -> Vec<Budget> {
        let told = self.primary.iter().map(|((account, resource), it)| Budget {
            account: account.clone(),
            resource: resource.clone(),
            limit: it.limit,
            // What was used up is there again once its time has come.
            remaining: if it.reset > now { it.remaining } else { it.limit },
            reset: Some(it.reset),
        });
        let limit = u64::try_from(CREATIONS_PER_HOUR).unwrap_or(u64::MAX);
        let created = self.created.iter().map(|(account, all)| {
            let lately = all.iter().filter(|at| **at + SignedDuration::from_hours(1) > now);
            let used = u64::try_from(lately.count()).unwrap_or(u64::MAX);
            let remaining = limit.saturating_sub(used);
            let (account, resource) = (account.clone(), "creations".to_owned());
            Budget { account, resource, limit, remaining, reset: None }
        });
        told.chain(created).collect()
    }

    /// Learns from an answer; returns the fault that it means where a limit was hit.
    pub(super) fn learn(
        &mut self,
        who: &str,
        (status, headers, said): (u16, &HeaderMap, &str),
        now: Timestamp,
    ) -> Option<Fault> {
        let number =
            |name: &str| -> Option<u64> { headers.get(name)?.to_str().ok()?.trim().parse().ok() };
        let reset = number("x-ratelimit-reset")
            .and_then(|second| Timestamp::from_second(i64::try_from(second).ok()?).ok())
            .map(|reset| reset.min(now + LONGEST));
        let remaining = number("x-ratelimit-remaining");
        if let (Some(limit), Some(remaining), Some(reset)) =
            (number("x-ratelimit-limit"), remaining, reset)
        {
            let resource = headers.get("x-ratelimit-resource").and_then(|it| it.to_str().ok());
            let key = (who.to_owned(), resource.unwrap_or("core").to_owned());
            self.primary.insert(key, Primary { limit, remaining, reset });
        }
        if !matches!(status, 403 | 429) {
            return None;
        }
        let after = number("retry-after")
            .map(|seconds| SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)));
        let (why, until) = match (after, remaining, reset) {
            (Some(after), ..) => ("it asks us to slow down", now + after.min(LONGEST)),
            (None, Some(0), Some(reset)) => ("its limit on requests is used up", reset),
            _ if status == 429 || said.to_ascii_lowercase().contains("rate limit") => {
                ("it asks us to slow down", now + PAUSE)
            }
            _ => return None,
        };
        self.paused.insert(who.to_owned(), (until, why));
        Some(wait(why, until, now))
    }
}

fn wait(why: &str, until: Timestamp, now: Timestamp) -> Fault {
    let left = until.duration_since(now).as_millis().max(1000);
    let fault = Fault::transient(format!("GitHub is not asked before {until:.0}: {why}"));
    Fault { retry_after_ms: u64::try_from(left).ok(), ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::FaultClass;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn look(limits: &mut Limits, now: Timestamp) -> Option<u64> {
        limits.admit("a", ("core", Purpose::Look), now).err()?.retry_after_ms
    }

    #[test]
    fn what_github_asks_for_is_obeyed() {
        let check = |status: u16, pairs: &[(&'static str, &str)], said: &str, wait: Option<u64>| {
            let mut limits = Limits::default();
            let fault = limits.learn("a", (status, &headers(pairs), said), at(0));
            assert_eq!(
                fault.as_ref().and_then(|fault| fault.retry_after_ms),
                wait,
                "{status} {said}"
            );
            assert!(fault.is_none_or(|fault| fault.class == FaultClass::Transient));
            assert_eq!(look(&mut limits, at(0)), wait);
            assert_eq!(look(&mut limits, at(3600)), None);
            assert!(limits.admit("b", ("core", Purpose::Act), at(0)).is_ok());
        };
        let reset = (1_700_000_000 + 90).to_string();
        let used_up = [
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", reset.as_str()),
        ];
        check(403, &[("retry-after", "30")], "", Some(30_000));
        check(429, &[("retry-after", "999999")], "", Some(3_600_000));
        check(403, &used_up, "", Some(90_000));
        check(429, &[], "", Some(60_000));
        check(403, &[], "You have exceeded a secondary rate limit.", Some(60_000));
        check(403, &[], "Resource not accessible by integration", None);
        check(200, &[("retry-after", "x")], "rate limit", None);
    }

    #[test]
    fn a_part_is_kept_for_what_is_being_done() {
        let mut limits = Limits::default();
        let reset = (1_700_000_000 + 60).to_string();
        let mut left = |remaining: &str| {
            let pairs = [
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", remaining),
                ("x-ratelimit-reset", reset.as_str()),
            ];
            limits.learn("a", (200, &headers(&pairs), ""), at(0));
            let mut ask = |purpose| limits.admit("a", ("core", purpose), at(0)).is_ok();
            (ask(Purpose::Look), ask(Purpose::Act))
        };
        assert_eq!(left("21"), (true, true));
        assert_eq!(left("20"), (false, true));
        assert_eq!(left("0"), (false, false));
        assert_eq!(look(&mut limits, at(60)), None);
    }

    #[test]
    fn what_is_left_is_told() {
        let mut limits = Limits::default();
        let reset = (1_700_000_000 + 60).to_string();
        let pairs = [
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4990"),
            ("x-ratelimit-reset", reset.as_str()),
        ];
        limits.learn("a", (200, &headers(&pairs), ""), at(0));
        limits.admit("b", ("core", Purpose::Create), at(0)).unwrap();
        let told = |second| -> Vec<(String, String, u64)> {
            let all = limits.budget(at(second)).into_iter();
            all.map(|it| (it.account, it.resource, it.remaining)).collect()
        };
        let line = |account: &str, resource: &str, left| (account.into(), resource.into(), left);
        assert_eq!(told(0), [line("a", "core", 4990), line("b", "creations", 449)]);
        assert_eq!(told(3600), [line("a", "core", 5000), line("b", "creations", 450)]);
    }

    #[test]
    fn creations_are_paced() {
        let mut limits = Limits::default();
        let mut create = |second| limits.admit("a", ("core", Purpose::Create), at(second));
        for _ in 0..CREATIONS_PER_MINUTE {
            create(0).unwrap();
        }
        assert_eq!(create(20).unwrap_err().retry_after_ms, Some(40_000));
        let mut sent = CREATIONS_PER_MINUTE;
        let mut second = 60;
        while sent < CREATIONS_PER_HOUR {
            match create(second) {
                Ok(()) => sent += 1,
                Err(_) => second += 10,
            }
        }
        assert_eq!(
            create(second + 60).unwrap_err().retry_after_ms.unwrap() / 1000,
            3600 - second.cast_unsigned() - 60
        );
        assert!(create(3600).is_ok());
    }
}
