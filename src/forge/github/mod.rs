//! GitHub: a client that keeps to its limits, and what is asked of it. Nothing here is tried again behind anybody's
//! back, and nothing that GitHub fails to say is read as «gone».

mod address;
mod cache;
mod client;
mod credential;
#[cfg(test)]
#[path = "../../../tests/support/github/mod.rs"]
pub(crate) mod fake;
mod forge;
mod judge;
mod limits;
mod memory;
mod pulls;
mod pulls_write;
mod runs;
mod transport;

pub use address::{Address, RepositoryName};
pub use client::GitHub;
pub use credential::Credential;
pub use forge::GitHubForge;
pub use judge::{Refused, classed_safe};
pub use memory::Memory;
pub use runs::{Artifact, Dispatched, WorkflowRun};
