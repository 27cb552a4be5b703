//! `trueline apply`: carries out exactly the plan that was shown.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use clap::Args;

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure};
use super::plan::against_record;
use crate::daemon::{Settled, settle};
use crate::digest::Digest;
use crate::reconcile::{Pending, Plan, show};
use crate::store::{DecisionKind, LeaseHolder, Store};

/// What `apply` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// The plan: a file of `trueline plan --out`, or a digest; a fresh one where absent.
    pub plan: Option<String>,
    /// Approves without asking, in your name.
    #[arg(long)]
    pub auto_approve: bool,
    /// Only this service; also tries again what stopped.
    #[arg(long, value_name = "ID")]
    pub service: Option<String>,
    /// Waits until a running daemon has carried it out.
    #[arg(long)]
    pub wait: bool,
}

/// Carries out a plan: 0 converged, 1 failed, 4 waits for people, 5 stale or not approved.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let plan = against_record(context).await?.plan;
    let plan = Box::pin(forecast(context, plan)).await?;
    if let Some(named) = &options.plan
        && !is_same(&plan, named)?
    {
        return Err(Failure::ending(
            Exit::Stale,
            "the plan is stale: the catalog or what is has changed since",
        )
        .hint("`trueline plan` shows the plan as it is now"));
    }
    let style = show::Style { color: context.color, width: 100 };
    if options.plan.is_none() && context.format == super::args::Format::Text {
        context.say(show::text(&plan, style).trim_end());
    }
    let changes: Vec<Digest> = plan
        .changes
        .iter()
        .filter(|change| options.service.as_ref().is_none_or(|service| change.service == *service))
        .map(|change| change.digest)
        .collect();
    let store = context.store().await?;
    if !changes.is_empty() || !plan.verdict.holds.is_empty() {
        match Box::pin(approved(context, options, &plan)).await? {
            Answer::Yes => {
                let whole = changes.len() == plan.changes.len();
                let subjects = if whole { vec![plan.digest] } else { changes.clone() };
                for subject in subjects {
                    let changes = if whole { changes.clone() } else { vec![subject] };
                    let decision =
                        DecisionKind::Approve { subject, changes, comment: String::new() };
                    record(context, &decision).await?;
                }
            }
            Answer::No => {
                return Err(Failure::ending(Exit::Stale, "not approved; nothing was done"));
            }
            Answer::Given => {}
        }
    }
    let apply = DecisionKind::Apply { service: options.service.clone() };
    record(context, &apply).await?;
    drop(store);
    match context.daemon("apply").await? {
        Ok(mut daemon) => {
            super::reviews::verify(context, &daemon).await?;
            let settled = settle(&mut daemon).await;
            if settled.is_ok() {
                daemon.prune_all().await?;
            }
            let engine = &daemon.driver.engine;
            engine.store.release(&engine.lease).await?;
            Ok(tell(context, &settled?))
        }
        Err(holder) => hand_over(context, options, &holder).await,
    }
}

/// Has the forecasts made that a plan waits for, so that what is approved is what will be done; nothing is started.
async fn forecast(context: &Context, plan: Plan) -> Result<Plan, Failure> {
    let missing = |why: &Pending| matches!(why, Pending::Forecast { why: None, .. });
    let waits = |plan: &Plan| plan.pending.values().flatten().any(missing);
    if !waits(&plan) {
        return Ok(plan);
    }
    if let Ok(mut daemon) = context.daemon("apply").await? {
        let made = daemon.make_forecasts(&plan).await;
        let engine = &daemon.driver.engine;
        engine.store.release(&engine.lease).await?;
        made?;
    }
    let plan = against_record(context).await?.plan;
    if waits(&plan) {
        return Err(Failure::ending(
            Exit::Waiting,
            "what the plan would bring about is still being forecast",
        )
        .hint("try again in a moment; `trueline plan` shows what is missing"));
    }
    Ok(plan)
}

/// Whether a plan may be carried out.
enum Answer {
    /// A person said yes just now.
    Yes,
    /// A person said no.
    No,
    /// Nothing more is asked for.
    Given,
}

