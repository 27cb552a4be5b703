//! `trueline status`: how the catalog and its services stand, and what a person can do. It only reads the store.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::run::RunLine;
use super::status_text::text;
use super::table::{Limit, Listed};
use super::task::TaskLine;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::digest::Digest;
use crate::engine::{UnitState, View};
use crate::reconcile::{Change, Pending, Plan, show};
use crate::store::Store;

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
    let poll = context.config.catalog.first().and_then(|catalog| catalog.poll.as_ref());
    let poll = Context::duration(poll, Duration::from_mins(1)).as_secs();
    let silence = i64::try_from(poll.saturating_mul(3)).unwrap_or(i64::MAX);
    context.show(&wire, || text(&wire, (SystemClock.now(), silence)))?;
    Ok(Exit::Success)
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
    pub(super) overlay: Listed<OverlayWire>,
    pub(super) blocked: Listed<WhyWire>,
    pub(super) pending: Listed<PendingWire>,
    pub(super) runs: Listed<RunLine>,
    pub(super) stopped: Listed<RunLine>,
    pub(super) tasks: Listed<TaskLine>,
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
    pub(super) held: usize,
    pub(super) states: BTreeMap<UnitState, usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct OverlayWire {
    pub(super) path: String,
    pub(super) why: String,
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
            pending: Listed::of(
                state
                    .pending
                    .iter()
                    .filter_map(|(id, why)| Some((id, why_pending(id, why, plan)?))),
                limit,
            )
            .map(|(id, why)| PendingWire::of(id, why, plan)),
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

    /// Counts units by state, the urgent first.
    pub(super) fn text(&self) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view_sample::{
        World, approval, at, begin, change, drifted, fails, now, plan, run, unit, waits,
    };
    use crate::store::CatalogState;

    async fn check(world: &World) -> String {
        let limit = Limit { limit: 2 };
        let wire = StatusWire::read(&world.store, ("main", limit)).await.expect("reads");
        text(&wire, (now(), 180))
    }

    fn state() -> CatalogState {
        CatalogState {
            head: Some("c0ffee0000000000".to_owned()),
            applied_revision: Some("c0ffee0000000000".to_owned()),
            services: 2,
            ticked_at: Some(at(995)),
            ..CatalogState::default()
        }
    }

    #[tokio::test]
    async fn nothing_was_read_yet() {
        let world = World::new().await;
        world.leaves().await;
        insta::assert_snapshot!(check(&world).await, @"
        Catalog    main
        Head       not read yet
        Last tick  none yet
        Driver     nobody drives: `trueline serve` or `trueline apply`
        Units      none
        ");
    }

    #[tokio::test]
    async fn all_is_well() {
        let world = World::new().await;
        world.remembers(&state()).await;
        world.has([unit("db"), unit("shop/app")]).await;
        world.plans(&plan(Vec::new(), &[])).await;
        insta::assert_snapshot!(check(&world).await, @"
        Catalog    main
        Head       c0ffee000000
        Last tick  5s ago
        Driver     process 7 (serve) on here
        Units      2 ready

        Ready: all is as c0ffee000000 wants it.
        ");
    }

    #[tokio::test]
    async fn drift_alone_is_not_ready() {
        let world = World::new().await;
        world.remembers(&state()).await;
        world.has([drifted("db")]).await;
        let said = check(&world).await;
        assert!(said.contains("1 ready, 1 drifted") && !said.contains("Ready:"), "{said}");
    }

    #[tokio::test]
    async fn whatever_is_wrong_is_told_with_what_to_do() {
        let world = World::new().await;
        let words = |words: &[(&str, &str)]| {
            words.iter().map(|(id, why)| ((*id).to_owned(), (*why).to_owned())).collect()
        };
        world
            .remembers(&CatalogState {
                trouble: Some("fetch failed\u{1b}[2J; the state stays".to_owned()),
                overlay: vec![("services/a/\u{202e}b.yaml".to_owned(), "not YAML".to_owned())],
                blocked: words(&[("a", "no item"), ("b", "no item"), ("c", "no item")]),
                pending: words(&[("new", "waits for 1 approval (environment production)")]),
                ticked_at: Some(at(500)),
                head: Some("dir:abcdefabcdefabcdef".to_owned()),
                ..state()
            })
            .await;
        world.has([unit("a"), drifted("db"), unit("web")]).await;
        let mut events = begin("db/make");
        events.push(waits("db/make"));
        world.runs(run("0b1", change("db", &["db"])), events).await;
        let mut events = begin("web/make");
        events.extend(fails("web/make"));
        world.runs(run("0b2", change("web", &["web"])), events).await;
        world.asks("0b1", "db", &[]).await;
        let mut held = plan(vec![change("new", &["new"])], &[("new", approval())]);
        held.verdict.holds.push(crate::reconcile::Hold::Shrank { before: 9, now: 2 });
        world.plans(&held).await;
        insta::assert_snapshot!(check(&world).await, @r"
        Catalog    main
        Head       dir:abcdefabcdef (c0ffee000000 is applied)
        Last tick  8m ago, with trouble
        Driver     process 7 (serve) on here, which is silent
        Units      1 stalled, 1 blocked, 1 pending, 1 waiting, 1 drifted
        Plan       6e7c8c7df96b with 1 change

        Trouble: fetch failed\u{1b}[2J; the state stays

        Guard: held: the catalog went from 9 services to 2 and 0 deletions would follow: trueline approve 6e7c8c7df96b

        Stopped: mend the cause, then `trueline service reconcile ID`
          RUN  SERVICE  KIND    STATE   AGE     WHY
          0b2  web      create  failed  1m ago  step `web/make` failed: the \u{1b}[31mAPI said no

        Blocked: these do not fit the catalog
          SERVICE  WHY
          a        no item
          b        no item
          … and 1 more; --limit shows them

        Not in force: the last good version of these documents is
          PATH                       WHY
          services/a/\u{202e}b.yaml  not YAML

        Pending
          SERVICE  WHAT TO DO                     WHY
          new      trueline approve 682db6352648  waits for 1 approval (environment production)

        Tasks: `trueline task list` says how to complete them
          TASK  SERVICE  AGE     TITLE
          1     db       1m ago  Make \u{1b}[31mit

        Runs
          RUN  SERVICE  KIND    STATE    AGE     WHY
          0b1  db       create  waiting  1m ago  task 1 “Make \u{1b}[31mit”
        ");
    }

    #[test]
    fn that_a_run_stopped_is_said_once() {
        let stopped =
            Pending::Stalled { run: crate::id::RunId("0b2".to_owned()), why: "502".to_owned() };
        let (alone, both) = ([("web", stopped.clone())], [("web", stopped), ("web", approval())]);
        let (alone, both) = (plan(Vec::new(), &alone), plan(Vec::new(), &both));
        let waits = approval().to_string();
        let said = format!("run 0b2 stopped: 502; {waits}");
        assert_eq!(why_pending("web", "run 0b2 stopped: 502", Some(&alone)), None);
        assert_eq!(why_pending("web", &said, Some(&both)), Some(waits));
        let newer = why_pending("web", "held by a person", Some(&both));
        assert_eq!(newer.as_deref(), Some("held by a person"));
        assert_eq!(why_pending("web", "held", None).as_deref(), Some("held"));
    }

    #[tokio::test]
    async fn programs_read_the_same() {
        let world = World::new().await;
        world.remembers(&state()).await;
        world.has([unit("db")]).await;
        let limit = Limit { limit: 50 };
        let wire = StatusWire::read(&world.store, ("main", limit)).await.expect("reads");
        insta::assert_snapshot!(serde_json::to_string(&wire).expect("serializes"), @r#"{"version":"trueline.status/v1","catalog":"main","ready":true,"head":"c0ffee0000000000","appliedRevision":"c0ffee0000000000","lastTick":{"at":"1970-01-01T00:16:35Z","trouble":null},"driver":{"pid":7,"host":"here","command":"serve"},"plan":null,"units":{"total":1,"drifted":0,"held":0,"states":{"ready":1}},"overlay":{"total":0,"items":[]},"blocked":{"total":0,"items":[]},"pending":{"total":0,"items":[]},"runs":{"total":0,"items":[]},"stopped":{"total":0,"items":[]},"tasks":{"total":0,"items":[]}}"#);
    }
}
