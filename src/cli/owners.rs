//! `trueline owners`: who owns a path, and who must approve a change. It asks nobody and changes nothing.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::output::{Exit, Failure};
use super::owners_change;
use super::owners_text::{PathReport, Row, paths_text};
use crate::catalog::Snapshot;
use crate::finding::Finding;
use crate::owners::Owners;
use crate::source::DirectoryReader;

/// What `owners` takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// Paths from the root of the catalog; a folder stands for the catalog's files in it.
    #[arg(value_name = "PATH", required_unless_present = "change", conflicts_with = "change")]
    pub paths: Vec<PathBuf>,
    /// Exits with 1 where nobody owns one of the paths.
    #[arg(long, conflicts_with = "change")]
    pub fail_unowned: bool,
    /// Says who must approve a change, by the CODEOWNERS of its base: what HEAD has and BASE has not.
    #[arg(long, value_name = "BASE..HEAD")]
    pub change: Option<String>,
    /// Who approved the change, separated by commas: @user, a mail address, or @organisation/team for a member of it.
    #[arg(long, value_name = "OWNER,…", value_delimiter = ',', requires = "change")]
    pub approved_by: Vec<String>,
    /// Who wrote or pushed the change, beside the authors of its commits; their approval never counts.
    #[arg(long, value_name = "OWNER,…", value_delimiter = ',', requires = "change")]
    pub author: Vec<String>,
    /// Who is in a team: `@organisation/team=@a,@b`; may be repeated.
    #[arg(long, value_name = "TEAM=MEMBER,…", requires = "change")]
    pub member: Vec<String>,
    /// A document of the change that breaks those who use it; may be repeated.
    #[arg(long, value_name = "PATH", requires = "change")]
    pub breaking: Vec<PathBuf>,
}

/// Shows owners: 0 all is well, 1 unowned or not approved, 2 could not run.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(range) = &options.change {
        return owners_change::run(context, range, options);
    }
    // Beside a conflict with `--change`, the command line does not hold this itself.
    let given = [&options.approved_by, &options.author, &options.member];
    if !options.breaking.is_empty() || given.iter().any(|given| !given.is_empty()) {
        return Err(Failure::usage(
            "--approved-by, --author, --member and --breaking are about a change",
        )
        .hint("name the change with `--change BASE..HEAD`"));
    }
    let (report, remarks) = report(context, options)?;
    context.show(&report, || paths_text(&report))?;
    remarks.iter().for_each(|finding| context.remark(finding.to_string()));
    let unowned = report.paths.iter().any(|row| row.owners.is_empty());
    Ok(if unowned && options.fail_unowned { Exit::Findings } else { Exit::Success })
}

/// Returns the owners of the paths, and what is wrong with the file that names them.
fn report(context: &Context, options: &Options) -> Result<(PathReport, Vec<Finding>), Failure> {
    let root = PathBuf::from(&context.catalog);
    let root = Some(root).filter(|root| context.branch.is_none() && root.is_dir());
    let snapshot = match &root {
        Some(root) if !is_bare(root) => DirectoryReader::new(root).read()?,
        _ => context.snapshot()?,
    };
    let owners = Owners::of(&snapshot);
    let mut paths: Vec<String> = Vec::new();
    for path in &options.paths {
        let path = from_root(path, root.as_deref())?;
        paths.extend(files(&snapshot, path));
    }
    let rows = paths.into_iter().map(|path| Row::of(&owners, path)).collect();
    let codeowners = owners.path.as_deref().map(str::to_owned);
    Ok((PathReport::new(codeowners, rows), owners.findings))
}

fn is_bare(root: &Path) -> bool {
    crate::source::open_here(root).is_ok_and(|repository| repository.is_bare())
}

/// Returns the files of the catalog in a folder; any other path as it is.
fn files(snapshot: &Snapshot, path: String) -> Vec<String> {
    let folder = if path.is_empty() { String::new() } else { format!("{path}/") };
    let is_file = snapshot.files.contains_key(path.as_str());
    let below =
        |file: &&Arc<str>| !is_file && file.starts_with(&folder) && !file.starts_with("../");
    let below: Vec<String> = snapshot.files.keys().filter(below).map(ToString::to_string).collect();
    if below.is_empty() { vec![path] } else { below }
}

/// Writes a path from the root of the catalog, without what does not name anything.
pub(super) fn from_root(path: &Path, root: Option<&Path>) -> Result<String, Failure> {
    let shown = path.display();
    let outside = || {
        Failure::usage(format!("{shown} is not in the catalog"))
            .hint("name paths from the root of the catalog, as CODEOWNERS does")
    };
    let path = match root {
        Some(root) if path.is_absolute() => {
            let root = root.canonicalize().map_err(|_| outside())?;
            path.strip_prefix(root).map_err(|_| outside())?
        }
        _ => path,
    };
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name.to_str().ok_or_else(outside)?),
            Component::CurDir => {}
            _ => return Err(outside()),
        }
    }
    Ok(names.join("/"))
}

#[cfg(test)]
#[path = "owners_tests.rs"]
mod tests;
