//! Stories of operations that come by a schedule, with a clock that the test sets.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::tests::{HOST, service};
use super::world::{Given, World};
use crate::clock::Clock;
use crate::reconcile::Schedule;
use crate::store::Store as _;

/// A clock that stands still until it is set.
#[derive(Clone)]
pub(super) struct Set(Arc<Mutex<Timestamp>>);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("unbroken")
    }
}

impl Set {
    pub(super) fn at(text: &str) -> Self {
        Self(Arc::new(Mutex::new(text.parse().expect("a time"))))
    }

    pub(super) fn set(&self, text: &str) {
        *self.0.lock().expect("unbroken") = text.parse().expect("a time");
    }
}

/// A host whose password is rotated at three every morning in Berlin.
fn rotated(catch_up: &str) -> String {
    let operations = format!(
        "fulfillment:\n  operations:\n    rotate:\n      schedule: {{cron: \"0 3 * * *\", timezone: Europe/Berlin, catchUp: {catch_up}}}\n      \
         actions: [{{id: turn, type: notify, config: {{channel: log, subject: Turned, message: \"{{{{service.id}}}} is turned\"}}}}]\n"
    );
    HOST.replacen("fulfillment:\n", &operations, 1)
}

async fn world(catch_up: &str, clock: &Set) -> World {
    let host = service("my-host", "catalogItem: host-by-hand", "{name: mine}");
    let given = Given { clock: Arc::new(clock.clone()), ..Given::default() };
    let mut world = World::given(&[rotated(catch_up), host].concat(), given).await;
    world.settle().await;
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    world.settle().await;
    assert_eq!(world.runs().await, ["create my-host succeeded"]);
    world
}

/// Settles at a time, and returns how many operations there were.
async fn rotations(world: &mut World, clock: &Set, at: &str) -> usize {
    clock.set(at);
    world.settle().await;
    let runs = world.runs().await;
    runs.iter().filter(|run| *run == "operate my-host succeeded").count()
}

#[tokio::test]
async fn an_operation_comes_at_its_time_once_whatever_ends_in_between_and_however_clocks_are_set() {
    let clock = Set::at("2026-06-01T12:00:00Z");
    let mut world = world("once", &clock).await;
    assert_eq!(
        rotations(&mut world, &clock, "2026-06-02T00:59:59Z").await,
        0,
        "its hour is Berlin's"
    );
    assert_eq!(rotations(&mut world, &clock, "2026-06-02T01:00:30Z").await, 1);
    for at in ["2026-06-02T01:00:31Z", "2026-06-01T12:00:00Z", "2026-06-02T01:10:00Z"] {
        assert_eq!(rotations(&mut world, &clock, at).await, 1, "{at}");
        world.restart().await;
        assert_eq!(rotations(&mut world, &clock, at).await, 1, "{at} after a crash");
    }
    // It ends between the durable beginning and the end of its work, and goes on.
    clock.set("2026-06-03T01:00:30Z");
    world.daemon.tick().await.expect("ticked");
    world.restart().await;
    assert_eq!(rotations(&mut world, &clock, "2026-06-03T01:00:31Z").await, 2);
    // Nothing of the unit itself has changed.
    assert_eq!(world.outputs("my-host").await["host"], "h");
    assert!(world.settle().await.is_converged());
}

#[tokio::test]
async fn what_was_missed_while_nobody_drove_is_skipped_made_up_for_once_or_each() {
    for (catch_up, expected) in [("skip", 0), ("once", 1), ("all", 3)] {
        let clock = Set::at("2026-06-01T12:00:00Z");
        let mut world = world(catch_up, &clock).await;
        clock.set("2026-06-04T12:00:00Z");
        world.restart().await;
        let done = rotations(&mut world, &clock, "2026-06-04T12:00:00Z").await;
        assert_eq!(done, expected, "{catch_up}");
        let next = rotations(&mut world, &clock, "2026-06-05T01:00:30Z").await;
        assert_eq!(next, expected + 1, "{catch_up}");
    }
}

