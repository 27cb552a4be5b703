//! A circuit breaker: whether a target that keeps failing is asked again. Pure: the time and chance are given.
//!
//! One task of the one driver touches it, between attempts and never within them: an attempt only carries the number
//! of its turn out and back. So there is nothing to interleave, and no test with shuttle or loom; what comes late is
//! told by its number, and the properties below draw such numbers in any order.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultClass};

/// The longest pause that the other side can ask for.
const LONGEST_ASKED: Duration = Duration::from_hours(1);

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub failures: u32,
    /// The first pause; each further one is twice as long.
    pub pause: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(30), longest: Duration::from_mins(15) }
    }
}

/// The state of a breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum BreakerState {
    /// The target is asked as always.
    #[default]
    Closed,
    /// It is not asked before a moment.
    Open {
        /// Not before.
        until: Timestamp,
    },
    /// One attempt asks it; all others wait for what comes of that.
    HalfOpen,
}

impl BreakerState {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::Open { .. } => "open",
            BreakerState::HalfOpen => "half-open",
        }
    }
}

/// What an attempt told about its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It answered, be it with a refusal.
    Works,
    /// It did not, or not sensibly.
    Fails {
        /// Why.
        why: String,
        /// How long it asked us to wait.
        asked: Duration,
    },
}

impl Verdict {
    /// Judges what came of an attempt: who refuses for good works, and who leaves us in the dark does not.
    pub fn of<T>(outcome: &Result<T, Fault>) -> Self {
        match outcome {
            Err(fault) if fault.class != FaultClass::Terminal => Verdict::Fails {
                why: fault.message.clone(),
                asked: Duration::from_millis(fault.retry_after_ms.unwrap_or_default()),
            },
            _ => Verdict::Works,
        }
    }
}

/// What a breaker is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BreakerKey {
    /// The action type.
    pub action: String,
    /// Whom it asks: a host, with its port where that is unusual.
    pub target: String,
}

impl fmt::Display for BreakerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by `{}`", self.target, self.action)
    }
}

/// A circuit breaker of one action type and one target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Its state.
    #[serde(flatten)]
    pub state: BreakerState,
    /// Failures in a row.
    pub failures: u32,
    /// How often it opened since it was closed last.
    pub openings: u32,
    /// Since when it is not closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The last failure, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Rises with every change of state: what an attempt of an earlier one tells comes too late to count.
    #[serde(skip)]
    turn: u64,
}

impl Breaker {
    /// Takes it up as it was recorded: nobody knows any more what came of the attempt that asked.
    #[must_use]
    pub fn taken_up(self, now: Timestamp) -> Self {
        let state = match self.state {
            BreakerState::HalfOpen => BreakerState::Open { until: now },
            other => other,
        };
        Self { state, ..self }
    }

    /// Tells whether nothing is to be remembered of it.
    pub fn is_unmarked(&self) -> bool {
        self.state == BreakerState::Closed && self.failures == 0
    }

