//! Stories of what goes wrong outside and in the driver itself: who is left alone, who waits, who is parked.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::tests::{HOST, service};
use super::world::{Given, World};
use crate::action::testing::{Counterpart, Trick, ports as loopback};
use crate::action::{Owner, Ports, SecretSource};
use crate::clock::Clock;
use crate::engine::Limits;
use crate::run::{BreakerPolicy, Cap, Capacity, Fault, StepState};
use crate::secret::Secret;
use crate::store::{BreakerStore as _, Store as _};

/// An item that makes one thing by one request.
const THING: &str = r#"--- catalog/things/ITEM.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: ITEM
  name: Thing
  description: A thing that one request makes at a target that may be anywhere, or nowhere at all.
  version: 1.0.0
  category: things
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: size, name: Size, type: number, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Make it, instructions: By hand}}
  automatic:
    actions:
      - id: make
        type: rest-api
        retry: {attempts: 1}
        config:
          endpoint: {url: "URL/v1/{{service.id}}", method: PUT}
          headers: {x-size: "HEADER"}
          body: {type: json, contentTemplate: '{"size": {{json fields.size}}}'}
"#;

pub(super) fn item(id: &str, counterpart: &Counterpart, header: &str) -> String {
    THING.replace("ITEM", id).replace("URL", &counterpart.url("")).replace("HEADER", header)
}

pub(super) fn thing(team: &str, id: &str, item: &str) -> String {
    service(id, &format!("catalogItem: {item}"), "{size: 1}")
        .replace("services/payments", &format!("services/{team}"))
        .replace("team: payments", &format!("team: {team}"))
}

/// A clock that stands until it is moved.
#[derive(Default)]
struct Still(AtomicI64);

impl Still {
    fn later(&self, duration: Duration) {
        let ms = i64::try_from(duration.as_millis()).expect("fits");
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + self.0.load(Ordering::SeqCst)).expect("is")
    }
}

pub(super) struct Told {
    pub(super) world: World,
    clock: Arc<Still>,
}

async fn told(files: &str, limits: Limits) -> Told {
    told_with(files, limits, |ports| Ports { http: loopback().http, ..ports }).await
}

pub(super) async fn told_with(
    files: &str,
    limits: Limits,
    reach: impl Fn(Ports) -> Ports + Send + Sync + 'static,
) -> Told {
    let clock = Arc::new(Still::default());
    let given = Given { ports: Arc::new(reach), clock: clock.clone(), limits };
    Told { world: World::given(files, given).await, clock }
}

impl Told {
    /// Plans, and lets begin what may; nothing ends.
    pub(super) async fn begin(&mut self) {
        self.world.daemon.tick().await.expect("ticked");
        let catalog = self.world.daemon.catalog.clone();
        self.world.daemon.driver.advance(&catalog).await.expect("advanced");
    }

    /// Lets one attempt begin, or be taken up again, and end.
    pub(super) async fn attempt(&mut self) {
        self.begin().await;
        let attempt = self.world.daemon.driver.finished().await;
        let catalog = self.world.daemon.catalog.clone();
        self.world.daemon.driver.take(attempt, &catalog).await.expect("taken");
        self.clock.later(Duration::from_secs(1));
    }

    pub(super) fn later(&self, duration: Duration) {
        self.clock.later(duration);
    }

    /// Lists the open runs whose step is in effect, with the number of the attempt.
    async fn in_effect(&self) -> Vec<String> {
        let runs = self.world.store.open_runs().await.expect("read");
        let steps = runs.iter().flat_map(|run| {
            let started = run.steps.values().filter(|step| step.state == StepState::Started);
            started.map(|step| format!("{}#{}", run.change.service, step.attempts))
        });
        steps.collect()
    }

    async fn runs(&self, state: &str) -> usize {
        self.world.runs().await.iter().filter(|run| run.ends_with(state)).count()
    }

    async fn breakers(&self) -> Vec<String> {
        let known = self.world.store.breakers().await.expect("read");
        known.values().map(|breaker| breaker.state.word().to_owned()).collect()
    }
}

fn one_by_one() -> Limits {
    let breaker = BreakerPolicy {
        failures: 3,
        pause: Duration::from_hours(1),
        longest: Duration::from_hours(2),
    };
    Limits { capacity: Capacity::within(1), breaker, ..Limits::default() }
}

fn down() -> Trick {
    Trick::Answer(503, "", "down for maintenance".to_owned())
}

