//! Sessions as they begin, and the cookie that holds one in a browser. Who begins one was made sure of before.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::SignedDuration;

use super::app::App;
use crate::secret::Secret;
use crate::serve::auth::{Peer, hash_secret, new_name, new_token};
use crate::serve::problem::Problem;
use crate::store::{Actor, Session, SessionKind, User};

/// How long a browser stays signed in at most.
const BROWSER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a chain of refresh tokens goes on at most.
const CHAIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Begins a session that is held by a new secret: one that somebody else began is never taken over.
pub(super) async fn begin(
    app: &App,
    (user, via, from): (&User, &str, Peer),
    (kind, headers): (SessionKind, &HeaderMap),
) -> Result<(Session, Secret), Problem> {
    let now = app.now();
    let holds = if kind == SessionKind::Browser { BROWSER } else { CHAIN };
    let session = Session {
        id: new_name(),
        owner: user.name.clone(),
        kind,
        created_at: now,
        expires_at: now.saturating_add(holds).unwrap_or(now),
        address: from.0.to_string(),
        agent: agent(headers),
    };
    let secret = new_token();
    let by =
        Actor { name: user.name.clone(), kind: user.kind, via: via.to_owned(), correlation: None };
    app.store().add_session(&by, now, (&session, &hash_secret(secret.reveal()))).await?;
    Ok((session, secret))
}

/// Begins a session of a browser for somebody whom a provider vouches for; returns the cookie that holds it.
pub(in crate::serve) async fn begin_browser(
    app: &App,
    (user, via, from): (&User, &str, Peer),
    headers: &HeaderMap,
) -> Result<HeaderMap, Problem> {
    let (_, secret) = begin(app, (user, via, from), (SessionKind::Browser, headers)).await?;
    Ok(cookie(app, &secret))
}

/// Returns what a client calls itself, cut short.
pub(super) fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.unwrap_or_default().chars().take(200).collect()
}

/// Returns the cookie that holds the session of a browser.
pub(super) fn cookie(app: &App, secret: &Secret) -> HeaderMap {
    let held = (app.auth().cookie(), secret.reveal());
    set_cookie(app, held, BROWSER).into_iter().collect()
}

/// Has a browser hold something for a while: no script reads it, and no other site has it sent with a form. Nothing is
/// held where the while is none.
pub(in crate::serve) fn set_cookie(
    app: &App,
    (name, value): (&str, &str),
    holds: SignedDuration,
) -> Option<(HeaderName, HeaderValue)> {
    let secure = if app.auth().settings().is_https() { "; Secure" } else { "" };
    let seconds = holds.as_secs();
    let cookie =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    Some((header::SET_COOKIE, HeaderValue::from_str(&cookie).ok()?))
}
