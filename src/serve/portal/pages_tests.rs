//! Tests of the pages: each is there and whole, shows nothing of other teams, escapes what comes from outside, and says
//! what the API takes.

use axum::http::Method;

use super::browser::{Browser, form, hidden, sent, whole};
use super::layout::SPOTS;
use crate::serve::api::scene::Scene;
use crate::store::{DecisionKind, Store as _};

mod hostile;
mod more;
mod walk;

/// What is hostile wherever it is shown.
const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}";

fn change_of(service: &str, team: &str) -> String {
    Scene::change(service, team).digest.to_string()
}

/// The pages of the scene that an admin opens.
async fn pages(scene: &Scene) -> Vec<String> {
    let plan = scene.store.latest_plan().await.expect("read").expect("a plan");
    let change = change_of("shop-db", "payments");
    let mut all: Vec<String> = SPOTS.iter().map(|(_, path, _, _)| (*path).to_owned()).collect();
    all.extend([
        "/services?q=shop&team=payments&item=postgres".to_owned(),
        "/services/shop-db".to_owned(),
        "/services/shop-db/hold".to_owned(),
        "/services/shop-db/reconcile".to_owned(),
        "/services/shop-db/change".to_owned(),
        "/services/shop-db/wish/expire".to_owned(),
        "/services/shop-db/wish/delete".to_owned(),
        "/catalog/items/postgres/request?from=shop-db".to_owned(),
        "/requests?mine=true&state=proposed&team=payments&service=shop-db".to_owned(),
        "/runs?state=waiting&service=shop-db".to_owned(),
        "/runs/r-db".to_owned(),
        "/runs/r-db/cancel".to_owned(),
        "/runs/r-db/pause".to_owned(),
        "/runs/r-db/retry".to_owned(),
        "/plan?kind=create&team=payments&q=shop".to_owned(),
        format!("/plans/{}/approve", plan.digest),
        format!("/plans/{}/reject", plan.digest),
        format!("/changes/{change}?view=split"),
        format!("/changes/{change}"),
        format!("/changes/{change}/approve"),
        format!("/changes/{change}/reject"),
        "/approvals?state=open".to_owned(),
        "/tasks?state=open".to_owned(),
        "/tasks/1".to_owned(),
        "/catalog?q=postgres".to_owned(),
        "/catalog/items/postgres".to_owned(),
        "/findings?severity=error&q=x".to_owned(),
        "/proposals?standing=open&from=people&service=shop-db&q=x".to_owned(),
        "/activity?day=1970-01-01&team=payments&item=postgres&service=shop-db&actor=root"
            .to_owned(),
        "/insights?days=7".to_owned(),
        "/inbox/history".to_owned(),
        "/settings/operating?service=shop-db".to_owned(),
        "/drift?q=shop".to_owned(),
        "/audit?actor=root&since=1970-01-01".to_owned(),
        "/audit/verify".to_owned(),
        "/settings/users".to_owned(),
        "/settings/users/root".to_owned(),
    ]);
    all
}

#[tokio::test]
async fn each_page_is_there_and_whole() {
    let scene = Scene::new().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    for path in pages(&scene).await {
        root.page(&path).await;
    }
    let service = root.page("/services/shop-db").await;
    assert!(service.contains("(sensitive)") && !service.contains("hunter22"), "{service}");
    assert!(
        service.contains("what was made is not there")
            && service.contains("/services/shop-db/hold")
    );
    let run = root.page("/runs/r-db").await;
    assert!(
        run.contains("data-events=\"/api/v1/runs/r-db/events\"")
            && run.contains("/runs/r-db/pause")
    );
    let item = root.page("/catalog/items/postgres").await;
    assert!(
        item.contains("Name of postgres")
            && item.contains("/services/shop-db")
            && item.contains("<code>size</code>")
    );
    assert!(root.page("/audit/verify").await.contains("Every entry is what was written"));
    let badge = root.page("/").await;
    assert!(
        badge.contains("<span class=\"badge\">2<span class=\"unseen\"> waiting for you</span>"),
        "{badge}"
    );
}

