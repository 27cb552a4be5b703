//! Tests of what the API answers: lists, tags, words, streams. Who may what is tested beside.

use axum::http::Method;
use serde_json::{Value, json};

use super::openapi;
use super::scene::{Scene, service};
use crate::engine::view_sample::{begin, fails};
use crate::store::{DecisionKind, Store as _};

fn ids(body: &Value) -> Vec<&str> {
    let items = body["items"].as_array().expect("items");
    items.iter().map(|item| item["id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn what_is_there_is_shown() {
    let scene = Scene::new().await;
    let key = scene.key("root", "admin", &["*"]).await;
    let services = scene.get(&key, "/services").await;
    assert_eq!(ids(&services.body), ["shop-db", "site-web"], "{}", services.text);
    assert_eq!(services.body["items"][0]["state"], "waiting");
    assert_eq!(services.body["items"][0]["team"], "payments");
    let one = scene.get(&key, "/services/shop-db").await;
    assert_eq!(one.body["units"][0]["fields"]["pin"], "(sensitive)", "{}", one.text);
    assert_eq!(one.body["units"][0]["outputs"]["password"], "(sensitive)");
    assert_eq!(one.body["units"][0]["drift"][0]["what"], "absent");
    assert!(!one.text.contains("hunter22"), "{}", one.text);
    assert_eq!(ids(&scene.get(&key, "/runs").await.body), ["r-web", "r-db"]);
    assert_eq!(ids(&scene.get(&key, "/services/shop-db/history").await.body), ["r-db"]);
    let run = scene.get(&key, "/runs/r-db").await;
    assert_eq!(run.body["steps"][0]["state"], "waiting", "{}", run.text);
    let journal = scene.get(&key, "/runs/r-db/journal?limit=2").await;
    assert_eq!(journal.body["items"][0]["event"], "started", "{}", journal.text);
    let plans = scene.get(&key, "/plans").await;
    let digest = plans.body["items"][0]["digest"].as_str().expect("a digest").to_owned();
    let plan = scene.get(&key, &format!("/plans/{digest}")).await;
    assert_eq!(plan.body["changes"].as_array().map(Vec::len), Some(2), "{}", plan.text);
    let part = scene.get(&key, "/services/shop-db/plan").await;
    assert_eq!(part.body["changes"][0]["service"], "shop-db", "{}", part.text);
    // The same plan is read again, whatever is planned since.
    let digest = part.body["digest"].as_str().expect("a digest");
    let same = scene.get(&key, &format!("/services/shop-db/plan?digest={digest}")).await;
    assert_eq!(same.body, part.body);
    let other = format!("/services/shop-db/plan?digest={}", "0".repeat(64));
    assert_eq!(scene.get(&key, &other).await.status, 404);
    assert_eq!(scene.get(&key, "/tasks?state=open").await.body["items"][1]["service"], "shop-db");
    assert_eq!(scene.get(&key, "/approvals").await.body, json!({"items": []}));
    let offers = scene.get(&key, "/catalog").await;
    assert_eq!(ids(&offers.body), ["postgres", "secretive"], "{}", offers.text);
    assert_eq!(scene.get(&key, "/catalog/items/postgres").await.body["mode"], "manual");
    let schema = scene.get(&key, "/catalog/items/postgres/schema").await;
    assert!(schema.text.contains("\"size\""), "{}", schema.text);
    let audit = scene.get(&key, "/audit?limit=1").await;
    assert!(audit.body["next"].is_string(), "{}", audit.text);
    let newest = audit.body["items"][0]["seq"].as_i64().expect("a number");
    let audit = scene.get(&key, &format!("/audit?limit=1&before={newest}")).await;
    assert_eq!(audit.body["items"][0]["seq"], newest - 1, "{}", audit.text);
    assert_eq!(scene.get(&key, "/audit?before=x").await.status, 400);
}

#[tokio::test]
async fn pages_stay_whole_while_rows_are_added() {
    let scene = Scene::new().await;
    let key = scene.key("root", "admin", &["*"]).await;
    for number in 0..5 {
        scene.runs(&format!("r-{number}"), "shop-db", "payments", Vec::new()).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/runs?limit=2".to_owned());
    for turn in 0.. {
        let page = scene.get(&key, &path).await;
        seen.extend(ids(&page.body).into_iter().map(str::to_owned));
        scene.runs(&format!("later-{turn}"), "shop-db", "payments", Vec::new()).await;
        let Some(next) = page.body["next"].as_str() else { break };
        path = format!("/runs?limit=2&cursor={next}");
    }
    assert_eq!(seen, ["r-4", "r-3", "r-2", "r-1", "r-0", "r-web", "r-db"]);
    let wrong = scene.get(&key, "/tasks?cursor=cnVuczo0").await;
    assert_eq!((wrong.status, &wrong.body["errors"][0]["parameter"]), (400, &json!("cursor")));
    for path in [
        "/runs?limit=0",
        "/runs?limit=x",
        "/runs?sort=id",
        "/runs?state=odd",
        "/runs?limit=1&limit=2",
    ] {
        let said = scene.get(&key, path).await;
        assert_eq!(said.status, 400, "{path}: {}", said.text);
    }
}

#[tokio::test]
async fn what_is_the_same_is_not_sent_again_and_what_changed_is_not_acted_upon() {
    let scene = Scene::new().await;
    let key = scene.key("ada", "maintainer", &["*"]).await;
    let first = scene.get(&key, "/runs/r-db").await;
    let tag = first.headers["etag"].to_str().expect("text").to_owned();
    let bearer = format!("Bearer {key}");
    let again = [("authorization", bearer.as_str()), ("if-none-match", tag.as_str())];
    let said = scene.ask((Method::GET, "/api/v1/runs/r-db"), &again, "").await;
    assert_eq!((said.status, said.text.as_str()), (304, ""));
    let body = r#"{"reason": "not now"}"#;
    let stale = scene.post_with(&key, "/runs/r-db/pause", (&[("if-match", "\"old\"")], body)).await;
    assert_eq!(stale.status, 412, "{}", stale.text);
    assert_eq!(scene.store.last_decision().await.expect("read"), 0);
    let said = scene.post_with(&key, "/runs/r-db/pause", (&[("if-match", &tag)], body)).await;
    assert_eq!((said.status, &said.body["by"]), (202, &json!("ada")), "{}", said.text);
    let said = &scene.store.decisions_after(0).await.expect("read")[0];
    assert!(matches!(said.decision, DecisionKind::Control { .. }), "{said:?}");
    let entry =
        scene.store.audit_list(&crate::store::AuditFilter::default(), 1).await.expect("read");
    assert_eq!(entry[0].what, "run.pause");
    assert_eq!(entry[0].detail["actor"]["type"], "person");
    assert!(entry[0].detail["actor"]["via"].as_str().is_some_and(|via| via.starts_with("key tl_")));
}

#[tokio::test]
async fn words_that_make_no_sense_are_refused() {
    let scene = Scene::new().await;
    let key = scene.key("ada", "maintainer", &["*"]).await;
    for (path, body, status) in [
        ("/runs/r-db/resume", r#"{"reason": "go"}"#, 409),
        ("/runs/r-db/dance", r#"{"reason": "go"}"#, 404),
        ("/runs/r-db/pause", r#"{"reason": " "}"#, 422),
        ("/runs/r-db/pause", r#"{"reason": "x", "fromFailed": true}"#, 422),
        ("/runs/r-db/pause", r#"{"reason": "x", "by": "eve"}"#, 422),
        ("/runs/r-db/pause", "{", 400),
        ("/runs/nobody/pause", r#"{"reason": "x"}"#, 404),
        ("/tasks/1/complete", r#"{"outputs": {"url": 7}}"#, 422),
        ("/tasks/1/complete", r#"{"outputs": {"url": "u", "more": 1}}"#, 422),
        ("/tasks/1/complete", r#"{"outputs": {"url": "https://x"}}"#, 202),
        ("/tasks/1/complete", r#"{"outputs": {"url": "https://x"}}"#, 409),
        ("/tasks/99/complete", "{}", 404),
        ("/approvals/1/grant", "{}", 404),
        ("/services/shop-db/reconcile", "", 202),
        ("/services/none/reconcile", "", 404),
        ("/catalog/refresh", "", 202),
    ] {
        let said = scene.post(&key, path, body).await;
        assert_eq!(said.status, status, "{path} {body}: {}", said.text);
    }
}

#[tokio::test]
async fn a_request_that_is_sent_again_takes_effect_once() {
    let scene = Scene::new().await;
    let ada = scene.key("ada", "maintainer", &["*"]).await;
    let eve = scene.key("eve", "maintainer", &["*"]).await;
    let with = [("idempotency-key", "k-1")];
    let path = "/services/shop-db/reconcile";
    let first = scene.post_with(&ada, path, (&with, "")).await;
    scene.passes(5);
    let again = scene.post_with(&ada, path, (&with, "")).await;
    assert_eq!((first.status, &first.text), (202, &again.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(scene.store.last_decision().await.expect("read"), 1);
    let other = scene.post_with(&ada, "/services/site-web/reconcile", (&with, "")).await;
    assert_eq!(other.status, 422, "{}", other.text);
    let others = scene.post_with(&eve, path, (&with, "")).await;
    assert_eq!((others.status, &others.body["decision"]), (202, &json!(2)));
    // What was refused for who asks, or as things stood, may be asked again.
    let stale = [("idempotency-key", "k-2"), ("if-match", "\"old\"")];
    let body = r#"{"reason": "x"}"#;
    assert_eq!(scene.post_with(&ada, "/runs/r-db/pause", (&stale, body)).await.status, 412);
    let right = [("idempotency-key", "k-2")];
    assert_eq!(scene.post_with(&ada, "/runs/r-db/pause", (&right, body)).await.status, 202);
    for wrong in ["", &"k".repeat(256)] {
        let said = scene.post_with(&ada, path, (&[("idempotency-key", wrong)], "")).await;
        assert_eq!(said.status, 400, "{}", said.text);
    }
    scene.passes(25 * 60 * 60);
    let late = scene.post_with(&ada, path, (&with, "")).await;
    assert_eq!(late.body["decision"], 4, "a day later the key is free: {}", late.text);
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() {
    let scene = Scene::new().await;
    let key = scene.key("ada", "viewer", &["*"]).await;
    let events = [begin("shop-db/make"), fails("shop-db/make")].concat();
    scene.runs("r-end", "shop-db", "payments", events).await;
    let bearer = format!("Bearer {key}");
    let path = "/api/v1/runs/r-end/events";
    let said = scene.ask((Method::GET, path), &[("authorization", &bearer)], "").await;
    assert_eq!(said.headers["content-type"], "text/event-stream");
    let events: Vec<&str> =
        said.text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(events, ["entry", "entry", "entry", "entry", "entry", "end"], "{}", said.text);
    assert!(said.text.contains("{\"state\":\"failed\"}"), "{}", said.text);
    let ended = scene.get(&key, "/runs/r-end").await;
    assert!(ended.body["why"].as_str().is_some_and(|why| !why.is_empty()), "{}", ended.text);
    let journal = scene.get(&key, "/runs/r-end/journal").await;
    assert!(journal.text.contains("\"key\":"), "{}", journal.text);
    let resumed = [("authorization", bearer.as_str()), ("last-event-id", "4")];
    let said = scene.ask((Method::GET, path), &resumed, "").await;
    assert!(!said.text.contains("id: 4\n") && said.text.contains("id: 5\n"), "{}", said.text);
    let wrong = [("authorization", bearer.as_str()), ("last-event-id", "x")];
    assert_eq!(scene.ask((Method::GET, path), &wrong, "").await.status, 400);
    // One that has not ended ends with the server.
    let open = scene.get(&key, "/runs/r-db/events");
    let stopped = async { scene.stop.send(true).expect("somebody listens") };
    let (said, ()) = tokio::join!(open, stopped);
    assert!(!said.text.contains("event: end"), "{}", said.text);
}

#[tokio::test]
async fn documents_are_tried_out() {
    let scene = Scene::new().await;
    let key = scene.key("ada", "requester", &[]).await;
    let trial = |path: &str, content: &str| {
        json!({"files": [{"path": path, "content": content}]}).to_string()
    };
    let right = trial("services/payments/shop-db.yaml", &service("shop-db", "payments", "huge"));
    let said = scene.post(&key, "/tools/validate", &right).await;
    assert_eq!((said.status, &said.body["right"]), (200, &json!(true)), "{}", said.text);
    let said = scene.post(&key, "/tools/preview", &right).await;
    assert_eq!(said.body["changes"][0]["service"], "shop-db", "{}", said.text);
    assert_eq!(said.body["changes"].as_array().map(Vec::len), Some(1));
    let wrong = trial("services/payments/shop-new.yaml", &service("shop-new", "payments", "[1"));
    let said = scene.post(&key, "/tools/validate", &wrong).await;
    assert_eq!(said.body["right"], json!(false), "{}", said.text);
    for hostile in [
        "../x.yaml",
        "services/../../x.yaml",
        "/etc/passwd",
        "services/payments/.yaml",
        "services//x.yaml",
        "services/payments/x\0.yaml",
        "catalog/tests/postgres.yaml",
        "trueline.yaml",
    ] {
        let said = scene.post(&key, "/tools/validate", &trial(hostile, "")).await;
        assert_eq!(said.status, 422, "{hostile}: {}", said.text);
    }
    let others = trial("services/search/site-web.yaml", "");
    assert_eq!(scene.post(&key, "/tools/preview", &others).await.status, 403);
}

#[test]
fn the_document_is_whole() {
    let document = openapi();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().expect("an end");
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn the_reference_document_is_written() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/api.md");
    let page = super::reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("it can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "run `UPDATE_DOCS=1 cargo test --lib document`");
}
