//! `trueline validate --base`, `--head`, `--staged`: what a change breaks, and not what was wrong before. It changes nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::context::Context;
use super::kept::{From, Kept};
use super::output::Failure;
use super::validate::{Found, Options, judge};
use super::validate_paths::{Asked, named};
use crate::catalog::{Blob, Snapshot};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::finding::Finding;
use crate::source::{DirectoryReader, Repository, SourceError};
use crate::validate::{Against, Suppressed, fresh};

/// What is judged, and against what.
#[derive(Clone, Debug, Default, Args)]
pub struct Change {
    /// Reports what the change since this revision breaks: since where both had their last commit in common.
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// Compares with the base itself, not with the last commit that both had in common.
    #[arg(long, requires = "base")]
    pub no_merge_base: bool,
    /// Judges a revision instead of the files of the directory.
    #[arg(long, value_name = "REV", conflicts_with = "staged")]
    pub head: Option<String>,
    /// Judges what is staged, not the files of the directory; against `HEAD` where there is no `--base`.
    #[arg(long)]
    pub staged: bool,
    /// Reports what was wrong before, too.
    #[arg(long)]
    pub all: bool,
}

impl Change {
    /// Tells whether more is meant than the catalog as it is.
    pub(super) fn is_asked(&self) -> bool {
        self.base.is_some() || self.head.is_some() || self.staged
    }
}

/// What is judged.
enum Head {
    Staged,
    Commit(String),
    Directory(PathBuf),
}

/// What a change is judged against.
enum Base {
    /// Nothing: there was no commit before.
    Nothing,
    Commit(String),
}

/// Finds what a change breaks; without a base, what is wrong with the revision as a whole.
pub(super) fn found(context: &Context, options: &Options) -> Result<Found, Failure> {
    let asked = match options.paths.as_slice() {
        [] => Asked { root: Some(PathBuf::from(&context.catalog)), only: Vec::new() },
        paths => named(paths)?,
    };
    let root = asked.root.clone().unwrap_or_default();
    if root.to_string_lossy().contains("://") {
        let hint = "clone it, and name the clone with --catalog DIR";
        return Err(
            Failure::usage("changes are looked for in a repository on this machine").hint(hint)
        );
    }
    let mut repository = Repository::open(&root).map_err(explained)?;
    let head = head_of(context, &options.change, (&repository, &root))?;
    let base = base_of(&options.change, &repository, &head)?;
    let mut snapshot = match &head {
        Head::Staged => repository.staged()?,
        Head::Commit(commit) => repository.snapshot(commit)?,
        Head::Directory(root) => DirectoryReader::new(root).read()?,
    };
    let before = match &base {
        None => None,
        Some(Base::Nothing) => Some(Snapshot::default()),
        Some(Base::Commit(commit)) => Some(repository.snapshot(commit)?),
    };
    let unchanged = before.as_ref().is_some_and(|before| share(before, &mut snapshot));
    let (findings, suppressed) = if unchanged && !options.change.all {
        context.remark("nothing of the catalog has changed");
        Default::default()
    } else {
        let place = options.place(Some(&root));
        let kept = place.as_ref().map(|place| Kept::at(place, From::Commits));
        let (findings, suppressed) = judged((before.as_ref(), &snapshot), options.change.all, kept);
        asked.of(findings, suppressed)
    };
    let prefix = match repository.folder() {
        // Nothing can be opened there; the one who pushed reads the path from the root.
        folder if repository.is_bare() && !folder.is_empty() => format!("{folder}/"),
        _ if repository.is_bare() => String::new(),
        _ => asked.prefix(),
    };
    let found = Found { snapshot, prefix, asked, findings, suppressed };
    if base.is_some() { Ok(found) } else { found.of_a_catalog(&context.catalog) }
}

fn head_of(
    context: &Context,
    change: &Change,
    (repository, root): (&Repository, &Path),
) -> Result<Head, Failure> {
    let branch = context.branch.as_ref().filter(|_| !change.staged);
    match (change.head.as_ref().or(branch), change.staged) {
        (_, true) => Ok(Head::Staged),
        (Some(revision), _) => Ok(Head::Commit(commit(repository, revision)?)),
        (None, _) if repository.is_bare() => Ok(Head::Commit(commit(repository, "HEAD")?)),
        (None, _) => Ok(Head::Directory(root.to_owned())),
    }
}

