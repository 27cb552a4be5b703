//! `trueline validate --fix` and `--diff`: writes what is fixed into the working directory, or shows it. It judges nothing itself.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use similar::TextDiff;

use super::context::Context;
use super::output::Failure;
use super::validate::{Found, judged};
use crate::finding::Finding;
use crate::validate::fix::{Mended, MendedFile, mend};

/// What `validate` fixes.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Mend {
    /// Fixes in the files what can be fixed for certain, then reports what is left.
    #[arg(long, conflicts_with = "diff")]
    pub fix: bool,
    /// Shows what `--fix` would change, and changes nothing.
    #[arg(long)]
    pub diff: bool,
    /// Fixes also what was only probably meant ("did you mean"): look at the result.
    #[arg(long)]
    pub unsafe_fixes: bool,
}

impl Mend {
    pub(super) fn is_asked(self) -> bool {
        self.fix || self.diff
    }

    fn applies(self, finding: &Finding) -> bool {
        finding.fix.as_ref().is_some_and(|fix| fix.safe || self.unsafe_fixes)
    }
}

/// Fixes what was found, and returns what is left; with `--diff` what was found, as nothing has changed.
pub(super) fn run(context: &Context, options: Mend, found: Found) -> Result<Found, Failure> {
    if options.unsafe_fixes && !options.is_asked() {
        return Err(Failure::usage("--unsafe-fixes says what is fixed, and nothing is")
            .hint("add `--fix`, or `--diff` to look first"));
    }
    if !options.is_asked() {
        tell_fixable(context, &found);
        return Ok(found);
    }
    let is_directory = found.snapshot.commit.starts_with("dir:");
    let Some(root) = found.asked.root.clone().filter(|_| is_directory) else {
        return Err(Failure::usage("what a commit holds cannot be changed").hint(
            "--fix and --diff work on the files of a directory: name one with --catalog DIR",
        ));
    };
    let wanted =
        |finding: &Finding| options.applies(finding) && found.asked.covers(&finding.place.path);
    let mended = mend(&found.snapshot, &wanted, &mut |snapshot| judged(snapshot).findings);
    if options.diff {
        for file in &mended.files {
            context.say(difference(&found.prefix, file).trim_end_matches('\n'));
        }
        context.remark(summary(&mended, "would be fixed"));
        return Ok(found);
    }
    write_all(&root, &mended.files)?;
    for finding in &mended.fixed {
        let what = finding.fix.as_ref().map_or("fixed", |fix| fix.what.as_str());
        context.remark(format!("fixed {}{}: {} {what}", found.prefix, finding.place, finding.rule));
    }
    context.remark(summary(&mended, "fixed"));
    let Mended { snapshot, findings, .. } = mended;
    // What comments allow stands elsewhere by now.
    let suppressed = match found.suppressed.is_empty() {
        true => Vec::new(),
        false => judged(&snapshot).suppressed,
    };
    let (findings, suppressed) = found.asked.of(findings, suppressed);
    Ok(Found { snapshot, findings, suppressed, ..found })
}

/// Says how much of what was found could be fixed.
fn tell_fixable(context: &Context, found: &Found) {
    let count = |safe: bool| {
        let of = |finding: &&Finding| finding.fix.as_ref().is_some_and(|fix| fix.safe == safe);
        found.findings.iter().filter(of).count()
    };
    let (certain, probable) = (count(true), count(false));
    if certain > 0 {
        context.remark(format!("{certain} can be fixed with `--fix`; `--diff` shows how"));
    } else if probable > 0 {
        let what = "can probably be fixed: `--diff --unsafe-fixes` shows how";
        context.remark(format!("{probable} {what}"));
    }
}

fn summary(mended: &Mended, done: &str) -> String {
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let files = mended.files.len();
    let refused = match mended.refused.len() {
        0 => String::new(),
        count => format!("; {count} fix{} did not help", if count == 1 { "" } else { "es" }),
    };
    format!("{} {done} in {files} file{}{refused}", mended.fixed.len(), plural(files))
}

/// Writes the difference of a file as `git diff` does.
fn difference(prefix: &str, file: &MendedFile) -> String {
    let (before, after) =
        (String::from_utf8_lossy(&file.before), String::from_utf8_lossy(&file.after));
    let path = format!("{prefix}{}", file.path);
    TextDiff::from_lines(&before, &after)
        .unified_diff()
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string()
}

/// Writes files, each as a whole or not at all; the first that cannot be written ends it.
fn write_all(root: &Path, files: &[MendedFile]) -> Result<(), Failure> {
    // All are looked at before the first is written.
    for file in files {
        unchanged(root, file)?;
    }
    files.iter().try_for_each(|file| write(root, file))
}

/// Returns the path of a file that is a plain file below its root, with the content that was judged.
fn unchanged(root: &Path, file: &MendedFile) -> Result<PathBuf, Failure> {
    let refused = |path: &Path, why: &str| {
        Failure::failed(format!("{} was not fixed: {why}", path.display()))
    };
    let mut path = root.to_owned();
    let parts: Vec<&str> = file.path.split('/').collect();
    for (index, part) in parts.iter().enumerate() {
        path.push(part);
        let kind = fs::symlink_metadata(&path)
            .map_err(|error| refused(&path, &error.to_string()))?
            .file_type();
        if kind.is_symlink() {
            return Err(refused(&path, "it is a symbolic link")
                .hint("links are never followed; put the file itself there"));
        }
        if index + 1 == parts.len() && !kind.is_file() {
            return Err(refused(&path, "it is not a file"));
        }
    }
    let now = fs::read(&path).map_err(|error| refused(&path, &error.to_string()))?;
    if *now != *file.before {
        return Err(refused(&path, "it has changed meanwhile").hint("run it again"));
    }
    Ok(path)
}

/// Puts a new file in the place of the old one, with its permissions.
fn write(root: &Path, file: &MendedFile) -> Result<(), Failure> {
    let path = unchanged(root, file)?;
    let failed = |error: std::io::Error| {
        Failure::failed(format!("{} was not fixed: {error}", path.display()))
    };
    let folder = path.parent().unwrap_or(root);
    let mut new =
        tempfile::Builder::new().prefix(".trueline-").tempfile_in(folder).map_err(failed)?;
    new.write_all(&file.after).map_err(failed)?;
    let permissions = fs::metadata(&path).map_err(failed)?.permissions();
    new.as_file().set_permissions(permissions).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
#[path = "validate_fix_tests.rs"]
mod tests;
