//! `trueline plan` and `trueline diff`: what would be done.

mod remote;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::Value;

use super::context::Context;
use super::output::{Exit, Failure};
use super::table::count;
use super::validate_change::explained;
use crate::clock::Clock;
use crate::daemon::{Preview, SystemClock, compare, preview};
use crate::reconcile::{Plan, show};
use crate::source::{Source, SourceError, escaped};
use crate::store::{SqliteStore, Store};

/// What `plan` and `diff` take.
#[derive(Debug, Args)]
pub struct Options {
    /// Compares the head with this revision instead of with what is: what a pull request would do.
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// Only this service.
    #[arg(long, value_name = "ID")]
    pub service: Option<String>,
    /// Exits with 2 where there are changes.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Writes the plan to a file, for `trueline apply FILE`.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Shows the plan: 0, or 2 with `--detailed-exitcode` where there are changes.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let is_empty = shown(context, options).await?;
    Ok(if options.detailed_exitcode && !is_empty { Exit::Changes } else { Exit::Success })
}

/// Shows the plan: 0 none, 1 differences.
pub(super) async fn run_diff(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let is_empty = shown(context, options).await?;
    Ok(if is_empty { Exit::Success } else { Exit::Findings })
}

/// Shows it; tells whether nothing is to be done.
async fn shown(context: &Context, options: &Options) -> Result<bool, Failure> {
    // Two revisions are compared here: only the catalog is asked.
    if options.base.is_none()
        && let Some(server) = context.asks()?
    {
        return remote::shown(context, &server, options).await;
    }
    let preview = made(context, options).await?;
    let errors = preview.judged.findings.iter().filter(|finding| finding.is_error()).count();
    if errors > 0 {
        let errors = count(errors, "error");
        context.remark(format!("{errors} in the catalog; `trueline validate` shows all findings"));
    }
    let mut plan = preview.plan;
    if let Some(service) = &options.service {
        plan = only(plan, service);
    }
    let shown = show::json(&plan);
    kept(options, &shown)?;
    let style = show::Style { color: context.color, width: 100 };
    context.show(&shown, || show::text(&plan, style))?;
    Ok(plan.is_empty())
}

/// Writes the plan to a file, where one is named.
fn kept(options: &Options, shown: &Value) -> Result<(), Failure> {
    let Some(path) = &options.out else { return Ok(()) };
    std::fs::write(path, serde_json::to_string_pretty(shown)?)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

async fn made(context: &Context, options: &Options) -> Result<Preview, Failure> {
    let Some(base) = &options.base else { return against_record(context).await };
    let source = context.source()?;
    let clock = SystemClock;
    let (base, name) = (base.clone(), context.name.clone());
    let compared = tokio::task::spawn_blocking(move || {
        let mut source = source;
        let head = source.poll()?;
        let before = source.revision(&base).map_err(|error| unread(error, &base))?;
        let after = source.snapshot(&head)?;
        Ok(compare(&before, &after, &name, &clock as &dyn Clock))
    });
    compared.await.map_err(|_| Failure::usage("comparing broke down"))?
}

/// Says why a base cannot be read, and what to do.
fn unread(error: SourceError, base: &str) -> Failure {
    match error {
        SourceError::Gone { commit } if commit == escaped(base.as_bytes()) => {
            let hint = "name a branch, a tag or a commit that is in this repository; `git fetch` may bring it";
            Failure::usage(format!("there is no revision `{commit}`")).hint(hint)
        }
        other => explained(other),
    }
}

/// Plans the head against the record, or against nothing where there is none.
pub(super) async fn against_record(context: &Context) -> Result<Preview, Failure> {
    let store: Arc<SqliteStore> = if context.state.join("trueline.db").is_file() {
        context.store().await?
    } else {
        Arc::new(SqliteStore::in_memory(&context.name).await?)
    };
    let source: Source = context.source()?;
    Ok(preview(&*store as &dyn Store, source, (&context.name, &SystemClock)).await?)
}

/// Keeps what belongs to one service.
pub(super) fn only(mut plan: Plan, service: &str) -> Plan {
    let known = plan.change(service).is_some()
        || plan.blocked.contains_key(service)
        || plan.running.contains_key(service);
    plan.changes.retain(|change| change.service == service);
    plan.pending.retain(|id, _| id == service);
    plan.blocked.retain(|id, _| id == service);
    plan.running.retain(|id, _| id == service);
    plan.outdated.retain(|unit, _| unit.service == service);
    plan.unknown.retain(|unit, _| unit.service == service);
    plan.drifted.retain(|drift| drift.unit.service == service);
    if !known && plan.changes.is_empty() {
        tracing::debug!(service, "nothing is planned for this service");
    }
    plan
}
