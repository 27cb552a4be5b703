//! What each action type does: perform, look, observe, undo. One file each, one registry line.

mod action;
mod git_commit;
mod github;
mod github_workflow;
mod incoming;
mod manual_task;
mod notify;
mod operator;
mod registry;
mod rest_api;
mod scrub;
mod secrets;
#[cfg(test)]
pub(crate) mod testing;

pub use crate::net::{Egress, HttpClient, HttpError, MAX_BODY_BYTES, Request, Response};
pub use action::{Action, Call, Outcome, Ports, TaskRequest, Withdrawn};
pub use github::GitHubSender;
pub use incoming::{Delivery, MAX_MESSAGE_BYTES, Message, Poke, Refused, Sender};
pub use operator::{
    Channel, GitHubSettings, JiraEdition, JiraInstance, Operator, TerraformSettings,
};
pub use registry::{all, find};
pub use secrets::{EnvironmentSecrets, FolderSecrets, Owner, SecretRef, SecretSource};
