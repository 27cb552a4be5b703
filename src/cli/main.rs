//! Runs the command line: parses it, starts what every command needs, and hands over. It does no command's work.

use clap::Parser;

use super::args::{Arguments, Command};
use super::context::Context;
use super::output::{Exit, Failure};
use super::server::refuse_elsewhere;
use super::{
    adopt, apply, approval, approve, audit, auth, backup, breaker, completion, demo, explain,
    forget, github, hooks, init, logging, lsp, new, owners, plan, proposal, render, replay,
    request, restore, run, schema, serve, service, status, task, user, validate, version, why,
};

/// Runs the command line; returns the exit code of the process.
pub fn main() -> u8 {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = u8::from(error.use_stderr()) * 2;
            // Where even this can't be written, the exit code is all there is.
            let _ = error.print();
            return code;
        }
    };
    let context = match Context::of(&arguments) {
        Ok(context) => context,
        Err(failure) => return failure.report(&arguments),
    };
    // What the demo's daemon has to say is part of the story.
    let usual = if matches!(arguments.command, Command::Demo(_)) { "error" } else { "warn" };
    logging::start(&context, usual);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::usage(format!("no threads: {error}")).report(&arguments),
    };
    match runtime.block_on(run_command(&context, &arguments.command)) {
        Ok(exit) => exit.code(),
        Err(failure) => failure.report(&arguments),
    }
}

/// Runs one command in its context.
pub(super) async fn run_command(context: &Context, command: &Command) -> Result<Exit, Failure> {
    refuse_elsewhere(context, command)?;
    match command {
        Command::Init(options) => init::run(context, options),
        Command::New(options) => new::run(context, options),
        Command::Validate(options) => validate::run(context, options),
        Command::Owners(options) => owners::run(context, options),
        Command::Plan(options) => plan::run(context, options).await,
        Command::Diff(options) => plan::run_diff(context, options).await,
        Command::Apply(options) => Box::pin(apply::run(context, options)).await,
        Command::Approve(options) => approve::run(context, options).await,
        Command::Reject(options) => approve::run_reject(context, options).await,
        Command::Serve(options) => serve::run(context, options).await,
        Command::Status(options) => status::run(context, options).await,
        Command::Service(options) => service::run(context, options).await,
        Command::Adopt(options) => adopt::run(context, options).await,
        Command::Forget(options) => forget::run(context, options).await,
        Command::Run(options) => run::run(context, options).await,
        Command::Approval(options) => approval::run(context, options).await,
        Command::Breaker(options) => breaker::run(context, options).await,
        Command::Task(options) => task::run(context, options).await,
        Command::Proposal(options) => proposal::run(context, options).await,
        Command::Request(options) => Box::pin(request::run(context, options)).await,
        Command::Why(options) => why::run(context, options).await,
        Command::Audit(options) => audit::run(context, options).await,
        Command::Auth(options) => auth::run(context, options).await,
        Command::User(options) => user::run(context, options).await,
        Command::Backup(options) => backup::run(context, options).await,
        Command::Restore(options) => restore::run(context, options).await,
        Command::Replay(options) => replay::run(context, options),
        Command::Demo(options) => Box::pin(demo::run(context, options)).await,
        Command::Render(options) => render::run(context, options),
        Command::Schema(options) => schema::run(context, options),
        Command::Explain(options) => explain::run(context, options),
        Command::GitHub(options) => github::run(context, options).await,
        Command::Hooks(options) => hooks::run(context, options),
        Command::Lsp(options) => lsp::run(context, options),
        Command::Completion(options) => completion::run(context, options),
        Command::Version => version::run(context),
    }
}
