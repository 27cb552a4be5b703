//! `trueline status`: how the catalog and its services stand, and what a person can do. It only reads the store.

use std::collections::BTreeMap;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::run::{RunLine, runs_table};
use super::table::{Limit, Listed, ago, block, cell, count, short_commit, table};
use super::task::TaskLine;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::digest::Digest;
use crate::engine::{UnitState, View};
use crate::reconcile::{Change, Pending, Plan, show};
use crate::store::Store;

/// How old the last tick of a living driver may be before that is worth a word, in seconds.
const SILENCE_S: i64 = 60;

/// What `status` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    limit: Limit,
}

/// Shows how things stand: 0 whenever that could be read.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let wire = StatusWire::read(&*store, (&context.name, options.limit)).await?;
    context.show(&wire, || text(&wire, SystemClock.now()))?;
    Ok(Exit::Success)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusWire {
    version: &'static str,
    catalog: String,
    ready: bool,
    head: Option<String>,
    applied_revision: Option<String>,
    last_tick: Option<TickWire>,
    driver: Option<DriverWire>,
    plan: Option<PlanWire>,
    units: UnitsWire,
    overlay: Listed<OverlayWire>,
    blocked: Listed<WhyWire>,
    pending: Listed<PendingWire>,
    runs: Listed<RunLine>,
    stopped: Listed<RunLine>,
    tasks: Listed<TaskLine>,
}

#[derive(Debug, Serialize)]
struct TickWire {
    at: Timestamp,
    trouble: Option<String>,
}

#[derive(Debug, Serialize)]
struct DriverWire {
    pid: u32,
    host: String,
    command: String,
}

#[derive(Debug, Serialize)]
struct PlanWire {
    digest: Digest,
    commit: String,
    changes: usize,
    held: Vec<String>,
}

#[derive(Debug, Serialize)]
struct UnitsWire {
    total: usize,
    drifted: usize,
    held: usize,
    states: BTreeMap<UnitState, usize>,
}