#[tokio::test]
async fn a_suspended_service_is_left_alone_and_another_schedule_begins_anew() {
    let clock = Set::at("2026-06-01T12:00:00Z");
    let mut world = world("all", &clock).await;
    let host = |more: &str| service("my-host", "catalogItem: host-by-hand", "{name: mine}") + more;
    world.write(&host("state: suspended\n"));
    assert_eq!(rotations(&mut world, &clock, "2026-06-02T03:00:00Z").await, 0);
    let hourly = rotated("all").replace("0 3 * * *", "30 * * * *");
    world.write(&hourly);
    clock.set("2026-06-02T04:00:00Z");
    world.settle().await;
    world.write(&host(""));
    assert_eq!(rotations(&mut world, &clock, "2026-06-02T04:05:00Z").await, 0, "none of before");
    assert_eq!(rotations(&mut world, &clock, "2026-06-02T04:31:00Z").await, 1);
    let record = world.store.units(&[crate::id::UnitKey::service("my-host")]).await.expect("read");
    assert_eq!(record[0].fired["rotate"].slot.to_string(), "2026-06-02T04:30:00Z");
}

#[tokio::test]
async fn a_drift_sweep_that_is_scheduled_comes_once_at_its_time() {
    let clock = Set::at("2026-06-01T12:00:00Z");
    let mut world = world("skip", &clock).await;
    let schedule =
        serde_json::json!({"cron": "0 2 * * *", "timezone": "Etc/UTC", "catchUp": "once"});
    let schedule = Schedule::read(&schedule).expect("reads");
    world.daemon.sweep_at = Some(schedule.clone());
    let due = async |world: &mut World, at: &str| {
        clock.set(at);
        world.daemon.sweep_is_due().await.expect("asked")
    };
    assert!(!due(&mut world, "2026-06-01T12:00:00Z").await, "it begins to count");
    assert_eq!(world.daemon.next_sweep().expect("next").to_string(), "2026-06-02T02:00:00Z");
    assert!(due(&mut world, "2026-06-02T02:00:00Z").await);
    world.restart().await;
    world.daemon.sweep_at = Some(schedule);
    assert!(!due(&mut world, "2026-06-02T02:00:01Z").await);
    assert!(!due(&mut world, "2026-06-01T23:00:00Z").await, "the clock was set back");
    assert!(due(&mut world, "2026-06-05T12:00:00Z").await);
    assert!(!due(&mut world, "2026-06-05T12:00:01Z").await);
}

#[tokio::test]
async fn one_that_gave_way_to_a_newer_revision_comes_after_it_and_once() {
    let clock = Set::at("2026-06-01T12:00:00Z");
    let item = rotated("skip").replace(
        "type: notify, config: {channel: log, subject: Turned, message: \"{{service.id}} is turned\"}",
        "type: manual-task, config: {title: turn}",
    );
    let given = Given { clock: Arc::new(clock.clone()), ..Given::default() };
    let host =
        |name: &str| service("my-host", "catalogItem: host-by-hand", &format!("{{name: {name}}}"));
    let mut world = World::given(&[item, host("mine")].concat(), given).await;
    world.settle().await;
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    world.settle().await;
    assert_eq!(rotations(&mut world, &clock, "2026-06-02T01:00:30Z").await, 0);
    assert_eq!(world.open_tasks().await[0].title, "turn");
    world.write(&host("other"));
    clock.set("2026-06-02T05:00:00Z");
    world.settle().await;
    world.restart().await;
    world.settle().await;
    world.complete("make", &[("host", "h"), ("password", "x")]).await;
    world.settle().await;
    world.complete("rotate~turn", &[]).await;
    assert_eq!(rotations(&mut world, &clock, "2026-06-02T05:00:01Z").await, 1);
    let expected = ["create", "operate", "update", "operate"];
    let runs = world.runs().await;
    let kinds: Vec<&str> = runs.iter().filter_map(|run| run.split(' ').next()).collect();
    assert_eq!(kinds, expected);
    assert_eq!(rotations(&mut world, &clock, "2026-06-02T06:00:00Z").await, 1);
}
