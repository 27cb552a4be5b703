//! Writes `docs/reference/commands.md` from the command line itself. It runs no command.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::completion::documented;

const HEAD: &str = "\
# Commands

<!-- Written by `UPDATE_DOCS=1 cargo test commands_document`; a test compares it with the command line. -->

Every command takes the options of [the last section](#options-of-every-command). Errors name what failed, where,
and what to do.

| exit code | what |
|---|---|
| 0 | All is well. |
| 1 | Something was found or failed; with `diff`, there are differences. |
| 2 | Usage, or it could not run; with `plan --detailed-exitcode`, there are changes. |
| 3 | The path holds no catalog (`validate`). |
| 4 | It waits for people (`apply`). |
| 5 | What was to be carried out is stale or not approved (`apply`). |
";

/// Writes the reference of all commands.
pub fn commands_document() -> String {
    let mut command = documented();
    command.build();
    let mut text = HEAD.to_owned();
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        write_command(&mut text, &format!("trueline {}", sub.get_name()), sub);
    }
    text.push_str("\n## Options of every command\n\n");
    let global = command.get_arguments().filter(|argument| is_told(argument));
    write_table(&mut text, "option", &global.collect::<Vec<_>>());
    text
}

fn write_command(text: &mut String, name: &str, command: &Command) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\n## {name}\n\n{}\n", about(command));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _ = write!(text, "\n```text\n{usage}\n```\n");
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| is_told(argument) && !argument.is_global_set())
        .collect();
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) =
        own.into_iter().partition(|argument| argument.is_positional());
    for (title, arguments) in [("argument", positional), ("option", options)] {
        if !arguments.is_empty() {
            text.push('\n');
            write_table(text, title, &arguments);
        }
    }
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        write_command(text, &format!("{name} {}", sub.get_name()), sub);
    }
}

/// Tells whether an argument is worth a row: every command has help and version.
fn is_told(argument: &Arg) -> bool {
    !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about());
    about.map(|about| sentence(&about.to_string())).unwrap_or_default()
}

fn write_table(text: &mut String, title: &str, arguments: &[&Arg]) {
    let _ = write!(text, "| {title} | what |\n|---|---|\n");
    for argument in arguments {
        let _ = writeln!(text, "| `{}` | {} |", cell(&name(argument)), cell(&what(argument)));
    }
}

/// Writes how an argument is given: `-o, --out <FILE>`.
fn name(argument: &Arg) -> String {
    let value = || {
        let names = argument.get_value_names().unwrap_or_default();
        names.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ")
    };
    if argument.is_positional() {
        return value();
    }
    let flags = [
        argument.get_short().map(|short| format!("-{short}")),
        argument.get_long().map(|long| format!("--{long}")),
    ];
    let flags = flags.into_iter().flatten().collect::<Vec<_>>().join(", ");
    if argument.get_action().takes_values() { format!("{flags} {}", value()) } else { flags }
}

fn what(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let mut words = vec![help.map(|help| sentence(&help.to_string())).unwrap_or_default()];
    let choices: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !choices.is_empty() {
        words.push(format!("One of {}.", choices.join(", ")));
    }
    let defaults = argument.get_default_values().iter().filter_map(|value| value.to_str());
    let defaults: Vec<String> = defaults.map(|value| format!("`{value}`")).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        words.push(format!("Default: {}.", defaults.join(", ")));
    }
    if let Some(variable) = argument.get_env().and_then(|name| name.to_str()) {
        words.push(format!("Also `{variable}`."));
    }
    words.join(" ")
}

/// Ends a text as a sentence.
fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.is_empty() || text.ends_with(['.', '?', '!']) {
        return text.to_owned();
    }
    format!("{text}.")
}

