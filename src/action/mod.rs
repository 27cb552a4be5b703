//! What each action type does: perform, look, observe, undo. One file each, one registry line.

mod action;
mod git_commit;
mod http;
mod manual_task;
mod notify;
mod registry;
mod rest_api;

pub use action::{Action, Call, Outcome, Ports, TaskRequest};
pub use http::{Egress, HttpClient};
pub use registry::find;
