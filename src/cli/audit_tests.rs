//! Proves what is listed of the audit chain, and that an export can be verified by others.

use serde_json::json;

use super::super::audit_verify::noted;
use super::*;
use crate::cli::local::testing::context;
use crate::cli::server::testing::{PATIENT, Stub, answer};
use crate::engine::view_sample::{World, at, begin, change, fails, now, run, waits};
use crate::store::{DecisionKind, verify_audit};

async fn world() -> World {
    let world = World::new().await;
    let web = change("web", &["web"]);
    let approve = DecisionKind::Approve {
        subject: web.digest,
        changes: vec![web.digest],
        comment: String::new(),
    };
    world.store.decide("ada\u{1b}[31m", at(890), &approve).await.expect("decided");
    let mut events = begin("web/make");
    events.extend(fails("web/make"));
    world.runs(run("0a2", web), events).await;
    let mut events = begin("db/make");
    events.push(waits("db/make"));
    world.runs(run("0a1", change("db", &["db"])), events).await;
    let task = world.asks("0a1", "db", &[]).await;
    let done = DecisionKind::CompleteTask { task, outputs: serde_json::Map::new() };
    world.store.decide("bob", at(950), &done).await.expect("decided");
    world
}

async fn listed(world: &World, filter: AuditFilter, limit: u32) -> (Vec<String>, Option<i64>) {
    let wire = list(&world.store, &filter, Limit { limit }).await.expect("reads");
    let told = wire.entries.iter().map(|entry| format!("{} {}", entry.seq, entry.what));
    (told.collect(), wire.next)
}

