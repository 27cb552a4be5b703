//! When something comes by itself: cron in a time zone, what becomes of times that were missed, and jitter that is the
//! same each time. It fires nothing.
//!
//! A time that a clock change leaves out comes at the moment the clock jumps to; one that comes twice counts once, unless
//! the expression names many minutes or hours.

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::digest::Digest;

/// How late a time may be seen and still not be missed.
const GRACE: SignedDuration = SignedDuration::from_mins(10);
/// How many missed times are made up for at most, the newest of them.
const MOST_MISSED: usize = 100;
/// All that comes at one time is spread over so many milliseconds.
const JITTER_MS: u64 = 30_000;

/// What becomes of times that were missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// Nothing.
    #[default]
    Skip,
    /// They are made up for by one.
    Once,
    /// Each of them is made up for.
    All,
}

/// The last time that was acted upon, and of which schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// The time as the schedule has it, without jitter.
    pub slot: Timestamp,
    /// The schedule; another one begins anew.
    pub of: Digest,
    /// What was to come then gave way to a newer revision, and comes once more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owed: bool,
}

/// An operation whose time has come, or that a person asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Its name.
    pub operation: String,
    /// Its time.
    pub fired: Fired,
    /// Number of the decision by which a person asked for it; nothing where it comes by its schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<i64>,
}

impl Due {
    /// Makes an operation that a person asked for.
    pub fn asked(operation: &str, (decision, at): (i64, Timestamp)) -> Self {
        let of = Digest::of_json(&json!({"decision": decision}));
        let fired = Fired { slot: at, of, owed: false };
        Self { operation: operation.to_owned(), fired, asked: Some(decision) }
    }

    /// Names what its record is kept as: what people ask for does not count as a time of the schedule.
    pub fn kept_as(&self) -> String {
        match self.asked {
            Some(_) => format!("{}, asked for", self.operation),
            None => self.operation.clone(),
        }
    }
}

/// When something comes by itself.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
    catch_up: CatchUp,
    digest: Digest,
    /// The cron expression as it was written.
    written: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    cron: String,
    timezone: String,
    #[serde(default)]
    catch_up: CatchUp,
}

impl Schedule {
    /// Reads it as documents write it: `{cron, timezone, catchUp}`.
    pub fn read(value: &Value) -> Result<Self, String> {
        let written = Written::deserialize(value).map_err(|error| error.to_string())?;
        let cron: Cron =
            written.cron.parse().map_err(|error| format!("cron `{}`: {error}", written.cron))?;
        let zone = TimeZone::get(&written.timezone)
            .map_err(|_| format!("there is no time zone `{}`", written.timezone))?;
        // What is made up for is no part of when it comes.
        let digest = Digest::of_json(&json!({"cron": written.cron, "timezone": written.timezone}));
        Ok(Self { cron, zone, catch_up: written.catch_up, digest, written: written.cron })
    }

    /// Returns the cron expression as it was written.
    pub fn cron(&self) -> &str {
        &self.written
    }

