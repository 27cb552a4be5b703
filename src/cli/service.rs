//! `trueline service`: lists and shows services and their runs, and asks for one to be converged.

mod remote;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure};
use super::run::{RunLine, runs_table};
use super::service_hold;
use super::service_operate;
use super::service_rollback;
use super::service_show::{self, ServiceWire};
use super::table::{Limit, Listed, cell, table};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::engine::{ServiceView, UnitState, View};
use crate::id::UnitKey;
use crate::reconcile::UnitRecord;
use crate::store::{DecisionKind, Store};

pub(super) use remote::same_plan;

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
    /// Proposes to put the service's file back to what it was, and shows the plan of that first.
    Rollback(service_rollback::Options),
    /// Stops everything for a service, at once: no run starts, and one that is under way stops before its next step.
    Hold(service_hold::Options),
    /// Lets a service go on that was held.
    Release(service_hold::ReleaseOptions),
    /// Has an operation of its item carried out: proposes the state that it leads to, or asks for it where it leads to none.
    Operate(service_operate::Options),
    /// Proposes to leave a service alone: it is looked at, and nothing is changed.
    Suspend(service_operate::StateOptions),
    /// Proposes to look after a service again that is suspended.
    Resume(service_operate::StateOptions),
    /// Asks for a service to be converged now: also where it stopped, or is outdated.
    Reconcile {
        /// Its id.
        id: String,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        return remote::run(context, &server, &options.command).await;
    }
    if let Command::Rollback(options) = &options.command {
        // Only the catalog is asked.
        return Box::pin(service_rollback::run(context, options)).await;
    }
    let wanted = match &options.command {
        Command::Operate(options) => Some(options.wanted()),
        Command::Suspend(options) => Some(options.suspended()),
        Command::Resume(options) => Some(options.resumed()),
        _ => None,
    };
    if let Some(wanted) = wanted {
        return Box::pin(service_operate::run(context, wanted)).await;
    }
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
        Command::Hold(options) => service_hold::hold(context, &*store, options).await?,
        Command::Release(options) => service_hold::release(context, &*store, options).await?,
        Command::Rollback(_) | Command::Operate(_) | Command::Suspend(_) | Command::Resume(_) => {}
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
    let hint = if like.is_empty() {
        "`trueline service list` shows those that there are".to_owned()
    } else {
        format!("did you mean {}?", like.join(" or "))
    };
    Err(Failure::usage(format!("there is no service `{}`", cell(id))).hint(hint))
}

/// Returns how a service stands, in one word or two.
pub(super) fn standing(state: UnitState, drifted: bool) -> String {
    format!("{state}{}", if drifted { ", drifted" } else { "" })
}

