//! `trueline status`: how the catalog and its services stand, and what a person can do. It only reads: the store, or what a server says.

mod elsewhere;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::approval::{ApprovalLine, lines};
use super::config::StoreConfig;
use super::context::Context;
use super::output::{Exit, Failure};
use super::run::RunLine;
use super::status_text::text;
use super::table::{Limit, Listed, count};
use super::task::TaskLine;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::daemon::outgoing::{Waiting, waiting_filings};
use crate::digest::Digest;
use crate::engine::{Circumstances, UnitState, View};
use crate::reconcile::{Change, Pending, Plan, show};
use crate::run::{Breaker, BreakerKey, BreakerState};
use crate::store::{LeftBehind, OnHold, Restored, Store};

pub(super) use elsewhere::overview;

/// What `status` takes.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    limit: Limit,
}

/// Shows how things stand: 0 whenever that could be read.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        return elsewhere::ask(context, &server, options.limit).await;
    }
    let store = context.existing_store().await?;
    let wire = told(context, &*store, options.limit).await?;
    context.show(&wire, || in_words(context, &wire))?;
    Ok(Exit::Success)
}

async fn told(context: &Context, store: &dyn Store, limit: Limit) -> Result<StatusWire, Failure> {
    let view = View::read(store).await?;
    let circumstances = context.circumstances(store, view.runs.values()).await?;
    let told = (&context.name[..], limit);
    let mut wire = StatusWire::read(store, told, (&view, &circumstances)).await?;
    wire.retention = Some(RetentionWire::of(&context.config.store));
    Ok(wire)
}

fn in_words(context: &Context, wire: &StatusWire) -> String {
    let poll = context.config.catalog.first().and_then(|catalog| catalog.poll.as_ref());
    let poll = Context::duration(poll, Duration::from_mins(1)).as_secs();
    let silence = i64::try_from(poll.saturating_mul(3)).unwrap_or(i64::MAX);
    text(wire, (SystemClock.now(), silence))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusWire {
    pub(super) version: &'static str,
    pub(super) catalog: String,
    pub(super) ready: bool,
    pub(super) head: Option<String>,
    pub(super) applied_revision: Option<String>,
    pub(super) last_tick: Option<TickWire>,
    pub(super) driver: Option<DriverWire>,
    pub(super) plan: Option<PlanWire>,
    pub(super) units: UnitsWire,
    pub(super) held: Listed<HeldWire>,
    pub(super) overlay: Listed<OverlayWire>,
    pub(super) blocked: Listed<WhyWire>,
    pub(super) pending: Listed<PendingWire>,
    pub(super) runs: Listed<RunLine>,
    pub(super) stopped: Listed<RunLine>,
    pub(super) tasks: Listed<TaskLine>,
    pub(super) approvals: Listed<ApprovalLine>,
    pub(super) left: Listed<LeftWire>,
    pub(super) breakers: Listed<BreakerWire>,
    /// What Trueline itself is to propose to the catalog, and may not yet.
    pub(super) filings: Listed<Waiting>,
    /// The state was put back from a backup, and nobody acknowledged that yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) restored: Option<Restored>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retention: Option<RetentionWire>,
}

/// How long ended runs are kept.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RetentionWire {
    pub(super) runs: String,
    pub(super) runs_per_service: u32,
}

impl RetentionWire {
    fn of(config: &StoreConfig) -> Self {
        let runs = config.retention.runs.clone().unwrap_or_else(|| "90d".to_owned());
        Self { runs, runs_per_service: config.retention().per_service }
    }

    /// Says it for people.
    pub(super) fn text(&self) -> String {
        if self.runs == "forever" {
            return "runs for ever".to_owned();
        }
        let each = count(usize::try_from(self.runs_per_service).unwrap_or(usize::MAX), "run");
        format!("runs for {}, and the last {each} of each service", self.runs)
    }
}