#[tokio::test]
async fn what_other_teams_have_is_no_page() {
    let scene = Scene::new().await;
    let ada = Browser::of(&scene, "ada", "maintainer", &[]).await;
    let change = change_of("site-web", "search");
    for path in [
        "/services/site-web".to_owned(),
        "/services/site-web/hold".to_owned(),
        "/runs/r-web".to_owned(),
        "/runs/r-web/cancel".to_owned(),
        "/tasks/2".to_owned(),
        "/approvals/7".to_owned(),
        "/catalog/items/secretive".to_owned(),
        format!("/changes/{change}"),
        format!("/changes/{change}/approve"),
    ] {
        let said = ada.open(&path).await;
        assert_eq!(said.status, 404, "{path}: {}", said.text);
        whole(&path, &said);
        assert!(!said.text.contains(">search<") && !said.text.contains("large"), "{path}");
    }
    assert_eq!(ada.open("/insights?days=900").await.status, 400);
    for (path, status) in [("/audit", 403), ("/audit/verify", 403), ("/settings/users", 403)] {
        assert_eq!(ada.open(path).await.status, status, "{path}");
    }
    for path in [
        "/",
        "/services",
        "/runs",
        "/inbox",
        "/plan",
        "/drift",
        "/catalog",
        "/tasks",
        "/findings",
        "/proposals",
        "/activity",
        "/insights",
        "/settings/operating",
    ] {
        let html = ada.page(path).await;
        assert!(!html.contains("site-web") && !html.contains("secretive"), "{path}: {html}");
    }
    for (page, path, fields) in [
        ("/", "/runs/r-web/cancel".to_owned(), vec![("reason", "x")]),
        ("/", "/services/site-web/hold".to_owned(), vec![("reason", "x")]),
        ("/", "/tasks/2/complete".to_owned(), vec![("output-url", "x")]),
        ("/", format!("/changes/{change}/approve"), vec![]),
        ("/", format!("/changes/{change}/reject"), vec![("reason", "x")]),
    ] {
        let said = ada.send(page, &path, &fields).await;
        assert_eq!(said.status, 404, "{path}: {}", said.text);
    }
    assert_eq!(scene.store.last_decision().await.expect("read"), 0);
}

#[tokio::test]
async fn who_only_looks_is_offered_nothing_and_can_do_nothing() {
    let scene = Scene::new().await;
    let vic = Browser::of(&scene, "vic", "viewer", &["*"]).await;
    for (path, offer) in [
        ("/services/shop-db", "/services/shop-db/hold"),
        ("/runs/r-db", "/runs/r-db/cancel"),
        ("/tasks/1", "Complete the task"),
        ("/plan", "/approve"),
        ("/", "/audit\""),
    ] {
        assert!(!vic.page(path).await.contains(offer), "{path}");
    }
    for (path, fields) in [
        ("/services/shop-db/hold", vec![("reason", "x")]),
        ("/services/shop-db/reconcile", vec![]),
        ("/runs/r-db/pause", vec![("reason", "x")]),
        ("/tasks/1/complete", vec![("output-url", "x")]),
        ("/settings/breakers/rest-api/api.example", vec![("reason", "x")]),
        ("/settings/users", vec![("name", "mallory"), ("roles", "admin: *")]),
        ("/settings/users/vic", vec![("roles", "admin: *")]),
        ("/settings/users/root/accounts/corp/unlink", vec![]),
    ] {
        assert_eq!(vic.send("/", path, &fields).await.status, 403, "{path}");
    }
    assert_eq!(scene.store.last_decision().await.expect("read"), 0);
}

#[tokio::test]
async fn every_form_demands_the_token_of_its_session() {
    let scene = Scene::new().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    let change = change_of("shop-db", "payments");
    for path in [
        "/services/shop-db/hold",
        "/services/shop-db/reconcile",
        "/runs/r-db/cancel",
        "/tasks/1/complete",
        "/approvals/1/grant",
        "/inbox/approvals",
        "/inbox/tasks",
        "/proposals/x/approve",
        "/settings/breakers/rest-api/api.example",
        "/settings/keys",
        "/settings/keys/x/revoke",
        "/settings/sessions/all/end",
        "/settings/users",
        "/settings/users/root",
        "/settings/accounts/corp/unlink",
        "/settings/users/root/accounts/corp/unlink",
        "/sign-out",
        "/theme",
        &format!("/changes/{change}/approve"),
    ] {
        let body = form(&[("reason", "x"), ("output-url", "x"), ("note", "x"), ("name", "x")]);
        let said = sent(&scene, path, &[("cookie", &root.cookie)], &body).await;
        assert_eq!(said.status, 403, "{path}: {}", said.text);
        assert!(said.text.contains("not from this portal"), "{path}");
    }
    assert_eq!(scene.store.last_decision().await.expect("read"), 0);
    // The token of somebody else is none of ours.
    let eve = Browser::of(&scene, "eve", "admin", &["*"]).await;
    let token = hidden(&eve.page("/").await, "_token");
    let said =
        sent(&scene, "/theme", &[("cookie", &root.cookie)], &form(&[("_token", &token)])).await;
    assert_eq!(said.status, 403);
}

