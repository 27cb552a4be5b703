//! Integration tests: the built binary, real git, a counterpart that keeps a ledger.
#![allow(missing_docs, reason = "tests tell what they are by their names")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::format_collect,
    clippy::format_push_string,
    reason = "a test may fail"
)]

mod canary;
mod counterpart;
mod crash;
mod demo;
mod editor;
mod hostile;
mod kit;
mod line;
mod lsp;
mod lsp_answers;
mod people;
mod readme;
mod two_processes;
mod world;
