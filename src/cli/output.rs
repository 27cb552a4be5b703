//! How commands end: exit codes, failures with a hint, values as text, JSON or YAML.

use std::fmt;
use std::io::Write;

use serde::Serialize;

use super::args::{Arguments, Format};
use super::context::Context;
use crate::causes::chain;
use crate::reconcile::show::visible;

/// How a command that ran ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well: 0.
    Success,
    /// Something was found, or failed: 1.
    Findings,
    /// There are changes (`plan --detailed-exitcode`): 2.
    Changes,
    /// The path holds no catalog: 3.
    NoCatalog,
    /// It waits for people: 4.
    Waiting,
    /// What was to be carried out is stale or not approved: 5.
    Stale,
}

impl Exit {
    /// Returns the exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Findings => 1,
            Exit::Changes => 2,
            Exit::NoCatalog => 3,
            Exit::Waiting => 4,
            Exit::Stale => 5,
        }
    }
}

/// A command that could not do its work.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    code: u8,
    /// What failed, where.
    message: String,
    /// What to do.
    hint: Option<String>,
}

/// Refuses a word that is kept without saying why.
pub(super) fn demand_reason(reason: &str) -> Result<(), Failure> {
    match reason.trim() {
        "" => Err(Failure::usage("`--reason` is empty").hint("say why: it is kept")),
        _ => Ok(()),
    }
}

impl Failure {
    /// Makes a failure of usage, or of something that could not run: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into(), hint: None }
    }

    /// Makes a failure of the work itself: exit code 1.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { code: 1, ..Self::usage(message) }
    }

    /// Makes a failure that ends as a command would.
    pub fn ending(exit: Exit, message: impl Into<String>) -> Self {
        Self { code: exit.code(), ..Self::usage(message) }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells it to the person and returns the exit code.
    pub fn report(&self, arguments: &Arguments) -> u8 {
        if arguments.global.output == Format::Text {
            // Some of it may be from outside, by way of an error that repeats what it could not read.
            complain(&format!("error: {}", lines(&self.message)));
            if let Some(hint) = &self.hint {
                complain(&format!("  hint: {}", lines(hint)));
            }
        } else {
            let value = serde_json::json!({"error": {"message": self.message, "hint": self.hint}});
            complain(&value.to_string());
        }
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: 2, message: chain(&error), hint: None }
    }
}

/// Writes lines so that nothing in them can steer a terminal.
fn lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

/// Prints a line to the standard error.
fn complain(line: &str) {
    if cfg!(test) {
        eprintln!("{line}");
    } else {
        anstream::eprintln!("{line}");
    }
}

impl Context {
    /// Prints a line for people.
    pub fn say(&self, line: impl AsRef<str>) {
        self.print(line.as_ref());
    }

    /// Prints a remark for people, unless they want it quiet or read by a program.
    pub fn remark(&self, line: impl AsRef<str>) {
        if !self.quiet && self.format == Format::Text {
            complain(line.as_ref());
        }
    }

    /// Prints a value: as text by a function, as JSON or YAML by itself.
    pub fn show<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Text => self.print(text().trim_end_matches('\n')),
            Format::Json => self.print(&serde_json::to_string_pretty(value)?),
            Format::Yaml => self.print(serde_yaml::to_string(value)?.trim_end_matches('\n')),
        }
        Ok(())
    }

    /// Prints to the standard output; a reader that went away ends the process quietly, as `head` expects.
    fn print(&self, text: &str) {
        if cfg!(test) {
            // Only what goes this way is kept back while tests run.
            return println!("{text}");
        }
        let mut out = anstream::stdout().lock();
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_ok() {
            return;
        }
        match &self.unread {
            Some(unread) => unread.notify_one(),
            None => std::process::exit(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_steers_no_terminal() {
        assert_eq!(lines("one\u{1b}[2J\ntwo\u{202e}"), "one\\u{1b}[2J\ntwo\\u{202e}");
    }
}