#[tokio::test]
async fn what_is_said_is_said_once_and_kept_with_who_says_it() {
    let scene = Scene::new().await;
    let ada = Browser::of(&scene, "ada", "maintainer", &[]).await;
    let empty = ada.send("/runs/r-db/pause", "/runs/r-db/pause", &[("reason", " ")]).await;
    assert_eq!(empty.status, 422);
    whole("/runs/r-db/pause", &empty);
    assert!(
        empty.text.contains("Say why: it is kept.") && empty.text.contains("aria-invalid"),
        "{}",
        empty.text
    );
    // The same form twice, as a double click sends it.
    let html = ada.page("/runs/r-db/pause").await;
    let fields = [
        ("_token", hidden(&html, "_token")),
        ("_once", hidden(&html, "_once")),
        ("reason", "not now".to_owned()),
    ];
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for _ in 0..2 {
        let said =
            sent(&scene, "/runs/r-db/pause", &[("cookie", &ada.cookie)], &form(&fields)).await;
        assert_eq!(
            (said.status, &said.headers["location"]),
            (303, &"/runs/r-db?done=said".parse().expect("a value"))
        );
    }
    assert_eq!(scene.store.last_decision().await.expect("read"), 1);
    let said = &scene.store.decisions_after(0).await.expect("read")[0];
    assert!(
        matches!(&said.decision, DecisionKind::Control { reason, .. } if reason == "not now"),
        "{said:?}"
    );
    assert_eq!(said.by, "ada");
    assert!(ada.page("/runs/r-db?done=said").await.contains("It was recorded."));
}

#[tokio::test]
async fn what_forms_take_is_what_the_api_records() {
    let scene = Scene::new().await;
    let ada = Browser::of(&scene, "ada", "maintainer", &[]).await;
    let said =
        ada.send("/services/shop-db/hold", "/services/shop-db/hold", &[("reason", "a fire")]).await;
    assert_eq!(said.status, 303, "{}", said.text);
    let digest = change_of("shop-db", "payments");
    let path = format!("/changes/{digest}/reject");
    let said = ada.send(&path, &path, &[("reason", "too large")]).await;
    assert_eq!(said.headers["location"], format!("/changes/{digest}?done=rejected"));
    let bad = ada.send("/tasks/1", "/tasks/1/complete", &[("output-more", "x")]).await;
    assert_eq!(bad.status, 422, "{}", bad.text);
    let said =
        ada.send("/tasks/1", "/tasks/1/complete", &[("output-url", "https://db.example")]).await;
    assert_eq!(said.headers["location"], "/tasks/1?done=completed");
    let told: Vec<_> = scene
        .store
        .decisions_after(0)
        .await
        .expect("read")
        .into_iter()
        .map(|one| one.decision)
        .collect();
    assert!(
        matches!(&told[0], DecisionKind::Hold { service, .. } if service == "shop-db"),
        "{told:?}"
    );
    assert!(matches!(&told[1], DecisionKind::Reject { .. }), "{told:?}");
    assert!(matches!(&told[2], DecisionKind::CompleteTask { task: 1, .. }), "{told:?}");
}

#[tokio::test]
async fn keys_and_users_are_made_in_the_settings() {
    let scene = Scene::new().await;
    let root = Browser::of(&scene, "root", "admin", &["*"]).await;
    let fields = [("note", HOSTILE), ("scopes", "read, operate:run"), ("days", "3")];
    let made = root.send("/settings", "/settings/keys", &fields).await;
    whole("/settings", &made);
    let (_, rest) = made.text.split_once("<pre>").expect("the secret");
    let secret = rest.split('<').next().expect("its end");
    assert_eq!(scene.get(secret, "/services").await.status, 200);
    assert!(!root.page("/settings").await.contains(secret));
    for (fields, told) in [
        ([("note", " "), ("days", "3")], "Say what it is for"),
        ([("note", "x"), ("days", "900")], "1 to 366"),
    ] {
        let said = root.send("/settings", "/settings/keys", &fields).await;
        assert_eq!(said.status, 422);
        assert!(said.text.contains(told), "{}", said.text);
    }
    let path = format!("/settings/keys/{}/revoke", &secret[..11]);
    assert_eq!(root.send("/settings", &path, &[]).await.status, 303);
    assert_eq!(scene.get(secret, "/services").await.status, 401);
    let fields = [
        ("name", "bob"),
        ("type", "person"),
        ("roles", "maintainer: payments search\nviewer: *"),
        ("password", "correct horse battery"),
    ];
    let said = root.send("/settings/users", "/settings/users", &fields).await;
    assert_eq!(said.status, 303, "{}", said.text);
    let said =
        scene.ask((Method::GET, "/settings/users/bob"), &[("cookie", &root.cookie)], "").await;
    assert!(said.text.contains("maintainer: payments search\nviewer: *"), "{}", said.text);
    let wrong = root
        .send("/settings/users", "/settings/users", &[("name", "eve"), ("roles", "emperor: *")])
        .await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    whole("/settings/users", &wrong);
    let fields = [("roles", "viewer"), ("disabled", "yes")];
    assert_eq!(root.send("/settings/users/bob", "/settings/users/bob", &fields).await.status, 303);
    assert!(root.page("/settings/users").await.contains("shut out"));
}
