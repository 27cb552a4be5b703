//! How the catalog and its services stand, as `trueline status` tells it. It is read by whoever serves, and only handed on here.

use async_trait::async_trait;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::Query;
use super::page;
use super::tag::{shown, shown_as_text, wants_text};
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::Problem;

/// Kinds of which it tells.
const KINDS: [Kind; 6] =
    [Kind::Catalog, Kind::Service, Kind::Plan, Kind::Run, Kind::Task, Kind::Approval];

/// Says how the catalog and its services stand.
#[async_trait]
pub trait Overview: Send + Sync {
    /// Returns it as JSON, and as people read it, with at most so many of each list; or why that can't be read.
    async fn status(&self, limit: u32) -> Result<(Value, String), String>;
}

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(status))
}

/// Tells how the catalog and its services stand. It tells of all teams, and is for those who may read all.
#[utoipa::path(
    get, path = "/status", tag = "operating", operation_id = "getStatus",
    params(("limit" = Option<u32>, Query, description = "How many of each list are told at most: 50, or up to 200")),
    responses((status = 200, description = "How it stands, `trueline.status/v1`; as text where `Accept` asks for that", content(
        (Value = "application/json"), (String = "text/plain"),
    ))),
)]
async fn status(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page::limit(query.take("limit").as_deref())?;
    query.done()?;
    for kind in KINDS {
        who.demand(Verb::Read, kind)?;
        who.demand_everywhere(Verb::Read, kind)?;
    }
    let told = match app.overview() {
        Some(overview) => overview.status(limit).await,
        None => Err("nobody reads how it stands".to_owned()),
    };
    let (wire, text) = told.map_err(|error| {
        tracing::error!(error, "how the catalog stands could not be read");
        let detail = "it failed inside; the log of the server says why";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    })?;
    Ok(if wants_text(&headers) { shown_as_text(text) } else { shown(&headers, &wire) })
}
