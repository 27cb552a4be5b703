//! Action types: one static row each. It describes; [`crate::action`] does.

mod registry;
mod render;

pub use registry::{ActionKind, Reversal, Slot, all, find};
pub use render::{ConfigError, render_config, target_of};
