//! Attacks: each operation without credentials and with too few rights, objects of other teams, hostile headers and bodies.

use axum::http::Method;
use serde_json::{Value, json};

use super::openapi;
use super::scene::Scene;
use crate::serve::auth::AuthSettings;
use crate::store::{PeopleStore as _, Store as _};

/// All operations of the document: method, path with something in the place of parameters, name.
fn operations() -> Vec<(Method, String, String)> {
    let paths = openapi()["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, operation)| {
            let path = path
                .replace("{number}", "1")
                .replace("{digest}", &"ab".repeat(32))
                .replace("{word}", "pause")
                .replace("{action}/{target}", "rest-api/api.example")
                .replace("/runs/{id}", "/runs/r-db")
                .replace("/services/{id}", "/services/shop-db")
                .replace("{id}", "x")
                .replace("{name}", "ada")
                .replace("{provider}", "corp");
            let method = method.to_uppercase().parse().expect("a method");
            (method, path, operation["operationId"].as_str().expect("a name").to_owned())
        })
    });
    all.collect()
}

fn is_open(name: &str) -> bool {
    let ways = ["setUp", "beginSession", "createTokens", "refreshTokens", "exchangeToken"];
    ways.contains(&name)
}

#[tokio::test]
async fn nothing_is_answered_to_nobody() {
    let scene = Scene::new().await;
    let all = operations();
    assert!(all.len() > 40, "{}", all.len());
    for (method, path, name) in &all {
        if is_open(name) {
            continue;
        }
        let none: &[(&str, &str)] = &[];
        let bad_key = format!("Bearer tl_12345678_{}", "A".repeat(43));
        for headers in [
            none,
            &[("authorization", "Bearer x.y.z")],
            &[("authorization", &bad_key)],
            &[("authorization", "Basic cm9vdDpyb290")],
            &[("cookie", "trueline=guess; __Host-trueline=guess")],
            &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-user", "root")],
        ] {
            let said = scene.ask((method.clone(), path), headers, "{}").await;
            assert_eq!(said.status, 401, "{method} {path} {headers:?}: {}", said.text);
            assert_eq!(said.body["type"], "urn:trueline:problem:unauthenticated");
            assert!(said.headers.contains_key("www-authenticate"), "{path}");
        }
    }
    assert_eq!(scene.ask((Method::GET, "/api/v1/none"), &[], "").await.status, 401);
}

#[tokio::test]
async fn who_only_looks_changes_nothing() {
    let scene = Scene::new().await;
    let viewer = scene.key("vic", "viewer", &["*"]).await;
    let before = scene.store.last_decision().await.expect("read");
    for (method, path, name) in operations() {
        let bearer = format!("Bearer {viewer}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        if method == Method::GET {
            let for_admins =
                ["listAudit", "listAuditChain", "listUsers", "getUser", "listAccountsOf"]
                    .contains(&name.as_str());
            if for_admins {
                assert_eq!(scene.ask((method, &path), &headers, "").await.status, 403, "{path}");
            }
            continue;
        }
        if is_open(&name) {
            continue;
        }
        let said = scene.ask((method.clone(), &path), &headers, "{}").await;
        assert_eq!(said.status, 403, "{method} {path}: {}", said.text);
        assert_eq!(said.body["type"], "urn:trueline:problem:forbidden");
    }
    assert_eq!(scene.store.last_decision().await.expect("read"), before);
    let keys = scene.get(&viewer, "/auth/keys?all=true").await;
    assert_eq!(keys.status, 403, "{}", keys.text);
}

