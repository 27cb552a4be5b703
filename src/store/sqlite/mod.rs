//! The store in SQLite: WAL, full sync, one file.

mod approvals;
mod arrivals;
mod audit;
mod catalog;
mod changes;
mod claims;
mod decisions;
mod definitions;
#[cfg(test)]
mod fixtures;
mod journal;
mod lease;
mod open;
mod plans;
mod proposals;
mod rows;
mod runs;
mod sqlite_store;
mod tasks;
#[cfg(test)]
mod tests;
mod units;
mod waiting;
mod waits;
mod write;

pub use sqlite_store::SqliteStore;
