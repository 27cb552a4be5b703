//! Tests of pages that show what is sensitive, and what comes from outside and is hostile.

use serde_json::json;

use super::super::browser::{Browser, whole};
use super::{HOSTILE, pages};
use crate::engine::view_sample::{at, begin, fails, of_step};
use crate::id::{RunId, StepPath};
use crate::reconcile::{Observation, Observed};
use crate::run::{Event, Fault, StepEvent};
use crate::serve::api::scene::Scene;
use crate::store::{Store as _, Task, TaskState, UnitWrite};

#[tokio::test]
async fn a_sensitive_output_is_shown_to_who_may_and_that_is_told() {
    let scene = Scene::new().await;
    let mut unit = crate::engine::view_sample::drifted("shop-db");
    let sealed = scene.app.sealer().seal(&json!("open sesame"));
    if let Some(applied) = unit.applied.as_mut() {
        applied.outputs.insert("password".to_owned(), sealed);
    }
    let write = [UnitWrite::Put(Box::new(unit))];
    scene.store.write_units(&scene.lease, &write).await.expect("written");
    let ada = Browser::of(&scene, "ada", "maintainer", &[]).await;
    let page = ada.page("/services/shop-db").await;
    assert!(page.contains("/services/shop-db/reveal") && !page.contains("open sesame"), "{page}");
    let wanted = [("unit", "shop-db"), ("output", "password")];
    let shown = ada.send("/services/shop-db", "/services/shop-db/reveal", &wanted).await;
    whole("/services/shop-db/reveal", &shown);
    assert!(shown.text.contains("open sesame"), "{}", shown.text);
    let told =
        scene.store.audit_list(&crate::store::AuditFilter::default(), 1).await.expect("read");
    assert_eq!((told[0].what.as_str(), told[0].actor.as_str()), ("output.revealed", "ada"));
    assert!(!serde_json::to_string(&told).expect("json").contains("sesame"));
    for wanted in
        [[("unit", "site-web"), ("output", "password")], [("unit", "shop-db"), ("output", "none")]]
    {
        let said = ada.send("/", "/services/shop-db/reveal", &wanted).await;
        assert_eq!(said.status, 404, "{}", said.text);
    }
    let vic = Browser::of(&scene, "vic", "viewer", &["*"]).await;
    assert!(!vic.page("/services/shop-db").await.contains("/reveal"));
    assert_eq!(vic.send("/", "/services/shop-db/reveal", &wanted).await.status, 403);
    let key = scene.key_of("ada", &[]).await;
    let said = scene
        .post(&key, "/services/shop-db/reveal", r#"{"unit": "shop-db", "output": "password"}"#)
        .await;
    assert_eq!(said.status, 403, "a key can't look: {}", said.text);
}

/// A scene in which whatever comes from outside is hostile.
async fn hostile() -> Scene {
    let scene = Scene::new().await;
    let task = Task {
        number: 0,
        run: RunId("r-db".to_owned()),
        step: StepPath("shop-db/hostile".to_owned()),
        service: "shop-db".to_owned(),
        title: HOSTILE.to_owned(),
        instructions: HOSTILE.to_owned(),
        outputs: [("\"><script>x".to_owned(), "string".to_owned())].into(),
        state: TaskState::Open,
        created_at: at(910),
        done_by: None,
    };
    scene.store.open_task(&scene.lease, &task).await.expect("opened");
    let fault = Fault::terminal(HOSTILE);
    let mut events = begin("shop-db/make");
    events.extend(fails("shop-db/make"));
    events[3] = of_step("shop-db/make", StepEvent::Failed { fault });
    let events: Vec<Event> = events;
    scene.runs("r-bad", "shop-db", "payments", events).await;
    let mut unit = crate::engine::view_sample::drifted("shop-db");
    if let Some(applied) = unit.applied.as_mut() {
        applied.outputs.insert(HOSTILE.to_owned(), json!({ HOSTILE: HOSTILE }));
        applied.outputs.insert("url".to_owned(), json!(format!("javascript:{HOSTILE}")));
        applied.fields.insert("size".to_owned(), json!(HOSTILE));
    }
    let seen =
        Observed { at: at(940), observation: Observation::Unknown { reason: HOSTILE.to_owned() } };
    unit.observed.insert(HOSTILE.to_owned(), seen);
    scene
        .store
        .write_units(&scene.lease, &[UnitWrite::Put(Box::new(unit))])
        .await
        .expect("written");
    scene
}

#[tokio::test]
async fn what_comes_from_outside_is_never_markup() {
    let scene = hostile().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    let mut all = pages(&scene).await;
    all.extend(["/runs/r-bad", "/runs/r-bad/retry", "/tasks/3"].map(str::to_owned));
    let mut seen = 0;
    for path in all {
        // `whole` refuses scripts and handlers.
        let html = root.page(&path).await;
        assert!(!html.contains("<img") && !html.contains("\u{202e}"), "{path}: {html}");
        seen += usize::from(html.contains("&lt;script&gt;alert(1)"));
    }
    assert!(seen >= 5, "it is shown on {seen} pages");
    for path in [
        "/services?q=",
        "/runs?service=",
        "/plan?q=",
        "/catalog?q=",
        "/findings?q=",
        "/drift?q=",
        "/audit?service=",
    ] {
        let query: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
        let said = root.open(&format!("{path}{query}")).await;
        assert!(!said.text.contains("<img") && !said.text.contains("<script>alert"), "{path}");
    }
    let long = format!("/services?q={}", "a".repeat(30_000));
    assert!(root.open(&long).await.status < 500);
}