#[derive(Debug, Serialize)]
struct OverlayWire {
    path: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct WhyWire {
    service: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct PendingWire {
    service: String,
    change: Option<Digest>,
    why: String,
    commands: Vec<String>,
}

impl StatusWire {
    async fn read(store: &dyn Store, (catalog, limit): (&str, Limit)) -> Result<Self, Failure> {
        let view = View::read(store).await?;
        let holder = store.holder().await?;
        let tasks = store.tasks(true).await?;
        let (state, plan) = (&view.state, view.plan.as_ref());
        let units = UnitsWire::of(&view);
        let why = |(service, why): (&String, &String)| WhyWire {
            service: service.clone(),
            why: why.clone(),
        };
        let overlay = state.overlay.iter();
        let mut wire = Self {
            version: "trueline.status/v1",
            catalog: catalog.to_owned(),
            ready: false,
            head: state.head.clone(),
            applied_revision: state.applied_revision.clone(),
            last_tick: state.ticked_at.map(|at| TickWire { at, trouble: state.trouble.clone() }),
            driver: holder.map(|holder| DriverWire {
                pid: holder.pid,
                host: holder.host,
                command: holder.command,
            }),
            plan: plan.map(PlanWire::of),
            units,
            overlay: Listed::of(overlay, limit)
                .map(|(path, why)| OverlayWire { path: path.clone(), why: why.clone() }),
            blocked: Listed::of(&state.blocked, limit).map(why),
            pending: Listed::of(&state.pending, limit)
                .map(|(service, why)| PendingWire::of(service, why, plan)),
            runs: Listed::of(view.runs.values(), limit).map(RunLine::of_open),
            stopped: Listed::of(view.stopped.values(), limit).map(|run| RunLine::of(run.clone())),
            tasks: Listed::of(tasks, limit).map(|task| TaskLine::of(&task)),
        };
        wire.ready = wire.is_ready();
        Ok(wire)
    }

    /// Tells whether all is well: everything is as the head wants it, as far as anybody looked.
    fn is_ready(&self) -> bool {
        let settled = self.units.states.keys().all(|state| state.is_settled());
        let waits = self.overlay.total
            + self.blocked.total
            + self.pending.total
            + self.runs.total
            + self.stopped.total
            + self.tasks.total;
        let told = self.last_tick.as_ref().is_some_and(|tick| tick.trouble.is_none());
        let held = self.plan.as_ref().is_some_and(|plan| !plan.held.is_empty());
        told && settled && !held && waits == 0 && self.units.drifted + self.units.held == 0
    }
}

impl UnitsWire {
    fn of(view: &View) -> Self {
        let units = view.units();
        let mut states = BTreeMap::new();
        for unit in &units {
            *states.entry(unit.standing.state).or_default() += 1;
        }
        Self {
            total: units.len(),
            drifted: units.iter().filter(|unit| unit.drifted).count(),
            held: units.iter().filter(|unit| unit.held).count(),
            states,
        }
    }

    fn text(&self) -> String {
        let urgent = self.states.iter().rev();
        let mut parts: Vec<String> =
            urgent.map(|(state, number)| format!("{number} {state}")).collect();
        for (number, flag) in [(self.drifted, "drifted"), (self.held, "held")] {
            if number > 0 {
                parts.push(format!("{number} {flag}"));
            }
        }
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }
}

impl PlanWire {
    fn of(plan: &Plan) -> Self {
        Self {
            digest: plan.digest,
            commit: plan.commit.clone(),
            changes: plan.changes.len(),
            held: show::holds(plan),
        }
    }
}

impl PendingWire {
    fn of(service: &str, why: &str, plan: Option<&Plan>) -> Self {
        let change = plan.and_then(|plan| plan.change(service));
        Self {
            service: service.to_owned(),
            change: change.map(|change| change.digest),
            why: why.to_owned(),
            commands: plan.zip(change).map(commands).unwrap_or_default(),
        }
    }
}

/// Returns what a person can do about a change that does not start.
pub(super) fn commands((plan, change): (&Plan, &Change)) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for reason in plan.pending.get(&change.service).into_iter().flatten() {
        let command = match reason {
            Pending::Approval { .. } => format!("trueline approve {}", change.digest.short()),
            Pending::Guard => format!("trueline approve {}", plan.digest.short()),
            Pending::Stalled { .. } => format!("trueline service reconcile {}", change.service),
            Pending::Dependency { service } => format!("trueline service show {service}"),
            Pending::Rejected { .. } | Pending::Window { .. } | Pending::Held => continue,
        };
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

fn text(wire: &StatusWire, now: Timestamp) -> String {
    let mut text = table([""; 2], head(wire, now));
    if let Some(TickWire { trouble: Some(trouble), .. }) = &wire.last_tick {
        text += &block("", &format!("\nTrouble: {trouble}"));
    }
    for held in wire.plan.iter().flat_map(|plan| &plan.held) {
        text += &block("", &format!("\nGuard: {held}"));
    }
    text += &section(
        "Stopped: mend the cause, then `trueline service reconcile ID`",
        &wire.stopped,
        |runs| runs_table(runs, now),
    );
    text += &section("Blocked: these do not fit the catalog", &wire.blocked, |rows| {
        table(["SERVICE", "WHY"], rows.iter().map(|row| [row.service.clone(), row.why.clone()]))
    });
    let last_good = "Not in force: the last good version of these documents is";
    text += &section(last_good, &wire.overlay, |rows| {
        table(["PATH", "WHY"], rows.iter().map(|row| [row.path.clone(), row.why.clone()]))
    });
    text += &section("Pending", &wire.pending, pending_table);
    text +=
        &section("Tasks: `trueline task list` says how to complete them", &wire.tasks, |tasks| {
            let head = ["TASK", "SERVICE", "AGE", "TITLE"];
            table(head, tasks.iter().map(|task| task.cells_of_open(now)))
        });
    text += &section("Runs", &wire.runs, |runs| runs_table(runs, now));
    if wire.ready {
        let head = wire.head.as_deref().map(short_commit).unwrap_or_default();
        text += &format!("\nReady: all is as {head} wants it.\n");
    }
    text
}

/// Writes the lines that stand above all sections.
fn head(wire: &StatusWire, now: Timestamp) -> Vec<[String; 2]> {
    let row = |name: &str, text: String| [name.to_owned(), text];
    let commit = |commit: &Option<String>| commit.as_deref().map(short_commit);
    let head = match (commit(&wire.head), commit(&wire.applied_revision)) {
        (None, _) => "not read yet".to_owned(),
        (Some(head), Some(applied)) if head != applied => format!("{head} ({applied} is applied)"),
        (Some(head), None) => format!("{head} (nothing is applied yet)"),
        (Some(head), _) => head,
    };
    let tick = match &wire.last_tick {
        None => "none yet".to_owned(),
        Some(tick) if tick.trouble.is_some() => format!("{}, with trouble", ago(now, tick.at)),
        Some(tick) => ago(now, tick.at),
    };
    let silent = wire
        .last_tick
        .as_ref()
        .is_none_or(|tick| now.as_second() - tick.at.as_second() > SILENCE_S);
    let driver = match &wire.driver {
        None => "nobody drives: `trueline serve` or `trueline apply`".to_owned(),
        Some(driver) => format!(
            "process {} ({}) on {}{}",
            driver.pid,
            driver.command,
            driver.host,
            if silent { ", which is silent" } else { "" }
        ),
    };
    let mut rows = vec![
        row("Catalog", wire.catalog.clone()),
        row("Head", head),
        row("Last tick", tick),
        row("Driver", driver),
        row("Units", wire.units.text()),
    ];
    if let Some(plan) = wire.plan.as_ref().filter(|plan| plan.changes > 0) {
        let changes = count(plan.changes, "change");
        rows.push(row("Plan", format!("{} with {changes}", plan.digest.short())));
    }
    rows
}

fn section<T>(title: &str, listed: &Listed<T>, write: impl FnOnce(&[T]) -> String) -> String {
    if listed.total == 0 {
        return String::new();
    }
    let lines = write(&listed.items);
    let indented: String = lines.lines().map(|line| format!("  {line}\n")).collect();
    let rest = listed.rest();
    let rest = if rest.is_empty() { rest } else { format!("  {rest}") };
    format!("\n{title}\n{indented}{rest}")
}

fn pending_table(rows: &[PendingWire]) -> String {
    let head = ["SERVICE", "WHY", "WHAT TO DO"];
    table(
        head,
        rows.iter().map(|row| [row.service.clone(), cell(&row.why), row.commands.join(" && ")]),
    )
}
