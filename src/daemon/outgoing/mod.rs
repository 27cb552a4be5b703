//! What Trueline files: to the catalog itself, and how all of it stands. It approves and merges nothing.

mod board;
mod file;
mod gather;
mod keep;
mod others;
mod renew;
mod run;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_catalog;
#[cfg(test)]
mod tests_github;
#[cfg(test)]
mod tests_renew;
mod text;
#[cfg(test)]
mod world;

pub use board::{Board, Line, Standing, Unseen};
#[cfg(test)]
use file::Filed;
pub(in crate::daemon) use file::Outgoing;
pub use file::{Waiting, waiting_filings};
pub use gather::{Known, gather};
pub use keep::{BOARD, Keeper};
pub(in crate::daemon) use renew::Kind;
pub use run::run;
