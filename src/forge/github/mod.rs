//! GitHub: a client that keeps to its limits, and what is asked of it. Nothing here is tried again behind anybody's
//! back, and nothing that GitHub fails to say is read as «gone».

mod address;
mod asking;
mod authors;
mod cache;
mod checks;
mod client;
mod comments;
mod counts;
mod credential;
mod cut;
mod deliveries;
#[cfg(test)]
mod deliveries_tests;
#[cfg(test)]
#[path = "../../../tests/support/github/mod.rs"]
pub(crate) mod fake;
mod filed;
mod forge;
mod issues;
mod judge;
#[cfg(test)]
mod lies_tests;
mod limits;
mod manifest;
mod memory;
mod pulls;
mod pulls_write;
mod reviews;
#[cfg(test)]
pub(crate) mod reviews_tests;
mod runs;
#[cfg(test)]
mod shown_tests;
mod standing;
mod statuses;
mod teams;
mod transport;
mod whoami;

pub use address::{Address, RepositoryName};
pub use client::GitHub;
pub use counts::{Budget, Outcome};
pub use credential::Credential;
pub use deliveries::DeliveryAttempt;
pub use forge::GitHubForge;
pub use issues::{IssueText, KeptIssue};
pub use judge::{Refused, classed_safe};
pub use manifest::{EVENTS, MadeApp, NewApp, PERMISSIONS, Permission, exchange};
pub use memory::Memory;
pub use runs::{Artifact, Dispatched, WorkflowRun};
pub use standing::{Installation, Left};
