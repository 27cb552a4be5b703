//! What each action type does: perform, look, observe, undo. One file each, one registry line.

mod action;
mod egress;
mod git_commit;
mod http;
mod manual_task;
mod notify;
mod registry;
mod rest_api;
mod scrub;
#[cfg(test)]
pub(crate) mod testing;

pub use action::{Action, Call, Outcome, Ports, TaskRequest, Withdrawn};
pub use egress::Egress;
pub use http::{HttpClient, HttpError, MAX_BODY_BYTES, Request, Response};
pub use registry::{all, find};
