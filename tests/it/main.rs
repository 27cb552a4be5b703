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

mod api;
mod bad_calls;
mod browser;
mod callback;
mod canary;
mod chaos;
mod checker;
mod ci_jobs;
mod ci_runner;
mod control;
mod counterpart;
mod crash;
mod demo;
mod desk;
mod editor;
mod elsewhere;
mod faults;
#[path = "../support/github/mod.rs"]
mod github;
mod hooks;
mod hostile;
mod keep;
mod kept_processes;
mod kills;
mod kit;
mod library;
mod library_aws;
mod library_dns;
mod library_world;
mod line;
mod links;
mod lossy;
mod lsp;
mod lsp_answers;
mod lsp_fixes;
mod oidc;
mod owners_above;
mod people;
mod plan_base;
mod portal;
mod portal_live;
mod portal_more;
mod portal_request;
mod pre_commit;
mod pull_requests;
mod readme;
mod terraform;
mod tour;
mod two_processes;
mod visit;
mod world;
