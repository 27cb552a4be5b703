//! What the command line takes. Each command's own options stand in its file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    adopt, apply, approval, approve, audit, auth, backup, breaker, completion, demo, explain,
    forget, github, hooks, init, lsp, new, owners, plan, proposal, render, replay, request,
    restore, run, schema, serve, service, status, task, user, validate, why,
};

/// Keeps a platform true to its catalog: git says what is wanted, Trueline makes it so.
#[derive(Debug, Parser)]
#[command(name = "trueline", version, about, propagate_version = true, max_term_width = 100)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The operator's configuration; `trueline.toml` here, where it exists.
    #[arg(long, global = true, env = "TRUELINE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The catalog: a directory, a repository's path, or a URL.
    #[arg(long, global = true, env = "TRUELINE_CATALOG", value_name = "DIR|URL")]
    pub catalog: Option<String>,
    /// The branch of the catalog; its commits are read, not its work tree.
    #[arg(long, global = true, env = "TRUELINE_BRANCH", value_name = "NAME")]
    pub branch: Option<String>,
    /// Where state is kept.
    #[arg(long, global = true, env = "TRUELINE_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// A server that is asked over its API, instead of the store of this machine: `https://trueline.example.com`. The key
    /// or token for it is taken from `TRUELINE_TOKEN`.
    #[arg(long, global = true, env = "TRUELINE_SERVER", value_name = "URL")]
    pub server: Option<String>,
    /// How to print.
    // Without a long form: `--output NAME=VALUE` is what a task is completed with.
    #[arg(short, global = true, default_value = "text", value_name = "FORMAT")]
    pub output: Format,
    /// Prints only what is asked for.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Says more; twice, says all.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Without colours; so does the variable `NO_COLOR`.
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs that people read.
    Yaml,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts a new catalog in a directory.
    Init(init::Options),
    /// Adds a document to a catalog: an item, a bundle, a service, an environment.
    New(new::Options),
    /// Checks a catalog by rules.
    Validate(validate::Options),
    /// Shows who owns a path, and who must approve a change, by CODEOWNERS.
    Owners(owners::Options),
    /// Shows what would be done: desired against actual, or a revision against the head.
    Plan(plan::Options),
    /// Shows the plan, with the exit codes of diff: 0 none, 1 differences, 2 and more an error.
    Diff(plan::Options),
    /// Carries out a plan.
    Apply(apply::Options),
    /// Approves a plan or a change by its digest.
    Approve(approve::Options),
    /// Rejects a plan or a change by its digest.
    Reject(approve::RejectOptions),
    /// Lists, shows, grants and rejects what runs ask people to approve.
    Approval(approval::Options),
    /// Runs the daemon.
    Serve(serve::Options),
    /// Shows how the catalog and its services stand.
    Status(status::Options),
    /// Lists and shows services.
    Service(service::Options),
    /// Has a service taken over that exists already, instead of made.
    Adopt(adopt::Options),
    /// Drops what is recorded of a service, and leaves all that is outside as it is.
    Forget(forget::Options),
    /// Lists, shows and controls runs.
    Run(run::Options),
    /// Lists whom nobody asks just now, and has them asked again.
    Breaker(breaker::Options),
    /// Lists and completes tasks for people.
    Task(task::Options),
    /// Lists, shows, merges and closes proposals.
    Proposal(proposal::Options),
    /// Asks for services and changes of them, which become proposals, and follows them.
    Request(request::Options),
    /// Tells what made a service what it is: documents, plan, approvals, run.
    Why(why::Options),
    /// Lists, verifies and exports the audit chain.
    Audit(audit::Options),
    /// Makes keys of the API, and says who may do what and why.
    Auth(auth::Options),
    /// Says who may use the API.
    User(user::Options),
    /// Writes the store to a file, also beside a running daemon.
    Backup(backup::Options),
    /// Puts a backup in the place of the store.
    Restore(restore::Options),
    /// Runs an exported run again against the answers that it recorded.
    Replay(replay::Options),
    /// Shows a whole world on this machine, in a temporary folder.
    Demo(demo::Options),
    /// Shows what an item's templates become.
    Render(render::Options),
    /// Prints the JSON Schema of a kind or of an item's form.
    Schema(schema::Options),
    /// Explains a rule or a field of a document.
    Explain(explain::Options),
    /// Shows how we stand with GitHub, and makes an App there.
    #[command(name = "github")]
    GitHub(github::Options),
    /// Puts hooks where git looks for them.
    Hooks(hooks::Options),
    /// Serves editors over the standard streams, as a language server.
    Lsp(lsp::Options),
    /// Prints a script that completes commands in a shell, or the manual page.
    Completion(completion::Options),
    /// Prints the version.
    Version,
}

/// Reads a duration of the command line.
pub(super) fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::catalog::duration(text)
        .ok_or_else(|| format!("`{text}` is not a duration such as 500ms, 60s or 5m"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Arguments;

    #[test]
    fn no_command_takes_what_every_command_takes() {
        let root = Arguments::command();
        let names = |it: &clap::Arg| {
            let long = it.get_long_and_visible_aliases().unwrap_or_default();
            let long = long.into_iter().map(|long| format!("--{long}"));
            let short = it.get_short_and_visible_aliases().unwrap_or_default();
            let short = short.into_iter().map(|short| format!("-{short}"));
            long.chain(short).chain([it.get_id().to_string()]).collect::<Vec<_>>()
        };
        let global: Vec<String> =
            root.get_arguments().filter(|it| it.is_global_set()).flat_map(names).collect();
        assert!(global.contains(&"--server".to_owned()) && global.contains(&"-q".to_owned()));
        let (mut open, mut seen) = (root.get_subcommands().collect::<Vec<_>>(), 0);
        while let Some(command) = open.pop() {
            seen += 1;
            for name in command.get_arguments().flat_map(names) {
                assert!(!global.contains(&name), "{}: {name}", command.get_name());
            }
            open.extend(command.get_subcommands());
        }
        assert!(seen > 60, "{seen}");
    }

    #[test]
    fn no_two_arguments_of_a_command_are_written_alike() {
        Arguments::command().debug_assert();
        let line = ["trueline", "task", "complete", "3", "--output", "a=b=c", "-o", "json"];
        let read = Arguments::try_parse_from(line).expect("reads");
        assert_eq!(read.global.output, super::Format::Json);
    }
}
