//! Takes the token of a CI job for an access token, once and for a quarter of an hour (RFC 8693 in our words).

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Json, Query};
use super::session::agent;
use crate::serve::auth::{ACCESS_HOLDS_S, Peer, hash_secret, new_name};
use crate::serve::problem::Problem;
use crate::store::{Actor, ActorKind, Session, SessionKind};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(exchange))
}

/// What a job has.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Exchange {
    /// The id token that CI handed to the job.
    subject_token: String,
}

/// An access token of a job.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Exchanged {
    /// `Bearer`.
    token_type: &'static str,
    /// `urn:ietf:params:oauth:token-type:access_token`.
    issued_token_type: &'static str,
    access_token: String,
    /// For so many seconds.
    expires_in: i64,
    /// The name under which the job acts.
    user: String,
}

/// Gives an access token for the id token of a CI job. Each is taken once.
#[utoipa::path(
    post, path = "/auth/exchange", tag = "auth", operation_id = "exchangeToken",
    request_body = Exchange,
    responses((status = 200, description = "The token", body = Exchanged)),
)]
async fn exchange(
    State(app): State<App>,
    Peer(from): Peer,
    query: Query,
    headers: HeaderMap,
    Json(said): Json<Exchange>,
) -> Result<Response, Problem> {
    query.done()?;
    app.auth().limits().ask(&format!("exchange {from}"))?;
    let said = said?;
    let now = app.now();
    let job = app.identity().job(&said.subject_token, now).await?;
    let hash = hash_secret(&job.once);
    let ends = now.saturating_add(SignedDuration::from_secs(ACCESS_HOLDS_S)).unwrap_or(now);
    let session = Session {
        id: new_name(),
        owner: job.name.clone(),
        kind: SessionKind::Job,
        created_at: now,
        // What is remembered of it has to outlive the token that it came with.
        expires_at: ends.max(job.until),
        address: from.to_string(),
        agent: agent(&headers),
    };
    let by = Actor {
        name: job.name.clone(),
        kind: ActorKind::Machine,
        via: format!("token of {}", job.ci),
        correlation: None,
    };
    let used = || Problem::unknown("the token of the job was taken before: each is taken once");
    if app.store().session(&hash).await?.is_some() {
        tracing::warn!(job = job.name, "the token of a job came twice");
        return Err(used());
    }
    if let Err(error) = app.store().add_session(&by, now, (&session, &hash)).await {
        // Of two that come at once, one is written down.
        return match app.store().session(&hash).await? {
            Some(_) => Err(used()),
            None => Err(error.into()),
        };
    }
    let access = app.auth().access().sign_job(&job, &session.id, now);
    Ok(Answer(Exchanged {
        token_type: "Bearer",
        issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
        access_token: access.reveal().to_owned(),
        expires_in: ACCESS_HOLDS_S,
        user: job.name,
    })
    .into_response())
}
