//! `trueline proposal`.

use clap::Args;

use super::context::Context;
use super::output::{Exit, Failure};

/// What `proposal` takes.
#[derive(Debug, Args)]
pub struct Options {}

/// Runs it.
pub(super) async fn run(_context: &Context, _options: &Options) -> Result<Exit, Failure> {
    Err(Failure::usage("not written yet"))
}
