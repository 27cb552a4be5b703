//! Integration tests: the built binary, real git, a counterpart that keeps a ledger.
#![allow(missing_docs, reason = "tests tell what they are by their names")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]

mod crash;
mod demo;
mod line;
mod world;