    /// Returns the name of the time zone that it is read in.
    pub fn timezone(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Begins to count: what came before this moment was not missed.
    pub fn from_now(&self, now: Timestamp) -> Fired {
        Fired { slot: now, of: self.digest, owed: false }
    }

    /// Tells whether a time was of this schedule.
    pub fn is_of(&self, fired: &Fired) -> bool {
        fired.of == self.digest
    }

    /// Returns the time that is to be acted upon now, where there is one; `offset` is its jitter.
    pub fn due(&self, last: &Fired, offset: SignedDuration, now: Timestamp) -> Option<Timestamp> {
        if last.owed {
            return Some(last.slot);
        }
        let seen = now.checked_sub(offset).ok()?;
        if self.catch_up == CatchUp::All {
            let oldest = self.newest(seen, MOST_MISSED).pop()?;
            let next = self.after(last.slot)?;
            return Some(next.max(oldest)).filter(|slot| *slot > last.slot && *slot <= seen);
        }
        let newest = self.newest(seen, 1).pop().filter(|slot| *slot > last.slot)?;
        let missed = seen.duration_since(newest) > GRACE;
        (self.catch_up == CatchUp::Once || !missed).then_some(newest)
    }

    /// Returns when something is to be acted upon next, jitter included.
    pub fn wake(&self, last: &Fired, offset: SignedDuration, now: Timestamp) -> Option<Timestamp> {
        let since = now.checked_sub(offset).ok()?.max(last.slot);
        self.after(since)?.checked_add(offset).ok()
    }

    fn after(&self, since: Timestamp) -> Option<Timestamp> {
        let next: Zoned =
            self.cron.find_next_occurrence(&since.to_zoned(self.zone.clone()), false).ok()?;
        Some(next.timestamp()).filter(|next| *next > since)
    }

    /// Returns the newest times until a moment, the newest first.
    fn newest(&self, until: Timestamp, most: usize) -> Vec<Timestamp> {
        let mut found: Vec<Timestamp> = Vec::new();
        let mut from = until.to_zoned(self.zone.clone());
        while found.len() < most {
            let inclusive = found.is_empty();
            let Ok(before) = self.cron.find_previous_occurrence(&from, inclusive) else { break };
            if found.last().is_some_and(|last| before.timestamp() >= *last) {
                break;
            }
            found.push(before.timestamp());
            from = before;
        }
        found
    }
}

/// Returns how much later than its time something comes: always the same for the same name, and less than half a minute.
pub fn jitter(name: &str) -> SignedDuration {
    let digest = Digest::of_bytes(name.as_bytes()).to_string();
    let number = digest.get(..12).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let milliseconds = number.unwrap_or_default() % JITTER_MS;
    SignedDuration::from_millis(i64::try_from(milliseconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONE: SignedDuration = SignedDuration::ZERO;

    fn schedule(cron: &str, zone: &str, catch_up: &str) -> Schedule {
        Schedule::read(&json!({"cron": cron, "timezone": zone, "catchUp": catch_up}))
            .expect("reads")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// Lists the times that come from one moment to another, looked for minute by minute.
    fn fires(schedule: &Schedule, from: &str, to: &str) -> Vec<String> {
        let mut last = schedule.from_now(at(from));
        let (mut now, mut found) = (at(from), Vec::new());
        while now < at(to) {
            now += SignedDuration::from_mins(1);
            while let Some(slot) = schedule.due(&last, NONE, now) {
                assert!(slot > last.slot, "none twice");
                last.slot = slot;
                found
                    .push(slot.to_zoned(schedule.zone.clone()).strftime("%d %H:%M%:z").to_string());
            }
        }
        found
    }

    #[test]
    fn a_time_that_a_clock_change_leaves_out_comes_when_the_clock_has_jumped() {
        let daily = schedule("30 2 * * *", "Europe/Berlin", "skip");
        let spring = fires(&daily, "2026-03-27T12:00:00Z", "2026-03-31T12:00:00Z");
        assert_eq!(
            spring,
            ["28 02:30+01:00", "29 03:00+02:00", "30 02:30+02:00", "31 02:30+02:00"]
        );
        let quarters = schedule("*/30 * * * *", "Europe/Berlin", "skip");
        let spring = fires(&quarters, "2026-03-29T00:00:00Z", "2026-03-29T02:01:00Z");
        assert_eq!(
            spring,
            ["29 01:30+01:00", "29 03:00+02:00", "29 03:30+02:00", "29 04:00+02:00"]
        );
    }

    #[test]
    fn a_time_that_comes_twice_counts_once_and_an_interval_goes_on() {
        let daily = schedule("30 2 * * *", "Europe/Berlin", "all");
        let autumn = fires(&daily, "2026-10-24T12:00:00Z", "2026-10-27T12:00:00Z");
        assert_eq!(autumn, ["25 02:30+02:00", "26 02:30+01:00", "27 02:30+01:00"]);
        let halves = schedule("*/30 * * * *", "Europe/Berlin", "skip");
        let autumn = fires(&halves, "2026-10-24T23:59:00Z", "2026-10-25T02:01:00Z");
        assert_eq!(
            autumn,
            [
                "25 02:00+02:00",
                "25 02:30+02:00",
                "25 02:00+01:00",
                "25 02:30+01:00",
                "25 03:00+01:00",
            ]
        );
    }

    #[test]
    fn what_was_missed_is_skipped_made_up_for_once_or_each() {
        let found = |catch_up: &str| {
            let schedule = schedule("0 3 * * *", "Etc/UTC", catch_up);
            let mut last = schedule.from_now(at("2026-02-26T12:00:00Z"));
            let mut found = Vec::new();
            while let Some(slot) = schedule.due(&last, NONE, at("2026-03-01T12:00:00Z")) {
                last.slot = slot;
                found.push(slot.strftime("%m-%d").to_string());
            }
            found
        };
        assert_eq!(found("skip"), [""; 0]);
        assert_eq!(found("once"), ["03-01"]);
        assert_eq!(found("all"), ["02-27", "02-28", "03-01"]);
        let leap = schedule("0 0 29 2 *", "Etc/UTC", "once");
        let last = leap.from_now(at("2027-01-01T00:00:00Z"));
        assert_eq!(leap.wake(&last, NONE, last.slot), Some(at("2028-02-29T00:00:00Z")));
        let minutes = schedule("* * * * *", "Etc/UTC", "all");
        let long_ago = minutes.from_now(at("2016-01-01T00:00:00Z"));
        let first = minutes.due(&long_ago, NONE, at("2026-01-01T10:00:00Z"));
        assert_eq!(first, Some(at("2026-01-01T08:21:00Z")), "no more than a hundred");
    }

    #[test]
    fn a_clock_that_is_set_back_or_forth_fires_none_twice() {
        let hourly = schedule("0 * * * *", "Etc/UTC", "once");
        let mut last = hourly.from_now(at("2026-01-01T00:30:00Z"));
        last.slot = hourly.due(&last, NONE, at("2026-01-01T05:10:00Z")).expect("is due");
        assert_eq!(last.slot, at("2026-01-01T05:00:00Z"));
        for back in ["2026-01-01T01:00:00Z", "2026-01-01T05:00:00Z", "2026-01-01T05:59:59Z"] {
            assert_eq!(hourly.due(&last, NONE, at(back)), None, "{back}");
        }
        assert_eq!(
            hourly.due(&last, NONE, at("2026-01-01T06:00:00Z")),
            Some(at("2026-01-01T06:00:00Z"))
        );
    }

    #[test]
    fn leap_days_and_far_years_come_as_they_are_written() {
        let leap = schedule("0 0 29 2 *", "Europe/Berlin", "once");
        let last = leap.from_now(at("2025-03-01T00:00:00Z"));
        let wake = |now: &str| leap.wake(&last, NONE, at(now)).expect("a time").to_string();
        assert_eq!(wake("2027-02-28T23:00:00Z"), "2028-02-28T23:00:00Z");
        assert_eq!(wake("2096-03-01T00:00:00Z"), "2104-02-28T23:00:00Z", "2100 has none");
        assert_eq!(leap.due(&last, NONE, at("2027-03-01T00:00:00Z")), None);
        // The second at which 32 bits end.
        let hourly = schedule("0 * * * *", "Etc/UTC", "all");
        let found = fires(&hourly, "2038-01-19T02:30:00Z", "2038-01-19T05:10:00Z");
        assert_eq!(found, ["19 03:00+00:00", "19 04:00+00:00", "19 05:00+00:00"]);
    }

    #[test]
    fn one_that_gave_way_comes_again_even_where_missed_times_are_skipped() {
        let daily = schedule("0 3 * * *", "Etc/UTC", "skip");
        let slot = at("2026-06-01T03:00:00Z");
        let mut last = Fired { slot, ..daily.from_now(slot) };
        let late = at("2026-06-01T20:00:00Z");
        assert_eq!(daily.due(&last, NONE, late), None);
        last.owed = true;
        assert_eq!(daily.due(&last, NONE, late), Some(slot));
        let kept: Fired = serde_json::from_value(json!(last)).expect("reads");
        assert!(kept.owed && kept == last);
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let said = |value: Value| Schedule::read(&value).expect_err("refused");
        assert!(said(json!({"cron": "61 * * * *", "timezone": "Etc/UTC"})).contains("cron `61"));
        assert_eq!(
            said(json!({"cron": "* * * * *", "timezone": "Mars/One"})),
            "there is no time zone `Mars/One`"
        );
    }

    proptest! {
        #[test]
        fn jitter_is_the_same_each_time_and_short(name in ".{0,40}") {
            prop_assert_eq!(jitter(&name), jitter(&name));
            prop_assert!(jitter(&name) < SignedDuration::from_secs(30) && jitter(&name) >= NONE);
        }

        #[test]
        fn nothing_is_due_before_its_time_or_after_it_was_acted_upon(
            minute in 0..60_i64, hour in 0..24_i64, since in 0..2_000_000_000_i64, passed in 0..3_000_000_i64,
            policy in 0..3_usize, offset in 0..30_000_i64,
        ) {
            let zone = ["Europe/Berlin", "America/St_Johns", "Pacific/Apia"][policy];
            let schedule = schedule(&format!("{minute} {hour} * * *"), zone, ["skip", "once", "all"][policy]);
            let since = Timestamp::from_second(since).expect("a time");
            let now = since + SignedDuration::from_secs(passed);
            let offset = SignedDuration::from_millis(offset);
            let mut last = schedule.from_now(since);
            let mut rounds = 0;
            while let Some(slot) = schedule.due(&last, offset, now) {
                prop_assert!(slot > last.slot && slot + offset <= now);
                last.slot = slot;
                rounds += 1;
                prop_assert!(rounds <= 101);
            }
            if let Some(wake) = schedule.wake(&last, offset, now) {
                prop_assert!(wake > now);
                let just_before = wake - SignedDuration::from_millis(1);
                prop_assert!(just_before < now || schedule.due(&last, offset, just_before).is_none() || policy > 0);
            }
        }
    }
}