#[tokio::test]
async fn entries_are_listed_newest_first_page_by_page() {
    let world = world().await;
    let (first, next) = listed(&world, AuditFilter::default(), 4).await;
    assert_eq!(first, ["14 task.completed", "13 step.waiting", "12 step.started", "11 step.ready"]);
    assert_eq!(next, Some(11));
    let (rest, next) =
        listed(&world, AuditFilter { before: next, ..AuditFilter::default() }, 50).await;
    assert_eq!(
        (rest.first().map(String::as_str), rest.len(), next),
        (Some("10 run.started"), 10, None)
    );
    let wire =
        list(&world.store, &AuditFilter::default(), Limit { limit: 3 }).await.expect("reads");
    insta::assert_snapshot!(list_text(&wire), @r#"
    ENTRY  AT                    ACTOR     WHAT            ABOUT  DETAIL
    14     1970-01-01T00:15:50Z  bob       task.completed         decision: 2, outputs: [], task: 1
    13     1970-01-01T00:15:04Z  trueline  step.waiting    db     on: task, run: 0a1, step: db/make, what: task 1 “Make \u{1b}[31mit”
    12     1970-01-01T00:15:03Z  trueline  step.started    db     attempt: 1, key: key-1, run: 0a1, step: db/make
    … and more: --before 12
    "#);
}

#[tokio::test]
async fn a_filter_lets_through_what_is_about_a_service_a_person_or_a_time() {
    let world = world().await;
    let of =
        |service: &str| AuditFilter { service: Some(service.to_owned()), ..AuditFilter::default() };
    let (web, _) = listed(&world, of("web"), 50).await;
    let web: Vec<&str> = web.iter().filter_map(|told| Some(told.split_once(' ')?.1)).collect();
    assert_eq!(
        web,
        [
            "run.failed",
            "step.failed",
            "step.started",
            "step.ready",
            "run.started",
            "run.created",
            "approve"
        ]
    );
    let (db, _) = listed(&world, of("db"), 50).await;
    assert_eq!(db.first().map(String::as_str), Some("14 task.completed"), "{db:?}");
    assert!(!db.iter().any(|told| told.contains("approve")), "{db:?}");
    for nobody in ["", "%", "' OR 1=1 --", "\u{1b}"] {
        assert_eq!(listed(&world, of(nobody), 50).await, (Vec::new(), None), "{nobody:?}");
    }
    let by = |actor: &str| AuditFilter { actor: Some(actor.to_owned()), ..AuditFilter::default() };
    assert_eq!(listed(&world, by("bob"), 50).await.0, ["14 task.completed"]);
    assert_eq!(listed(&world, by("trueline"), 50).await.0.len(), 12);
    let since = AuditFilter { since: Some(at(904)), ..AuditFilter::default() };
    let (recent, _) = listed(&world, since, 50).await;
    let recent: Vec<&str> =
        recent.iter().filter_map(|told| Some(told.split_once(' ')?.1)).collect();
    assert_eq!(recent, ["task.completed", "step.waiting", "run.failed", "step.failed"]);
}

#[test]
fn a_moment_is_a_time_a_day_or_how_long_ago() {
    for (text, expected) in [
        ("100s", "1970-01-01T00:15:00Z"),
        ("1970-01-01T00:00:07Z", "1970-01-01T00:00:07Z"),
        ("2026-03-01", "2026-03-01T00:00:00Z"),
    ] {
        assert_eq!(moment(text, now()).expect("a moment").to_string(), expected);
    }
    for wrong in ["", "yesterday", "\u{1b}[2J", "99999999999d"] {
        let said = moment(wrong, now()).expect_err("none").to_string();
        assert!(said.contains("neither a moment") && !said.contains('\u{1b}'), "{said}");
    }
}

#[tokio::test]
async fn an_export_holds_what_it_takes_to_verify_it() {
    let world = world().await;
    let mut out = Vec::new();
    export(&world.store, 0, &mut out).await.expect("reads").expect("writes");
    let text = String::from_utf8(out).expect("text");
    assert_eq!(text.lines().count(), 14);
    let mut walk = crate::store::ChainWalk::default();
    for line in text.lines() {
        let line: ExportLine = serde_json::from_str(line).expect("reads");
        walk.take(&line.entry().expect("a time")).expect("fits");
    }
    let (whole, broken) = verify_audit(&world.store).await.expect("reads");
    assert_eq!((whole.head(), broken), (walk.head(), None));
    let (seq, hash) = walk.head().expect("a head");
    assert_eq!(noted(&format!("{seq}:{hash}")), Ok((seq, hash)));
    for wrong in ["", "1", ":", "0:00", &format!("-1:{hash}"), "\u{1b}:\u{1b}"] {
        assert!(noted(wrong).is_err_and(|why| !why.contains('\u{1b}')), "{wrong:?}");
    }
}

#[test]
fn the_page_shows_a_script_that_verifies_an_export() {
    let page = include_str!("../../docs/operations/audit.md");
    let script = page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let script = script.expect("the page has a script");
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let text = runtime.block_on(async {
        let world = world().await;
        let mut out = Vec::new();
        export(&world.store, 0, &mut out).await.expect("reads").expect("writes");
        String::from_utf8(out).expect("text")
    });
    let verified = |text: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let (program, export) =
            (folder.path().join("verify.py"), folder.path().join("audit.jsonl"));
        std::fs::write(&program, script).expect("written");
        std::fs::write(&export, text).expect("written");
        let mut python = std::process::Command::new("python3");
        let output = python.arg(&program).arg(&export).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    };
    let (whole, said) = verified(&text);
    assert!(whole && said.contains("14 entries"), "{said}");
    assert!(!verified(&text.replacen("bob", "eve", 1)).0);
    assert!(!verified(&text.replacen("\"attempt\":1", "\"attempt\":2", 1)).0);
}

/// A server that tells of a chain what comes from an entry on.
async fn told_from(world: &World, first: i64) -> Stub {
    let chain = world.store.audit_after(0, 100).await.expect("reads");
    let chain: Vec<AuditEntry> = chain.into_iter().filter(|entry| entry.seq >= first).collect();
    Stub::answering(move |_, path| {
        let after = path.split("after=").nth(1).and_then(|text| text.split('&').next());
        let after: i64 = after.and_then(|text| text.parse().ok()).expect("a number");
        let items: Vec<_> = chain.iter().filter(|entry| entry.seq > after).collect();
        answer(200, &json!({"items": items}).to_string())
    })
    .await
}

#[tokio::test]
async fn a_server_that_drops_the_beginning_of_its_chain_is_not_believed() {
    let world = world().await;
    let folder = tempfile::tempdir().expect("a folder");
    let context = context(folder.path());
    let chain = world.store.audit_after(0, 100).await.expect("reads");
    let noted = chain.iter().find(|entry| entry.seq == 5).map(|entry| (5, entry.hash));
    for (first, head, expected) in [
        (1, None, Exit::Success),
        (1, noted, Exit::Success),
        (2, None, Exit::Findings),
        (6, None, Exit::Findings),
        (6, noted, Exit::Findings),
    ] {
        let stub = told_from(&world, first).await;
        let options = VerifyOptions { file: None, head };
        let server = stub.server(PATIENT);
        let exit = audit_verify::run(&context, Some(&server), &options).await;
        assert_eq!(exit.map_err(|it| it.to_string()), Ok(expected), "{first} {head:?}");
    }
}