    /// Tells whether an attempt may begin now.
    pub fn admits(&self, now: Timestamp) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open { until } => until <= now,
            BreakerState::HalfOpen => false,
        }
    }

    /// Returns when it is worth asking again, where that is known.
    pub fn again(&self) -> Option<Timestamp> {
        match self.state {
            BreakerState::Open { until } => Some(until),
            BreakerState::Closed | BreakerState::HalfOpen => None,
        }
    }

    /// Returns the number of the turn, for what asks without being the one that is waited for.
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// Lets an attempt begin that it admits; returns the number of its turn. The first after a pause is alone.
    pub fn begin(&mut self) -> u64 {
        if matches!(self.state, BreakerState::Open { .. }) {
            self.turn_to(BreakerState::HalfOpen);
        }
        self.turn
    }

    /// Takes in what an attempt told; what began in an earlier state tells nothing. Tells whether anything changed.
    ///
    /// `jitter` is between 0 and 1 and drawn by the caller: a pause is up to a tenth longer.
    pub fn end(
        &mut self,
        turn: u64,
        verdict: Verdict,
        policy: &BreakerPolicy,
        (now, jitter): (Timestamp, f64),
    ) -> bool {
        if turn != self.turn {
            return false;
        }
        let before = self.clone();
        match verdict {
            Verdict::Works => {
                *self = Self { turn: self.turn, ..Self::default() };
                if before.state != BreakerState::Closed {
                    self.turn += 1;
                }
            }
            Verdict::Fails { why, asked } => {
                self.failures = self.failures.saturating_add(1);
                self.why = Some(why);
                if self.state == BreakerState::HalfOpen || self.failures >= policy.failures {
                    self.open(asked, policy, (now, jitter));
                }
            }
        }
        *self != before
    }

    /// Returns it closed, with nothing to remember, because somebody says so; what is under way tells nothing any more.
    #[must_use]
    pub fn reset(&self) -> Self {
        Self { turn: self.turn + 1, ..Self::default() }
    }

    /// Ends a turn in which nobody was asked after all. Tells whether anything changed.
    pub fn give_back(&mut self, turn: u64, now: Timestamp) -> bool {
        if turn != self.turn || self.state != BreakerState::HalfOpen {
            return false;
        }
        self.turn_to(BreakerState::Open { until: now });
        true
    }

    fn open(&mut self, asked: Duration, policy: &BreakerPolicy, (now, jitter): (Timestamp, f64)) {
        let factor = 2_u32.saturating_pow(self.openings);
        let pause = policy.pause.saturating_mul(factor).min(policy.longest);
        let pause = pause.max(asked.min(LONGEST_ASKED));
        let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        let pause = pause + pause.mul_f64(jitter / 10.0);
        let until = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        self.openings = self.openings.saturating_add(1);
        self.since.get_or_insert(now);
        self.turn_to(BreakerState::Open { until });
    }

    fn turn_to(&mut self, state: BreakerState) {
        self.state = state;
        self.turn += 1;
    }
}

