//! What each action type does: perform, look, observe, undo. One file each, one registry line.

mod action;
mod adopt;
mod approval;
mod aws;
mod callbacks;
mod command;
mod folder;
mod git_commit;
mod github;
mod github_workflow;
mod incoming;
mod intent;
mod jira_ticket;
mod manual_task;
mod notify;
mod operator;
mod process;
mod redirect;
mod registry;
mod rest_api;
mod scrub;
mod secrets;
mod signature;
mod stop;
mod target;
mod terraform;
#[cfg(test)]
pub(crate) mod testing;
mod webhook;

pub use crate::net::{Egress, HttpClient, HttpError, MAX_BODY_BYTES, Request, Response};
pub use action::{Action, ApprovalRequest, Call, Outcome, Ports, TaskRequest, Withdrawn};
pub use callbacks::{Callbacks, about_callback};
pub use github::{check_github, connect_github, deliver_missed, github_repository};
pub use incoming::{Delivery, MAX_MESSAGE_BYTES, Message, Poke, Refused, Sender};
#[cfg(test)]
pub(crate) use jira_ticket::fake::FakeJira;
pub use operator::{
    Channel, GitHubSettings, JiraEdition, JiraInstance, Operator, TerraformSettings,
};
pub use registry::{all, find, senders};
pub use rest_api::{HEALTH_PATIENCE, ask_health};
pub use secrets::{
    EnvironmentSecrets, FolderSecrets, Grant, Owner, SecretKeeper, SecretRef, SecretSource,
    SecretsSettings, SourceKind, SourceSettings,
};
pub use signature::is_signed;
pub use stop::Stop;
