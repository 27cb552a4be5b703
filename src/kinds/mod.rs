//! Action types: one static row each. It describes; [`crate::action`] does.

mod fill;
mod registry;
mod render;

pub use fill::{fill_markers, markers_in};
pub use registry::{ActionKind, Reversal, Slot, all, find};
pub use render::{ConfigError, render_config, target_of};
