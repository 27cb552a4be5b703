//! `trueline validate`: what the rules find in a catalog, and an exit code by how bad it is. It changes nothing.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::context::Context;
use super::kept::{From, Kept, Place};
use super::output::{Exit, Failure};
use super::validate_change::{self, Change};
use super::validate_fix::{self, Mend};
use super::validate_paths::{Asked, asked};
use super::validate_report::{self, Reports};
use crate::catalog::{Layout, Snapshot};
use crate::finding::{Finding, Severity};
use crate::source::{DirectoryReader, Source};
use crate::validate::{Against, Judge, Judged, Suppressed};

/// What `validate` takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// A catalog, or files and folders of one; the catalog of `--catalog` where absent.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to report.
    #[command(flatten)]
    pub reports: Reports,
    /// Looks at everything anew, and keeps nothing for the next time.
    #[arg(long)]
    pub no_cache: bool,
    /// Exits with 1 where something at least this bad is found.
    #[arg(long, default_value = "error", value_name = "LEVEL")]
    pub fail_on: Level,
    /// What is judged, and against what.
    #[command(flatten)]
    pub change: Change,
    /// What is fixed.
    #[command(flatten)]
    pub mend: Mend,
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
    let level = options.fail_on.severity();
    if !options.mend.diff {
        validate_report::write(context, &options.reports, &found, level)?;
    }
    let any = found.findings.iter().any(|finding| finding.severity >= level);
    Ok(if any { Exit::Findings } else { Exit::Success })
}

/// What was found, and in what.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) snapshot: Snapshot,
    /// What stands before a path so that it can be opened from here.
    pub(super) prefix: String,
    /// Which catalog, and what of it, was asked about.
    pub(super) asked: Asked,
    pub(super) findings: Vec<Finding>,
    /// What comments took away.
    pub(super) suppressed: Vec<Suppressed>,
}

pub(super) fn found(context: &Context, options: &Options) -> Result<Found, Failure> {
    if options.change.is_asked() {
        return validate_change::found(context, options);
    }
    let asked = if options.paths.is_empty() { whole(context) } else { asked(&options.paths)? };
    let place = options.place(asked.root.as_deref());
    let (mut snapshot, seen) = judged_in(context, options, &asked, place.as_ref())?;
    let judged = if let Some(judged) = seen {
        judged
    } else {
        // A file was changed under our hands: everything is looked at once more, and nothing is put off.
        snapshot = options.read(context, &asked, None)?;
        judged(&snapshot)
    };
    let (findings, suppressed) = asked.of(judged.findings, judged.suppressed);
    let found = Found { snapshot, prefix: asked.prefix(), asked, findings, suppressed };
    found.of_a_catalog(&context.catalog)
}

/// Reads and judges a catalog; nothing is told where files were changed between one look at them and the next.
fn judged_in(
    context: &Context,
    options: &Options,
    asked: &Asked,
    place: Option<&Place>,
) -> Result<(Snapshot, Option<Judged>), Failure> {
    let read = || options.read(context, asked, place);
    let kept = || place.map(|place| Kept::at(place, From::Folder));
    let (snapshot, mut kept) = rayon::join(read, kept);
    let snapshot = snapshot?;
    // The process ends soon: what it holds is given back as a whole.
    let mut judge = ManuallyDrop::new(judge(kept.as_mut()));
    let against = Against { base: None, today: Some(validate_change::today()) };
    let judged = judge.judge_against(&snapshot, &against);
    if judge.is_torn() {
        return Ok((snapshot, None));
    }
    kept.inspect(|kept| kept.write(&judge, &snapshot));
    Ok((snapshot, Some(judged)))
}

/// Judges a snapshot that nothing is known of, today.
pub(super) fn judged(snapshot: &Snapshot) -> Judged {
    let against = Against { base: None, today: Some(validate_change::today()) };
    Judge::default().judge_against(snapshot, &against)
}

/// Makes a judge who knows what is kept.
pub(super) fn judge(kept: Option<&mut Kept>) -> Judge {
    kept.map_or_else(|| Judge::default().forgetful(), Kept::judge)
}

impl Options {
    /// Finds where things are kept for the catalog in a folder.
    pub(super) fn place(&self, root: Option<&Path>) -> Option<Place> {
        root.filter(|_| !self.no_cache).and_then(Place::of)
    }

    /// Reads the catalog; files that are as they were are not opened, unless they are to be changed.
    fn read(
        &self,
        context: &Context,
        asked: &Asked,
        place: Option<&Place>,
    ) -> Result<Snapshot, Failure> {
        let root = match &asked.root {
            Some(root) if !self.paths.is_empty() => root.clone(),
            _ => match context.source()? {
                Source::Directory(directory) => directory.root().to_owned(),
                Source::Git(_) => return context.snapshot(),
            },
        };
        if self.mend.is_asked() {
            return Ok(DirectoryReader::new(root).read()?);
        }
        let stamps = place.map(Place::stamps).unwrap_or_default();
        let mut reader = DirectoryReader::knowing(root, stamps);
        let snapshot = reader.read()?;
        place.iter().for_each(|place| place.write_stamps(&reader));
        // What it knows takes room that others need, and time to be given back.
        rayon::spawn(|| drop(reader));
        Ok(snapshot)
    }
}

/// The catalog of the context, as a whole.
fn whole(context: &Context) -> Asked {
    let path = PathBuf::from(&context.catalog);
    let root = Some(path).filter(|path| context.branch.is_none() && path.is_dir());
    Asked { root, only: Vec::new() }
}

impl Found {
    /// Fails where nothing was found because there is nothing.
    pub(super) fn of_a_catalog(self, otherwise: &str) -> Result<Self, Failure> {
        let asked = &self.asked;
        let is_catalog =
            |path: &Arc<str>| asked.covers(path) && !matches!(Layout::of(path), Layout::Other);
        if !self.findings.is_empty() || self.snapshot.files.keys().any(is_catalog) {
            return Ok(self);
        }
        let what = asked.shown(otherwise);
        Err(Failure::ending(Exit::NoCatalog, format!("{what} holds no catalog"))
            .hint("`trueline init DIR` starts one; a catalog has `catalog/`, `services/`, `bundles/` or `environments/`"))
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