#[derive(Debug, Serialize)]
pub(super) struct TickWire {
    pub(super) at: Timestamp,
    pub(super) trouble: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct DriverWire {
    pub(super) pid: u32,
    pub(super) host: String,
    pub(super) command: String,
}

#[derive(Debug, Serialize)]
pub(super) struct PlanWire {
    pub(super) digest: Digest,
    pub(super) commit: String,
    pub(super) changes: usize,
    pub(super) held: Vec<String>,
    pub(super) approve: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct UnitsWire {
    pub(super) total: usize,
    pub(super) drifted: usize,
    pub(super) states: BTreeMap<UnitState, usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct OverlayWire {
    pub(super) path: String,
    pub(super) why: String,
}

/// A service for which a person stopped everything.
#[derive(Debug, Serialize)]
pub(super) struct HeldWire {
    pub(super) service: String,
    #[serde(flatten)]
    pub(super) held: OnHold,
}

#[derive(Debug, Serialize)]
pub(super) struct WhyWire {
    pub(super) service: String,
    pub(super) why: String,
}

#[derive(Debug, Serialize)]
pub(super) struct PendingWire {
    pub(super) service: String,
    pub(super) change: Option<Digest>,
    pub(super) why: String,
    pub(super) commands: Vec<String>,
}

/// Whom nobody is to ask just now.
#[derive(Debug, Serialize)]
pub(super) struct BreakerWire {
    #[serde(flatten)]
    pub(super) key: BreakerKey,
    #[serde(flatten)]
    pub(super) breaker: Breaker,
}

fn shut(circumstances: &Circumstances) -> Vec<BreakerWire> {
    let shut = circumstances.breakers.iter().filter(|(_, it)| it.state != BreakerState::Closed);
    shut.map(|(key, breaker)| BreakerWire { key: key.clone(), breaker: breaker.clone() }).collect()
}

/// Something outside that nobody waits for any more and that could not be taken back.
#[derive(Debug, Serialize)]
pub(super) struct LeftWire {
    pub(super) service: String,
    pub(super) what: String,
    pub(super) at: Timestamp,
    pub(super) why: String,
}

impl LeftWire {
    fn of(left: LeftBehind) -> Self {
        let LeftBehind { service, what, at, why } = left;
        Self { service, what, at, why }
    }
}

impl StatusWire {
    async fn read(
        store: &dyn Store,
        (catalog, limit): (&str, Limit),
        (view, circumstances): (&View, &Circumstances),
    ) -> Result<Self, Failure> {
        let holder = store.holder().await?;
        let tasks = store.tasks(true).await?;
        let (state, plan) = (&view.state, view.plan.as_ref());
        let units = UnitsWire::of(view);
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
            held: Listed::of(&state.held, limit)
                .map(|(service, held)| HeldWire { service: service.clone(), held: held.clone() }),
            overlay: Listed::of(overlay, limit)
                .map(|(path, why)| OverlayWire { path: path.clone(), why: why.clone() }),
            blocked: Listed::of(&state.blocked, limit).map(why),
            pending: Listed::of(
                state
                    .pending
                    .iter()
                    .filter_map(|(id, why)| Some((id, why_pending(id, why, plan)?))),
                limit,
            )
            .map(|(id, why)| PendingWire::of(id, why, plan)),
            runs: Listed::of(view.runs.values(), limit)
                .map(|run| RunLine::of_open(run).because(circumstances.why(run))),
            breakers: Listed::of(shut(circumstances), limit),
            filings: Listed::of(waiting_filings(store).await?.into_values(), limit),
            stopped: Listed::of(view.stopped.values(), limit).map(|run| RunLine::of(run.clone())),
            tasks: Listed::of(tasks, limit).map(|task| TaskLine::of(&task)),
            approvals: lines(store, true, limit).await?,
            left: Listed::of(store.left_behind().await?, limit).map(LeftWire::of),
            restored: state.restored,
            retention: None,
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
            + self.tasks.total
            + self.approvals.total;
        let told = self.last_tick.as_ref().is_some_and(|tick| tick.trouble.is_none());
        let held = self.plan.as_ref().is_some_and(|plan| !plan.held.is_empty());
        told && settled
            && !held
            && self.restored.is_none()
            && waits == 0
            && self.units.drifted == 0
            && self.held.total == 0
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
            states,
        }
    }

    /// Counts units by state, the urgent first.
    pub(super) fn text(&self) -> String {
        let urgent = self.states.iter().rev();
        let mut parts: Vec<String> =
            urgent.map(|(state, number)| format!("{number} {state}")).collect();
        if self.drifted > 0 {
            parts.push(format!("{} drifted", self.drifted));
        }
        if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
    }
}

impl PlanWire {
    fn of(plan: &Plan) -> Self {
        let by_people = |why: &Pending| matches!(why, Pending::Approval { .. } | Pending::Guard);
        let approvable = plan.pending.values().flatten().any(by_people);
        Self {
            digest: plan.digest,
            commit: plan.commit.clone(),
            changes: plan.changes.len(),
            held: show::holds(plan),
            approve: approvable.then(|| format!("trueline approve {}", plan.digest.short())),
        }
    }
}

impl PendingWire {
    fn of(service: &str, why: String, plan: Option<&Plan>) -> Self {
        let change = plan.and_then(|plan| plan.change(service));
        Self {
            service: service.to_owned(),
            change: change.map(|change| change.digest),
            why,
            commands: plan.zip(change).map(commands).unwrap_or_default(),
        }
    }
}

/// Says why a change does not start; nothing where all there is to say is that its last run stopped.
fn why_pending(service: &str, said: &str, plan: Option<&Plan>) -> Option<String> {
    let reasons = plan.and_then(|plan| plan.pending.get(service));
    let reasons = reasons.into_iter().flatten();
    let words: Vec<(bool, String)> = reasons
        .map(|reason| (matches!(reason, Pending::Stalled { .. }), reason.to_string()))
        .collect();
    let joined = |words: &mut dyn Iterator<Item = &(bool, String)>| {
        words.map(|(_, word)| word.as_str()).collect::<Vec<_>>().join("; ")
    };
    // The plan was kept when it became what it is; what the last tick said may be newer.
    if joined(&mut words.iter()) != said {
        return Some(said.to_owned());
    }
    let others = joined(&mut words.iter().filter(|(stopped, _)| !stopped));
    (!others.is_empty()).then_some(others)
}

/// Returns what a person can do about a change that does not start.
pub(super) fn commands((plan, change): (&Plan, &Change)) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for reason in plan.pending.get(&change.service).into_iter().flatten() {
        let command = match reason {
            Pending::Approval { .. } | Pending::Owner { .. } => {
                format!("trueline approve {}", change.digest.short())
            }
            Pending::Guard => format!("trueline approve {}", plan.digest.short()),
            Pending::Stalled { .. } | Pending::Flapping { .. } => {
                format!("trueline service reconcile {}", change.service)
            }
            Pending::Dependency { service } => format!("trueline service show {service}"),
            Pending::Forecast { .. }
            | Pending::Rejected { .. }
            | Pending::Window { .. }
            | Pending::Held { .. } => continue,
        };
        if !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
