//! The App of the fake GitHub and its installation: who it is, and the tokens that it gets.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::serve::Answer;
use super::shapes;
use super::state::{State, Token};

/// Checks what an App authenticates itself with («Generating a JSON Web Token»).
pub(super) fn is_app(bearer: &str) -> bool {
    use octocrab::jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
    let key = DecodingKey::from_rsa_pem(include_bytes!("test-app.pub.pem")).unwrap();
    let claims = decode::<Value>(bearer, &key, &Validation::new(Algorithm::RS256));
    claims.is_ok_and(|claims| {
        let second = |name: &str| claims.claims[name].as_i64().unwrap_or_default();
        let short = second("exp") - Timestamp::now().as_second() <= 600;
        short && second("iat") <= Timestamp::now().as_second() && claims.claims["iss"] == super::APP
    })
}

pub(super) fn installation(state: &State, bearer: &str) -> Answer {
    if !is_app(bearer) {
        return Answer::refusal(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded");
    }
    if state.not_installed {
        return Answer::missing();
    }
    let url = format!("{}/api/v3/installation", state.base);
    Answer::json(
        200,
        &json!({
            "id": 42, "account": shapes::user(&state.base, "acme"), "repository_selection": "all",
            "access_tokens_url": url, "repositories_url": url, "html_url": url, "app_id": super::APP,
            "app_slug": "trueline", "target_id": 1, "target_type": "Organization",
            "permissions": {"contents": "write"}, "events": [], "single_file_name": null,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            "suspended_by": null, "suspended_at": null,
        }),
    )
}

pub(super) fn mint(state: &mut State, bearer: &str, body: &Value) -> Answer {
    if !is_app(bearer) {
        return Answer::refusal(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded");
    }
    state.minted += 1;
    let name = format!("ghs-installed-{}", state.minted);
    let only = body.pointer("/repositories/0").and_then(Value::as_str);
    let token = Token::installed(only.map(|only| format!("acme/{only}")));
    let expires = token.expires_at.map(|at| at.to_string());
    state.tokens.insert(name.clone(), token);
    Answer::json(201, &json!({"token": name, "expires_at": expires, "permissions": {}}))
}
