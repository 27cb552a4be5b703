//! Units, changes, plans and runs for the tests of the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::SqliteStore;
use super::definitions::BLANK;
use crate::catalog::{Action, DeletionPolicy, Priority};
use crate::digest::Digest;
use crate::id::{RunId, StepPath, Uid, UnitKey};
use crate::reconcile::{
    Applied, Change, ChangeKind, Definition, Effect, Inputs, Plan, PlannedStep, UnitChange,
    UnitRecord, UnitRow, Verdict, When,
};
use crate::run::{Event, Run, RunEvent, StepEvent, Wait};
use crate::store::{Lease, LeaseHolder, Store as _};

/// Returns a moment, seconds after the beginning of time.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

pub(super) fn holder(command: &str) -> LeaseHolder {
    LeaseHolder { pid: 7, host: "here".to_owned(), command: command.to_owned() }
}

/// Makes a store and drives it.
pub(super) async fn driven() -> (SqliteStore, Lease) {
    let store = SqliteStore::in_memory("main").await.expect("opens");
    let lease = store.acquire(&holder("serve"), at(0)).await.expect("free");
    (store, lease)
}

pub(super) fn action(id: &str) -> Action {
    serde_json::from_value(json!({"id": id, "type": "notify", "config": {"text": "hello"}}))
        .expect("an action")
}

/// Makes a definition; those of one item and one version are alike.
pub(super) fn definition(item: &str, version: &str) -> Arc<Definition> {
    let create = vec![action("make")];
    let metadata = json!({"id": item, "constants": {"size": 3}});
    let (item, version) = (item.to_owned(), version.to_owned());
    Arc::new(Definition { item, version, create, metadata, ..Definition::clone(&BLANK) })
}

/// Makes a unit that is as it should be.
pub(super) fn unit(key: &str, definition: &Arc<Definition>) -> UnitRecord {
    let Ok(key) = key.parse::<UnitKey>();
    let intent = Digest::of_bytes(key.to_string().as_bytes());
    let row = UnitRow {
        uid: Uid(format!("uid-{key}")),
        key,
        applied: Some((intent, definition.digest())),
        drifted: false,
        held: false,
        retained: false,
    };
    let applied = Applied {
        intent,
        definition_digest: definition.digest(),
        definition: Arc::clone(definition),
        inputs: Inputs::default(),
        fields: Map::new(),
        outputs: Map::new(),
        state: "active".to_owned(),
        depends_on: Vec::new(),
        siblings: Vec::new(),
        deletion: DeletionPolicy::Confirm,
        needs: Vec::new(),
        commit: "c0ffee".to_owned(),
        run: RunId("r1".to_owned()),
        at: at(9),
    };
    let applied = Some(applied);
    let (steps, observed) = (BTreeMap::new(), BTreeMap::new());
    UnitRecord {
        row,
        generation: 1,
        effect: 1,
        applied,
        basis: None,
        steps,
        observed,
        corrections: crate::reconcile::Corrections::default(),
        fired: BTreeMap::new(),
    }
}

/// Makes a change that creates a service in one step.
pub(super) fn change(service: &str, definition: &Arc<Definition>) -> Change {
    let step = PlannedStep {
        path: StepPath("make".to_owned()),
        effect: Effect::Perform,
        when: When::Yes,
        depends_on: Vec::new(),
        action: action("make"),
        config: json!({"text": "hello"}),
        previous: None,
        outputs: Map::new(),
        forecast: None,
        failure: None,
    };
    let unit = UnitChange {
        unit: UnitKey::service(service),
        uid: None,
        kind: ChangeKind::Create,
        from: None,
        intent: Digest::of_bytes(service.as_bytes()),
        definition_digest: definition.digest(),
        source: Digest::of_bytes(b"source"),
        fields: Vec::new(),
        depends_on: Vec::new(),
        steps: vec![step],
        definition: Arc::clone(definition),
        inputs: Inputs::default(),
        state: "active".to_owned(),
        deletion: DeletionPolicy::Confirm,
        requires: Vec::new(),
        due: None,
    };
    let mut change = Change {
        digest: Digest::of_bytes(b""),
        service: service.to_owned(),
        team: "payments".to_owned(),
        environment: None,
        path: format!("services/payments/{service}.yaml"),
        priority: Priority::Normal,
        units: vec![unit],
        needs: Vec::new(),
        after: Vec::new(),
        error_handling: crate::catalog::ErrorHandling::Stop,
        author: None,
        coauthors: Vec::new(),
        offer: None,
    };
    change.digest = change.compute_digest();
    change
}

/// Makes a plan of changes.
pub(super) fn plan(commit: &str, changes: Vec<Change>) -> Plan {
    let digests: Vec<Digest> = changes.iter().map(|change| change.digest).collect();
    Plan {
        catalog: "main".to_owned(),
        commit: commit.to_owned(),
        digest: Digest::of_digests(&digests),
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
    }
}

/// Makes a queued run that creates a service.
pub(super) fn run(id: &str, service: &str) -> Run {
    let change = Arc::new(change(service, &definition("postgres", "1.0.0")));
    Run::new(RunId(id.to_owned()), change, 3, "c0ffee".to_owned(), at(100))
}

/// Makes an event of a run.
pub(super) fn of_run(event: RunEvent) -> Event {
    Event::Run { event }
}

/// Makes an event of the only step.
pub(super) fn of_step(event: StepEvent) -> Event {
    Event::Step { path: StepPath("make".to_owned()), event }
}

/// What leads a queued run to where its step is under way.
pub(super) fn beginning() -> Vec<Event> {
    let started = StepEvent::Started {
        attempt: 1,
        key: "trueline-main-uid-make-3".to_owned(),
        sent: Digest::of_bytes(b"sent"),
    };
    vec![of_run(RunEvent::Started), of_step(StepEvent::Ready), of_step(started)]
}

/// What leads a run whose step is under way to its end.
pub(super) fn end() -> Vec<Event> {
    let outputs = Map::from_iter([("id".to_owned(), Value::from(5))]);
    let done = StepEvent::Succeeded { result: json!({"id": 5}), outputs };
    vec![of_step(done), of_run(RunEvent::Succeeded)]
}

/// A step that waits for a task.
pub(super) fn waiting() -> Event {
    let on = Wait { on: "task".to_owned(), reference: json!(1), what: "task 1".to_owned() };
    of_step(StepEvent::Waiting { on })
}

/// Takes events into a run; returns them as they are appended.
pub(super) fn take(run: &mut Run, events: Vec<Event>) -> Vec<(Timestamp, Event)> {
    let taken = |(seconds, event): (i64, Event)| {
        run.apply_at(&event, at(seconds)).expect("fits");
        (at(seconds), event)
    };
    (200..).zip(events).map(taken).collect()
}
