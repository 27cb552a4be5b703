//! Counts the work of reading and matching, so that tests can judge it without a clock. Elsewhere it does nothing.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Counts steps that cannot be told from others of their kind.
#[cfg(not(test))]
pub(super) const fn step(_: usize) {}

/// Counts steps that cannot be told from others of their kind.
#[cfg(test)]
pub(super) fn step(count: usize) {
    STEPS.with(|steps| steps.set(steps.get() + count as u64));
}

/// Returns how many steps some work takes.
#[cfg(test)]
pub(super) fn counted(work: impl FnOnce()) -> u64 {
    let before = STEPS.with(std::cell::Cell::get);
    work();
    STEPS.with(std::cell::Cell::get) - before
}
