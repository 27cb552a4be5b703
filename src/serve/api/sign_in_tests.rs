//! Tests of signing in: the first user, sessions, tokens that rotate, and what other sites and thieves try.

use axum::http::Method;
use serde_json::{Value, json};

use super::scene::{Said, Scene};
use crate::store::{PeopleStore as _, Store as _, verify_chain};

const PASSWORD: &str = "correct horse battery";

async fn sign_in(scene: &Scene, path: &str, user: &str, password: &str) -> Said {
    let body = json!({"user": user, "password": password}).to_string();
    let headers = [("content-type", "application/json")];
    scene.ask((Method::POST, path), &headers, &body).await
}

/// A scene whose first user, an admin, was made with the code of the first start.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    let code = scene.app.auth().setup_code(scene.app.now());
    let setup = async |code: &str, password: &str| {
        let body = json!({"code": code, "user": "root", "password": password}).to_string();
        let headers = [("content-type", "application/json")];
        scene.ask((Method::POST, "/api/v1/auth/setup"), &headers, &body).await.status
    };
    assert_eq!(setup("guess", PASSWORD).await, 403);
    assert_eq!(setup(code.reveal(), "password").await, 422);
    assert_eq!(setup(code.reveal(), PASSWORD).await, 201);
    assert_eq!(setup(code.reveal(), PASSWORD).await, 403, "it holds once");
    scene
}

fn text(body: &Value, key: &str) -> String {
    body[key].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_browser_signs_in_and_out() {
    let scene = scene().await;
    let begun = sign_in(&scene, "/api/v1/auth/sessions", "root", PASSWORD).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let cookie = begun.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!begun.text.contains(cookie.split(['=', ';']).nth(1).expect("a value")));
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let csrf = text(&begun.body, "csrfToken");
    let with = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let me = scene.ask((Method::GET, "/api/v1/auth/me"), &with, "").await;
    assert_eq!((&me.body["user"], &me.body["csrfToken"]), (&json!("root"), &json!(csrf)));
    // Another site has the cookie sent, and does not know the token.
    let forged = scene.ask((Method::POST, "/api/v1/catalog/refresh"), &with, "").await;
    assert_eq!(forged.status, 403, "{}", forged.text);
    let ours = [with[0], with[1], ("x-csrf-token", csrf.as_str())];
    assert_eq!(scene.ask((Method::POST, "/api/v1/catalog/refresh"), &ours, "").await.status, 202);
    let made = r#"{"note": "for a script", "scopes": ["read"], "days": 1}"#;
    let made = scene.ask((Method::POST, "/api/v1/auth/keys"), &ours, made).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(scene.get(&text(&made.body, "secret"), "/services").await.status, 200);
    let session = text(&begun.body, "session");
    let path = format!("/api/v1/auth/sessions/{session}");
    assert_eq!(scene.ask((Method::DELETE, &path), &ours, "").await.status, 204);
    assert_eq!(scene.ask((Method::GET, "/api/v1/auth/me"), &with, "").await.status, 401);
    let chain = scene.store.audit_after(0, 100).await.expect("read");
    assert_eq!(verify_chain(&chain), Ok(()));
    let told: Vec<&str> = chain.iter().map(|entry| entry.what.as_str()).collect();
    for what in ["user.created", "session.began", "key.created", "session.ended"] {
        assert!(told.contains(&what), "{what}: {told:?}");
    }
    let text = serde_json::to_string(&chain).expect("json");
    assert!(!text.contains("argon2") && !text.contains(PASSWORD), "{text}");
}

#[tokio::test]
async fn a_quiet_or_old_session_ends() {
    let scene = scene().await;
    let begun = sign_in(&scene, "/api/v1/auth/sessions", "root", PASSWORD).await;
    let cookie = begun.headers["set-cookie"].to_str().expect("text").to_owned();
    let cookie = cookie.split(';').next().expect("a pair").to_owned();
    let asks = async || {
        let with = [("cookie", cookie.as_str())];
        scene.ask((Method::GET, "/api/v1/auth/me"), &with, "").await.status
    };
    scene.passes(11 * 60 * 60);
    assert_eq!(asks().await, 200);
    scene.passes(11 * 60 * 60);
    assert_eq!(asks().await, 200, "it was not quiet for long");
    scene.passes(13 * 60 * 60);
    assert_eq!(asks().await, 401);
}

