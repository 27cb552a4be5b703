//! How `trueline validate` reports: formats, files, the summary of a job on GitHub. It finds nothing.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use url::Url;

use super::args::Format;
use super::context::Context;
use super::output::Failure;
use super::validate::Found;
use super::validate_paths::Asked;
use crate::finding::Severity;
use crate::validate::report::{self, Report, Shown};

/// How to report.
#[derive(Clone, Debug, Default, Args)]
pub struct Reports {
    /// How to report; `-o` where absent.
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub format: Option<&'static report::Format>,
    /// Writes the report to a file, not to the standard output.
    #[arg(long, value_name = "FILE")]
    pub output_file: Option<PathBuf>,
    /// Writes another report to a file; may be given several times.
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = wanted)]
    pub others: Vec<Wanted>,
}

/// A report that is written to a file.
#[derive(Clone, Debug)]
pub struct Wanted {
    format: &'static report::Format,
    file: PathBuf,
}

fn format_parser() -> impl TypedValueParser<Value = &'static report::Format> {
    let values = report::formats();
    let values = values.iter().map(|format| PossibleValue::new(format.name).help(format.summary));
    PossibleValuesParser::new(values)
        .map(|name| report::format(&name).expect("the parser takes names of formats only"))
}

fn wanted(text: &str) -> Result<Wanted, String> {
    let names = || {
        let names: Vec<&str> = report::formats().iter().map(|format| format.name).collect();
        names.join(", ")
    };
    let Some((name, file)) = text.split_once('=').filter(|(_, file)| !file.is_empty()) else {
        return Err("write FORMAT=FILE, as in `sarif=findings.sarif`".to_owned());
    };
    let format = report::format(name)
        .ok_or_else(|| format!("there is no format `{name}`; there is: {}", names()))?;
    Ok(Wanted { format, file: file.into() })
}

/// Writes all reports that were asked for.
pub(super) fn write(
    context: &Context,
    options: &Reports,
    found: &Found,
    fail_on: Severity,
) -> Result<(), Failure> {
    let report = report_of(found, fail_on);
    for other in &options.others {
        write_file(&other.file, &(other.format.write)(&report))?;
    }
    match (for_programs(context, options, &report)?, &options.output_file) {
        (Some(text), Some(file)) => write_file(file, &text)?,
        (Some(text), None) => print(&text),
        (None, Some(file)) => write_file(file, &report::text(&report))?,
        (None, None) => context.say(as_text(context, found).trim_end()),
    }
    let others = options.others.iter().map(|other| other.format);
    if options.format.into_iter().chain(others).any(|format| format.name == "github") {
        write_summary(&report)?;
    }
    Ok(())
}

/// Writes the report in a format for programs; nothing where people are to read it.
fn for_programs(
    context: &Context,
    options: &Reports,
    report: &Report<'_>,
) -> Result<Option<String>, Failure> {
    Ok(match (options.format, context.format) {
        (Some(format), _) if format.name == "text" => None,
        (Some(format), _) => Some((format.write)(report)),
        (None, Format::Text) => None,
        (None, Format::Json) => Some(serde_json::to_string_pretty(&report::json(report))? + "\n"),
        (None, Format::Yaml) => Some(serde_yaml::to_string(&report::json(report))?),
    })
}

/// Writes the report for people: paths as they can be opened from here, links where the terminal shows colours.
pub(super) fn as_text(context: &Context, found: &Found) -> String {
    let folder = found.asked.root.as_ref().and_then(|root| root.canonicalize().ok());
    let links = folder.and_then(|folder| Url::from_directory_path(folder).ok());
    let shown = Shown {
        colour: context.color,
        source: !context.quiet,
        most_per_file: if context.verbose > 0 { 0 } else { 20 },
        links: links.filter(|_| context.color).map(Into::into),
    };
    report::text(&Report { shown, ..report_of(found, Severity::Error) })
}

fn report_of(found: &Found, fail_on: Severity) -> Report<'_> {
    Report {
        only: &found.asked.only,
        suppressed: &found.suppressed,
        fail_on,
        from_here: found.prefix.clone(),
        from_root: from_root(&found.asked, std::env::var_os("GITHUB_WORKSPACE").as_deref()),
        ..Report::new(&found.snapshot, &found.findings)
    }
}

/// Returns what leads from the root of the repository to the catalog; a workspace counts where there is no `.git`.
fn from_root(asked: &Asked, workspace: Option<&std::ffi::OsStr>) -> String {
    let Some(folder) = asked.root.as_ref().and_then(|root| root.canonicalize().ok()) else {
        return String::new();
    };
    let repository = folder.ancestors().find(|folder| folder.join(".git").exists());
    let workspace = || Path::new(workspace?).canonicalize().ok();
    let Some(root) = repository.map(Path::to_owned).or_else(workspace) else {
        return String::new();
    };
    match folder.strip_prefix(root) {
        Ok(rest) if !rest.as_os_str().is_empty() => format!("{}/", rest.display()),
        _ => String::new(),
    }
}

fn write_file(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(|error| {
        Failure::usage(format!("cannot write the report {}: {error}", file.display()))
            .hint("name a file in a folder that is there and can be written")
    })
}

/// Appends the Markdown report to the summary of the job, where GitHub has one.
fn write_summary(report: &Report<'_>) -> Result<(), Failure> {
    let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    append(Path::new(&file), &report::markdown(report))
}

fn append(file: &Path, text: &str) -> Result<(), Failure> {
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.and_then(|mut opened| opened.write_all(text.as_bytes())).map_err(|error| {
        Failure::usage(format!("cannot write the summary {}: {error}", file.display()))
            .hint("GITHUB_STEP_SUMMARY names it; unset it where none is wanted")
    })
}

/// Prints a text byte for byte; a reader that went away ends the process quietly, as `head` expects.
fn print(text: &str) {
    if cfg!(test) {
        return print!("{text}");
    }
    let mut out = std::io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

#[cfg(test)]
#[path = "validate_report_tests.rs"]
mod tests;