/// Makes a text a cell of a table.
fn cell(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::args::Arguments;
    use super::super::local::testing::is_written;
    use super::*;

    #[test]
    fn commands_document_is_what_the_command_line_says() {
        is_written("docs/reference/commands.md", &commands_document(), "commands_document");
    }

    #[test]
    fn every_command_and_option_is_explained() {
        fn check(command: &Command, name: &str) {
            assert!(!about(command).is_empty(), "{name} does not say what it does");
            for argument in command.get_arguments().filter(|argument| is_told(argument)) {
                assert!(
                    !what(argument).is_empty(),
                    "{name} {} is not explained",
                    argument.get_id()
                );
            }
            for sub in command.get_subcommands() {
                check(sub, &format!("{name} {}", sub.get_name()));
            }
        }
        check(&Arguments::command(), "trueline");
    }

    #[test]
    fn the_help_is_as_it_was() {
        let help = documented().term_width(100).render_help().to_string();
        insta::assert_snapshot!(help, @r"
        A GitOps reconciler driven by a catalog repository

        Usage: trueline [OPTIONS] <COMMAND>

        Commands:
          init        Starts a new catalog in a directory
          new         Adds a document to a catalog: an item, a bundle, a service, an environment
          validate    Checks a catalog by rules
          owners      Shows who owns a path, and who must approve a change, by CODEOWNERS
          plan        Shows what would be done: desired against actual, or a revision against the head
          diff        Shows the plan, with the exit codes of diff: 0 none, 1 differences, 2 and more an
                      error
          apply       Carries out a plan
          approve     Approves a plan or a change by its digest
          reject      Rejects a plan or a change by its digest
          approval    Lists, shows, grants and rejects what runs ask people to approve
          serve       Runs the daemon
          status      Shows how the catalog and its services stand
          service     Lists and shows services
          adopt       Has a service taken over that exists already, instead of made
          forget      Drops what is recorded of a service, and leaves all that is outside as it is
          run         Lists, shows and controls runs
          breaker     Lists whom nobody asks just now, and has them asked again
          task        Lists and completes tasks for people
          proposal    Lists, shows, merges and closes proposals
          request     Asks for services and changes of them, which become proposals, and follows them
          why         Tells what made a service what it is: documents, plan, approvals, run
          audit       Lists, verifies and exports the audit chain
          auth        Makes keys of the API, and says who may do what and why
          user        Says who may use the API
          backup      Writes the store to a file, also beside a running daemon
          restore     Puts a backup in the place of the store
          replay      Runs an exported run again against the answers that it recorded
          demo        Shows a whole world on this machine, in a temporary folder
          render      Shows what an item's templates become
          schema      Prints the JSON Schema of a kind or of an item's form
          explain     Explains a rule or a field of a document
          github      Shows how we stand with GitHub, and makes an App there
          hooks       Puts hooks where git looks for them
          lsp         Serves editors over the standard streams, as a language server
          completion  Prints a script that completes commands in a shell, or the manual page
          version     Prints the version
          help        Print this message or the help of the given subcommand(s)

        Options:
              --config <FILE>      The operator's configuration; `trueline.toml` here, where it exists [env:
                                   TRUELINE_CONFIG]
              --catalog <DIR|URL>  The catalog: a directory, a repository's path, or a URL [env:
                                   TRUELINE_CATALOG]
              --branch <NAME>      The branch of the catalog; its commits are read, not its work tree [env:
                                   TRUELINE_BRANCH]
              --state <DIR>        Where state is kept [env: TRUELINE_STATE]
              --server <URL>       A server that is asked over its API, instead of the store of this
                                   machine: `https://trueline.example.com`. The key or token for it is taken
                                   from `TRUELINE_TOKEN` [env: TRUELINE_SERVER]
          -o <FORMAT>              How to print [default: text] [possible values: text, json, yaml]
          -q, --quiet              Prints only what is asked for
          -v, --verbose...         Says more; twice, says all
              --no-color           Without colours; so does the variable `NO_COLOR`
          -h, --help               Print help (see more with '--help')
          -V, --version            Print version
        ");
    }
}
