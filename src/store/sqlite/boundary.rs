//! Where a test ends the process: right before a write of runs is durable, or right after. The process is killed as
//! `kill -9` does it. Builds that are optimised have none of this.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// Names the boundary: `before:2`, `after:1`.
const VARIABLE: &str = "TRUELINE_TEST_END";

/// Which side of a write becoming durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

static PASSED: AtomicU64 = AtomicU64::new(0);
static END: OnceLock<Option<(Side, u64)>> = OnceLock::new();

/// Passes one side of a write of runs; the number rises with each write, so `Before` comes first.
pub(super) fn pass(side: Side) {
    if !cfg!(debug_assertions) {
        return;
    }
    let end = END.get_or_init(|| std::env::var(VARIABLE).ok().and_then(|text| read(&text)));
    let Some((ends_at, number)) = end else { return };
    let passed = match side {
        Side::Before => PASSED.fetch_add(1, Ordering::SeqCst) + 1,
        Side::After => PASSED.load(Ordering::SeqCst),
    };
    if side == *ends_at && passed == *number {
        // Nothing runs behind this, as nothing runs behind a real one.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

fn read(text: &str) -> Option<(Side, u64)> {
    let (side, number) = text.split_once(':')?;
    let side = match side {
        "before" => Side::Before,
        "after" => Side::After,
        _ => return None,
    };
    Some((side, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boundary_has_a_side_and_a_number() {
        assert_eq!(read("before:2"), Some((Side::Before, 2)));
        assert_eq!(read("after:17"), Some((Side::After, 17)));
        for text in ["", "before", "beside:1", "after:x"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
