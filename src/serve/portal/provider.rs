//! `/sign-in/with/NAME` sends somebody to sign in elsewhere; they come back to `/sign-in/with/NAME/callback` with a word for
//! us. What the browser holds meanwhile is good for ten minutes and one return.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;

use super::form::Asked;
use super::guest::Guest;
use super::local::{place, sent_to};
use crate::serve::api::{App, begin_browser, set_cookie};
use crate::serve::auth::{Peer, cookie_of};
use crate::serve::identity::{ATTEMPT_HOLDS, Returned, signed_in};
use crate::serve::problem::Problem;

/// The cookie of an attempt: `__Host-` holds it to this host and to TLS.
fn cookie(app: &App) -> &'static str {
    match app.auth().settings().is_https() {
        true => "__Host-trueline-attempt",
        false => "trueline-attempt",
    }
}

/// Sends somebody to sign in.
pub(super) async fn begin(
    guest: Guest,
    Path(provider): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (app, next) = (guest.app(), place(asked.get("next")));
    let begun = app.identity().begin((&provider, next), app.now()).await?;
    let mut response = sent_to(&begun.way);
    let held = set_cookie(app, (cookie(app), begun.held.reveal()), ATTEMPT_HOLDS);
    response.headers_mut().extend(held);
    Ok(response)
}

/// Takes whoever comes back in.
pub(super) async fn end(
    guest: Guest,
    Path(provider): Path<String>,
    (peer, headers): (Peer, HeaderMap),
    asked: Asked,
) -> Response {
    let app = guest.app();
    let came = came(app, &provider, (peer, &headers), &asked).await;
    let mut response = came.unwrap_or_else(|problem| match problem.status() {
        // Nobody is sent round in a circle.
        StatusCode::UNAUTHORIZED => Problem::forbidden("nobody knows you by that").into_response(),
        _ => problem.into_response(),
    });
    let gone = set_cookie(app, (cookie(app), ""), SignedDuration::ZERO);
    if let Some((name, value)) = gone {
        response.headers_mut().append(name, value);
    }
    response
}

async fn came(
    app: &App,
    provider: &str,
    (peer, headers): (Peer, &HeaderMap),
    asked: &Asked,
) -> Result<Response, Problem> {
    let returned = Returned {
        held: cookie_of(headers, cookie(app)).unwrap_or_default(),
        state: asked.text("state"),
        code: asked.get("code"),
        error: asked.get("error"),
        issuer: asked.get("iss"),
    };
    let (person, next) = app.identity().end(provider, returned, app.now()).await?;
    let user = signed_in(app, person).await?;
    let via = format!("provider {provider}");
    let session = begin_browser(app, (&user, &via, peer), headers).await?;
    let mut response = sent_to(place(Some(&next)));
    response.headers_mut().extend(session);
    Ok(response)
}
