//! `trueline service rollback`: proposes to put a service's file back to what it was, with the plan of that shown first.
//! It changes nothing that is wanted by itself: a person merges it.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use git2::{Oid, Repository};
use serde::Serialize;
use serde_json::Value;

use super::context::Context;
use super::output::{Exit, Failure};
use super::plan::only;
use super::request::{RequestLine, follow_remark, outcome_text, put_down};
use super::table::{cell, short_commit};
use crate::catalog::{Blob, Snapshot};
use crate::clock::Clock;
use crate::daemon::{Preview, SystemClock, compare};
use crate::engine::request::{Draft, Requester, row};
use crate::reconcile::{Plan, show};
use crate::source::Source;
use crate::store::{RequestKind, ServiceRequest};

/// How many commits are looked through for an earlier state of the file.
const HISTORY: usize = 100_000;

/// What `rollback` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Id of the service.
    id: String,
    /// The commit whose state of the file it is put back to; the last one before it changed, where this is left out.
    #[arg(long, value_name = "COMMIT")]
    to: Option<String>,
    /// Shows the plan, and proposes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A state of the file that is gone back to.
struct Earlier {
    path: Arc<str>,
    commit: String,
    blob: Blob,
    now: Snapshot,
    preview: Preview,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RollbackWire {
    version: &'static str,
    service: String,
    path: String,
    to: String,
    plan: Value,
    request: Option<RequestLine>,
    proposal: Option<u64>,
}

/// Shows the plan, and asks for the change.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let (mut source, id, to) = (context.source()?, options.id.clone(), options.to.clone());
    let name = context.name.clone();
    let found =
        tokio::task::spawn_blocking(move || earlier(&mut source, (&id, to.as_deref()), &name));
    let earlier =
        found.await.map_err(|_| Failure::usage("looking for an earlier state broke down"))??;
    let plan = only(earlier.preview.plan.clone(), &options.id);
    fits(&earlier, &plan, &options.id)?;
    let style = show::Style { color: context.color, width: 100 };
    let request = if options.dry_run {
        None
    } else {
        let request = request(&context.requester(), (&options.id, &earlier), &plan)?;
        Some(put_down(context, request).await?.1)
    };
    let wire = RollbackWire {
        version: "trueline.rollback/v1",
        service: options.id.clone(),
        path: earlier.path.to_string(),
        to: earlier.commit.clone(),
        plan: show::json(&plan),
        request: request.as_ref().map(RequestLine::of),
        proposal: request.as_ref().and_then(|request| request.progress.proposal),
    };
    context.show(&wire, || {
        let plan = show::text(&plan, style);
        let back = format!("back to {} of {}", short_commit(&earlier.commit), cell(&earlier.path));
        format!("{plan}\n{}", outcome_text(wire.request.as_ref(), &back))
    })?;
    wire.request.iter().for_each(|line| follow_remark(context, line));
    Ok(Exit::Success)
}

/// Finds the state of the file to go back to, and plans it against the head.
fn earlier(
    source: &mut Source,
    (id, to): (&str, Option<&str>),
    name: &str,
) -> Result<Earlier, Failure> {
    let head = source.poll()?;
    let now = source.snapshot(&head)?;
    let Some(mirror) = source.mirror() else {
        return Err(no_history());
    };
    let repository = mirror.repository();
    let stands = path_of(&now, id);
    let commit = match (to, &stands) {
        (Some(to), _) => named(repository, to, &head)?,
        (None, Some(path)) => before_last_change(repository, &head, &now.in_tree(path))?
            .ok_or_else(|| Failure::failed(format!("{} never was different", cell(path))))?,
        (None, None) => return Err(unknown(id)),
    };
    let then = source.snapshot(&commit)?;
    let path = stands.or_else(|| path_of(&then, id)).ok_or_else(|| unknown(id))?;
    let Some(blob) = then.files.get(&path).cloned() else {
        let at = short_commit(&commit);
        return Err(Failure::failed(format!("{} was not there at {at}", cell(&path)))
            .hint("remove the file to have the service deleted"));
    };
    if now.files.get(&path).is_some_and(|there| there.id == blob.id) {
        let at = short_commit(&commit);
        return Err(Failure::failed(format!("{} is as it was at {at}", cell(&path)))
            .hint("name another commit with `--to`; `git log` lists them"));
    }
    let mut wanted = now.clone();
    wanted.files.insert(path.clone(), blob.clone());
    let preview = compare(&now, &wanted, name, &SystemClock as &dyn Clock);
    Ok(Earlier { path, commit, blob, now, preview })
}

