//! Looks for inputs that break a target of `tests/fuzz/targets`, led by what code they reach. `ci/fuzz` builds and runs it.
//!
//! `TRUELINE_FUZZ` names the target. Time and memory are bounded by the length of the input, whatever it is.
#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;

use targets::{PATIENCE, TARGETS, Target};

/// What may be held at once beyond what was held before: this, and so much for every byte of the input.
const MOST_HELD: usize = 64 << 20;
const MOST_HELD_PER_BYTE: usize = 1024;

/// How much slower than what people run a build is that counts what it reaches.
const SLOWER: u32 = 8;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Counts what is held, and what was held at most.
struct Counting;

// SAFETY: everything is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn target() -> Target {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    *CHOSEN.get_or_init(|| {
        PATIENCE.store(SLOWER, Ordering::Relaxed);
        let name = std::env::var("TRUELINE_FUZZ").expect("TRUELINE_FUZZ names the target");
        let found = TARGETS.iter().find(|(target, _)| *target == name);
        found.unwrap_or_else(|| panic!("there is no target `{name}`")).1
    })
}

fuzz_target!(|bytes: &[u8]| {
    let run = target();
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    run(bytes);
    let held = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    let most = MOST_HELD + MOST_HELD_PER_BYTE * bytes.len();
    assert!(held <= most, "{held} bytes were held for {} bytes of input", bytes.len());
});
