//! `trueline approve` and `trueline reject`: a word on a plan or a change, bound to its digest.

mod remote;

use clap::Args;

use super::context::Context;
use super::output::{Exit, Failure, demand_reason};
use super::table::count;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::digest::Digest;
use crate::reconcile::Plan;
use crate::store::{DecisionKind, Store};

/// What `approve` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Digest of a plan or a change, or the beginning of one (8 digits or more).
    pub digest: String,
    /// Has one change carried out without its approvals and outside of its change window. It is told in the audit chain.
    #[arg(long, requires = "reason")]
    pub break_glass: bool,
    /// Why the glass is broken; it is kept with who says so.
    #[arg(long, requires = "break_glass")]
    pub reason: Option<String>,
}

/// What `reject` takes.
#[derive(Debug, Args)]
pub struct RejectOptions {
    /// Digest of a plan or a change, or the beginning of one (8 digits or more).
    pub digest: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
}

/// What a digest names.
#[derive(Debug, PartialEq)]
pub(super) struct Subject {
    /// The whole digest.
    pub(super) digest: Digest,
    /// The changes that it stands for.
    pub(super) changes: Vec<Digest>,
    /// The service, where it is one change.
    pub(super) service: Option<String>,
    /// For people.
    pub(super) what: String,
}

/// Approves.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        if options.break_glass {
            return Err(context.no_form("approve --break-glass"));
        }
        return remote::say(context, &server, (&options.digest, None)).await;
    }
    let subject = find(context, &options.digest).await?;
    if options.break_glass {
        let decision = breaking(&subject, options.reason.as_deref().unwrap_or_default())?;
        record(context, &decision).await?;
        let by = context.person();
        context.remark(format!("broke the glass for {} as {by} (self-declared)", subject.what));
        return Ok(Exit::Success);
    }
    let decision = DecisionKind::Approve {
        subject: subject.digest,
        changes: subject.changes,
        comment: String::new(),
    };
    record(context, &decision).await?;
    context.remark(format!("approved {} as {} (self-declared)", subject.what, context.person()));
    Ok(Exit::Success)
}

/// Makes the decision that breaks the glass for one change.
fn breaking(subject: &Subject, reason: &str) -> Result<DecisionKind, Failure> {
    demand_reason(reason)?;
    let Some(service) = &subject.service else {
        return Err(Failure::usage("the glass is broken for one change, and this is a plan")
            .hint("give the digest of the change, as `trueline plan` shows it"));
    };
    let (change, service) = (subject.digest, service.clone());
    Ok(DecisionKind::BreakGlass { change, service, reason: reason.to_owned() })
}

/// Rejects.
pub(super) async fn run_reject(
    context: &Context,
    options: &RejectOptions,
) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        demand_reason(&options.reason)?;
        return remote::say(context, &server, (&options.digest, Some(&options.reason))).await;
    }
    let subject = find(context, &options.digest).await?;
    let decision = DecisionKind::Reject {
        subject: subject.digest,
        changes: subject.changes,
        reason: options.reason.clone(),
    };
    record(context, &decision).await?;
    context.remark(format!("rejected {} as {} (self-declared)", subject.what, context.person()));
    Ok(Exit::Success)
}

/// Records a decision in the store; whoever drives acts on it within a second.
pub(super) async fn record(context: &Context, decision: &DecisionKind) -> Result<i64, Failure> {
    let store = context.existing_store().await?;
    Ok(store.decide(&context.person(), SystemClock.now(), decision).await?)
}

async fn find(context: &Context, prefix: &str) -> Result<Subject, Failure> {
    let prefix = checked(prefix)?;
    let plans = context.existing_store().await?.plans_by_prefix(&prefix).await?;
    subject_in(&plans, &prefix)
}

/// Refuses what can't begin a digest.
fn checked(prefix: &str) -> Result<String, Failure> {
    let digits = prefix.len() >= 8 && prefix.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        return Err(Failure::usage(format!("`{prefix}` is not a digest"))
            .hint("give 8 or more of the digits that `trueline plan` or `trueline status` shows"));
    }
    Ok(prefix.to_ascii_lowercase())
}

/// Finds what the beginning of a digest names: one plan or one change, never two.
fn subject_in(plans: &[Plan], prefix: &str) -> Result<Subject, Failure> {
    let mut found: Vec<Subject> = Vec::new();
    for plan in plans {
        let whole = plan.digest.to_string().starts_with(prefix).then(|| Subject {
            digest: plan.digest,
            changes: plan.changes.iter().map(|change| change.digest).collect(),
            service: None,
            what: format!(
                "plan {} with {}",
                plan.digest.short(),
                count(plan.changes.len(), "change")
            ),
        });
        let changes =
            plan.changes.iter().filter(|change| change.digest.to_string().starts_with(prefix));
        let changes = changes.map(|change| Subject {
            digest: change.digest,
            changes: vec![change.digest],
            service: Some(change.service.clone()),
            what: format!("{} {}", change.kind(), change.service),
        });
        for subject in whole.into_iter().chain(changes) {
            if !found.iter().any(|known| known.digest == subject.digest) {
                found.push(subject);
            }
        }
    }
    let many = found.len() > 1;
    match found.pop() {
        Some(subject) if !many => Ok(subject),
        Some(_) => Err(Failure::usage(format!("`{prefix}` begins more than one digest")).hint("give more digits")),
        None => Err(Failure::usage(format!("no plan and no change begins with `{prefix}`"))
            .hint("`trueline plan` shows what there is; a plan is kept once a daemon or `apply` has made it")),
    }
}
