//! `trueline hooks`: puts hooks where git looks for them. A hook that is there is never replaced unasked, and never lost.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::validate_change::explained;
use crate::source::{HookFolder, Repository, Standing, configure};

/// What `hooks` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Puts `pre-commit` and `pre-push` into the repository of the catalog, or `pre-receive` into one on a server.
    Install(Install),
    /// Prints a hook, to be put where another program looks for it.
    Show {
        /// Which.
        hook: Hook,
    },
}

#[derive(Clone, Copy, Debug, Args)]
struct Install {
    /// Puts `pre-receive` into a bare repository that people push to.
    #[arg(long)]
    on_server: bool,
    /// Takes the place of hooks that are there, which are kept beside as `NAME.before-trueline`.
    #[arg(long)]
    force: bool,
}

/// A hook of git.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Hook {
    /// Judges what is staged
    #[value(name = "pre-commit")]
    Commit,
    /// Judges what is pushed, before it is
    #[value(name = "pre-push")]
    Push,
    /// Judges what is pushed, on the server
    #[value(name = "pre-receive")]
    Receive,
}

impl Hook {
    fn name(self) -> &'static str {
        match self {
            Hook::Commit => "pre-commit",
            Hook::Push => "pre-push",
            Hook::Receive => "pre-receive",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Hook::Commit => include_str!("../../hooks/pre-commit"),
            Hook::Push => include_str!("../../hooks/pre-push"),
            Hook::Receive => include_str!("../../hooks/pre-receive"),
        }
    }
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Done {
    folder: PathBuf,
    written: Vec<PathBuf>,
    /// Those that were there already, and are the same.
    same: Vec<PathBuf>,
    /// Where those are kept that others took the place of.
    kept: Vec<PathBuf>,
    /// What git's configuration says to them now.
    configured: Vec<(&'static str, String)>,
}

/// Runs it.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    match &options.command {
        Command::Show { hook } => context.say(hook.script().trim_end()),
        Command::Install(options) => install(context, *options)?,
    }
    Ok(Exit::Success)
}

fn install(context: &Context, options: Install) -> Result<(), Failure> {
    if context.catalog.contains("://") {
        return Err(Failure::usage("hooks are put into a repository on this machine")
            .hint("clone it, and name the clone with --catalog DIR"));
    }
    let repository = Repository::open(Path::new(&context.catalog)).map_err(explained)?;
    let hooks = wanted(&repository, options.on_server)?;
    let folder = HookFolder::of(&repository)?;
    let missing = missing(&folder, hooks, options.force)?;
    let mut done = Done { folder: folder.path.clone(), ..Done::default() };
    for hook in hooks {
        let path = folder.path.join(hook.name());
        if !missing.contains(hook) {
            done.same.push(path);
            continue;
        }
        done.kept.extend(folder.put(hook.name(), hook.script())?);
        done.written.push(path);
    }
    done.configured = configured(&repository)?;
    context.show(&done, || text(&done))?;
    if folder.shared {
        context.remark("core.hooksPath is set for more than this repository: the hooks run in all of them, and let pass what has no catalog");
    }
    Ok(())
}

/// Returns the hooks of the side that a repository is on.
fn wanted(repository: &Repository, server: bool) -> Result<&'static [Hook], Failure> {
    match (server, repository.is_bare()) {
        (false, false) => Ok(&[Hook::Commit, Hook::Push]),
        (true, true) => Ok(&[Hook::Receive]),
        (false, true) => Err(Failure::usage("nobody commits in a bare repository")
            .hint("add --on-server to judge what is pushed to it")),
        (true, false) => Err(Failure::usage("people push to bare repositories, and this has a working tree")
            .hint("leave --on-server out to judge commits and pushes that are made here; or name the repository on the server with --catalog DIR")),
    }
}

/// Returns the hooks that are to be written; fails where another stands in the way, before any is.
fn missing(folder: &HookFolder, hooks: &'static [Hook], force: bool) -> Result<Vec<Hook>, Failure> {
    let mut missing = Vec::new();
    for hook in hooks {
        match folder.standing(hook.name(), hook.script())? {
            Standing::Same => {}
            Standing::Other if !force => {
                let path = folder.path.join(hook.name());
                let name = hook.name();
                let message = format!("there is another hook already: {}", path.display());
                return Err(Failure::usage(message).hint(format!(
                    "call `trueline hooks show {name}` for ours and run both from yours; or add --force: yours is kept as {name}.before-trueline, and not run any more"
                )));
            }
            Standing::Nothing | Standing::Other => missing.push(*hook),
        }
    }
    Ok(missing)
}

/// Writes into git's configuration what the hooks can't know by themselves.
fn configured(repository: &Repository) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut values = Vec::new();
    if !repository.folder().is_empty() {
        values.push(("trueline.catalog", repository.folder().to_owned()));
    }
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join("trueline").is_file())
    });
    let program = std::env::current_exe().ok().and_then(|path| path.to_str().map(str::to_owned));
    if let Some(program) = program.filter(|_| !on_path) {
        values.push(("trueline.program", program));
    }
    for (key, value) in &values {
        configure(repository, key, value)?;
    }
    Ok(values)
}

fn text(done: &Done) -> String {
    let told = [("wrote", &done.written), ("has  ", &done.same), ("kept ", &done.kept)];
    let mut lines: Vec<String> = told
        .iter()
        .flat_map(|(word, paths)| paths.iter().map(move |path| (word, path)))
        .map(|(word, path)| format!("{word} {}", path.display()))
        .collect();
    lines.extend(done.configured.iter().map(|(key, value)| format!("set   {key} = {value}")));
    lines.join("\n")
}
