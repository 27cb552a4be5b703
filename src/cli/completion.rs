//! `trueline completion`: scripts that complete commands in a shell, and manual pages.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::args::Arguments;
use super::context::Context;
use super::output::{Exit, Failure};

/// What `completion` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// For what.
    #[arg(value_name = "SHELL")]
    pub target: Target,
    /// Writes into this folder instead: the script under the name that the shell looks for, or a page for each command.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// `source <(trueline completion bash)`
    Bash,
    /// A file `_trueline` in a folder of `$fpath`
    Zsh,
    /// A file `trueline.fish` in `~/.config/fish/completions`
    Fish,
    /// `eval (trueline completion elvish | slurp)`
    Elvish,
    /// `trueline completion powershell | Out-String | Invoke-Expression`
    Powershell,
    /// The manual page, for `man -l -`
    Man,
}

impl Target {
    fn shell(self) -> Option<Shell> {
        match self {
            Target::Bash => Some(Shell::Bash),
            Target::Zsh => Some(Shell::Zsh),
            Target::Fish => Some(Shell::Fish),
            Target::Elvish => Some(Shell::Elvish),
            Target::Powershell => Some(Shell::PowerShell),
            Target::Man => None,
        }
    }
}

/// Prints a script or the manual page, or writes them.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    match &options.out {
        None => context.say(printed(options.target)?.trim_end()),
        Some(folder) => {
            write(options.target, folder).map_err(|error| {
                Failure::usage(format!("can't write to {}: {error}", folder.display()))
            })?;
            context.remark(format!("wrote to {}", folder.display()));
        }
    }
    Ok(Exit::Success)
}

/// The command line as it is documented: without what this process's environment holds.
pub(super) fn documented() -> clap::Command {
    hidden_values(Arguments::command())
}

fn hidden_values(command: clap::Command) -> clap::Command {
    command.mut_args(|argument| argument.hide_env_values(true)).mut_subcommands(hidden_values)
}

fn printed(target: Target) -> Result<String, Failure> {
    let mut command = documented();
    let mut bytes = Vec::new();
    match target.shell() {
        Some(shell) => clap_complete::generate(shell, &mut command, "trueline", &mut bytes),
        None => clap_mangen::Man::new(command).render(&mut bytes)?,
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn write(target: Target, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    match target.shell() {
        Some(shell) => {
            clap_complete::generate_to(shell, &mut documented(), "trueline", folder).map(drop)
        }
        None => clap_mangen::generate_to(documented(), folder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_every_command() {
        for target in Target::value_variants() {
            let script = printed(*target).unwrap();
            for command in Arguments::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{target:?} {}", command.get_name());
            }
        }
    }

    #[test]
    fn there_is_a_page_for_each_command() {
        let folder = tempfile::tempdir().unwrap();
        write(Target::Man, folder.path()).unwrap();
        write(Target::Fish, folder.path()).unwrap();
        for name in ["trueline.1", "trueline-plan.1", "trueline.fish"] {
            assert!(folder.path().join(name).is_file(), "{name}");
        }
    }
}
