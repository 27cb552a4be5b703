//! One case, told by the real daemon: a service is asked for, its action fails once, and the engine does what it does.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::failure::Failure;
use super::subject::{Between, Known, Shared, canaries};
use super::subjects::Made;
use crate::action::Ports;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::daemon::world::{Given, World};
use crate::digest::Digest;
use crate::finding::Severity;
use crate::reconcile::{Change, Pending};
use crate::run::Run;
use crate::store::{DecisionKind, Store as _};

/// A service of the item that has the action, and one that rests: where nothing is left at all, nothing is removed.
const SERVICE: &str = "--- services/payments/first.yaml\nschemaVersion: catalog/v1\nkind: Service\n\
     metadata: {id: first, team: payments}\ncatalogItem: tried\nfields: {size: 3}\n\
     --- services/payments/other.yaml\nschemaVersion: catalog/v1\nkind: Service\n\
     metadata: {id: other, team: payments}\ncatalogItem: tried\nfields: {size: 3}\nstate: suspended\n";

/// More turns than any case needs.
const TURNS: usize = 300;

/// How long it is waited for another forecast.
const AGAIN: Duration = Duration::from_mins(1);

/// How far the clock of the daemon is ahead of that of the machine.
#[derive(Default)]
struct Ahead(Mutex<Duration>);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.0.lock().unwrap()
    }
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Came {
    pub(super) effects: Vec<usize>,
    /// `succeeded`, `failed`, `needs-decision`.
    pub(super) state: String,
    /// What passed the wire.
    pub(super) seen: Vec<String>,
    /// How many requests had passed before the service was to go.
    pub(super) before: usize,
}

/// How a case goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) kind: &'static str,
    /// The service goes again, and that is what is tried.
    pub(super) removes: bool,
    /// The process ends once between the first attempt and its record.
    pub(super) crashes: bool,
    pub(super) fails: Option<(usize, Failure)>,
}

pub(super) struct Story {
    pub(super) subject: Shared,
    world: World,
    clock: Arc<Ahead>,
    crashes: bool,
    approved: BTreeSet<Digest>,
}

impl Story {
    async fn of(subject: Shared, case: Case) -> Self {
        let clock = Arc::new(Ahead::default());
        let (setting, told) = (Arc::clone(&subject), Arc::clone(&clock));
        let limit = case.fails.filter(|(_, failure)| failure.hangs()).map(|_| subject.limit());
        let files = format!("{}{SERVICE}", item(case.kind, limit, &subject.document()));
        let ports = move |ports: Ports| {
            let channels = setting.operator();
            let secrets = setting.secrets();
            Ports {
                operator: Arc::new(channels),
                secrets: Arc::new(Known(secrets)),
                http: crate::action::testing::ports().http,
                ..ports
            }
        };
        let given = Given { ports: Arc::new(ports), clock: told, ..Given::default() };
        let mut world = World::given(&files, given).await;
        world.daemon.look().await.expect("a look");
        let judged = world.daemon.judged().expect("judged");
        let wrong = judged.findings.iter().filter(|it| it.severity == Severity::Error);
        let wrong: Vec<&str> = wrong.map(|it| it.message.as_str()).collect();
        assert!(wrong.is_empty(), "{case:?}: {wrong:?}");
        Self { subject, world, clock, crashes: case.crashes, approved: BTreeSet::new() }
    }

