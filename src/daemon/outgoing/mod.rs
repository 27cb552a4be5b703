//! What Trueline files: to the catalog itself, and how all of it stands. It approves and merges nothing.

mod board;
mod file;
mod forges;
mod gather;
mod keep;
mod others;
mod run;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_catalog;
#[cfg(test)]
mod tests_github;
mod text;
#[cfg(test)]
mod world;

pub use board::{Board, Line, Standing, Unseen};
pub(in crate::daemon) use file::{Filed, Outgoing};
pub use file::{Waiting, waiting_filings};
pub use gather::{Known, gather};
pub use keep::{BOARD, Keeper};
pub use run::run;
