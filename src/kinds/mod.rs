//! Action types: one static row each. It describes; [`crate::action`] does.

mod address;
mod answer_schema;
mod approval;
mod at_odds;
mod check;
mod command;
mod fill;
mod git_commit;
mod github_workflow;
mod jira_ticket;
mod manual_task;
mod notify;
mod problem;
mod registry;
mod render;
mod rest_api;
mod shown;
mod target;
mod terraform;
mod verify;
mod webhook;
pub mod words;

pub use address::{InnerHost, inner_host, why_not_public};
pub use check::config_problems;
pub use command::is_reserved_variable;
pub use fill::{fill_markers, markers_in};
pub use problem::{Fault, MOST, Mend, explain};
pub use registry::{ActionKind, Decided, Reversal, Slot, all, find, forecasts};
pub use render::{ConfigError, is_structured, render_config, target_of};
pub use shown::{Shown, exposed, is_shown};
pub use target::is_target_named;
pub use verify::VERIFY;