fn base_of(change: &Change, repository: &Repository, head: &Head) -> Result<Option<Base>, Failure> {
    let current = match head {
        Head::Commit(commit) => Some(commit.clone()),
        Head::Staged | Head::Directory(_) => repository.head()?,
    };
    let Some(revision) = &change.base else {
        let last = || current.map_or(Base::Nothing, Base::Commit);
        return Ok(matches!(head, Head::Staged).then(last));
    };
    // Hooks and CI systems name what was before a first push by an id of zeros.
    if revision.len() >= 40 && revision.bytes().all(|byte| byte == b'0') {
        return Ok(Some(Base::Nothing));
    }
    let base = commit(repository, revision)?;
    let Some(current) = current.filter(|_| !change.no_merge_base) else {
        return Ok(Some(Base::Commit(base)));
    };
    match repository.merge_base(&base, &current)? {
        Some(common) => Ok(Some(Base::Commit(common))),
        None if repository.is_shallow() => {
            let message = format!(
                "the commit that `{revision}` and the change have in common is not in this clone"
            );
            Err(Failure::usage(message).hint(DEEPER))
        }
        // Histories that share nothing are compared as they are.
        None => Ok(Some(Base::Commit(base))),
    }
}

const DEEPER: &str = "the clone is shallow: fetch all of the history, with `fetch-depth: 0` for actions/checkout or `git fetch --unshallow`";

fn commit(repository: &Repository, revision: &str) -> Result<String, Failure> {
    repository.commit(revision).map_err(|_| {
        let message =
            format!("there is no revision `{}`", crate::source::escaped(revision.as_bytes()));
        let hint = if repository.is_shallow() {
            DEEPER
        } else {
            "name a branch, a tag or a commit that is in this repository; `git fetch` may bring it"
        };
        Failure::usage(message).hint(hint)
    })
}

pub(super) fn explained(error: SourceError) -> Failure {
    let hint = match &error {
        SourceError::NoRepository { .. } => {
            "--base, --head and --staged look at the git repository of the catalog"
        }
        SourceError::Denied { .. } => {
            "where another user owns it: `git config --global --add safe.directory DIR`"
        }
        _ => return error.into(),
    };
    Failure::from(error).hint(hint)
}

/// Lets the head share the files that are the same in the base, so that they are read once; true where all are.
fn share(before: &Snapshot, head: &mut Snapshot) -> bool {
    let same = head.files.iter().filter_map(|(path, blob)| {
        let known: &Blob = before.files.get(path)?;
        let same = known.id != blob.id && known.bytes == blob.bytes;
        same.then(|| (path.clone(), known.clone()))
    });
    let same: Vec<(Arc<str>, Blob)> = same.collect();
    head.files.extend(same);
    before.files == head.files && before.findings == head.findings
}

/// Returns the date, in UTC: the same wherever the same is judged.
pub(super) fn today() -> Date {
    SystemClock.now().to_zoned(TimeZone::UTC).date()
}

/// Judges the base and the head, and keeps what was not wrong before.
fn judged(
    (before, head): (Option<&Snapshot>, &Snapshot),
    all: bool,
    mut kept: Option<Kept>,
) -> (Vec<Finding>, Vec<Suppressed>) {
    let today = Some(today());
    let mut judge = judge(kept.as_mut());
    let Some(before) = before else {
        let judged = judge.judge_against(head, &Against { base: None, today });
        kept.inspect(|kept| kept.write(&judge, head));
        return (judged.findings, judged.suppressed);
    };
    let base = judge.judge_against(before, &Against { base: None, today });
    kept.inspect(|kept| kept.write(&judge, before));
    // What the change breaks is not mended by what was there before.
    judge.forget();
    let against = Against { base: Some(base.catalog.clone()), today };
    let judged = judge.judge_against(head, &against);
    if all {
        return (judged.findings, judged.suppressed);
    }
    fresh((before, &base), (head, &judged))
}

#[cfg(test)]
#[path = "validate_change_tests.rs"]
mod tests;
