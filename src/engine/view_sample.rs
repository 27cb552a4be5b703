//! Rows of a store written by hand, for tests of what is derived from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::catalog::{DeletionPolicy, Priority};
use crate::digest::Digest;
use crate::id::{RunId, StepPath, Uid, UnitKey};
use crate::reconcile::{
    Applied, Change, ChangeKind, Definition, Effect, FieldChange, Inputs, Observation, Observed,
    Pending, Plan, PlannedStep, UnitChange, UnitRecord, UnitRow, Verdict, When,
};
use crate::run::{Event, Fault, Run, RunEvent, StepEvent, Wait};
use crate::store::{
    Approval, ApprovalState, CatalogState, Lease, LeaseHolder, SqliteStore, Store, Task, TaskState,
    UnitWrite,
};

/// The moment at which tests look.
pub(crate) fn now() -> Timestamp {
    at(1_000)
}

/// Returns a moment.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

/// Reads the name of a unit.
pub(crate) fn key(text: &str) -> UnitKey {
    let Ok(key) = text.parse();
    key
}

/// Makes how the item `postgres` is fulfilled: `url` is offered to all, `password` is sensitive.
pub(crate) fn definition() -> Arc<Definition> {
    let value = json!({
        "item": "postgres", "version": "1.2.0", "mode": "automatic", "onFailure": "stop",
        "create": [], "update": null, "delete": null, "before": [], "after": [], "operations": {},
        "outputs": {
            "url": {"value": "{{outputs.make.url}}"},
            "password": {"value": "{{outputs.make.password}}", "sensitive": true},
        },
        "metadata": {}, "immutable": [], "fields": ["size", "pin"], "secretFields": ["pin"],
    });
    Arc::new(serde_json::from_value(value).expect("a definition"))
}

/// Makes the row of a unit that is as it should be.
pub(crate) fn row(name: &str) -> UnitRow {
    let digest = Digest::of_bytes(name.as_bytes());
    UnitRow {
        key: key(name),
        uid: Uid(format!("uid-{name}")),
        applied: Some((digest, definition().digest())),
        drifted: false,
        held: false,
        retained: false,
    }
}

/// Makes a unit that is as it should be.
pub(crate) fn unit(name: &str) -> UnitRecord {
    let applied = Applied {
        intent: Digest::of_bytes(name.as_bytes()),
        definition_digest: definition().digest(),
        definition: definition(),
        inputs: Inputs {
            service: json!({"team": "payments", "environment": "production"}),
            ..Inputs::default()
        },
        fields: object(&json!({"size": "small", "pin": "hunter22", "key": {"secret": "KEY"}})),
        outputs: object(&json!({
            "url": "https://db\u{1b}[2J.example",
            "password": {"$sealed": "hunter22", "$hash": "h"},
        })),
        state: "active".to_owned(),
        depends_on: Vec::new(),
        siblings: Vec::new(),
        deletion: DeletionPolicy::Confirm,
        needs: Vec::new(),
        commit: "c0ffee0000000000".to_owned(),
        run: RunId("0a1".to_owned()),
        at: at(880),
    };
    UnitRecord {
        row: row(name),
        generation: 1,
        effect: 1,
        applied: Some(applied),
        basis: None,
        steps: BTreeMap::new(),
        observed: BTreeMap::new(),
        corrections: crate::reconcile::Corrections::default(),
        fired: BTreeMap::new(),
    }
}