async fn approved(context: &Context, options: &Options, plan: &Plan) -> Result<Answer, Failure> {
    if options.auto_approve {
        return Ok(Answer::Yes);
    }
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return ask(context);
    }
    let needs = |why: &Vec<Pending>| {
        why.iter().any(|why| matches!(why, Pending::Approval { .. } | Pending::Guard))
    };
    if plan.pending.values().any(needs) {
        Box::pin(keep(context, plan)).await?;
        return Err(Failure::ending(Exit::Stale, "the plan takes approvals that it does not have")
            .hint(format!(
                "`trueline approve {}`, or `trueline apply --auto-approve` in your own name",
                plan.digest.short()
            )));
    }
    Ok(Answer::Given)
}

/// Keeps a plan, so that it can be approved by its digest; a daemon that drives keeps its own.
async fn keep(context: &Context, plan: &Plan) -> Result<(), Failure> {
    if let Ok(daemon) = context.daemon("apply").await? {
        let engine = &daemon.driver.engine;
        engine.store.save_plan(&engine.lease, plan, engine.clock.now()).await?;
        engine.store.release(&engine.lease).await?;
    }
    Ok(())
}

fn ask(context: &Context) -> Result<Answer, Failure> {
    let mut out = std::io::stderr();
    write!(out, "Carry this out and record your approval as {}? [y/N] ", context.person())?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    let yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    Ok(if yes { Answer::Yes } else { Answer::No })
}

/// Tells whether a file or a digest names the plan as it is now.
fn is_same(plan: &Plan, named: &str) -> Result<bool, Failure> {
    let now = plan.digest.to_string();
    if !Path::new(named).is_file() {
        let digits = named.len() >= 8 && named.bytes().all(|byte| byte.is_ascii_hexdigit());
        return if digits {
            Ok(now.starts_with(&named.to_ascii_lowercase()))
        } else {
            Err(Failure::usage(format!("`{named}` is neither a file nor a digest")))
        };
    }
    let text = std::fs::read_to_string(named)?;
    let value: serde_json::Value = serde_json::from_str(&text)?;
    let digest = value.get("digest").and_then(serde_json::Value::as_str);
    Ok(digest.ok_or_else(|| Failure::usage(format!("{named} is not a plan")))? == now)
}

fn tell(context: &Context, settled: &Settled) -> Exit {
    for (service, why) in &settled.failed {
        context.say(format!("failed   {service}: {why}"));
    }
    for (service, why) in &settled.waiting {
        context.say(format!("waiting  {service}: {why}"));
    }
    let Some(plan) = &settled.plan else { return Exit::Success };
    for (service, why) in &plan.blocked {
        context.say(format!("blocked  {service}: {}", why.join("; ")));
    }
    for (service, why) in &plan.pending {
        let why: Vec<String> = why.iter().map(ToString::to_string).collect();
        context.say(format!("pending  {service}: {}", why.join("; ")));
    }
    if !settled.failed.is_empty() || !plan.blocked.is_empty() {
        return Exit::Findings;
    }
    if !settled.waiting.is_empty() || !plan.pending.is_empty() {
        return Exit::Waiting;
    }
    context.say("converged");
    Exit::Success
}

/// A daemon drives: it picks the decisions up; `--wait` follows it.
async fn hand_over(
    context: &Context,
    options: &Options,
    holder: &LeaseHolder,
) -> Result<Exit, Failure> {
    context.remark(format!("process {} ({}) carries it out", holder.pid, holder.command));
    if !options.wait {
        return Ok(Exit::Success);
    }
    let store = context.existing_store().await?;
    let asked = store.last_decision().await?;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let state = store.catalog_state().await?;
        if state.decisions_seen < asked {
            continue;
        }
        let open = store.open_runs().await?;
        let busy = open.iter().any(|run| crate::run::waits_for(run).is_none());
        if busy {
            continue;
        }
        let stopped = store.stopped_runs().await?;
        for run in &stopped {
            context.say(format!(
                "failed   {}: {}",
                run.service,
                run.why.as_deref().unwrap_or_default()
            ));
        }
        if !stopped.is_empty() {
            return Ok(Exit::Findings);
        }
        let waits = !open.is_empty() || !state.pending.is_empty();
        return Ok(if waits { Exit::Waiting } else { Exit::Success });
    }
}
