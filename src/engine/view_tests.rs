//! Proves how units and services stand, row by row.

use super::view_sample::{
    World, approval, at, begin, change, fails, key, of_step, plan, row, run, take, unit, waits,
};
use super::{UnitState, View};
use crate::reconcile::{Pending, UnitRow};
use crate::run::{Event, Fault, Run, RunState, StepEvent};
use crate::store::{CatalogState, DecisionKind, OnHold, RunSummary, Store as _};

fn view(rows: impl IntoIterator<Item = UnitRow>) -> View {
    let rows = rows.into_iter().map(|row| (row.key.clone(), row)).collect();
    View { rows, ..View::default() }
}

fn told(view: View, tell: impl FnOnce(&mut CatalogState)) -> View {
    let mut state = CatalogState::default();
    tell(&mut state);
    View { state, ..view }
}

fn running(view: View, events: Vec<Event>) -> View {
    let mut run: Run = run("0b1", change("db", &["db"]));
    take(&mut run, events);
    View { runs: [("db".to_owned(), run)].into(), ..view }
}

fn stopped(view: View) -> View {
    let run = RunSummary {
        id: crate::id::RunId("0b2".to_owned()),
        service: "db".to_owned(),
        kind: "update".to_owned(),
        state: RunState::Failed,
        change: change("db", &["db"]).digest,
        created_at: at(1),
        updated_at: at(2),
        why: Some("502".to_owned()),
    };
    View { stopped: [("db".to_owned(), run)].into(), ..view }
}

/// Checks how the unit `db` stands.
fn check(view: &View, expected: &str) {
    let unit = view.unit(&key("db"));
    let flags = if unit.drifted { " drifted" } else { "" };
    let why = unit.standing.why.map(|why| format!(": {why}")).unwrap_or_default();
    let run = unit.standing.run.map(|run| format!(" [{run}]")).unwrap_or_default();
    assert_eq!(format!("{}{flags}{why}{run}", unit.standing.state), expected);
}

#[test]
fn a_unit_is_ready_where_nothing_says_otherwise() {
    check(&view([row("db")]), "ready");
    check(&view([UnitRow { drifted: true, ..row("db") }]), "ready drifted");
    check(&view([UnitRow { applied: None, ..row("db") }]), "pending: it was not applied in full");
    check(&view([]), "deleted");
    let kept = view([UnitRow { retained: true, ..row("db") }]);
    check(&kept, "suspended: its file is gone and it is kept (deletionPolicy: retain)");
}

#[test]
fn what_the_last_tick_said_counts() {
    let ready = || view([row("db")]);
    let blocked = told(ready(), |state| {
        state.blocked.insert("db".to_owned(), "no item `x`".to_owned());
        state.outdated.insert(key("db"), "newer".to_owned());
    });
    check(&blocked, "blocked: no item `x`");
    let outdated = told(ready(), |state| {
        state.outdated.insert(key("db"), "1.0.0 to 1.1.0".to_owned());
        state.outdated.insert(key("other"), "newer".to_owned());
    });
    check(&outdated, "outdated: 1.0.0 to 1.1.0");
    let unknown = told(ready(), |state| {
        state.unknown.insert(key("db"), "a.yaml can't be read".to_owned());
    });
    check(&unknown, "unknown: a.yaml can't be read");
    let suspended = told(ready(), |state| {
        state.suspended.insert("db".to_owned());
    });
    check(&suspended, "suspended: its `state` is suspended");
    let pending = told(ready(), |state| {
        state.pending.insert("db".to_owned(), "waits for 1 approval".to_owned());
    });
    check(&pending, "pending: waits for 1 approval");
}

#[test]
fn a_planned_change_is_pending_for_the_units_that_it_touches() {
    let planned = |units: &[&str]| Some(plan(vec![change("db", units)], &[]));
    let soon = "pending: its change starts with the next tick";
    check(&view([row("db")]).with_plan(planned(&["db"])), soon);
    check(&view([]).with_plan(planned(&["db"])), soon);
    check(&view([row("db")]).with_plan(planned(&["db/app"])), "ready");
}

