//! `trueline github`: how we stand with GitHub, and a new App there. It never prints a secret.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::context::Context;
use super::github_manifest;
use super::output::{Exit, Failure};
use super::table::{cell, table};
use crate::action;
use crate::forge::github::GitHub;
use crate::run::FaultClass;

/// What `github` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: GitHubCommand,
}

/// What to do with GitHub.
#[derive(Debug, Subcommand)]
pub enum GitHubCommand {
    /// Makes an App: writes a page that asks GitHub for it, and takes what GitHub made of it.
    AppManifest(github_manifest::Options),
    /// Shows who we are, what we may and may not, what is left of the limits, and what was delivered.
    Status,
}

/// How far back deliveries are looked at.
const BACK: SignedDuration = SignedDuration::from_hours(24);

/// How many deliveries are shown.
const SHOWN: usize = 10;

/// Does it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    match &options.command {
        GitHubCommand::AppManifest(options) => github_manifest::run(context, options).await,
        GitHubCommand::Status => status(context).await,
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusWire {
    version: &'static str,
    repository: String,
    /// By which name we write.
    name: String,
    /// `app` or `token`.
    kind: &'static str,
    /// Whether the repository is shown to us.
    is_shown: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    installation: Option<InstallationWire>,
    limits: Vec<LimitWire>,
    deliveries: Vec<DeliveryWire>,
    /// What keeps something from working.
    problems: Vec<String>,
    /// What is worth knowing, and in nobody's way.
    remarks: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InstallationWire {
    id: u64,
    repositories: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitWire {
    what: &'static str,
    limit: u64,
    remaining: u64,
    reset: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryWire {
    at: Timestamp,
    event: String,
    status: u16,
    guid: String,
}

async fn status(context: &Context) -> Result<Exit, Failure> {
    let github = connect(context).await?;
    let mut wire = StatusWire {
        version: "trueline.github-status/v1",
        repository: github.repository().to_string(),
        name: github.name().await.map_err(failed)?,
        kind: "token",
        is_shown: true,
        installation: None,
        limits: Vec::new(),
        deliveries: Vec::new(),
        problems: Vec::new(),
        remarks: Vec::new(),
    };
    if let Some(installation) = github.installation().await.map_err(failed)? {
        wire.kind = "app";
        if let Some(at) = installation.suspended_at {
            wire.problems.push(format!("the installation was suspended at {at}"));
        }
        for it in installation.missing() {
            let line = format!("permission `{}: {}` is missing: {}", it.name, it.access, it.why);
            let list = if it.is_for_workflows { &mut wire.remarks } else { &mut wire.problems };
            list.push(line);
        }
        let silent = installation.silent();
        if has_hook(context) && !silent.is_empty() {
            let silent = silent.join("`, `");
            wire.remarks.push(format!("events `{silent}` are not told; they are polled for"));
        }
        wire.installation = Some(InstallationWire {
            id: installation.id,
            repositories: installation.repository_selection,
        });
        if has_hook(context) {
            add_deliveries(&github, &mut wire).await?;
        }
    } else {
        wire.remarks.push(
            "a token is set up: checks are commit statuses, which have no remarks at lines"
                .to_owned(),
        );
    }
    wire.is_shown = github.is_shown().await.map_err(failed)?;
    if !wire.is_shown {
        wire.problems.push(format!("{} is not shown to us", wire.repository));
    }
    for (what, left) in github.left().await.map_err(failed)? {
        let reset = Timestamp::from_second(left.reset).map(|at| at.to_string());
        let (limit, remaining) = (left.limit, left.remaining);
        wire.limits.push(LimitWire { what, limit, remaining, reset: reset.unwrap_or_default() });
    }
    context.show(&wire, || wire.text())?;
    Ok(if wire.problems.is_empty() { Exit::Success } else { Exit::Findings })
}

async fn add_deliveries(github: &GitHub, wire: &mut StatusWire) -> Result<(), Failure> {
    let since = Timestamp::now().checked_sub(BACK).unwrap_or(Timestamp::MIN);
    let all = github.deliveries(since).await.map_err(failed)?;
    if let Some(last) = all.first().filter(|last| !last.is_taken()) {
        wire.problems.push(format!(
            "the last delivery was not taken ({}): see the address and the secret of the App's webhook",
            last.status_code
        ));
    }
    wire.deliveries = all
        .into_iter()
        .take(SHOWN)
        .map(|it| DeliveryWire {
            at: it.delivered_at,
            event: it.event,
            status: it.status_code,
            guid: it.guid,
        })
        .collect();
    Ok(())
}

fn has_hook(context: &Context) -> bool {
    let github = context.config.forge.github.as_ref();
    github.is_some_and(|github| !github.webhook_secrets.is_empty())
}

/// Makes the client of the catalog's repository, as the operator set GitHub up.
async fn connect(context: &Context) -> Result<GitHub, Failure> {
    let ports = context.ports()?;
    if ports.operator.github.is_none() {
        return Err(Failure::usage("no GitHub is set up").hint(
            "write `[forge.github]` to trueline.toml; `trueline github app-manifest` makes an App, docs/github.md says how",
        ));
    }
    let connected = action::connect_github(&ports, &context.catalog).await.map_err(failed)?;
    connected.ok_or_else(|| {
        Failure::usage(format!("the catalog `{}` is no repository on GitHub", context.catalog))
            .hint("name one with --catalog https://github.com/OWNER/NAME")
    })
}

fn failed(fault: impl Into<crate::run::Fault>) -> Failure {
    let fault = fault.into();
    match fault.class {
        FaultClass::Terminal => Failure::failed(fault.to_string()),
        _ => Failure::failed(fault.to_string()).hint("try again later"),
    }
}

impl StatusWire {
    fn text(&self) -> String {
        let mut text = format!("{} as {} ({})\n", self.repository, self.name, self.kind);
        if let Some(it) = &self.installation {
            let _ = writeln!(text, "installation {}, repositories: {}", it.id, it.repositories);
        }
        let limits = self.limits.iter().map(|it| {
            [it.what.to_owned(), it.limit.to_string(), it.remaining.to_string(), it.reset.clone()]
        });
        if !self.limits.is_empty() {
            let _ =
                writeln!(text, "\n{}", table(["limit", "an hour", "left", "whole again"], limits));
        }
        let deliveries = self
            .deliveries
            .iter()
            .map(|it| [it.at.to_string(), cell(&it.event), it.status.to_string(), cell(&it.guid)]);
        if !self.deliveries.is_empty() {
            let _ =
                writeln!(text, "\n{}", table(["delivered", "event", "answer", "guid"], deliveries));
        }
        text.push('\n');
        for problem in &self.problems {
            let _ = writeln!(text, "problem: {problem}");
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "note: {remark}");
        }
        if self.problems.is_empty() {
            text.push_str("all is well\n");
        }
        text
    }
}