/// Refuses a state that no longer fits the catalog.
fn fits(earlier: &Earlier, plan: &Plan, id: &str) -> Result<(), Failure> {
    let at = short_commit(&earlier.commit);
    let mut findings = earlier.preview.judged.findings.iter();
    let wrong = findings.find(|it| it.is_error() && *it.place.path == *earlier.path);
    let why = wrong.map(|finding| finding.message.clone());
    let why = why.or_else(|| plan.blocked.get(id).map(|why| why.join("; ")));
    match why {
        None => Ok(()),
        Some(why) => {
            Err(Failure::failed(format!("as it was at {at}, it no longer fits: {}", cell(&why)))
                .hint("name another commit with `--to`, or mend the file by hand"))
        }
    }
}

/// Makes the request for the file as it was.
fn request(
    who: &Requester,
    (id, earlier): (&str, &Earlier),
    plan: &Plan,
) -> Result<ServiceRequest, Failure> {
    let at = short_commit(&earlier.commit);
    let service = earlier.preview.judged.catalog.services.get(id).ok_or_else(|| unknown(id))?;
    let before = earlier.now.files.get(&earlier.path).map(|blob| blob.bytes.get().to_vec());
    let draft = Draft {
        kind: if before.is_some() { RequestKind::Change } else { RequestKind::Create },
        service: id.to_owned(),
        team: service.body.metadata.team.clone(),
        environment: service.body.metadata.environment.clone(),
        offer: service.offer().to_owned(),
        path: earlier.path.clone(),
        before,
        content: Some(earlier.blob.bytes.get().to_vec()),
        changes: Vec::new(),
        files: BTreeMap::new(),
        reason: format!("as it was at {}", earlier.commit),
    };
    let mut request = row(&draft, &earlier.now, who, SystemClock.now());
    request.title = format!("Put {id} back to what it was at {at}");
    request.body.push_str(&told_of(plan));
    Ok(request)
}

/// Tells in a proposal what merging it does.
pub(super) fn told_of(plan: &Plan) -> String {
    let shown = show::text(plan, show::Style { color: false, width: 100 });
    format!("\nWhat merging it does:\n\n```text\n{}```\n", shown.replace("```", "'''"))
}

pub(super) fn no_history() -> Failure {
    Failure::usage("the catalog is a plain directory, and has no history")
        .hint("--catalog takes a repository: its path, or a URL")
}

pub(super) fn unknown(id: &str) -> Failure {
    Failure::usage(format!("the catalog has no file of a service `{}`", cell(id)))
        .hint("`--to COMMIT` names a commit that has it")
}

/// Finds the file of a service, which bears its id.
pub(super) fn path_of(snapshot: &Snapshot, id: &str) -> Option<Arc<str>> {
    let is_its = |path: &&Arc<str>| {
        let mut parts = path.split('/');
        parts.next() == Some("services")
            && parts.nth(1).and_then(|name| name.strip_suffix(".yaml")) == Some(id)
            && parts.next().is_none()
    };
    snapshot.files.keys().find(is_its).cloned()
}

/// Finds a commit by its id or the beginning of it; never by a name, which may be of a tag.
fn named(repository: &Repository, to: &str, head: &str) -> Result<String, Failure> {
    let digits = to.len() >= 4 && to.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = digits.then(|| repository.find_commit_by_prefix(to).ok()).flatten();
    let missing = || {
        Failure::usage(format!("there is no commit `{}`", cell(to)))
            .hint("give 4 or more digits of its id, as `git log` shows them")
    };
    let commit = found.ok_or_else(missing)?.id();
    let head = Oid::from_str(head).map_err(|_| missing())?;
    let is_past = commit == head || repository.graph_descendant_of(head, commit).unwrap_or(false);
    if !is_past {
        return Err(Failure::failed(format!("{commit} is no commit that led to the head")));
    }
    Ok(commit.to_string())
}

/// Returns the newest commit, by first parents, at which a file was there and different.
fn before_last_change(
    repository: &Repository,
    head: &str,
    path: &str,
) -> Result<Option<String>, Failure> {
    let blob_at = |commit: &git2::Commit<'_>| {
        let tree = commit.tree().ok()?;
        Some(tree.get_path(std::path::Path::new(path)).ok()?.id())
    };
    let mut commit = repository.find_commit(Oid::from_str(head)?)?;
    let now = blob_at(&commit);
    for _ in 0..HISTORY {
        let Ok(parent) = commit.parent(0) else { return Ok(None) };
        let there = blob_at(&parent);
        if there.is_some() && there != now {
            return Ok(Some(parent.id().to_string()));
        }
        commit = parent;
    }
    Ok(None)
}

#[cfg(test)]
#[path = "service_rollback_tests.rs"]
mod tests;
