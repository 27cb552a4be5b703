//! Proves that an export holds no secret, obeys its schema, and replays to the same journal.

use proptest::prelude::*;

use super::super::replay::compared;
use super::*;
use crate::engine::view_sample::{begin, change, of_run, of_step, run as queued, take};
use crate::run::RunEvent;
use crate::run::history::any_history;

const SCHEMA: &str = include_str!("../../schemas/reports/run-export.json");

static VALIDATOR: std::sync::LazyLock<jsonschema::Validator> = std::sync::LazyLock::new(|| {
    let schema = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    jsonschema::draft202012::new(&schema).expect("the schema compiles")
});

fn obeys(wire: &Value) -> Vec<String> {
    VALIDATOR.iter_errors(wire).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn entries(events: &[Event]) -> Vec<JournalEntry> {
    let entry = |(seq, event): (i64, &Event)| JournalEntry {
        seq,
        at: Timestamp::UNIX_EPOCH,
        event: event.clone(),
    };
    (1..).zip(events).map(entry).collect()
}

fn told() -> (Run, Vec<JournalEntry>) {
    let mut change = change("db", &["db"]);
    change.units[0].steps[0].config =
        json!({"title": "Make it", "token": crate::template::sensitive("secrets.payments/TOKEN")});
    let mut run = queued("0a1", change);
    let sealed = json!({"$sealed": "hunter22", "$hash": "hunter22"});
    let outputs = json!({"url": "https://db.example", "password": sealed});
    let outputs = outputs.as_object().cloned().expect("an object");
    let mut events = begin("db/make");
    events.push(of_step("db/make", StepEvent::Succeeded { result: json!([sealed]), outputs }));
    events.push(of_run(RunEvent::Succeeded));
    let events: Vec<Event> = take(&mut run, events).into_iter().map(|(_, event)| event).collect();
    let entries = entries(&events);
    (run, entries)
}

#[test]
fn an_export_obeys_its_schema_and_holds_no_secret() {
    let (run, entries) = told();
    let wire = ExportWire::of("main", &run, &entries);
    let json = serde_json::to_value(&wire).expect("serializes");
    assert_eq!(obeys(&json), Vec::<String>::new(), "{json:#}");
    let text = json.to_string();
    assert!(!text.contains("hunter22") && text.contains("(sensitive)"), "{text}");
    assert!(text.contains("https://db.example"), "{text}");
    let read: ExportWire = serde_json::from_value(json).expect("reads");
    assert_eq!(read, wire);
    assert_eq!(compared(&read).expect("replays").difference, None);
}

#[test]
fn the_schema_refuses_what_it_does_not_know() {
    let (run, entries) = told();
    let wire = serde_json::to_value(ExportWire::of("main", &run, &entries)).expect("serializes");
    for pointer in ["", "/change", "/change/units/0", "/change/units/0/steps/0", "/journal/0"] {
        let mut wrong = wire.clone();
        let object = wrong.pointer_mut(pointer).and_then(Value::as_object_mut);
        object.expect("an object").insert("surprise".to_owned(), json!(1));
        assert_ne!(obeys(&wrong), Vec::<String>::new(), "{pointer}");
        assert!(serde_json::from_value::<ExportWire>(wrong).is_err(), "{pointer}");
    }
}

proptest! {
    #[test]
    fn every_history_exports_and_replays_to_the_same_journal((_, world) in any_history()) {
        let wire = ExportWire::of("main", &world.run, &entries(&world.accepted));
        let text = serde_json::to_string(&wire).expect("serializes");
        let read: ExportWire = serde_json::from_str(&text).expect("reads");
        prop_assert_eq!(&read, &wire);
        prop_assert_eq!(obeys(&serde_json::from_str(&text).expect("reads")), Vec::<String>::new());
        let told = compared(&read).expect("replays");
        prop_assert_eq!(told.difference, None);
        prop_assert_eq!(told.run.state, world.run.state);
        prop_assert_eq!(told.run.steps, world.run.steps);
    }
}
