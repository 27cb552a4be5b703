//! Stops everything for a service at once, and lets it go on. It records the word, on which the driver acts.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Json, Query};
use super::recorded::Recorded;
use super::services::team_of;
use super::words::demand_reason;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::DecisionKind;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(hold)).routes(routes!(release))
}

/// Why a service is held or released.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Stop {
    /// Why; it is kept with who says so.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Refuses who may not; returns who holds the service, where somebody does.
async fn held(app: &App, who: &Principal, id: &str) -> Result<Option<String>, Problem> {
    let team = team_of(app, who, id).await?;
    who.demand_of(Verb::Operate, Kind::Service, team.as_deref())?;
    let state = app.store().catalog_state().await?;
    Ok(state.held.get(id).map(ToString::to_string))
}

/// Stops everything for a service: nothing is done for it until it is released.
#[utoipa::path(
    post, path = "/services/{id}/hold", tag = "services", operation_id = "holdService",
    params(("id" = String, Path, description = "Id of the service")),
    request_body = Stop,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn hold(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    Json(said): Json<Stop>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Operate, Kind::Service)?;
    let said = said?;
    let held = held(&app, &who, &id).await?;
    demand_reason(&said.reason)?;
    if let Some(held) = held {
        return Err(Problem::conflict(format!("{id} is {held} already")));
    }
    let decision = DecisionKind::Hold { service: id, reason: said.reason };
    let recorded = Recorded::record(&app, &who, &decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}

/// Lets a service go on that was held.
#[utoipa::path(
    post, path = "/services/{id}/release", tag = "services", operation_id = "releaseService",
    params(("id" = String, Path, description = "Id of the service")),
    request_body = Stop,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn release(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    Json(said): Json<Stop>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Operate, Kind::Service)?;
    let said = said?;
    let held = held(&app, &who, &id).await?;
    demand_reason(&said.reason)?;
    if held.is_none() {
        return Err(Problem::conflict(format!("{id} is not held")));
    }
    let decision = DecisionKind::Release { service: id, reason: said.reason };
    let recorded = Recorded::record(&app, &who, &decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}
