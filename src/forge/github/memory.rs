//! What is remembered between requests: answers by `ETag`, limits, tokens of installations. It is lost with the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::authors::Remembered;
use super::cache::Cache;
use super::counts::{Budget, Counts, Outcome};
use super::credential::Installed;
use super::limits::Limits;
use crate::clock::Clock;
use crate::forge::Person;
use crate::run::Fault;

/// How many requests are under way at once.
const AT_ONCE: usize = 50;

/// Between two changes of one account («Best practices for using the REST API›, Pause between mutative requests»). The
/// tests' own GitHub is not in need of it.
const SPACING: Duration = if cfg!(test) { Duration::ZERO } else { Duration::from_secs(1) };

/// The longest that a change waits for its turn; who would wait longer comes again.
const LONGEST_TURN: Duration = Duration::from_secs(20);

/// What is remembered of GitHub between requests; one for the whole process.
pub struct Memory {
    cache: Mutex<Cache>,
    limits: Mutex<Limits>,
    installed: Mutex<BTreeMap<String, Installed>>,
    authors: Mutex<BTreeMap<(String, u64), Remembered>>,
    us: Mutex<BTreeMap<String, Person>>,
    comments: Mutex<BTreeMap<(String, u64, String), u64>>,
    turns: Mutex<BTreeMap<String, Instant>>,
    filed: Mutex<BTreeMap<(String, u64), Timestamp>>,
    counts: Mutex<Counts>,
    /// Tells the time; the system where absent.
    clock: Option<Arc<dyn Clock>>,
    spacing: Duration,
    pub(super) slots: Semaphore,
    /// Held while a token is asked for.
    pub(super) minting: tokio::sync::Mutex<()>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            authors: Mutex::default(),
            us: Mutex::default(),
            comments: Mutex::default(),
            turns: Mutex::default(),
            filed: Mutex::default(),
            counts: Mutex::default(),
            clock: None,
            spacing: SPACING,
            cache: Mutex::default(),
            limits: Mutex::default(),
            installed: Mutex::default(),
            slots: Semaphore::new(AT_ONCE),
            minting: tokio::sync::Mutex::default(),
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    /// Remembers by this clock.
    pub fn by(clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..Self::default() }
    }

    /// Returns the present moment.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.as_ref().map_or_else(Timestamp::now, |clock| clock.now())
    }

    /// Returns what is left of the limits, as GitHub said last.
    pub fn budget(&self) -> Vec<Budget> {
        self.limits().budget(self.now())
    }

    /// Returns how many requests there were, by account and by what became of them.
    pub fn requests(&self) -> Vec<(String, Outcome, u64)> {
        self.counts().all()
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was opened a moment ago, by repository and number.
    pub(super) fn filed(&self) -> MutexGuard<'_, BTreeMap<(String, u64), Timestamp>> {
        self.filed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn installed(&self) -> MutexGuard<'_, BTreeMap<String, Installed>> {
        self.installed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who had a hand in a pull request, by repository and number.
    pub(super) fn authors(&self) -> MutexGuard<'_, BTreeMap<(String, u64), Remembered>> {
        self.authors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who we are, by credential.
    pub(super) fn us(&self) -> MutexGuard<'_, BTreeMap<String, Person>> {
        self.us.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of our comments, by repository, pull request and marker.
    pub(super) fn comments(&self) -> MutexGuard<'_, BTreeMap<(String, u64, String), u64>> {
        self.comments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until an account may send its next change.
    pub(super) async fn turn(&self, who: &str) -> Result<(), Fault> {
        let at = self.take_turn(who, Instant::now())?;
        tokio::time::sleep_until(at).await;
        Ok(())
    }

    /// Returns when that is; nobody else gets that moment.
    fn take_turn(&self, who: &str, now: Instant) -> Result<Instant, Fault> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let at = turns.get(who).map_or(now, |last| (*last + self.spacing).max(now));
        let wait = at.duration_since(now);
        if wait > LONGEST_TURN {
            let fault = Fault::transient("too many changes wait to be sent to GitHub");
            let ms = u64::try_from(wait.as_millis()).ok();
            return Err(Fault { retry_after_ms: ms, ..fault });
        }
        turns.insert(who.to_owned(), at);
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_one_account_are_a_second_apart() {
        let memory = Memory { spacing: Duration::from_secs(1), ..Memory::default() };
        let start = Instant::now();
        let waits = |who: &str, after: u64| {
            let now = start + Duration::from_secs(after);
            let turn = memory.take_turn(who, now);
            turn.map(|at| (at - now).as_secs()).map_err(|fault| fault.retry_after_ms)
        };
        assert_eq!([waits("a", 0), waits("a", 0), waits("a", 0)], [Ok(0), Ok(1), Ok(2)]);
        assert_eq!(waits("b", 0), Ok(0), "another account waits for nobody");
        assert_eq!([waits("a", 2), waits("a", 9)], [Ok(1), Ok(0)]);
        for turn in 1..=20 {
            assert_eq!(waits("a", 9), Ok(turn));
        }
        assert_eq!(waits("a", 9), Err(Some(21_000)));
        assert_eq!(waits("a", 10), Ok(20), "who was sent away took no turn");
    }
}
