//! `trueline service`: lists and shows services and their runs, and asks for one to be converged.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure};
use super::run::{RunLine, runs_table};
use super::service_show::{self, ServiceWire};
use super::table::{Limit, Listed, cell, table};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::engine::{ServiceView, UnitState, View};
use crate::id::UnitKey;
use crate::reconcile::UnitRecord;
use crate::store::{DecisionKind, Store};

/// What `service` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists services by their ids, with how they stand.
    List {
        #[command(flatten)]
        limit: Limit,
    },
    /// Shows one service: its units, what was applied, what drifted, what is planned.
    Show {
        /// Its id.
        id: String,
    },
    /// Lists the runs of a service, newest first.
    History {
        /// Its id.
        id: String,
        #[command(flatten)]
        limit: Limit,
    },
    /// Asks for a service to be converged now: also where it stopped, or is outdated.
    Reconcile {
        /// Its id.
        id: String,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let now = SystemClock.now();
    match &options.command {
        Command::List { limit } => {
            let wire = list(&*store, *limit).await?;
            context.show(&wire, || list_text(&wire))?;
        }
        Command::Show { id } => {
            let wire = ServiceWire::read(&*store, id).await?;
            context.show(&wire, || service_show::text(&wire, (now, context.color)))?;
        }
        Command::History { id, limit } => {
            let wire = history(&*store, id, *limit).await?;
            context.show(&wire, || history_text(&wire, now))?;
        }
        Command::Reconcile { id } => {
            known(&View::read(&*store).await?, id)?;
            record(context, &DecisionKind::Apply { service: Some(id.clone()) }).await?;
            context.remark(format!("asked for {} to be converged", cell(id)));
            if store.holder().await?.is_none() {
                context
                    .remark("nobody drives: `trueline serve` or `trueline apply` carries it out");
            }
        }
    }
    Ok(Exit::Success)
}

/// Finds a service by its id; a failure that names those like it where there is none.
pub(super) fn known(view: &View, id: &str) -> Result<ServiceView, Failure> {
    let mut services = view.services();
    if let Some(service) = services.remove(id) {
        return Ok(service);
    }
    let stem = id.split('/').next().unwrap_or_default();
    let near = |known: &&String| {
        !stem.is_empty() && (known.contains(stem) || stem.contains(known.as_str()))
    };
    let like: Vec<String> = services.keys().filter(near).take(5).map(|id| cell(id)).collect();
    let hint = match like.is_empty() {
        true => "`trueline service list` shows those that there are".to_owned(),
        false => format!("did you mean {}?", like.join(" or ")),
    };
    Err(Failure::usage(format!("there is no service `{}`", cell(id))).hint(hint))
}

/// Returns how a service stands, in one word or two.
pub(super) fn standing(state: UnitState, drifted: bool, held: bool) -> String {
    let flags = [(drifted, ", drifted"), (held, ", held")];
    let flags = flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag);
    format!("{state}{}", flags.collect::<String>())
}

#[derive(Debug, Serialize)]
struct ServicesWire {
    version: &'static str,
    #[serde(flatten)]
    services: Listed<ServiceLine>,
}

#[derive(Debug, Serialize)]
struct ServiceLine {
    service: String,
    team: Option<String>,
    item: Option<String>,
    state: UnitState,
    why: Option<String>,
    drifted: bool,
    held: bool,
    units: usize,
}

impl ServiceLine {
    fn of(service: &ServiceView, records: &BTreeMap<UnitKey, UnitRecord>) -> Self {
        let mut own = service.units.iter().filter_map(|unit| records.get(&unit.key));
        let first = own.next();
        let items = first.into_iter().chain(own).filter_map(item_of);
        let mut items: Vec<&str> = items.collect();
        items.dedup();
        Self {
            service: service.id.clone(),
            team: first.and_then(|record| text_of(record, "team")),
            item: (!items.is_empty()).then(|| items.join(", ")),
            state: service.standing.state,
            why: service.standing.why.clone(),
            drifted: service.is_drifted(),
            held: service.is_held(),
            units: service.units.len(),
        }
    }
}

fn item_of(record: &UnitRecord) -> Option<&str> {
    let applied = record.applied.as_ref().map(|applied| &applied.definition);
    applied.or(record.basis.as_ref()).map(|definition| definition.item.as_str())
}

/// Returns what templates of a unit see of its service: its `team`, its `environment`.
pub(super) fn text_of(record: &UnitRecord, name: &str) -> Option<String> {
    let service = &record.applied.as_ref()?.inputs.service;
    service.get(name)?.as_str().map(str::to_owned)
}

async fn list(store: &dyn Store, limit: Limit) -> Result<ServicesWire, Failure> {
    let view = View::read(store).await?;
    let services = Listed::of(view.services().into_values(), limit);
    let units = services.items.iter().flat_map(|service| &service.units);
    let keys: Vec<UnitKey> = units.map(|unit| unit.key.clone()).collect();
    let records = store.units(&keys).await?.into_iter();
    let records = records.map(|record| (record.row.key.clone(), record)).collect();
    let services = services.map(|service| ServiceLine::of(&service, &records));
    Ok(ServicesWire { version: "trueline.services/v1", services })
}

fn list_text(wire: &ServicesWire) -> String {
    let rows = wire.services.items.iter().map(|line| {
        [
            line.service.clone(),
            standing(line.state, line.drifted, line.held),
            line.units.to_string(),
            line.item.clone().unwrap_or_default(),
            line.team.clone().unwrap_or_default(),
            line.why.clone().unwrap_or_default(),
        ]
    });
    if wire.services.total == 0 {
        return "no services".to_owned();
    }
    let head = ["SERVICE", "STATE", "UNITS", "ITEM", "TEAM", "WHY"];
    table(head, rows) + &wire.services.rest()
}

#[derive(Debug, Serialize)]
struct HistoryWire {
    version: &'static str,
    service: String,
    runs: Vec<RunLine>,
}

async fn history(store: &dyn Store, id: &str, limit: Limit) -> Result<HistoryWire, Failure> {
    let runs = store.runs(Some(id), limit.limit).await?;
    if runs.is_empty() {
        known(&View::read(store).await?, id)?;
    }
    Ok(HistoryWire {
        version: "trueline.history/v1",
        service: id.to_owned(),
        runs: runs.into_iter().map(RunLine::of).collect(),
    })
}

fn history_text(wire: &HistoryWire, now: Timestamp) -> String {
    if wire.runs.is_empty() {
        return "no runs yet".to_owned();
    }
    runs_table(&wire.runs, now)
}
