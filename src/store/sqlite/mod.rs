//! The store in SQLite: WAL, full sync, one file.

mod activity;
#[cfg(test)]
mod activity_tests;
mod approvals;
mod arrivals;
mod audit;
mod backup;
mod boundary;
mod breakers;
mod catalog;
mod changes;
mod check;
mod claims;
mod decisions;
mod definitions;
#[cfg(test)]
mod fixtures;
mod gather;
mod journal;
#[cfg(test)]
mod keep_tests;
mod kept;
mod lease;
mod links;
mod open;
mod pages;
#[cfg(test)]
mod pages_tests;
mod people;
mod plans;
mod proposals;
mod prune;
mod prune_requests;
mod requests;
mod restore;
mod reviews;
mod rows;
mod runs;
mod service_requests;
mod sessions;
mod sqlite_store;
mod tasks;
mod tell;
#[cfg(test)]
mod tests;
mod units;
mod waiting;
mod waits;
mod write;
mod writer;

pub use restore::{PutBack, Restoring};
pub use sqlite_store::SqliteStore;
