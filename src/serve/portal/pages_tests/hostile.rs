//! Tests of pages that show what is sensitive, and what comes from outside and is hostile.

use serde_json::json;

use super::super::browser::{Browser, whole};
use super::super::local::segment;
use super::walk::every_route_is_among;
use super::{HOSTILE, pages};
use crate::engine::view_sample::{at, begin, fails, of_step};
use crate::forge::{
    Annotation, Check, CheckState, ForgeRead as _, Level, Opinion, ReviewWrite as _,
};
use crate::id::{RunId, StepPath};
use crate::reconcile::{Observation, Observed};
use crate::run::{Breaker, BreakerKey, BreakerPolicy, Event, Fault, StepEvent, Verdict};
use crate::serve::api::proposed;
use crate::serve::api::scene::Scene;
use crate::store::{
    Actor, ActorKind, Approval, ApprovalState, BreakerStore as _, DecisionKind, PeopleStore as _,
    Store as _, Task, TaskState, UnitWrite,
};

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
    scene.poisons(HOSTILE);
    asks_for_approval(&scene).await;
    let key = BreakerKey { action: HOSTILE.to_owned(), target: HOSTILE.to_owned() };
    let mut breaker = Breaker::default();
    let policy = BreakerPolicy { failures: 1, ..BreakerPolicy::default() };
    let turn = breaker.begin();
    let failed: Result<(), Fault> = Err(Fault::transient(HOSTILE));
    breaker.end(turn, Verdict::of(&failed), &policy, (at(900), 0.0));
    scene.store.save_breaker(&scene.lease, (&key, &breaker), at(900)).await.expect("saved");
    let by = Actor {
        name: "root".to_owned(),
        kind: ActorKind::Operator,
        via: HOSTILE.to_owned(),
        correlation: None,
    };
    let hold = DecisionKind::Hold { service: "shop-db".to_owned(), reason: HOSTILE.to_owned() };
    scene.store.decide_as(&by, at(950), &hold).await.expect("decided");
    scene
        .store
        .write_units(&scene.lease, &[UnitWrite::Put(Box::new(unit))])
        .await
        .expect("written");
    scene
}

/// An approval whose step, form and approvers are hostile.
async fn asks_for_approval(scene: &Scene) {
    let form = json!({"groups": [{"id": "main", "name": HOSTILE, "fields": [
        {"id": "text", "name": HOSTILE, "description": HOSTILE, "type": "string"}]}]});
    let ask = json!({"teams": [HOSTILE], "required": 1, "form": form});
    let may = json!({"people": [HOSTILE, "root"], "author": HOSTILE});
    let approval = Approval {
        number: 0,
        run: RunId("r-db".to_owned()),
        step: StepPath(HOSTILE.to_owned()),
        service: "shop-db".to_owned(),
        ask: serde_json::from_value(ask).expect("what is asked"),
        may: serde_json::from_value(may).expect("who may"),
        state: ApprovalState::Open,
        why: Some(HOSTILE.to_owned()),
        opened_at: at(910),
        expires_at: None,
    };
    scene.store.open_approval(&scene.lease, &approval).await.expect("opened");
}

fn check(head: String) -> Check {
    let remark = Annotation {
        path: HOSTILE.to_owned(),
        lines: (1, 1),
        columns: None,
        level: Level::Failure,
        title: HOSTILE.to_owned(),
        message: HOSTILE.to_owned(),
    };
    Check {
        name: "trueline/validate".to_owned(),
        head,
        state: CheckState::Failure,
        title: HOSTILE.to_owned(),
        summary: HOSTILE.to_owned(),
        annotations: vec![remark],
        link: Some(format!("javascript:{HOSTILE}")),
    }
}

#[tokio::test]
async fn what_comes_from_outside_is_never_markup() {
    let scene = hostile().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    let (_repo, forge, id) = proposed(&scene, HOSTILE).await;
    forge.say(1, (HOSTILE, HOSTILE), at(960)).await.expect("said");
    forge.give_opinion(1, (HOSTILE, Opinion::Approved), at(961)).await.expect("said");
    let head = forge.find(1).await.expect("found").head;
    forge.put_check(&check(head)).await.expect("put");
    let mut all = pages(&scene).await;
    all.extend(["/runs/r-bad", "/runs/r-bad/retry", "/tasks/3", "/approvals/1"].map(str::to_owned));
    all.push(format!("/proposals/{id}"));
    all.push(format!("/settings/breakers/{0}/{0}", segment(HOSTILE)));
    all.extend(["approve", "close", "merge", "comment"].map(|it| format!("/proposals/{id}/{it}")));
    every_route_is_among(&all);
    let mut seen = 0;
    for path in all {
        // `whole` refuses scripts and handlers.
        let html = root.page(&path).await;
        assert!(!html.contains("<img") && !html.contains("\u{202e}"), "{path}: {html}");
        seen += usize::from(html.contains("&lt;script&gt;alert(1)"));
    }
    assert!(seen >= 14, "it is shown on {seen} pages");
    for path in [
        "/proposals?q=",
        "/activity?item=",
        "/settings/operating?service=",
        "/insights?days=",
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