    /// Drives until no run is open.
    async fn drive(&mut self) {
        for _ in 0..TURNS {
            let ticked = self.world.daemon.tick().await.expect("a tick");
            while self.world.daemon.driver.is_forecasting() {
                let made = self.world.daemon.driver.forecasted().await;
                self.world.daemon.driver.take_forecast(made);
                self.subject.between().heal().await;
            }
            let catalog = self.world.daemon.catalog.clone();
            let wake = self.world.daemon.driver.advance(&catalog).await.expect("advanced");
            if self.world.daemon.driver.is_busy() {
                let attempt = self.world.daemon.driver.finished().await;
                self.subject.between().heal().await;
                if std::mem::take(&mut self.crashes) {
                    drop(attempt);
                    self.world.restart().await;
                    continue;
                }
                self.world.daemon.driver.take(attempt, &catalog).await.expect("taken");
                continue;
            }
            if self.approves().await {
                continue;
            }
            let open = !self.world.daemon.driver.memory.runs.is_empty();
            let forecasts = self.forecasts();
            if !open && ticked.started == 0 && !self.is_planned() && !forecasts {
                return;
            }
            let wake = if forecasts { Some(self.clock.now() + AGAIN) } else { wake };
            // While something is tried again, nobody has anything to do yet.
            if !self.world.daemon.driver.memory.runs.values().any(Run::has_retry) {
                self.subject.people().await;
            }
            for task in self.world.open_tasks().await {
                self.world.complete(&task.step.0, &[]).await;
            }
            self.jump(wake);
        }
        let plan = self.world.daemon.plan.as_ref().map(|plan| &plan.pending);
        panic!("it never ends: {:?} {plan:?}", self.world.daemon.driver.memory.runs);
    }

    /// Approves what people are asked about, each once.
    async fn approves(&mut self) -> bool {
        let Some(plan) = &self.world.daemon.plan else { return false };
        let waits = |change: &&Change| plan.pending.contains_key(&change.service);
        let waits: Vec<Digest> = plan.changes.iter().filter(waits).map(|it| it.digest).collect();
        let new: Vec<Digest> = waits.into_iter().filter(|it| self.approved.insert(*it)).collect();
        for subject in &new {
            let changes = vec![*subject];
            self.world
                .decide(&DecisionKind::Approve {
                    subject: *subject,
                    changes,
                    comment: String::new(),
                })
                .await;
        }
        !new.is_empty()
    }

    /// Tells whether a change waits for something that comes by itself.
    fn is_planned(&self) -> bool {
        let plan = self.world.daemon.plan.as_ref();
        plan.is_some_and(|plan| plan.ready().next().is_some())
    }

    /// Tells whether a change waits for a forecast, which is tried again after a while.
    fn forecasts(&self) -> bool {
        let plan = self.world.daemon.plan.as_ref();
        let mut pending = plan.into_iter().flat_map(|plan| plan.pending.values().flatten());
        pending.any(|why| matches!(why, Pending::Forecast { .. }))
    }

    fn jump(&self, wake: Option<Timestamp>) {
        let Some(wake) = wake else { return };
        let far = wake.as_millisecond() - self.clock.now().as_millisecond();
        let far = Duration::from_millis(u64::try_from(far).unwrap_or(0));
        *self.clock.0.lock().unwrap() += far;
        self.subject.later(self.world.folder.path(), far);
    }

    /// Returns how the last run ended.
    async fn state(&mut self) -> String {
        let runs = self.world.store.runs(None, 100).await.expect("runs");
        runs.first().map(|run| run.state.to_string()).unwrap_or_default()
    }

    /// Fails where anything that is kept holds a secret.
    async fn holds_no_secret(&mut self) {
        let mut kept = Vec::new();
        for run in self.world.store.runs(None, 100).await.expect("runs") {
            kept.push(format!("{:?}", self.world.store.run(&run.id).await.expect("a run")));
        }
        let audit = self.world.store.audit_after(0, 10_000).await.expect("the audit chain");
        let tasks = self.world.store.tasks(false).await.expect("tasks");
        let keys = self.world.store.unit_rows().await.expect("rows");
        let keys: Vec<_> = keys.into_iter().map(|row| row.key).collect();
        let units = self.world.store.units(&keys).await.expect("units");
        kept.push(format!("{audit:?} {tasks:?} {units:?}"));
        let kept = kept.concat();
        for canary in canaries() {
            if let Some(at) = kept.find(&canary) {
                let from = kept.floor_char_boundary(at.saturating_sub(300));
                panic!("`{canary}` is kept after …{}", &kept[from..at]);
            }
        }
    }
}

