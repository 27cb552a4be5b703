//! Which commands can be asked of a server. What works on the store of this machine is refused where a server was named, and
//! never done here instead.

use crate::cli::args::Command;
use crate::cli::context::Context;
use crate::cli::output::Failure;
use crate::cli::table::cell;

/// Refuses commands that work on the store of this machine alone, where a server was named.
pub(in crate::cli) fn refuse_elsewhere(
    context: &Context,
    command: &Command,
) -> Result<(), Failure> {
    if context.server.is_none() {
        return Ok(());
    }
    let name = match command {
        Command::Apply(_) => "apply",
        Command::Serve(_) => "serve",
        Command::Adopt(_) => "adopt",
        Command::Forget(_) => "forget",
        Command::Why(_) => "why",
        Command::User(_) => "user",
        Command::Backup(_) => "backup",
        Command::Restore(_) => "restore",
        // They look for themselves which of theirs can be asked.
        Command::Plan(_)
        | Command::Diff(_)
        | Command::Status(_)
        | Command::Approve(_)
        | Command::Reject(_)
        | Command::Approval(_)
        | Command::Service(_)
        | Command::Run(_)
        | Command::Breaker(_)
        | Command::Task(_)
        | Command::Proposal(_)
        | Command::Request(_)
        | Command::Audit(_)
        | Command::Auth(_)
        // They need no store.
        | Command::Init(_)
        | Command::New(_)
        | Command::Validate(_)
        | Command::Owners(_)
        | Command::Render(_)
        | Command::Schema(_)
        | Command::Explain(_)
        | Command::GitHub(_)
        | Command::Hooks(_)
        | Command::Lsp(_)
        | Command::Completion(_)
        | Command::Replay(_)
        | Command::Demo(_)
        | Command::Version => return Ok(()),
    };
    Err(context.no_form(name))
}

impl Context {
    /// Says that a command can't be asked of a server.
    pub(in crate::cli) fn no_form(&self, name: &str) -> Failure {
        let server = cell(self.server.as_deref().unwrap_or_default());
        Failure::usage(format!(
            "`trueline {name}` works on the store of this machine, and the server {server} was named"
        ))
        .hint(
            "leave `--server` and TRUELINE_SERVER out on the server's machine, or use its portal or its API",
        )
    }
}
