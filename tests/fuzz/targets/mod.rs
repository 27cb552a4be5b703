//! What is fuzzed: one file a target, each a function that takes bytes and panics where something does not hold.
//!
//! `tests/fuzz.rs` replays kept inputs with them; `fuzz/` (see `ci/fuzz`) looks for new ones.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

mod catalog;
mod fixes;
mod lsp;
mod owners;
mod patterns;
mod reports;
mod source;
mod templates;
mod yaml;

/// A target: takes any bytes, and panics where something does not hold.
pub(crate) type Target = fn(&[u8]);

/// The targets by their names.
pub(crate) const TARGETS: [(&str, Target); 7] = [
    ("fixes", fixes::run),
    ("lsp", lsp::run),
    ("owners", owners::run),
    ("patterns", patterns::run),
    ("reports", reports::run),
    ("templates", templates::run),
    ("yaml", yaml::run),
];

/// By what the time that is allowed is multiplied: more in a build without optimisation.
pub(crate) static PATIENCE: AtomicU32 = AtomicU32::new(1);

/// What the smallest input may take: a scheduler's grain, not a second.
const LEAST: Duration = Duration::from_millis(100);

/// Runs what must take no longer than a second for 1 MiB. What is too slow has two more tries, and is then judged by
/// what this process had of the processor: others run beside it.
#[track_caller]
pub(crate) fn soon<T>(bytes: usize, what: impl Fn() -> T) -> T {
    let allowed = LEAST + Duration::from_secs(1).mul_f64(bytes as f64 / f64::from(1 << 20));
    let allowed = allowed * PATIENCE.load(Ordering::Relaxed);
    let mut took = Duration::MAX;
    for attempt in 0..3 {
        let used = if attempt > 0 { used() } else { None };
        let started = Instant::now();
        let result = what();
        took = took.min(started.elapsed());
        if took > allowed
            && let (Some(before), Some(after)) = (used, self::used())
        {
            took = took.min(after.saturating_sub(before));
        }
        if took <= allowed {
            return result;
        }
    }
    panic!("{bytes} bytes took {took:?}, more than {allowed:?}");
}

/// How long this process has been on a processor, to hundredths of a second, where the system says so.
fn used() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
    Some(Duration::from_millis(10) * ticks)
}

/// A number that is the same for the same bytes, to choose by.
pub(crate) fn choice(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Makes much of little, for one input in 16: what is quadratic shows only in the large.
pub(crate) fn grown(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let choice = choice(bytes);
    if bytes.is_empty() || bytes.len() > most / 8 || !choice.is_multiple_of(16) {
        return None;
    }
    let times = most / bytes.len();
    let (start, end) =
        bytes.split_at(usize::try_from(choice >> 16).unwrap_or(0) % (bytes.len() + 1));
    Some(match (choice >> 8) % 4 {
        0 => bytes.repeat(times),
        1 => [start.repeat(times).as_slice(), end].concat(),
        2 => [start, &end.repeat(times)].concat(),
        _ => [start.repeat(times), end.repeat(times)].concat(),
    })
}
