//! `trueline owners --change`: who must approve what a commit brings, by the CODEOWNERS and the settings of its base.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::context::Context;
use super::output::{Exit, Failure};
use super::owners::{Options, from_root};
use super::owners_text::{Between, ChangeReport, change_text};
use crate::catalog::{OwnerSettings, Snapshot};
use crate::owners::{Approval, Owners, People, Touched, approval, hidden_user, is_owner};
use crate::source::Repository;
use crate::validate::{Judge, breaking_items};

const RANGE: &str = "write two revisions: `--change main..my-branch`";

/// Shows what a change needs: 0 approved, 1 approvals are missing, 2 could not run.
pub(super) fn run(context: &Context, range: &str, options: &Options) -> Result<Exit, Failure> {
    let (between, approval) = needed(context, range, options)?;
    let report = ChangeReport::new(between, &approval);
    context.show(&report, || change_text(&report))?;
    Ok(if approval.is_approved() { Exit::Success } else { Exit::Findings })
}

/// Returns what a change needs.
pub(super) fn needed(
    context: &Context,
    range: &str,
    options: &Options,
) -> Result<(Between, Approval), Failure> {
    let root = PathBuf::from(&context.catalog);
    if context.catalog.contains("://") {
        return Err(Failure::usage("changes are looked for in a repository on this machine")
            .hint("clone it, and name the clone with --catalog DIR"));
    }
    let mut repository = Repository::open(&root)?;
    let (base, head) = ends(&repository, range)?;
    let snapshot = repository.snapshot(&base)?;
    let owners = Owners::of(&snapshot);
    let settings = settings(&snapshot);
    let touched = touched(&mut repository, (&base, &head), &options.breaking)?;
    let people = people(&repository, (&base, &head), options)?;
    let approval = approval(&owners, &settings, &touched, &people);
    let codeowners = owners.path.as_deref().map(str::to_owned);
    Ok((Between { base, head, codeowners, required: settings.required }, approval))
}

/// Reads both ends of a range; three dots mean the same as two.
fn ends(repository: &Repository, range: &str) -> Result<(String, String), Failure> {
    let parts = range.split_once("...").or_else(|| range.split_once(".."));
    let Some((base, head)) = parts.filter(|(base, _)| !base.is_empty()) else {
        return Err(Failure::usage(format!("`{range}` is not a range")).hint(RANGE));
    };
    let head = if head.is_empty() { "HEAD" } else { head };
    let commit = |revision: &str| {
        repository.commit(revision).map_err(|_| {
            let shown = crate::source::escaped(revision.as_bytes());
            let failure = Failure::usage(format!("there is no revision `{shown}`"));
            let hint = if repository.is_shallow() {
                "the clone is shallow: `git fetch --unshallow` brings the rest of the history"
            } else {
                "name a branch, a tag or a commit that is in this repository; `git fetch` may bring it"
            };
            failure.hint(hint)
        })
    };
    Ok((commit(base)?, commit(head)?))
}

/// Returns the settings of a snapshot; what its documents say otherwise does not matter.
fn settings(snapshot: &Snapshot) -> OwnerSettings {
    let own = snapshot.files.iter().filter(|(path, _)| &***path == "trueline.yaml");
    let files = own.map(|(path, blob)| (path.clone(), blob.clone())).collect();
    let alone = Snapshot { files, ..Snapshot::default() };
    Judge::default().judge(&alone).catalog.settings.owners.clone()
}

/// Returns what the head brings: what differs from where both had their last commit in common.
fn touched(
    repository: &mut Repository,
    (base, head): (&str, &str),
    breaking: &[PathBuf],
) -> Result<Touched, Failure> {
    let common = repository.merge_base(base, head)?;
    if common.is_none() && repository.is_shallow() {
        let message = "the commit that both have in common is not in this clone";
        let hint = "the clone is shallow: `git fetch --unshallow` brings the rest of the history";
        return Err(Failure::usage(message).hint(hint));
    }
    let before = common.as_deref().unwrap_or(base);
    let changed = repository.changed_paths(before, head)?;
    let paths: BTreeSet<String> = changed.into_iter().map(|changed| changed.path).collect();
    let mut broken = broken(repository, (before, head))?;
    broken.retain(|path| paths.contains(path));
    for path in breaking {
        let path = from_root(path, None::<&Path>)?;
        if !paths.contains(&path) {
            return Err(Failure::usage(format!("the change does not touch {path}"))
                .hint("--breaking names a document that the change touches"));
        }
        broken.insert(path);
    }
    Ok(Touched { paths, breaking: broken })
}

/// Returns the documents whose change breaks those who use them; one that can't be read stands as it was.
fn broken(
    repository: &mut Repository,
    (before, head): (&str, &str),
) -> Result<BTreeSet<String>, Failure> {
    let mut judge = Judge::default();
    let before = judge.judge(&repository.snapshot(before)?).catalog;
    let head = judge.judge(&repository.snapshot(head)?).catalog;
    Ok(breaking_items(&before, &head).iter().map(ToString::to_string).collect())
}

fn people(
    repository: &Repository,
    (base, head): (&str, &str),
    options: &Options,
) -> Result<People, Failure> {
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for given in &options.member {
        let Some((team, names)) = given.split_once('=') else {
            return Err(Failure::usage(format!("`{given}` names no members"))
                .hint("write `--member @organisation/team=@a,@b`"));
        };
        members.entry(owner(team)?).or_default().extend(all(names.split(','))?);
    }
    let mut authors = repository.authors(base, head)?;
    let hidden: Vec<String> = authors.iter().filter_map(|mail| hidden_user(mail)).collect();
    authors.extend(hidden);
    authors.extend(all(options.author.iter().map(String::as_str))?);
    let approved_by = all(options.approved_by.iter().map(String::as_str))?;
    Ok(People { approved_by, authors, stranger: false, members })
}

fn all<'a>(names: impl Iterator<Item = &'a str>) -> Result<BTreeSet<String>, Failure> {
    names.map(str::trim).filter(|name| !name.is_empty()).map(owner).collect()
}

/// Reads the name of an owner; without `@` nobody would be meant.
fn owner(name: &str) -> Result<String, Failure> {
    let name = name.trim();
    if is_owner(name) {
        return Ok(name.to_owned());
    }
    Err(Failure::usage(format!("`{name}` is not an owner"))
        .hint("write @user, @organisation/team or a mail address"))
}