/// Tells a case on a thread of its own: what a daemon holds may not be shared between threads.
pub(super) async fn tell(make: fn() -> Made, case: Case) -> Result<Came, String> {
    let told =
        move || Handle::current().block_on(async { Box::pin(tell_here(make().await, case)).await });
    match tokio::task::spawn_blocking(told).await {
        Ok(came) => Ok(came),
        Err(error) => {
            let why = error.into_panic();
            Err(why.downcast_ref::<String>().cloned().unwrap_or_else(|| "it broke down".to_owned()))
        }
    }
}

/// Tells a case from its beginning to its end, and checks what holds in every one.
async fn tell_here(subject: Shared, case: Case) -> Came {
    let mut story = Story::of(subject, case).await;
    let limit = story.subject.limit();
    let armed = Arc::clone(&story.subject);
    let arm = async || {
        if let Some((at, failure)) = case.fails {
            armed.between().arm(at, failure, limit).await;
        }
    };
    if !case.removes {
        arm().await;
    }
    story.drive().await;
    let mut before = 0;
    if case.removes {
        assert_eq!(story.state().await, "succeeded", "{case:?}");
        before = story.subject.between().seen().len();
        arm().await;
        story.world.write("--- services/payments/first.yaml\n");
        story.drive().await;
    }
    let count = story.effects(case).await;
    let came = Came {
        effects: count,
        state: story.state().await,
        seen: story.subject.between().seen(),
        before,
    };
    story.holds_no_secret().await;
    assert_eq!(story.subject.between().trapped(), 0, "{case:?}: nobody goes where we are sent");
    if came.state != "succeeded" {
        // The counterpart is well again, and a person asks for it once more.
        let service = Some("first".to_owned());
        story.world.decide(&DecisionKind::Apply { service }).await;
        story.drive().await;
        assert_eq!(story.state().await, "succeeded", "{case:?}: asked for again after {came:?}");
        if came.effects.iter().all(|count| *count == 0) {
            assert!(
                story.effects(case).await.iter().all(|count| *count == 1),
                "{case:?}: asked for again"
            );
        }
        story.holds_no_secret().await;
    }
    came
}

impl Story {
    /// Reads the ledger; where there is no other side, it is our own list of tasks.
    async fn effects(&mut self, case: Case) -> Vec<usize> {
        match self.subject.between() {
            _ if case.removes => self.subject.removals(),
            Between::Nothing => vec![self.world.store.tasks(false).await.expect("tasks").len()],
            _ => self.subject.effects(),
        }
    }
}

/// Writes the item; where the limit of an attempt is to be met, it is a short one.
fn item(kind: &str, limit: Option<Duration>, (config, outputs): &(Value, Value)) -> String {
    let timeout = limit.map_or("5m".to_owned(), |limit| format!("{}ms", limit.as_millis()));
    let action = json!({
        "id": "act", "type": kind, "timeout": timeout,
        "retry": {"attempts": 4, "delay": "1s"}, "config": config, "outputs": outputs,
    });
    let (mode, other) = if kind == "manual-task" { ("manual", "") } else { ("automatic", MANUAL) };
    format!(
        "{HEAD}fulfillment:\n  strategy: {{mode: {mode}}}\n{other}  {mode}:\n    actions:\n      - {action}\n"
    )
}

const MANUAL: &str = "  manual:\n    actions:\n      - {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}\n";

const HEAD: &str = "--- catalog/tests/tried.yaml
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: tried
  name: Tried
  description: What is tried while everything that can fail does, one after the other.
  version: 1.0.0
  category: tests
  owner: {team: platform, contact: platform@acme.example}
presentation:
  form:
    groups:
      - {id: main, name: Main, fields: [{id: size, name: Size, type: number, required: true}]}
";