#[test]
fn a_run_weighs_more_than_what_is_wrong() {
    let blocked = || {
        let view = view([UnitRow { applied: None, ..row("db") }]);
        told(view, |state| {
            state.blocked.insert("db".to_owned(), "no item".to_owned());
        })
    };
    check(&running(blocked(), vec![]), "converging: waits for its turn [0b1]");
    check(&running(blocked(), begin("db/make")), "converging [0b1]");
    let mut events = begin("db/make");
    events.push(waits("db/make"));
    check(&running(blocked(), events), "waiting: task 1 “Make \u{1b}[31mit” [0b1]");
    let mut events = begin("db/make");
    let retry = StepEvent::Retry { fault: Fault::transient("502"), not_before: at(990) };
    events.push(of_step("db/make", retry));
    let why = "retry of step `db/make` at 1970-01-01T00:16:30Z after: 502";
    check(&running(blocked(), events), &format!("converging: {why} [0b1]"));
}

#[test]
fn a_run_that_stopped_stands_until_something_newer_is_wanted() {
    check(&stopped(view([row("db")])), "stalled: 502 [0b2]");
    let of = |why: Pending| Some(plan(vec![change("db", &["db"])], &[("db", why)]));
    let again = Pending::Stalled { run: crate::id::RunId("0b2".to_owned()), why: "502".to_owned() };
    check(&stopped(view([row("db")])).with_plan(of(again)), "stalled: 502 [0b2]");
    let newer = told(stopped(view([row("db")])), |state| {
        state.pending.insert("db".to_owned(), "waits for 1 approval".to_owned());
    });
    check(&newer.with_plan(of(approval())), "pending: waits for 1 approval");
}

#[test]
fn a_hold_weighs_more_than_anything() {
    let hold = |view: View| {
        told(view, |state| {
            let (by, why, at) = ("ada".to_owned(), "an audit".to_owned(), at(9));
            state.held.insert("db".to_owned(), OnHold { by, why, at });
        })
    };
    check(&hold(view([row("db")])), "held: held by ada: an audit");
    check(&hold(running(view([row("db")]), begin("db/make"))), "held: held by ada: an audit [0b1]");
    check(&hold(stopped(view([row("db")]))), "held: held by ada: an audit");
    check(&hold(view([row("web")])), "held: held by ada: an audit");
    assert!(hold(view([])).services().contains_key("db"), "one that has no unit yet is shown");
}

#[tokio::test]
async fn a_hold_counts_before_anybody_acted_on_it() {
    let world = World::new().await;
    world.has([unit("db")]).await;
    let service = "db".to_owned();
    let word = DecisionKind::Hold { service: service.clone(), reason: "an audit".to_owned() };
    world.store.decide("ada", at(1), &word).await.expect("recorded");
    let held = async |world: &World| View::read(&world.store).await.expect("reads").state.held;
    assert_eq!(held(&world).await["db"].to_string(), "held by ada: an audit");
    let word = DecisionKind::Release { service, reason: "done".to_owned() };
    world.store.decide("bob", at(2), &word).await.expect("recorded");
    assert!(held(&world).await.is_empty());
}

#[test]
fn a_service_stands_as_its_most_urgent_unit() {
    let view = told(view([row("shop/app"), row("shop/db"), row("web")]), |state| {
        state.outdated.insert(key("shop/db"), "newer".to_owned());
        state.blocked.insert("never".to_owned(), "no item".to_owned());
    });
    let services = view.services();
    let said: Vec<String> = services
        .values()
        .map(|service| format!("{} {} {}", service.id, service.standing.state, service.units.len()))
        .collect();
    assert_eq!(said, ["never blocked 0", "shop outdated 2", "web ready 1"]);
}

#[test]
fn every_state_stands_once_in_its_order() {
    assert!(UnitState::ALL.is_sorted_by(|one, two| one < two));
    for state in UnitState::ALL {
        assert_eq!(serde_json::to_value(state).expect("a word"), state.to_string());
    }
}

#[tokio::test]
async fn a_view_is_read_from_the_store() {
    let world = World::new().await;
    world.has([unit("web"), unit("db")]).await;
    world.runs(run("0b1", change("db", &["db"])), begin("db/make")).await;
    let mut events = begin("web/make");
    events.extend(fails("web/make"));
    world.runs(run("0b2", change("web", &["web"])), events).await;
    world.plans(&plan(vec![change("new", &["new"])], &[])).await;
    let view = View::read(&world.store).await.expect("reads");
    let said: Vec<String> =
        view.units().iter().map(|unit| format!("{} {}", unit.key, unit.standing.state)).collect();
    assert_eq!(said, ["db converging", "new pending", "web stalled"]);
}