#[tokio::test]
async fn who_fails_again_and_again_is_left_alone_and_asked_once_later() {
    let counterpart = Counterpart::start().await;
    let things: String =
        (0..6).map(|n| thing("payments", &format!("thing-{n}"), "thing")).collect();
    counterpart.play([down(), down(), down(), down()]);
    let files = [item("thing", &counterpart, "1"), things].concat();
    let mut told = told(&files, one_by_one()).await;
    let settled = told.world.settle().await;
    assert_eq!((settled.failed.len(), settled.waiting.len()), (3, 3), "{settled:?}");
    assert_eq!((counterpart.seen().len(), told.breakers().await), (3, vec!["open".to_owned()]));
    let shut = told.world.daemon.driver.shut();
    assert!(shut[0].contains("by `rest-api` is not asked before 2023-11-14T2"), "{shut:?}");
    assert!(shut[0].contains("after 3 failures in a row") && shut[0].contains("503"), "{shut:?}");
    told.world.restart().await;
    told.world.settle().await;
    assert_eq!(counterpart.seen().len(), 3, "nobody asks before the pause is over");
    told.clock.later(Duration::from_mins(70));
    told.world.settle().await;
    assert_eq!(counterpart.seen().len(), 4, "one asks for all");
    assert_eq!((told.runs("failed").await, told.runs("needs-decision").await), (4, 0));
    told.clock.later(Duration::from_mins(70));
    told.world.settle().await;
    assert_eq!(counterpart.seen().len(), 4, "the second pause is twice as long");
    told.clock.later(Duration::from_mins(70));
    told.world.settle().await;
    assert_eq!((counterpart.seen().len(), told.breakers().await), (6, vec![]));
    assert_eq!(told.runs("succeeded").await, 2);
    let audit = told.world.store.audit_after(0, 1_000).await.expect("read");
    let states = audit.iter().filter_map(|entry| entry.what.strip_prefix("breaker."));
    let expected = ["opened", "half-opened", "opened", "half-opened", "closed"];
    assert_eq!(states.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn who_refuses_works_and_others_are_not_held_up() {
    let (broken, fine) = (Counterpart::start().await, Counterpart::start().await);
    broken.play((0..9).map(|_| Trick::Answer(422, "", "no".to_owned())));
    let things: String =
        (0..4).map(|n| thing("payments", &format!("thing-{n}"), "thing")).collect();
    let other = thing("platform", "other-one", "other");
    let files = [item("thing", &broken, "1"), item("other", &fine, "1"), things, other].concat();
    let mut told = told(&files, one_by_one()).await;
    assert_eq!(told.world.settle().await.failed.len(), 4);
    assert_eq!((told.breakers().await, fine.seen().len()), (vec![], 1));
}

/// How many steps of each team are in effect, of five that each wants.
async fn shares(capacity: Capacity) -> [usize; 2] {
    let counterpart = Counterpart::start().await;
    counterpart.play((0..10).map(|_| Trick::LateAfter));
    let of = |team: &str| -> String {
        (0..5).map(|n| thing(team, &format!("{team}-{n}"), "thing")).collect()
    };
    let files = [item("thing", &counterpart, "1"), of("payments"), of("platform")].concat();
    let mut told = told(&files, Limits { capacity, ..Limits::default() }).await;
    told.begin().await;
    let begun = told.in_effect().await;
    told.begin().await;
    assert_eq!(told.in_effect().await, begun, "nothing ended, so nothing begins");
    ["payments", "platform"].map(|team| begun.iter().filter(|it| it.starts_with(team)).count())
}

#[tokio::test]
async fn no_more_begins_than_each_bound_allows_and_teams_take_turns() {
    assert_eq!(shares(Capacity::within(4)).await, [2, 2]);
    let at_most = |all: usize, team: usize, target: usize| Capacity {
        all,
        teams: Cap::of_each(team),
        actions: Cap::default(),
        targets: Cap::of_each(target),
    };
    assert_eq!(shares(at_most(16, 3, 16)).await, [3, 3]);
    assert_eq!(shares(at_most(16, 16, 6)).await, [3, 3]);
    let named = Cap { usual: None, named: [("platform".to_owned(), 1)].into() };
    assert_eq!(shares(Capacity { teams: named, ..at_most(16, 0, 16) }).await, [5, 1]);
    let actions = Cap { usual: None, named: [("rest-api".to_owned(), 1)].into() };
    // Which of two that are as old and as urgent goes first is nobody's to say.
    let begun = shares(Capacity { actions, ..at_most(16, 16, 16) }).await;
    assert_eq!(begun.iter().sum::<usize>(), 1, "{begun:?}");
}

#[tokio::test]
async fn who_ends_the_process_three_times_is_parked_and_nobody_else() {
    let counterpart = Counterpart::start().await;
    let files = [
        item("thing", &counterpart, "1"),
        thing("payments", "one-thing", "thing"),
        thing("payments", "two-thing", "thing"),
    ]
    .concat();
    let mut told = told(&files, Limits::default()).await;
    for attempt in [1, 2] {
        told.begin().await;
        let both = [format!("one-thing#{attempt}"), format!("two-thing#{attempt}")];
        assert_eq!(told.in_effect().await, both);
        told.world.restart().await;
    }
    // Both are suspects now, and one is tried alone.
    told.begin().await;
    let begun = told.in_effect().await;
    let ended: Vec<&String> = begun.iter().filter(|it| it.ends_with("#3")).collect();
    assert_eq!((begun.len(), ended.len()), (2, 1), "{begun:?}");
    let poison = ended[0].trim_end_matches("#3").to_owned();
    told.world.restart().await;
    let settled = told.world.settle().await;
    let why = "step `make` was in effect 3 times when the process ended";
    assert_eq!(settled.failed, [(poison.clone(), why.to_owned())].into());
    assert_eq!((told.runs("parked").await, told.runs("succeeded").await), (1, 1));
    let tries = counterpart.seen().iter().filter(|seen| seen.path.ends_with(&poison)).count();
    assert!(tries <= 3, "{tries}");
    told.world.restart().await;
    assert_eq!(told.world.settle().await.failed.len(), 1, "it stays so");
}

#[tokio::test]
async fn an_attempt_that_ends_clears_of_suspicion() {
    let counterpart = Counterpart::start().await;
    counterpart.play((0..30).map(|_| down()));
    let again = item("thing", &counterpart, "1").replace("attempts: 1", "attempts: 9, delay: 1ms");
    let files = [again, thing("payments", "a-thing", "thing")].concat();
    let limits =
        Limits { breaker: BreakerPolicy { failures: 99, ..one_by_one().breaker }, ..one_by_one() };
    let mut told = told(&files, limits).await;
    for _ in 0..4 {
        told.begin().await;
        told.world.restart().await;
        told.attempt().await;
    }
    told.attempt().await;
    told.begin().await;
    assert_eq!(told.world.runs().await, ["create a-thing failed"], "after nine attempts");
}

/// Breaks down over one secret.
struct Breaks;

#[async_trait]
impl SecretSource for Breaks {
    async fn find(&self, _: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        assert!(name != "POISON", "not this one");
        Ok(Secret::new("a-secret-word"))
    }
}

#[tokio::test]
async fn who_breaks_the_driver_down_three_times_is_parked_and_others_go_on() {
    let counterpart = Counterpart::start().await;
    let files = [
        item("poison", &counterpart, "{{secrets.POISON}}"),
        item("thing", &counterpart, "{{secrets.FINE}}"),
        thing("payments", "a-poison", "poison"),
        thing("payments", "b-thing", "thing"),
    ]
    .concat();
    let reach = |ports| Ports { http: loopback().http, secrets: Arc::new(Breaks), ..ports };
    let mut told = told_with(&files, Limits::default(), reach).await;
    for open in [1, 1, 0] {
        told.world.settle().await;
        assert_eq!(told.runs("running").await, open);
        assert_eq!(told.runs("succeeded").await, 1, "others go on");
        told.clock.later(Duration::from_secs(2));
    }
    let settled = told.world.settle().await;
    let why = "driving it broke down 3 times, which is a fault of Trueline's: not this one";
    assert_eq!(settled.failed, [("a-poison".to_owned(), why.to_owned())].into());
    assert_eq!(told.runs("parked").await, 1);
}

#[tokio::test]
async fn a_run_that_takes_too_long_fails_and_asks_nobody_any_more() {
    let limits = Limits { run: Some(Duration::from_hours(1)), ..Limits::default() };
    let host = service("one-host", "catalogItem: host-by-hand", "{name: one}");
    let mut told = told(&[HOST, &host].concat(), limits).await;
    told.world.settle().await;
    told.clock.later(Duration::from_mins(59));
    told.world.settle().await;
    assert_eq!(told.world.open_tasks().await.len(), 1);
    told.clock.later(Duration::from_mins(1));
    let settled = told.world.settle().await;
    let why = &settled.failed["one-host"];
    assert_eq!(why, "it took longer than 1h (limits.runTimeout)");
    assert!(told.world.open_tasks().await.is_empty());
    assert_eq!(told.world.runs().await, ["create one-host failed"]);
}

#[tokio::test]
async fn a_step_that_was_tried_for_too_long_is_not_tried_again() {
    let counterpart = Counterpart::start().await;
    counterpart.play((0..9).map(|_| down()));
    let slow = item("thing", &counterpart, "1").replace("attempts: 1", "attempts: 9, delay: 5m");
    let limits = Limits { step: Some(Duration::from_mins(6)), ..Limits::default() };
    let mut told = told(&[slow, thing("payments", "a-thing", "thing")].concat(), limits).await;
    for seen in [1, 2] {
        told.attempt().await;
        assert_eq!(counterpart.seen().len(), seen);
        told.clock.later(Duration::from_mins(5));
    }
    told.begin().await;
    assert_eq!(told.runs("running").await, 0, "{:?}", told.world.runs().await);
}
