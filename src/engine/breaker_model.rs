//! Every interleaving of attempts that ask one side through its breaker: tests only. Each attempt is admitted and ended in a
//! step of its own, as the driver does it; what comes in between is up to the model checker.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shuttle::sync::Mutex;
use shuttle::{check_dfs, check_random, thread};

use crate::run::{Breaker, BreakerPolicy, BreakerState, Fault, Verdict};

const POLICY: BreakerPolicy =
    BreakerPolicy { failures: 2, pause: Duration::from_secs(10), longest: Duration::from_mins(1) };

/// One side, its breaker, and what is under way there.
#[derive(Default)]
struct Side {
    breaker: Breaker,
    /// Attempts under way that began when it was not closed.
    probes: usize,
    /// Attempts that were made.
    asked: usize,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// Asks at a second, where that is admitted; tells whether it was.
fn ask(side: &Mutex<Side>, second: i64, fails: bool) -> bool {
    let (turn, is_probe) = {
        let mut side = side.lock().expect("unbroken");
        if !side.breaker.admits(at(second)) {
            return false;
        }
        let is_probe = side.breaker.state != BreakerState::Closed;
        side.probes += usize::from(is_probe);
        side.asked += 1;
        assert!(side.probes <= 1, "one asks while all others wait: {}", side.breaker);
        (side.breaker.begin(), is_probe)
    };
    thread::yield_now();
    let verdict = match fails {
        true => Verdict::of(&Err::<(), _>(Fault::transient("503"))),
        false => Verdict::Works,
    };
    let mut side = side.lock().expect("unbroken");
    side.probes -= usize::from(is_probe);
    let before = side.breaker.clone();
    let changed = side.breaker.end(turn, verdict, &POLICY, (at(second), 0.0));
    assert!(!is_probe || before.state == BreakerState::HalfOpen, "nobody took its turn: {before}");
    assert!(!is_probe || changed, "what the one tells counts");
    let is_closed = side.breaker.state == BreakerState::Closed;
    assert!(!is_closed || side.breaker.failures < POLICY.failures, "{}", side.breaker);
    true
}

/// Attempts of several drivers' steps at once: some before it opens, some after its pause.
fn attempts(all: &[(i64, bool)]) {
    let side = Arc::new(Mutex::new(Side::default()));
    let threads: Vec<_> = all
        .iter()
        .map(|&(second, fails)| {
            let side = side.clone();
            thread::spawn(move || ask(&side, second, fails))
        })
        .collect();
    let asked = threads.into_iter().map(|thread| thread.join().expect("ended"));
    let asked = asked.filter(|asked| *asked).count();
    let last = side.lock().expect("unbroken").breaker.clone();
    assert_eq!(asked, side.lock().expect("unbroken").asked);
    assert_ne!(last.state, BreakerState::HalfOpen, "nobody is under way, and nobody is waited for");
    // Whatever came before, once its pause is over one that works closes it.
    assert!(ask(&side, 1_000, false), "{last}");
    assert!(side.lock().expect("unbroken").breaker.is_unmarked());
}

#[test]
fn of_three_attempts_at_most_one_asks_a_side_that_failed_in_any_order() {
    check_dfs(|| attempts(&[(0, true), (0, true), (20, true)]), Some(20_000));
    check_dfs(|| attempts(&[(0, true), (0, true), (20, false)]), Some(20_000));
}

#[test]
fn of_many_attempts_neither() {
    let all = [(0, true), (0, true), (0, false), (20, true), (21, false), (50, true), (90, false)];
    check_random(move || attempts(&all), 3_000);
}
