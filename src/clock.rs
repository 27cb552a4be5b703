//! The clock as an argument: pure rooms are told the time and never look it up.

use jiff::Timestamp;

/// Tells the present moment; the daemon owns the only one that reads the system.
pub trait Clock: Send + Sync {
    /// Returns the present moment.
    fn now(&self) -> Timestamp;
}
