//! Tests of requests over the API: what is taken down, once; what is refused, with its place; who may ask, and see, and speak.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::store::{ServiceRequestStore as _, Store as _};

async fn open(scene: &Scene) -> usize {
    scene.store.open_service_requests().await.expect("read").len()
}

fn asked(size: &str) -> String {
    json!({"item": "postgres", "id": "pay-db", "fields": {"size": size}, "reason": "More"})
        .to_string()
}

fn pointers(body: &Value) -> Vec<String> {
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|one| one["pointer"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn what_fits_is_taken_down_once_and_shown_to_its_team() {
    let scene = Scene::new().await;
    scene.commits();
    let ada = scene.key("ada", "requester", &[]).await;
    let said =
        scene.post_with(&ada, "/requests", (&[("idempotency-key", "k1")], &asked("small"))).await;
    assert_eq!(said.status, 202, "{}", said.text);
    let id = said.body["items"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(said.body["items"][0]["state"], "submitted");
    assert_eq!(said.headers["location"], format!("/api/v1/requests/{id}"));
    let again =
        scene.post_with(&ada, "/requests", (&[("idempotency-key", "k1")], &asked("small"))).await;
    assert_eq!((again.status, &again.body), (202, &said.body));
    let same = scene.post(&ada, "/requests", &asked("small")).await;
    assert_eq!(same.body["items"][0]["id"], json!(id), "who asks twice asks once");
    assert_eq!(open(&scene).await, 1);
    let clash = scene.post(&ada, "/requests", &asked("large")).await;
    assert_eq!(clash.status, 409, "{}", clash.text);

    let shown = scene.get(&ada, &format!("/requests/{id}")).await;
    assert_eq!(shown.body["path"], "services/payments/pay-db.yaml");
    let content = shown.body["content"].as_str().expect("a file");
    assert!(content.contains("fields:\n  size: small\n"), "{content}");
    let status = scene.get(&ada, &format!("/requests/{id}/status")).await;
    assert_eq!(
        (status.body["state"].as_str(), &status.body["over"]),
        (Some("submitted"), &json!(false))
    );
    let logs = scene.get(&ada, &format!("/requests/{id}/logs")).await;
    assert_eq!(logs.body["items"][0]["event"], "submitted", "{}", logs.text);
    assert_eq!(
        scene.get(&ada, "/requests?mine=true&state=submitted").await.body["items"][0]["id"],
        json!(id)
    );
    assert_eq!(scene.get(&ada, "/requests?state=failed").await.body["items"], json!([]));

    // Other teams do not see it, and have no word in it.
    let eve = scene.key("eve", "maintainer", &[]).await;
    assert_eq!(scene.get(&eve, "/requests").await.body["items"], json!([]));
    for path in ["", "/status", "/logs"] {
        assert_eq!(scene.get(&eve, &format!("/requests/{id}{path}")).await.status, 404);
    }
    for word in ["retry", "abort", "escalate"] {
        let said = scene.post(&eve, &format!("/requests/{id}/{word}"), r#"{"reason": "x"}"#).await;
        assert_eq!(said.status, 404, "{word}");
    }
    // Who asked calls it off; who may operate says the rest, where it makes sense.
    let retry = scene.post(&ada, &format!("/requests/{id}/retry"), r#"{"reason": "x"}"#).await;
    assert_eq!(retry.status, 403, "{}", retry.text);
    let bob = scene.key("bob", "requester", &["payments"]).await;
    let theirs = scene.post(&bob, &format!("/requests/{id}/abort"), r#"{"reason": "x"}"#).await;
    assert_eq!(theirs.status, 403, "{}", theirs.text);
    let mia = scene.key("mia", "maintainer", &["payments"]).await;
    let early = scene.post(&mia, &format!("/requests/{id}/retry"), r#"{"reason": "x"}"#).await;
    assert_eq!(early.status, 409, "{}", early.text);
    let aborted =
        scene.post(&ada, &format!("/requests/{id}/abort"), r#"{"reason": "no more"}"#).await;
    assert_eq!(aborted.status, 202, "{}", aborted.text);
    assert_eq!(aborted.body["request"]["why"], "called off by ada: no more");
    let chain = scene.store.audit_after(0, 1000).await.expect("read");
    let told: Vec<_> = chain.iter().filter(|it| it.what.starts_with("request.")).collect();
    assert_eq!(told.len(), 2);
    assert_eq!(told[0].detail["actor"]["type"], "person", "{}", told[0].detail);
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_its_place_and_nothing_is_taken_down() {
    let scene = Scene::new().await;
    scene.commits();
    let ada = scene.key("ada", "requester", &[]).await;
    for (body, status, at) in [
        (json!({"item": "postgres", "fields": {"size": 3}}), 422, "/fields/size"),
        (json!({"item": "postgres", "fields": {"size": "s", "siez": "x"}}), 422, "/fields/siez"),
        (json!({"item": "postgers"}), 422, "/item"),
        (json!({"item": "secretive", "fields": {"size": "s"}}), 422, "/item"),
        (json!({"service": "site-web", "delete": true}), 422, "/service"),
        (json!({"service": "shop-db"}), 422, ""),
        (
            json!({"item": "postgres", "environment": "moon", "fields": {"size": "s"}}),
            422,
            "/environment",
        ),
        (json!({"item": "postgres", "color": "x"}), 422, "/color"),
        (json!({"items": []}), 422, "/items"),
        (
            json!({"items": [{"item": "postgres", "fields": {"size": "s"}}, {"item": "postgres"}]}),
            422,
            "/items/1/fields/size",
        ),
        (json!({"items": [{"items": []}]}), 422, "/items/0/items"),
        (json!({"item": "postgres", "items": []}), 422, ""),
        (json!({"item": "postgres", "fields": {"size": "x".repeat(70_000)}}), 422, "/fields"),
    ] {
        let said = scene.post(&ada, "/requests", &body.to_string()).await;
        assert_eq!(said.status, status, "{body}: {}", said.text);
        assert!(pointers(&said.body).iter().any(|it| it == at), "{body}: {}", said.text);
        assert!(!said.text.contains("search"), "{}", said.text);
    }
    let meant = scene.post(&ada, "/requests", r#"{"item": "postgers"}"#).await;
    assert!(meant.text.contains("did you mean `postgres`?"), "{}", meant.text);
    let other = json!({"item": "postgres", "team": "search", "fields": {"size": "s"}}).to_string();
    assert_eq!(scene.post(&ada, "/requests", &other).await.status, 403);
    let agent = scene.key("robot", "agent", &["payments"]).await;
    let body =
        json!({"item": "postgres", "team": "payments", "id": "by-robot", "fields": {"size": "s"}});
    assert_eq!(open(&scene).await, 0);
    assert_eq!(
        scene.post(&agent, "/requests", &body.to_string()).await.status,
        202,
        "agents may ask"
    );
    let viewer = scene.key("vic", "viewer", &["*"]).await;
    assert_eq!(scene.post(&viewer, "/requests", &asked("s")).await.status, 403);
}

#[tokio::test]
async fn several_are_taken_down_together_and_one_can_be_looked_at_before() {
    let scene = Scene::new().await;
    scene.commits();
    let ada = scene.key("ada", "requester", &[]).await;
    let body = json!({"service": "shop-db", "fields": {"size": "large"}});
    let shown = scene.post(&ada, "/requests/preview", &body.to_string()).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let diff = shown.body["diff"].as_str().expect("a diff");
    assert!(diff.contains("-fields: {size: small}\n+fields: {size: large}\n"), "{diff}");
    assert_eq!(shown.body["plan"]["changes"][0]["service"], "shop-db", "{}", shown.text);
    assert_eq!(open(&scene).await, 0);
    let new = |id: &str| json!({"item": "postgres", "id": id, "fields": {"size": "small"}});
    let many = json!({"items": [new("a-db"), new("b-db"), body]}).to_string();
    assert_eq!(scene.post(&ada, "/requests/preview", &many).await.status, 422);
    let said = scene.post(&ada, "/requests", &many).await;
    assert_eq!(said.status, 202, "{}", said.text);
    assert!(!said.headers.contains_key("location"));
    let kinds: Vec<&Value> =
        said.body["items"].as_array().expect("items").iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, [&json!("create"), &json!("create"), &json!("change")]);
    assert_eq!(open(&scene).await, 3);
}

#[tokio::test]
async fn services_are_held_released_and_operated() {
    let scene = Scene::new().await;
    scene.commits();
    let mia = scene.key("mia", "maintainer", &["payments"]).await;
    let post = async |path: &str, body: &str| {
        let said = scene.post(&mia, &format!("/services/{path}"), body).await;
        (said.status, said.text)
    };
    let why = r#"{"reason": "an audit"}"#;
    assert_eq!(post("shop-db/release", why).await.0, 409);
    assert_eq!(post("shop-db/hold", r#"{"reason": " "}"#).await.0, 422);
    assert_eq!(post("shop-db/hold", why).await.0, 202);
    let (status, text) = post("shop-db/hold", why).await;
    assert!(status == 409 && text.contains("held by mia: an audit already"), "{status} {text}");
    assert_eq!(post("shop-db/release", why).await.0, 202);
    assert_eq!(post("site-web/hold", why).await.0, 404);
    assert_eq!(post("shop-db/operations/none", why).await.0, 404);
    let (status, text) = post("shop-db/operations/flush", why).await;
    assert_eq!(status, 202, "{text}");
    assert!(text.contains("\"decision\""), "{text}");
    assert_eq!(post("shop-db/operations/flush", why).await.0, 409, "once is enough");
    let (status, text) = post("shop-db/operations/stop", why).await;
    assert_eq!(status, 202, "{text}");
    let asked = scene.store.open_service_requests().await.expect("read");
    let content = asked[0].content.as_deref().expect("a file");
    assert!(content.ends_with("state: stopped\n"), "{content}");
}

#[tokio::test]
async fn nothing_is_proposed_to_a_plain_directory() {
    let scene = Scene::new().await;
    let ada = scene.key("ada", "requester", &[]).await;
    let said = scene.post(&ada, "/requests", &asked("small")).await;
    assert_eq!(said.status, 409, "{}", said.text);
    assert!(said.text.contains("plain directory"), "{}", said.text);
}

#[tokio::test]
async fn a_request_is_checked_and_what_it_can_name_is_told() {
    let scene = Scene::new().await;
    scene.commits();
    let ada = scene.key("ada", "requester", &[]).await;
    let fits = scene.post(&ada, "/requests/check", &asked("small")).await;
    assert_eq!((fits.status, &fits.body["service"]), (200, &json!("pay-db")), "{}", fits.text);
    let said =
        scene.post(&ada, "/requests/check", r#"{"item": "postgres", "fields": {"size": 3}}"#).await;
    assert_eq!((said.status, pointers(&said.body)), (422, vec!["/fields/size".to_owned()]));
    assert_eq!(open(&scene).await, 0);
    let options = scene.get(&ada, "/catalog/items/postgres/options").await;
    assert_eq!(options.body["teams"], json!(["payments"]), "{}", options.text);
    assert_eq!(options.body["anyTeam"], json!(false));
    assert_eq!(scene.get(&ada, "/catalog/items/secretive/options").await.status, 404);
    let admin = scene.key("root", "admin", &["*"]).await;
    let options = scene.get(&admin, "/catalog/items/secretive/options").await;
    assert_eq!(
        (&options.body["teams"], &options.body["anyTeam"]),
        (&json!(["search"]), &json!(false))
    );
    let viewer = scene.key("vic", "viewer", &["*"]).await;
    assert_eq!(scene.get(&viewer, "/catalog/items/postgres/options").await.status, 403);
    assert_eq!(scene.post(&viewer, "/requests/check", &asked("s")).await.status, 403);
    for files in [
        json!({"size": {"name": "a", "content": "?"}}),
        json!({"size": {"name": "a", "content": "eA=="}}),
    ] {
        let body = json!({"item": "postgres", "fields": {"size": "s"}, "files": files}).to_string();
        let said = scene.post(&ada, "/requests/check", &body).await;
        assert_eq!(said.status, 422, "{}", said.text);
    }
}

#[tokio::test]
async fn what_depends_on_what_is_told_as_far_as_it_can_be_seen() {
    let scene = Scene::new().await;
    let needs = |id: &str, team: &str| {
        format!("{}dependsOn: [shop-db]\n", super::scene::service(id, team, "small"))
    };
    let (own, other) = (needs("pay-web", "payments"), needs("site-more", "search"));
    scene.holds(&[
        ("services/payments/pay-web.yaml", &own),
        ("services/search/site-more.yaml", &other),
    ]);
    let ada = scene.key("ada", "viewer", &[]).await;
    let said = scene.get(&ada, "/services/shop-db/relations").await;
    assert_eq!(said.body["dependents"][0]["service"], "pay-web", "{}", said.text);
    assert_eq!((&said.body["hidden"], said.text.contains("site-more")), (&json!(1), false));
    let said = scene.get(&ada, "/services/pay-web/relations").await;
    assert_eq!(said.body["dependsOn"][0]["service"], "shop-db", "{}", said.text);
    assert_eq!(scene.get(&ada, "/services/site-more/relations").await.status, 404);
    let shown = scene.get(&ada, "/services/pay-web").await;
    assert_eq!(shown.body["desired"]["dependsOn"], json!(["shop-db"]), "{}", shown.text);
    assert_eq!(shown.body["desired"]["operations"][1]["state"], "stopped", "{}", shown.text);
}

#[tokio::test]
async fn an_approval_may_say_something_and_need_not() {
    let scene = Scene::new().await;
    let mia = scene.key("mia", "maintainer", &["payments"]).await;
    let digest = Scene::change("shop-db", "payments").digest;
    let path = format!("/changes/{digest}/approve");
    let long = json!({"comment": "x".repeat(2_001)}).to_string();
    assert_eq!(scene.post(&mia, &path, &long).await.status, 422);
    assert_eq!(scene.post(&mia, &path, r#"{"reason": "x"}"#).await.status, 422);
    assert_eq!(scene.post(&mia, &path, r#"{"comment": "looks right"}"#).await.status, 202);
    assert_eq!(scene.post(&mia, &path, "").await.status, 202);
    let said = scene.store.decisions_after(0).await.expect("read");
    let told: Vec<Value> = said.iter().map(|one| json!(one.decision)["comment"].clone()).collect();
    assert_eq!(told, [json!("looks right"), Value::Null]);
    let chain = scene.store.audit_after(0, 1000).await.expect("read");
    let told = chain.iter().find(|it| it.what == "approve").expect("told");
    assert_eq!(
        (&told.detail["comment"], &told.detail["subject"]),
        (&json!("looks right"), &json!(digest))
    );
}