#[tokio::test]
async fn refresh_tokens_are_used_once() {
    let scene = scene().await;
    let first = sign_in(&scene, "/api/v1/auth/tokens", "root", PASSWORD).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let refresh = async |token: &str| {
        let body = json!({"refreshToken": token}).to_string();
        let headers = [("content-type", "application/json")];
        scene.ask((Method::POST, "/api/v1/auth/tokens/refresh"), &headers, &body).await
    };
    let access = text(&first.body, "accessToken");
    assert_eq!(scene.get(&access, "/services").await.status, 200);
    let stolen = text(&first.body, "refreshToken");
    let second = refresh(&stolen).await;
    assert_eq!(second.status, 200, "{}", second.text);
    let newer = text(&second.body, "accessToken");
    // Whoever stole it uses it too: from then on nobody has anything.
    assert_eq!(refresh(&stolen).await.status, 401);
    assert_eq!(refresh(&text(&second.body, "refreshToken")).await.status, 401);
    assert_eq!(scene.get(&newer, "/services").await.status, 401);
    let chain = scene.store.audit_after(0, 100).await.expect("read");
    assert!(chain.iter().any(|entry| entry.what == "token.reused"));
    let third = sign_in(&scene, "/api/v1/auth/tokens", "root", PASSWORD).await;
    let access = text(&third.body, "accessToken");
    assert_eq!(scene.get(&access, "/services").await.status, 200);
    scene.passes(15 * 60);
    assert_eq!(scene.get(&access, "/services").await.status, 401);
}

#[tokio::test]
async fn a_new_password_ends_what_was_signed_in_with_the_old_one() {
    let scene = scene().await;
    let tokens = sign_in(&scene, "/api/v1/auth/tokens", "root", PASSWORD).await;
    let access = format!("Bearer {}", text(&tokens.body, "accessToken"));
    let with = [("authorization", access.as_str()), ("content-type", "application/json")];
    let new =
        json!({"name": "ada", "roles": [{"role": "viewer"}], "password": PASSWORD}).to_string();
    let made = scene.ask((Method::POST, "/api/v1/users"), &with, &new).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(scene.ask((Method::POST, "/api/v1/users"), &with, &new).await.status, 409);
    for wrong in [
        json!({"name": "x y"}),
        json!({"name": "eve", "isAdmin": true}),
        json!({"name": "eve", "password": "short"}),
        json!({"name": "eve", "roles": [{"role": "root"}]}),
        json!({"name": "eve", "version": 7}),
        json!({"name": "operator"}),
    ] {
        let said = scene.ask((Method::POST, "/api/v1/users"), &with, &wrong.to_string()).await;
        assert_eq!(said.status, 422, "{wrong}: {}", said.text);
    }
    let ada = sign_in(&scene, "/api/v1/auth/tokens", "ada", PASSWORD).await;
    let ada = text(&ada.body, "accessToken");
    assert_eq!(scene.get(&ada, "/services").await.status, 200);
    let path = (Method::PATCH, "/api/v1/users/ada");
    let said = scene.ask(path, &with, r#"{"password": "another horse battery"}"#).await;
    assert_eq!(said.status, 200, "{}", said.text);
    assert_eq!(scene.get(&ada, "/services").await.status, 401);
    assert_eq!(sign_in(&scene, "/api/v1/auth/tokens", "ada", PASSWORD).await.status, 401);
    let own =
        scene.ask((Method::PATCH, "/api/v1/users/root"), &with, r#"{"disabled": true}"#).await;
    assert_eq!(own.status, 409, "{}", own.text);
    let user = scene.store.user("ada").await.expect("read").expect("there");
    assert!(user.password.is_some_and(|hash| hash.starts_with("$argon2id$")));
}

#[tokio::test]
async fn passwords_are_not_tried_for_long() {
    let scene = scene().await;
    for _ in 0..5 {
        let said = sign_in(&scene, "/api/v1/auth/sessions", "root", "wrong wrong wrong").await;
        assert_eq!(said.status, 401, "{}", said.text);
    }
    let said = sign_in(&scene, "/api/v1/auth/sessions", "root", PASSWORD).await;
    assert_eq!(said.status, 429, "{}", said.text);
    assert!(said.headers.contains_key("retry-after"));
    let nobody = sign_in(&scene, "/api/v1/auth/sessions", "nobody", PASSWORD).await;
    assert_eq!(nobody.status, 401, "{}", nobody.text);
}