#[derive(Debug, Serialize)]
struct ServicesWire {
    version: &'static str,
    #[serde(flatten)]
    services: Listed<ServiceLine>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ServiceLine {
    #[serde(alias = "id")]
    service: String,
    team: Option<String>,
    #[serde(alias = "offer")]
    item: Option<String>,
    state: UnitState,
    why: Option<String>,
    drifted: bool,
    units: usize,
}

impl ServiceLine {
    fn of(service: &ServiceView, view: &View, records: &BTreeMap<UnitKey, UnitRecord>) -> Self {
        let coming = || view.run_of(&service.id).map(|run| &*run.change);
        let planned = || view.plan.as_ref()?.change(&service.id);
        let team = || coming().or_else(planned).map(|change| change.team.clone());
        let mut own = service.units.iter().filter_map(|unit| records.get(&unit.key));
        let first = own.next();
        let items = first.into_iter().chain(own).filter_map(item_of);
        let mut items: Vec<&str> = items.collect();
        items.dedup();
        Self {
            service: service.id.clone(),
            team: first.and_then(|record| text_of(record, "team")).or_else(team),
            item: (!items.is_empty()).then(|| items.join(", ")),
            state: service.standing.state,
            why: service.standing.why.clone(),
            drifted: service.is_drifted(),
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
    service.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

async fn list(store: &dyn Store, limit: Limit) -> Result<ServicesWire, Failure> {
    let view = View::read(store).await?;
    let services = Listed::of(view.services().into_values(), limit);
    let units = services.items.iter().flat_map(|service| &service.units);
    let keys: Vec<UnitKey> = units.map(|unit| unit.key.clone()).collect();
    let records = store.units(&keys).await?.into_iter();
    let records = records.map(|record| (record.row.key.clone(), record)).collect();
    let services = services.map(|service| ServiceLine::of(&service, &view, &records));
    Ok(ServicesWire { version: "trueline.services/v1", services })
}

fn list_text(wire: &ServicesWire) -> String {
    let rows = wire.services.items.iter().map(|line| {
        [
            line.service.clone(),
            standing(line.state, line.drifted),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view_sample::{
        World, approval, at, begin, change, drifted, fails, now, plan, run, unit,
    };
    use crate::store::CatalogState;

    async fn world() -> World {
        let world = World::new().await;
        let mut state = CatalogState { ticked_at: Some(at(995)), ..CatalogState::default() };
        state.pending.insert("db".to_owned(), "waits for 1 approval".to_owned());
        state.blocked.insert("never".to_owned(), "there is no item `\u{1b}[31mx`".to_owned());
        world.remembers(&state).await;
        world.has([drifted("db"), unit("shop/app"), unit("shop/db")]).await;
        world.plans(&plan(vec![change("db", &["db"])], &[("db", approval())])).await;
        let mut events = begin("gone/make");
        events.extend(fails("gone/make"));
        world.runs(run("0a0", change("gone", &["gone"])), events).await;
        world
    }

    async fn shown(world: &World, id: &str) -> String {
        let wire = ServiceWire::read(&world.store, id).await.expect("reads");
        service_show::text(&wire, (now(), false))
    }

    #[tokio::test]
    async fn services_are_listed_with_how_they_stand() {
        let world = world().await;
        let wire = list(&world.store, Limit { limit: 50 }).await.expect("reads");
        insta::assert_snapshot!(list_text(&wire), @r"
        SERVICE  STATE             UNITS  ITEM      TEAM      WHY
        db       pending, drifted  1      postgres  payments  waits for 1 approval
        gone     stalled           0                          step `gone/make` failed: the \u{1b}[31mAPI said no
        never    blocked           0                          there is no item `\u{1b}[31mx`
        shop     ready             2      postgres  payments
        ");
        let cut = list(&world.store, Limit { limit: 1 }).await.expect("reads");
        assert!(list_text(&cut).ends_with("… and 3 more; --limit shows them\n"));
        let none = list(&World::new().await.store, Limit { limit: 1 }).await.expect("reads");
        assert_eq!(list_text(&none), "no services");
    }

    #[tokio::test]
    async fn a_service_is_shown_in_full_and_its_secrets_are_not() {
        let world = world().await;
        insta::assert_snapshot!(shown(&world, "db").await, @r#"
        Service      db
        State        pending, drifted
        Why          waits for 1 approval
        Team         payments
        Environment  production
        To do        trueline approve f8ac703ad471

        Unit db: pending, drifted
          waits for 1 approval
          postgres 1.2.0 at c0ffee000000, 2m ago by run 0a1 (active)
          fields
            key: (sensitive)
            pin: (sensitive)
            size: "small"
          outputs
            password: (sensitive)
            url: "https://db\u{1b}[2J.example"
          drift: dns is gone, seen 1m ago
          drift: make differs, seen 1m ago
            /body/size: written as "small", found as "hu\u{1b}[31mge"

        Plan
        + create db  (item postgres 1.2.0, production, team payments)
          + size: "small"
          + db/make  manual-task  Make it
              + title: "Make it"
          waits for 1 approval (environment production): trueline approve f8ac703ad471
          change f8ac703ad471

        Plan: 1 to create, 0 to update, 0 to replace, 0 to delete.
        Plan digest ea8c6b0c600e at c0ffee000000
        "#);
        let wire = ServiceWire::read(&world.store, "db").await.expect("reads");
        let json = serde_json::to_string(&wire).expect("serializes");
        assert!(!json.contains("hunter22") && json.contains("\"lastRun\":null"), "{json}");
    }

    #[tokio::test]
    async fn a_service_that_does_not_fit_or_stopped_is_shown_too() {
        let world = world().await;
        insta::assert_snapshot!(shown(&world, "never").await, @r"
        Service  never
        State    blocked
        Why      there is no item `\u{1b}[31mx`
        ");
        insta::assert_snapshot!(shown(&world, "gone").await, @r"
        Service  gone
        State    stalled
        Why      step `gone/make` failed: the \u{1b}[31mAPI said no

        Last run
          RUN  SERVICE  KIND    STATE   AGE     WHY
          0a0  gone     create  failed  1m ago  step `gone/make` failed: the \u{1b}[31mAPI said no
        ");
    }

    #[tokio::test]
    async fn an_id_that_is_nobody_s_is_refused_with_those_like_it() {
        let view = View::read(&world().await.store).await.expect("reads");
        let said = |id: &str| known(&view, id).expect_err("unknown").to_string();
        assert!(said("shop/app").contains("did you mean shop?"), "{}", said("shop/app"));
        for id in ["", "x", "/", "\u{1b}[2J", "../..", "' OR 1=1"] {
            let said = said(id);
            assert!(said.contains("trueline service list") && !said.contains('\u{1b}'), "{said}");
        }
        let world = world().await;
        assert!(ServiceWire::read(&world.store, "x").await.is_err());
        assert!(history(&world.store, "x", Limit { limit: 1 }).await.is_err());
    }

    #[tokio::test]
    async fn the_history_of_a_service_is_its_runs() {
        let world = world().await;
        let wire = history(&world.store, "gone", Limit { limit: 9 }).await.expect("reads");
        assert!(history_text(&wire, now()).contains("0a0  gone     create  failed"));
        let none = history(&world.store, "shop", Limit { limit: 9 }).await.expect("reads");
        assert_eq!(history_text(&none, now()), "no runs yet");
    }
}