impl fmt::Display for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            BreakerState::Closed => f.write_str("asked as always")?,
            BreakerState::Open { until } => write!(f, "not asked before {until:.0}")?,
            BreakerState::HalfOpen => f.write_str("asked once, to see whether it works again")?,
        }
        match (&self.why, self.failures) {
            (Some(why), 1) => write!(f, ", after a failure: {why}"),
            (Some(why), failures) => write!(f, ", after {failures} failures in a row: {why}"),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::story::at;
    use super::*;

    const POLICY: BreakerPolicy = BreakerPolicy {
        failures: 3,
        pause: Duration::from_secs(10),
        longest: Duration::from_mins(1),
    };

    fn fails() -> Verdict {
        Verdict::of(&Err::<(), _>(Fault::transient("503")))
    }

    /// Asks once at a second, where it is admitted; returns how it stands then.
    fn ask(breaker: &mut Breaker, second: i64, verdict: Verdict) -> String {
        if breaker.admits(at(second)) {
            let turn = breaker.begin();
            breaker.end(turn, verdict, &POLICY, (at(second), 0.0));
        }
        breaker.to_string()
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_twice_as_long_each_time() {
        let mut breaker = Breaker::default();
        ask(&mut breaker, 0, fails());
        ask(&mut breaker, 0, fails());
        assert!(breaker.admits(at(0)));
        ask(&mut breaker, 0, Verdict::Works);
        assert!(breaker.is_unmarked(), "{breaker:?}");
        for _ in 0..3 {
            ask(&mut breaker, 1, fails());
        }
        let open = "not asked before 1970-01-01T00:00:11Z, after 3 failures in a row: 503";
        assert_eq!(breaker.to_string(), open);
        assert_eq!(ask(&mut breaker, 10, Verdict::Works), open, "nobody asked");
        for (second, until) in [(11, 31), (31, 71), (71, 131), (131, 191)] {
            ask(&mut breaker, second, fails());
            assert_eq!(breaker.again(), Some(at(until)));
        }
        assert_eq!(breaker.since, Some(at(1)));
        ask(&mut breaker, 191, Verdict::Works);
        assert!(breaker.is_unmarked(), "{breaker:?}");
    }

    #[test]
    fn one_asks_while_all_others_wait() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            ask(&mut breaker, 0, fails());
        }
        let probe = breaker.begin();
        assert!(!breaker.admits(at(1_000)), "{breaker}");
        assert!(breaker.give_back(probe, at(1_000)));
        assert!(breaker.admits(at(1_000)), "nobody was asked after all");
        let probe = breaker.begin();
        let recorded = serde_json::to_string(&breaker).unwrap();
        let read: Breaker = serde_json::from_str(&recorded).unwrap();
        assert!(!read.admits(at(2_000)));
        assert!(read.taken_up(at(2_000)).admits(at(2_000)), "its process is gone");
        assert!(breaker.end(probe, Verdict::Works, &POLICY, (at(2_000), 0.0)));
        assert!(breaker.is_unmarked());
    }

    #[test]
    fn who_closes_it_by_hand_has_it_asked_at_once_and_earlier_attempts_tell_nothing() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            ask(&mut breaker, 0, fails());
        }
        let probe = breaker.begin();
        let mut breaker = breaker.reset();
        assert!(breaker.is_unmarked() && breaker.admits(at(0)), "{breaker}");
        assert!(!breaker.end(probe, fails(), &POLICY, (at(1), 0.0)), "it began before");
        for second in 1..4 {
            ask(&mut breaker, second, fails());
        }
        assert_eq!(breaker.again(), Some(at(13)), "it opens again, as for the first time");
    }

    #[test]
    fn what_began_before_it_opened_tells_nothing() {
        let mut breaker = Breaker::default();
        let early = breaker.begin();
        for _ in 0..3 {
            ask(&mut breaker, 0, fails());
        }
        let open = breaker.clone();
        assert!(!breaker.end(early, Verdict::Works, &POLICY, (at(5), 0.0)));
        assert!(!breaker.end(early, fails(), &POLICY, (at(5), 0.0)));
        assert_eq!(breaker, open);
    }

    #[test]
    fn who_asks_for_a_longer_pause_gets_it_and_who_refuses_works() {
        let mut breaker = Breaker::default();
        let asked = Fault { retry_after_ms: Some(120_000), ..Fault::unknown("429") };
        for _ in 0..3 {
            ask(&mut breaker, 0, Verdict::of(&Err::<(), _>(asked.clone())));
        }
        assert_eq!(breaker.again(), Some(at(120)));
        let refused = Verdict::of(&Err::<(), _>(Fault::terminal("422")));
        assert_eq!(ask(&mut breaker, 120, refused), "asked as always");
    }

    proptest! {
        #[test]
        fn between_two_pauses_at_most_one_asks_and_success_always_closes(
            // What happens, in which order: an attempt begins, or one of those under way ends, well or not.
            draws in vec((any::<u8>(), any::<bool>(), 0_i64..40, 0.0..1.0), 1..200),
        ) {
            let mut breaker = Breaker::default();
            let mut underway: Vec<(u64, bool)> = Vec::new();
            let mut now = 0;
            for (draw, well, later, jitter) in draws {
                now += later;
                let before = breaker.clone();
                if draw % 2 == 0 {
                    let is_probe = matches!(before.state, BreakerState::Open { .. });
                    if !breaker.admits(at(now)) { continue; }
                    underway.push((breaker.begin(), is_probe));
                    continue;
                }
                if underway.is_empty() { continue; }
                let (turn, is_probe) = underway.swap_remove(usize::from(draw) % underway.len());
                let verdict = if well { Verdict::Works } else { fails() };
                let changed = breaker.end(turn, verdict, &POLICY, (at(now), jitter));
                prop_assert_eq!(changed, breaker != before);
                let counts = turn == before.turn;
                prop_assert!(counts || !changed, "what comes late tells nothing");
                prop_assert!(!counts || !well || breaker.is_unmarked(), "{:?}", breaker);
                prop_assert!(!is_probe || before.state == BreakerState::HalfOpen, "{:?}", before);
                if let Some(until) = breaker.again().filter(|_| changed) {
                    let (least, most) = (at(now + 10), at(now + 67));
                    prop_assert!(until >= least && until < most, "{until}");
                }
                let halves = underway.iter().filter(|(turn, probe)| *probe && *turn == breaker.turn);
                prop_assert!(halves.count() <= 1);
                prop_assert!(breaker.failures < 3 || breaker.state != BreakerState::Closed);
            }
        }
    }
}
