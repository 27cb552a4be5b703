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

mod callback;
mod canary;
mod ci_jobs;
mod ci_runner;
mod counterpart;
mod crash;
mod demo;
mod desk;
mod editor;
mod hooks;
mod hostile;
mod keep;
mod kit;
mod line;
mod lsp;
mod lsp_answers;
mod people;
mod pre_commit;
mod readme;
mod terraform;
mod two_processes;
mod world;
