//! `trueline validate`: what the rules find in a catalog, and an exit code by how bad it is. It changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::args::Format;
use super::context::Context;
use super::output::{Exit, Failure};
use super::validate_fix::{self, Mend};
use super::validate_paths::{Asked, asked};
use crate::catalog::{Catalog, Document, Layout, Snapshot};
use crate::finding::{Finding, Place, Severity};
use crate::source::DirectoryReader;
use crate::validate::{Judge, report};

/// What `validate` takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// A catalog, or files and folders of one; the catalog of `--catalog` where absent.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to report; `-o` where absent.
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ReportFormat>,
    /// Exits with 1 where something at least this bad is found.
    #[arg(long, default_value = "error", value_name = "LEVEL")]
    pub fail_on: Level,
    /// What is fixed.
    #[command(flatten)]
    pub mend: Mend,
}

/// How findings are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people
    Text,
    /// For programs: `trueline.findings/v1`
    Json,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Must be mended before the document counts
    #[default]
    Error,
    /// Probably not meant
    Warning,
    /// Worth knowing
    Note,
}

impl Level {
    fn severity(self) -> Severity {
        match self {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Note => Severity::Note,
        }
    }
}

/// Reports findings: 0 clean, 1 findings, 2 could not run, 3 no catalog.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let found = found(context, options)?;
    let found = validate_fix::run(context, options.mend, found)?;
    let format = match options.format {
        Some(ReportFormat::Text) => Format::Text,
        Some(ReportFormat::Json) => Format::Json,
        None => context.format,
    };
    let context = Context { format, ..context.clone() };
    let json = report::json(&found.snapshot.commit, &found.findings);
    if !options.mend.diff {
        context.show(&json, || found.as_text(&context))?;
    }
    let level = options.fail_on.severity();
    let any = found.findings.iter().any(|finding| finding.severity >= level);
    Ok(if any { Exit::Findings } else { Exit::Success })
}

/// What was found, and in what.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) asked: Asked,
    pub(super) snapshot: Snapshot,
    /// What stands before a path so that it can be opened from here.
    pub(super) prefix: String,
    pub(super) findings: Vec<Finding>,
}

fn found(context: &Context, options: &Options) -> Result<Found, Failure> {
    let asked = if options.paths.is_empty() { whole(context) } else { asked(&options.paths)? };
    let snapshot = match &asked.root {
        Some(root) if !options.paths.is_empty() => DirectoryReader::new(root).read()?,
        _ => context.snapshot()?,
    };
    let findings: Vec<Finding> =
        judged(&snapshot).into_iter().filter(|finding| asked.covers(&finding.place.path)).collect();
    let is_catalog =
        |path: &Arc<str>| asked.covers(path) && !matches!(Layout::of(path), Layout::Other);
    if findings.is_empty() && !snapshot.files.keys().any(is_catalog) {
        let what = asked.shown(&context.catalog);
        return Err(Failure::ending(Exit::NoCatalog, format!("{what} holds no catalog"))
            .hint("`trueline init DIR` starts one; a catalog has `catalog/`, `services/`, `bundles/` or `environments/`"));
    }
    Ok(Found { prefix: asked.prefix(), asked, snapshot, findings })
}

/// Judges a snapshot that nothing is known of.
pub(super) fn judged(snapshot: &Snapshot) -> Vec<Finding> {
    Judge::new(Vec::new()).judge(snapshot).findings
}

/// The catalog of the context, as a whole.
fn whole(context: &Context) -> Asked {
    let path = PathBuf::from(&context.catalog);
    let root = Some(path).filter(|path| context.branch.is_none() && path.is_dir());
    Asked { root, only: Vec::new() }
}

impl Found {
    /// Writes the report for people: paths as they can be opened from here.
    fn as_text(&self, context: &Context) -> String {
        let shown = report::Shown {
            colour: context.color,
            source: !context.quiet,
            most_per_file: if context.verbose > 0 { 0 } else { 20 },
        };
        let findings: Vec<Finding> =
            self.findings.iter().map(|found| self.opened_from_here(found)).collect();
        report::text(&findings, &self.sources(), shown)
    }

    fn opened_from_here(&self, finding: &Finding) -> Finding {
        let place = |place: &Place| Place {
            path: format!("{}{}", self.prefix, place.path).into(),
            ..place.clone()
        };
        let related = finding.related.iter().map(|(at, what)| (place(at), what.clone()));
        Finding { place: place(&finding.place), related: related.collect(), ..finding.clone() }
    }

    /// The files that something was found in, for the lines that are shown of them.
    fn sources(&self) -> Catalog {
        let found = self.findings.iter().filter_map(|finding| {
            let (path, blob) = self.snapshot.files.get_key_value(&finding.place.path)?;
            let path: Arc<str> = format!("{}{path}", self.prefix).into();
            let document = Document {
                path: path.clone(),
                blob: blob.id.clone(),
                bytes: blob.bytes.clone(),
                kind: None,
                id: None,
                body: None,
                findings: Vec::new(),
            };
            Some((path, Arc::new(document)))
        });
        Catalog { documents: found.collect::<BTreeMap<_, _>>(), ..Catalog::default() }
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
