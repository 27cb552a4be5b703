//! Catalogs in git and in directories: fetched, read as snapshots, watched, and written as branches.
//!
//! Nothing here checks out a work tree, follows a link, or runs a hook.

mod above;
mod authors;
mod base;
mod changed;
mod directory;
mod error;
mod fetch_refs;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod fixture_http;
mod git;
mod hooks;
mod location;
mod lock;
mod names;
mod open;
mod program;
mod propose;
mod push;
mod repository;
mod snapshot;
mod staged;
mod stamps;
mod token;
#[cfg(test)]
mod transport_tests;
mod tree;
mod wanted;
mod watch;

pub use changed::{ChangeKind, Changed, changed_between, changed_paths, tree_changes};
pub use directory::DirectoryReader;
pub use error::SourceError;
pub use git::Mirror;
pub(crate) use git::open_here;
pub use hooks::{HookFolder, Standing, configure};
pub use location::{Location, branch_ref};
pub use names::escaped;
pub(crate) use names::{MAX_DEPTH, refusal};
pub use open::{Options, Source};
pub use program::Program;
pub use propose::{Author, FileChange, commit_files, commit_files_for};
pub use push::{Push, push};
pub use repository::Repository;
pub use snapshot::SnapshotReader;
pub use stamps::{MAX_BYTES as MAX_STAMP_BYTES, Stamps};
pub use token::{Token, Tokens};
pub use watch::{Watch, Watched};
