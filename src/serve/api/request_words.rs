//! What a person says on a request: to call it off, to try again, to let people do it. Recorded once it makes sense.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Json, Plain};
use super::requests::{RequestLine, request_of};
use super::words::demand_reason;
use crate::engine::request::{RequestWord, say_on_request};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(retry)).routes(routes!(abort)).routes(routes!(escalate))
}

/// What is said with a word on a request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RequestWordWire {
    /// Why; it is kept with who says so.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// With `retry`: leaves alone what succeeded.
    #[serde(default)]
    from_failed: Option<bool>,
}

/// A word that was recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SpokenWire {
    /// The request as it stands.
    request: RequestLine,
    /// Number of the decision, where it is about the run; otherwise the proposal is closed within a second.
    decision: Option<i64>,
}

/// Has what failed tried again.
#[utoipa::path(
    post, path = "/requests/{id}/retry", tag = "requests", operation_id = "retryRequest",
    params(("id" = String, Path, description = "Name of the request")),
    request_body = RequestWordWire,
    responses((status = 202, description = "It was recorded", body = SpokenWire)),
)]
async fn retry(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    Plain(_): Plain,
    Json(said): Json<RequestWordWire>,
) -> Result<Response, Problem> {
    who.demand(Verb::Operate, Kind::Run)?;
    let said = said?;
    let from_failed = said.from_failed.unwrap_or(false);
    say(&app, &who, &id, (RequestWord::Retry { from_failed }, &said)).await
}

/// Calls a request off: closes its proposal, or has its run called off. Who asked may do so until it is merged.
#[utoipa::path(
    post, path = "/requests/{id}/abort", tag = "requests", operation_id = "abortRequest",
    params(("id" = String, Path, description = "Name of the request")),
    request_body = RequestWordWire,
    responses((status = 202, description = "It was recorded", body = SpokenWire)),
)]
async fn abort(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    Plain(_): Plain,
    Json(said): Json<RequestWordWire>,
) -> Result<Response, Problem> {
    if !who.may_somewhere(Verb::Operate, Kind::Run) {
        who.demand(Verb::Request, Kind::Service)?;
    }
    say(&app, &who, &id, (RequestWord::Abort, &said?)).await
}

/// Has people do by hand what failed.
#[utoipa::path(
    post, path = "/requests/{id}/escalate", tag = "requests", operation_id = "escalateRequest",
    params(("id" = String, Path, description = "Name of the request")),
    request_body = RequestWordWire,
    responses((status = 202, description = "It was recorded", body = SpokenWire)),
)]
async fn escalate(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    Plain(_): Plain,
    Json(said): Json<RequestWordWire>,
) -> Result<Response, Problem> {
    who.demand(Verb::Operate, Kind::Run)?;
    say(&app, &who, &id, (RequestWord::Escalate, &said?)).await
}

async fn say(
    app: &App,
    who: &Principal,
    id: &str,
    (word, said): (RequestWord, &RequestWordWire),
) -> Result<Response, Problem> {
    let request = request_of(app, who, id).await?;
    let is_theirs = word == RequestWord::Abort
        && request.progress.merged.is_none()
        && request.by == who.actor.name
        && who.may(Verb::Request, Kind::Service, Some(&request.team));
    if !is_theirs {
        who.demand_of(Verb::Operate, Kind::Run, Some(&request.team))?;
    }
    demand_reason(&said.reason)?;
    if said.from_failed.is_some() && !matches!(word, RequestWord::Retry { .. }) {
        let detail = format!("`fromFailed` belongs to `retry`, and this is `{}`", word.name());
        return Err(Problem::unfit("/fromFailed", detail));
    }
    let by = (&who.actor, app.now());
    let spoken = say_on_request(app.store(), request, (word, &said.reason), by).await?;
    let spoken = spoken.map_err(|refused| Problem::conflict(refused.to_string()))?;
    let request = RequestLine::of(&spoken.request);
    let wire = SpokenWire { request, decision: spoken.decision };
    Ok((StatusCode::ACCEPTED, axum::Json(wire)).into_response())
}
