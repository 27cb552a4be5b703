//! The loop: pokes, ticks, sweeps. It takes no input but the catalog's head and the recorded state.

mod clock;
mod daemon;
mod error;
mod expire;
mod forget;
mod health;
mod look;
mod metrics;
mod operate;
pub mod outgoing;
mod preview;
mod propose_drift;
mod prune;
mod published;
mod remember;
pub mod review;
mod serve_loop;
mod settle;
mod tick;
mod timetable;
mod void;

#[cfg(test)]
mod adopt_tests;
#[cfg(test)]
mod adrift_tests;
#[cfg(test)]
mod aftermath_tests;
#[cfg(test)]
mod approval_tests;
#[cfg(test)]
mod ask_tests;
#[cfg(test)]
mod batch_tests;
#[cfg(test)]
mod carry_tests;
#[cfg(test)]
mod control_tests;
#[cfg(test)]
mod entered_tests;
#[cfg(test)]
mod expire_tests;
#[cfg(test)]
mod exposed_tests;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod flapping_tests;
#[cfg(test)]
mod forget_tests;
#[cfg(test)]
mod hold_tests;
#[cfg(test)]
mod keep_tests;
#[cfg(test)]
mod operate_tests;
#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod propose_drift_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod secret_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod timetable_tests;
#[cfg(test)]
mod undo_tests;
#[cfg(test)]
mod void_tests;
#[cfg(test)]
mod withdraw_tests;
#[cfg(test)]
mod world;

pub use clock::SystemClock;
pub use daemon::{Daemon, Parts};
pub use error::TickError;
pub use health::{Health, HealthReport};
pub use preview::{Preview, compare, preview};
pub use published::{Outline, Published, Upcoming, Window};
pub use serve_loop::{Pace, run};
pub use settle::{Settled, settle};
pub use tick::Ticked;