/// Makes a unit whose step `make` differs from what was written.
pub(crate) fn drifted(name: &str) -> UnitRecord {
    let mut unit = unit(name);
    unit.row.drifted = true;
    let change = FieldChange {
        name: "/body/size".to_owned(),
        before: Some(json!("small")),
        after: Some(json!("hu\u{1b}[31mge")),
        immutable: false,
    };
    let seen = |observation| Observed { at: at(940), observation };
    unit.observed.insert("dns".to_owned(), seen(Observation::Absent));
    let observation = Observation::Different { changes: vec![change] };
    unit.observed.insert("make".to_owned(), seen(observation));
    unit
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

/// Makes a change that creates units of one service, each in one step `make`.
pub(crate) fn change(service: &str, units: &[&str]) -> Change {
    let units = units.iter().map(|name| UnitChange {
        unit: key(name),
        uid: None,
        kind: ChangeKind::Create,
        from: None,
        intent: Digest::of_bytes(name.as_bytes()),
        definition_digest: definition().digest(),
        source: Digest::of_bytes(b"source"),
        fields: vec![FieldChange {
            name: "size".to_owned(),
            before: None,
            after: Some(json!("small")),
            immutable: false,
        }],
        depends_on: Vec::new(),
        steps: vec![step(&format!("{name}/make"))],
        definition: definition(),
        inputs: Inputs::default(),
        state: "active".to_owned(),
        deletion: DeletionPolicy::Confirm,
        requires: Vec::new(),
        due: None,
    });
    let mut change = Change {
        digest: Digest::of_bytes(b""),
        service: service.to_owned(),
        team: "payments".to_owned(),
        environment: Some("production".to_owned()),
        path: format!("services/payments/{service}.yaml"),
        priority: Priority::Normal,
        units: units.collect(),
        needs: Vec::new(),
        after: Vec::new(),
        author: None,
        coauthors: Vec::new(),
        offer: None,
        error_handling: crate::catalog::ErrorHandling::Stop,
    };
    change.digest = change.compute_digest();
    change
}

fn step(path: &str) -> PlannedStep {
    let action = json!({"id": "make", "type": "manual-task", "config": {"title": "Make it"}});
    PlannedStep {
        path: StepPath(path.to_owned()),
        effect: Effect::Perform,
        when: When::Yes,
        depends_on: Vec::new(),
        action: serde_json::from_value(action).expect("an action"),
        config: json!({"title": "Make it"}),
        previous: None,
        outputs: Map::new(),
        forecast: None,
        failure: None,
    }
}

/// Makes a plan of changes, with why they wait.
pub(crate) fn plan(changes: Vec<Change>, pending: &[(&str, Pending)]) -> Plan {
    let mut plan = Plan {
        catalog: "main".to_owned(),
        commit: "c0ffee0000000000".to_owned(),
        digest: Digest::of_bytes(b""),
        changes,
        pending: BTreeMap::new(),
        blocked: BTreeMap::new(),
        outdated: BTreeMap::new(),
        drifted: Vec::new(),
        unknown: BTreeMap::new(),
        running: BTreeMap::new(),
        suspended: Vec::new(),
        expired: BTreeMap::new(),
        retained: Vec::new(),
        absent: std::collections::BTreeSet::new(),
        verdict: Verdict::default(),
    };
    for (service, why) in pending {
        plan.pending.entry((*service).to_owned()).or_default().push(why.clone());
    }
    plan.digest = plan.compute_digest();
    plan
}

/// Says that an approval is missing.
pub(crate) fn approval() -> Pending {
    Pending::Approval { why: "environment production".to_owned(), missing: 1, from: Vec::new() }
}

/// Makes a queued run.
pub(crate) fn run(id: &str, change: Change) -> Run {
    Run::new(RunId(id.to_owned()), Arc::new(change), 1, "c0ffee0000000000".to_owned(), at(900))
}

/// Takes events into a run; returns them as they are appended.
pub(crate) fn take(run: &mut Run, events: Vec<Event>) -> Vec<(Timestamp, Event)> {
    let taken = |(second, event): (i64, Event)| {
        run.apply_at(&event, at(second)).expect("fits");
        (at(second), event)
    };
    (901..).zip(events).map(taken).collect()
}

/// Makes the event of a run.
pub(crate) fn of_run(event: RunEvent) -> Event {
    Event::Run { event }
}

/// Makes the event of a step.
pub(crate) fn of_step(path: &str, event: StepEvent) -> Event {
    Event::Step { path: StepPath(path.to_owned()), event }
}

/// What leads a queued run to where a step of it is under way.
pub(crate) fn begin(path: &str) -> Vec<Event> {
    let started =
        StepEvent::Started { attempt: 1, key: "key-1".to_owned(), sent: Digest::of_bytes(b"sent") };
    vec![of_run(RunEvent::Started), of_step(path, StepEvent::Ready), of_step(path, started)]
}

/// A step that waits for a task.
pub(crate) fn waits(path: &str) -> Event {
    let what = "task 1 “Make \u{1b}[31mit”".to_owned();
    of_step(
        path,
        StepEvent::Waiting { on: Wait { on: "task".to_owned(), reference: json!(1), what } },
    )
}

/// What ends a run whose step is under way as failed.
pub(crate) fn fails(path: &str) -> Vec<Event> {
    let fault = Fault::terminal("the \u{1b}[31mAPI said no");
    let why = format!("step `{path}` failed: {fault}");
    vec![of_step(path, StepEvent::Failed { fault }), of_run(RunEvent::Failed { why })]
}

/// A store in memory that this test drives.
pub(crate) struct World {
    /// The store.
    pub(crate) store: SqliteStore,
    lease: Lease,
}

impl World {
    /// Makes an empty one.
    pub(crate) async fn new() -> Self {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        let (host, command) = ("here".to_owned(), "serve".to_owned());
        let holder = LeaseHolder { pid: 7, host, command };
        let lease = store.acquire(&holder, at(0)).await.expect("free");
        Self { store, lease }
    }

    /// Stops driving.
    pub(crate) async fn leaves(&self) {
        self.store.release(&self.lease).await.expect("released");
    }

    /// Remembers a state of the catalog.
    pub(crate) async fn remembers(&self, state: &CatalogState) {
        self.store.save_catalog_state(&self.lease, state).await.expect("saved");
    }

    /// Records units.
    pub(crate) async fn has(&self, units: impl IntoIterator<Item = UnitRecord>) {
        let writes: Vec<UnitWrite> =
            units.into_iter().map(|unit| UnitWrite::Put(Box::new(unit))).collect();
        self.store.write_units(&self.lease, &writes).await.expect("written");
    }

    /// Keeps a plan.
    pub(crate) async fn plans(&self, plan: &Plan) {
        self.store.save_plan(&self.lease, plan, at(950)).await.expect("saved");
    }

    /// Records a run and what happened to it.
    pub(crate) async fn runs(&self, mut run: Run, events: Vec<Event>) {
        self.store.create_run(&self.lease, &run, &[]).await.expect("created");
        let entries = take(&mut run, events);
        self.store.append(&self.lease, &run, &entries, &[]).await.expect("appended");
    }

    /// Opens a task for a step of a run.
    pub(crate) async fn asks(&self, run: &str, service: &str, outputs: &[(&str, &str)]) -> i64 {
        let outputs = outputs.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()));
        let task = Task {
            number: 0,
            run: RunId(run.to_owned()),
            step: StepPath(format!("{service}/make")),
            service: service.to_owned(),
            title: "Make \u{1b}[31mit".to_owned(),
            instructions: "First\u{7}\nthen that".to_owned(),
            outputs: outputs.collect(),
            state: TaskState::Open,
            created_at: at(910),
            done_by: None,
        };
        self.store.open_task(&self.lease, &task).await.expect("opened")
    }

    /// Opens an approval.
    pub(crate) async fn asks_approval(&self, approval: &Approval) -> Approval {
        self.store.open_approval(&self.lease, approval).await.expect("opened")
    }

    /// Ends an approval.
    pub(crate) async fn ends_approval(&self, number: i64, end: (ApprovalState, &str)) {
        let ended = self.store.close_approval(&self.lease, number, end, now()).await;
        ended.expect("ended");
    }

    /// Ends a task.
    pub(crate) async fn ends(&self, task: i64, by: &str) {
        let closed = self.store.close_task(&self.lease, task, TaskState::Done, by).await;
        closed.expect("closed");
    }
}
