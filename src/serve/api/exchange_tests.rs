//! Tests of jobs that exchange the tokens of their CI: what they may, and what is not taken.

use axum::http::Method;
use serde_json::{Value, json};

use super::scene::{Said, Scene};
use crate::serve::IdentitySettings;
use crate::serve::auth::AuthSettings;
use crate::serve::identity::testing::{FakeIssuer, Signer};
use crate::store::Store as _;

struct World {
    scene: Scene,
    issuer: FakeIssuer,
    signer: Signer,
}

const RULES: &str = r#"
[[ci.actions.rules]]
match = {repository = "acme/shop", ref = "refs/heads/main", environment = "production"}
role = "maintainer"
teams = ["payments"]
scopes = ["read", "operate:service"]

[[ci.actions.rules]]
match = {repository = "acme/*"}
role = "viewer"
teams = ["search"]
"#;

async fn world() -> World {
    let signer = Signer::new("k1");
    let issuer = FakeIssuer::start(&signer).await;
    let text = format!("[ci.actions]\nissuer = \"{}\"\n{RULES}", issuer.address);
    let identity: IdentitySettings = toml::from_str(&text).expect("reads");
    assert_eq!(identity.problems(Some("https://t.example")), Vec::<String>::new());
    let settings = AuthSettings {
        rate: Some(10_000),
        public_url: Some("https://t.example".to_owned()),
        identity,
        ..AuthSettings::default()
    };
    World { scene: Scene::with(settings).await, issuer, signer }
}

impl World {
    /// What GitHub Actions says of a job.
    fn claims(&self, id: &str) -> Value {
        let now = self.scene.app.now().as_second();
        json!({
            "iss": self.issuer.address, "aud": "https://t.example", "jti": id,
            "sub": "repo:acme/shop:environment:production", "repository": "acme/shop",
            "repository_owner": "acme", "ref": "refs/heads/main", "environment": "production",
            "iat": now, "nbf": now - 5, "exp": now + 300,
        })
    }

    async fn exchange(&self, token: &str) -> Said {
        let body = json!({"subjectToken": token}).to_string();
        let headers = [("content-type", "application/json")];
        self.scene.ask((Method::POST, "/api/v1/auth/exchange"), &headers, &body).await
    }

    async fn access(&self, id: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims(id);
        change(&mut claims);
        let said = self.exchange(&self.signer.sign(&claims)).await;
        assert_eq!(said.status, 200, "{}", said.text);
        said.body["accessToken"].as_str().expect("a token").to_owned()
    }
}

#[tokio::test]
async fn a_job_may_what_its_rule_says_and_for_a_quarter_of_an_hour() {
    let world = world().await;
    let access = world.access("j1", |_| ()).await;
    let scene = &world.scene;
    let me = scene.get(&access, "/auth/me").await;
    assert_eq!(me.body["user"], "actions:repo:acme/shop:environment:production", "{}", me.text);
    assert_eq!((&me.body["type"], &me.body["teams"]), (&json!("machine"), &json!(["payments"])));
    assert_eq!(scene.get(&access, "/services/shop-db").await.status, 200);
    assert_eq!(scene.get(&access, "/services/site-web").await.status, 404);
    assert_eq!(scene.post(&access, "/services/shop-db/reconcile", "").await.status, 202);
    // It is cut down, and never somebody who is there in person.
    assert_eq!(scene.post(&access, "/runs/r-db/pause", r#"{"reason": "x"}"#).await.status, 403);
    let key = r#"{"note": "for later", "scopes": [], "days": 1}"#;
    assert_eq!(scene.post(&access, "/auth/keys", key).await.status, 403);
    let other = world.access("j2", |claims| claims["ref"] = json!("refs/pull/7/merge")).await;
    assert_eq!(scene.get(&other, "/services/site-web").await.status, 200);
    assert_eq!(scene.post(&other, "/services/site-web/reconcile", "").await.status, 403);
    let chain = scene.store.audit_after(0, 100).await.expect("read");
    let name = "actions:repo:acme/shop:environment:production";
    let of_job = chain.iter().filter(|entry| entry.detail["actor"]["type"] == "machine");
    let told: Vec<&str> = of_job.map(|entry| entry.what.as_str()).collect();
    assert!(told.len() > 2 && told.iter().any(|what| *what != "session.began"), "{chain:?}");
    assert!(chain.iter().any(|entry| entry.actor == name), "{chain:?}");
    scene.passes(15 * 60);
    assert_eq!(scene.get(&access, "/services/shop-db").await.status, 401);
}

#[tokio::test]
async fn tokens_that_are_not_right_are_not_taken() {
    let world = world().await;
    for (name, value) in [
        ("iss", json!("https://token.actions.example")),
        ("aud", json!("https://other.example")),
        ("aud", Value::Null),
        ("exp", json!(1)),
        ("nbf", json!(99_999_999)),
        ("repository", json!("evil/shop")),
        ("repository", json!("acme-evil/shop")),
        ("repository", Value::Null),
        ("sub", json!("")),
        ("sub", json!("a\nb")),
    ] {
        let mut claims = world.claims("x");
        claims[name] = value.clone();
        let said = world.exchange(&world.signer.sign(&claims)).await;
        assert_eq!(said.status, 401, "{name} {value}: {}", said.text);
    }
    let claims = world.claims("x");
    let forged = [
        Signer::new("k1").sign(&claims),
        Signer::shared(b"secret", "k1", &claims),
        Signer::shared(&world.signer.known()[0], "k1", &claims),
        world.signer.sign(&claims).replace("eyJ", "eyK"),
        format!("{}.", world.signer.sign(&claims).rsplit_once('.').expect("parts").0),
        format!(
            "eyJhbGciOiJub25lIn0.{}.",
            world.signer.sign(&claims).split('.').nth(1).expect("claims")
        ),
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(100_000),
        String::new(),
    ];
    for token in forged {
        let said = world.exchange(&token).await;
        assert_eq!(said.status, 401, "{token:.60}: {}", said.text);
        assert!(said.text.len() < 1_000, "{}", said.text);
    }
    for body in
        ["", "[]", "{}", r#"{"subjectToken": 7}"#, r#"{"subjectToken": "a", "role": "admin"}"#]
    {
        let headers = [("content-type", "application/json")];
        let said = world.scene.ask((Method::POST, "/api/v1/auth/exchange"), &headers, body).await;
        assert!(matches!(said.status, 400 | 422), "{body}: {}", said.text);
    }
}

#[tokio::test]
async fn each_token_is_taken_once() {
    let world = world().await;
    let token = world.signer.sign(&world.claims("j1"));
    assert_eq!(world.exchange(&token).await.status, 200);
    assert_eq!(world.exchange(&token).await.status, 401);
    // The same token under another signature, and after the access token has ended.
    assert_eq!(world.exchange(&world.signer.sign(&world.claims("j1"))).await.status, 401);
    let mut long = world.claims("j2");
    long["exp"] = json!(world.scene.app.now().as_second() + 3_600);
    let long = world.signer.sign(&long);
    assert_eq!(world.exchange(&long).await.status, 200);
    world.scene.passes(16 * 60);
    world.access("j3", |_| ()).await;
    assert_eq!(world.exchange(&long).await.status, 401);
    // What is remembered of it opens no page.
    let known = format!("trueline=job {} j1", world.issuer.address);
    let said = world.scene.ask((Method::GET, "/api/v1/auth/me"), &[("cookie", &known)], "").await;
    assert_eq!(said.status, 401);
}