#[tokio::test]
async fn what_other_teams_have_is_not_there() {
    let scene = Scene::new().await;
    // The catalog names ada among the owners of payments.
    let ada = scene.key("ada", "maintainer", &[]).await;
    let change = Scene::change("site-web", "search").digest;
    for path in [
        "/services/site-web",
        "/services/site-web/plan",
        "/services/site-web/history",
        "/runs/r-web",
        "/runs/r-web/journal",
        "/runs/r-web/events",
        "/tasks/2",
        "/catalog/items/secretive",
        "/catalog/items/secretive/form",
        "/catalog/items/secretive/schema",
    ] {
        let said = scene.get(&ada, path).await;
        assert_eq!(said.status, 404, "{path}: {}", said.text);
        assert!(!said.text.contains("search"), "{path}: {}", said.text);
    }
    for (path, body) in [
        ("/services/site-web/reconcile".to_owned(), ""),
        ("/runs/r-web/cancel".to_owned(), r#"{"reason": "x"}"#),
        ("/tasks/2/complete".to_owned(), r#"{"outputs": {"url": "x"}}"#),
        (format!("/changes/{change}/approve"), ""),
        (format!("/changes/{change}/reject"), r#"{"reason": "x"}"#),
    ] {
        let said = scene.post(&ada, &path, body).await;
        assert_eq!(said.status, 404, "{path}: {}", said.text);
    }
    let names = |said: &Value, field: &str| {
        let items = said["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item[field].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&scene.get(&ada, "/services").await.body, "id"), ["shop-db"]);
    assert_eq!(names(&scene.get(&ada, "/runs").await.body, "id"), ["r-db"]);
    assert_eq!(names(&scene.get(&ada, "/tasks").await.body, "service"), ["shop-db"]);
    assert_eq!(names(&scene.get(&ada, "/catalog").await.body, "id"), ["postgres"]);
    // A plan shows its part; all of it is judged by who may judge all of it.
    let plan = scene.store.latest_plan().await.expect("read").expect("a plan");
    let shown = scene.get(&ada, &format!("/plans/{}", plan.digest)).await;
    assert!(
        shown.text.contains("\"shop-db\"") && !shown.text.contains("\"site-web\""),
        "{}",
        shown.text
    );
    let said = scene.post(&ada, &format!("/plans/{}/approve", plan.digest), "").await;
    assert_eq!(said.status, 403, "{}", said.text);
    let own = Scene::change("shop-db", "payments").digest;
    assert_eq!(scene.post(&ada, &format!("/changes/{own}/approve"), "").await.status, 202);
    for path in ["/audit", "/audit/chain", "/status", "/breakers"] {
        assert_eq!(scene.get(&ada, path).await.status, 403, "{path}");
    }
    let path = "/breakers/rest-api/api.example/reset";
    let said = scene.post(&ada, path, r#"{"reason": "x"}"#).await;
    assert_eq!(said.status, 403, "it lets the runs of all teams on: {}", said.text);
}

#[tokio::test]
async fn keys_and_agents_can_do_no_more_than_they_are_for() {
    let scene = Scene::new().await;
    let root = scene.key("root", "admin", &["*"]).await;
    // A key mints no keys and no users, whoever owns it.
    let said = scene.post(&root, "/auth/keys", r#"{"note": "more"}"#).await;
    assert_eq!(said.status, 403, "{}", said.text);
    assert_eq!(scene.post(&root, "/users", r#"{"name": "mallory"}"#).await.status, 403);
    let reads = scene.key_of("root", &["read"]).await;
    assert_eq!(scene.get(&reads, "/users").await.status, 200);
    assert_eq!(scene.post(&reads, "/services/shop-db/reconcile", "").await.status, 403);
    let odd = scene.key_of("root", &["read", "everything"]).await;
    assert_eq!(scene.get(&odd, "/services").await.status, 401, "an unknown scope cuts to nothing");
    let agent = scene.key("bot", "agent", &["*"]).await;
    assert_eq!(scene.get(&agent, "/services").await.status, 200);
    let own = Scene::change("shop-db", "payments").digest;
    assert_eq!(scene.post(&agent, &format!("/changes/{own}/approve"), "").await.status, 403);
    // It holds until it is taken back, its time is past, or its owner is shut out.
    let id = reads.get(..11).expect("a public part").to_owned();
    let by = crate::store::Actor {
        name: "root".to_owned(),
        kind: crate::store::ActorKind::Operator,
        via: "test".to_owned(),
        correlation: None,
    };
    assert!(scene.store.revoke_key(&by, scene.app.now(), &id).await.expect("revoked"));
    assert_eq!(scene.get(&reads, "/services").await.status, 401);
    let mut user = scene.store.user("bot").await.expect("read").expect("there");
    user.disabled = true;
    scene.store.save_user(&by, scene.app.now(), (&user, false)).await.expect("saved");
    assert_eq!(scene.get(&agent, "/services").await.status, 401);
    scene.passes(100_000);
    assert_eq!(scene.get(&root, "/services").await.status, 401);
}

#[tokio::test]
async fn hostile_requests_are_refused_in_our_words() {
    let scene = Scene::new().await;
    let key = scene.key("root", "admin", &["*"]).await;
    let bearer = format!("Bearer {key}");
    let auth = ("authorization", bearer.as_str());
    let json_ = ("content-type", "application/json");
    let large = format!("{{\"reason\": \"{}\"}}", "x".repeat(5 << 20));
    let deep = format!("{{\"outputs\": {{\"url\": {}{}}}}}", "[".repeat(5_000), "]".repeat(5_000));
    for (method, path, headers, body, status, word) in [
        (Method::GET, "/api/v1/nothing", vec![auth], "", 404, "not-found"),
        (Method::GET, "/api/v1/runs/..%2f..%2fetc%2fpasswd", vec![auth], "", 404, "not-found"),
        (Method::GET, "/api/v1/runs/%00", vec![auth], "", 404, "not-found"),
        (Method::GET, "/api/v1/tasks/-1", vec![auth], "", 404, "not-found"),
        (Method::GET, "/api/v1/tasks/99999999999999999999", vec![auth], "", 404, "not-found"),
        (Method::GET, "/api/v1/plans/'%20OR%201=1", vec![auth], "", 404, "not-found"),
        (Method::DELETE, "/api/v1/runs", vec![auth], "", 405, "method"),
        (Method::POST, "/api/v1/runs/r-db/events", vec![auth, json_], "{}", 405, "method"),
        (Method::POST, "/api/v1/runs/r-db/pause", vec![auth], "{}", 415, "media-type"),
        (Method::POST, "/api/v1/runs/r-db/pause", vec![auth, json_], &large, 413, "too-large"),
        (Method::POST, "/api/v1/tasks/1/complete", vec![auth, json_], &deep, 400, "body"),
        (Method::GET, "/api/v1/runs?service=%ff", vec![auth], "", 400, "parameter"),
        (Method::GET, "/api/v1/audit?since=yesterday", vec![auth], "", 400, "parameter"),
    ] {
        let said = scene.ask((method.clone(), path), &headers, body).await;
        assert_eq!(said.status, status, "{method} {path}: {}", said.text);
        assert_eq!(said.body["type"], format!("urn:trueline:problem:{word}"), "{path}");
        assert_eq!(said.headers["content-type"], "application/problem+json", "{path}");
        assert_eq!(said.headers["x-content-type-options"], "nosniff");
        assert!(said.headers.contains_key("x-correlation-id"));
    }
    let twice = [auth, ("authorization", "Bearer x")];
    assert_eq!(scene.ask((Method::GET, "/api/v1/runs"), &twice, "").await.status, 401);
    let marked = [auth, ("x-correlation-id", "<script>")];
    let said = scene.ask((Method::GET, "/api/v1/runs"), &marked, "").await;
    assert!(!said.headers["x-correlation-id"].to_str().expect("text").contains('<'));
    let ours = [auth, ("x-correlation-id", "req-7")];
    let said = scene.ask((Method::GET, "/api/v1/runs"), &ours, "").await;
    assert_eq!(said.headers["x-correlation-id"], "req-7");
    assert_eq!(said.headers["cache-control"], "private, no-cache");
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_ask_again() {
    let scene = Scene::with(AuthSettings { rate: Some(1), ..AuthSettings::default() }).await;
    let key = scene.key("ada", "viewer", &["*"]).await;
    let first = scene.get(&key, "/runs").await;
    assert_eq!(first.headers["ratelimit"], "\"requests\";r=3;t=4");
    let mut last = first;
    for _ in 0..100 {
        last = scene.get(&key, "/runs").await;
        if last.status == 429 {
            break;
        }
    }
    assert_eq!(last.status, 429, "{}", last.text);
    assert!(last.headers.contains_key("retry-after"));
    let other = scene.key("bob", "viewer", &["*"]).await;
    assert_eq!(scene.get(&other, "/runs").await.status, 200, "others are not held up");
}

#[tokio::test]
async fn only_known_origins_may_ask() {
    let cors = vec!["https://portal.example.com".to_owned()];
    let scene = Scene::with(AuthSettings { cors, ..AuthSettings::default() }).await;
    let ask = async |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "POST")];
        scene.ask((Method::OPTIONS, "/api/v1/runs"), &headers, "").await
    };
    let said = ask("https://portal.example.com").await;
    assert_eq!(said.status, 204);
    assert_eq!(said.headers["access-control-allow-origin"], "https://portal.example.com");
    for origin in ["https://evil.example", "null", "https://portal.example.com.evil.example"] {
        let said = ask(origin).await;
        assert!(!said.headers.contains_key("access-control-allow-origin"), "{origin}");
    }
    assert_eq!(json!(openapi()["servers"]), json!([{"url": "/"}]));
}
