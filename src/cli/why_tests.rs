//! Proves what is told about how a service became what it is.

use super::super::local::testing::context;
use super::*;
use crate::engine::view_sample::{
    World, approval, at, begin, change, now, of_run, of_step, plan, run as queued, unit,
};
use crate::run::RunEvent;

async fn world_of(service: &str) -> World {
    let world = World::new().await;
    let made = change(service, &[service]);
    let first = plan(vec![made.clone()], &[(service, approval())]);
    world.plans(&first).await;
    let approve = DecisionKind::Approve {
        subject: first.digest,
        changes: vec![made.digest],
        comment: String::new(),
    };
    world.store.decide("ada", at(890), &approve).await.expect("decided");
    let other = DecisionKind::Approve {
        subject: Digest::of_bytes(b"other"),
        changes: Vec::new(),
        comment: String::new(),
    };
    world.store.decide("eve", at(891), &other).await.expect("decided");
    let path = format!("{service}/make");
    let mut events = begin(&path);
    let done =
        StepEvent::Succeeded { result: serde_json::Value::Null, outputs: serde_json::Map::new() };
    events.extend([of_step(&path, done), of_run(RunEvent::Succeeded)]);
    world.runs(queued("0a1", made), events).await;
    world.has([unit(service)]).await;
    world
}

#[tokio::test]
async fn what_made_a_service_what_it_is_is_told() {
    let world = world_of("db").await;
    world.plans(&plan(Vec::new(), &[])).await;
    let wire = WhyWire::read(&world.store, "db").await.expect("reads");
    insta::assert_snapshot!(text(&wire, now()), @r"
    db is ready

    Unit db is active by
      change f8ac703ad471 (create services/payments/db.yaml)
        first in plan ea8c6b0c600e at commit c0ffee000000, 50s ago
        approved by ada, 1m ago (plan ea8c6b0c600e)
      run 0a1 (succeeded), 2m ago
        db/make  manual-task  succeeded  1m ago  key-1
    ");
    let json = serde_json::to_value(&wire).expect("serializes");
    let made = &json["units"][0]["applied"];
    assert_eq!(made["change"]["approvals"][0]["by"], "ada", "{json:#}");
    assert_eq!(made["run"]["steps"][0]["key"], "key-1", "{json:#}");
    assert_eq!(json["next"], serde_json::Value::Null, "{json:#}");
}

#[tokio::test]
async fn what_it_waits_for_is_told_too() {
    let world = world_of("db").await;
    let mut other = change("db", &["db"]);
    other.units[0].steps[0].config = serde_json::json!({"title": "Make it well"});
    other.digest = other.compute_digest();
    world.plans(&plan(vec![other], &[("db", approval())])).await;
    let wire = WhyWire::read(&world.store, "db").await.expect("reads");
    let said = text(&wire, now());
    assert!(said.starts_with("db is pending"), "{said}");
    assert!(
        said.contains("to do: trueline approve") && said.contains("nobody approved it"),
        "{said}"
    );
    assert!(said.contains("approved by ada"), "{said}");
    assert!(WhyWire::read(&world.store, "\u{1b}").await.is_err());
}

#[tokio::test]
async fn the_lines_of_its_documents_are_found_at_the_commit_that_was_applied() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    let item = include_str!("scaffold/repository-standard.yaml");
    write("catalog/repositories/repository-standard.yaml", item);
    write(
        "services/payments/ledger.yaml",
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: ledger, team: payments}\n\
         catalogItem: repository-standard\nfields:\n  size: small\n  note: |\n    one\n    two\n",
    );
    let context = context(folder.path());
    let head = context.snapshot().expect("reads").commit;
    let world = world_of("ledger").await;
    let mut wire = WhyWire::read(&world.store, "ledger").await.expect("reads");
    let applied = wire.units[0].applied.as_mut().expect("applied");
    applied.commit = head;
    applied.item = "repository-standard".to_owned();
    why_documents::fill(&context, &mut wire).expect("reads");
    let said = text(&wire, now());
    for line in [
        "Service ledger (services/payments/ledger.yaml)",
        "services/payments/ledger.yaml:4  item",
        "services/payments/ledger.yaml:6  fields.size",
        "services/payments/ledger.yaml:7-9  fields.note",
        "CatalogItem repository-standard (catalog/repositories/repository-standard.yaml)",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    write("services/payments/ledger.yaml", "");
    why_documents::fill(&context, &mut wire).expect("reads");
    let said = text(&wire, now());
    assert!(said.contains("knows no earlier state"), "{said}");
}
