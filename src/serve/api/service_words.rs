//! What a person says on a service: to stop everything for it, to let it go on, to operate it. An operation that leads to a state
//! becomes a request, for states are wanted in the catalog; everything else is recorded once it makes sense.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::asking::{fitting, must_be_repository, take_down};
use super::extract::{Id, Json, Plain};
use super::recorded::Recorded;
use super::services::team_of;
use super::words::demand_reason;
use crate::catalog::{Catalog, Item, Service};
use crate::engine::request::Ask;
use crate::engine::{may_hold, may_operate, said_of_services};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::{Problem, shortened};
use crate::store::DecisionKind;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(hold)).routes(routes!(release)).routes(routes!(operate))
}

/// Why something is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reason {
    /// Why; it is kept with who says so.
    #[schema(min_length = 1, max_length = 2000)]
    pub(super) reason: String,
}

/// Looks who asks and whether they may, and why.
async fn asked(
    app: &App,
    who: &Principal,
    (id, said): (&str, Result<Reason, Problem>),
) -> Result<String, Problem> {
    who.demand(Verb::Operate, Kind::Service)?;
    let said = said?;
    let team = team_of(app, who, id).await?;
    who.demand_of(Verb::Operate, Kind::Service, team.as_deref())?;
    demand_reason(&said.reason)?;
    Ok(said.reason)
}

async fn recorded(app: &App, who: &Principal, word: DecisionKind) -> Result<Response, Problem> {
    let recorded = Recorded::record(app, who, &word).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}

/// Stops everything for a service, at once: nothing is done for it until it is released.
#[utoipa::path(
    post, path = "/services/{id}/hold", tag = "services", operation_id = "holdService",
    params(("id" = String, Path, description = "Id of the service")),
    request_body = Reason,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn hold(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    Plain(_): Plain,
    Json(said): Json<Reason>,
) -> Result<Response, Problem> {
    let reason = asked(&app, &who, (&id, said)).await?;
    let (held, _) = said_of_services(app.store()).await?;
    may_hold(&held, &id).map_err(|refused| Problem::conflict(refused.message))?;
    recorded(&app, &who, DecisionKind::Hold { service: id, reason }).await
}

/// Lets a service go on that was held.
#[utoipa::path(
    post, path = "/services/{id}/release", tag = "services", operation_id = "releaseService",
    params(("id" = String, Path, description = "Id of the service")),
    request_body = Reason,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn release(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    Plain(_): Plain,
    Json(said): Json<Reason>,
) -> Result<Response, Problem> {
    let reason = asked(&app, &who, (&id, said)).await?;
    let (held, _) = said_of_services(app.store()).await?;
    if !held.contains_key(&id) {
        return Err(Problem::conflict(format!("{id} is not held")));
    }
    recorded(&app, &who, DecisionKind::Release { service: id, reason }).await
}

/// Operates a service. An operation that leads to a state becomes a request for it, answered as `POST /requests` is; one that
/// leads to none is carried out once.
#[utoipa::path(
    post, path = "/services/{id}/operations/{name}", tag = "services", operation_id = "operateService",
    params(
        ("id" = String, Path, description = "Id of the service"),
        ("name" = String, Path, description = "Name of the operation, as the item calls it"),
    ),
    request_body = Reason,
    responses((status = 202, description = "It was recorded, or asked for", body = serde_json::Value)),
)]
async fn operate(
    State(app): State<App>,
    Who(who): Who,
    Path((id, operation)): Path<(String, String)>,
    Plain(_): Plain,
    Json(said): Json<Reason>,
) -> Result<Response, Problem> {
    let reason = asked(&app, &who, (&id, said)).await?;
    let published = app.published()?;
    let Some(entry) = published.catalog().services.get(&id) else {
        return Err(Problem::conflict(format!("the catalog has no file of {id} any more")));
    };
    let Some(state) = leads_to(published.catalog(), &entry.body, &operation)? else {
        let (held, operating) = said_of_services(app.store()).await?;
        let rows = app.store().unit_rows_of(std::slice::from_ref(&id)).await?;
        may_operate((&held, &operating), &rows, (&id, &operation))
            .map_err(|refused| Problem::conflict(refused.message))?;
        return recorded(&app, &who, DecisionKind::Operate { service: id, operation, reason })
            .await;
    };
    must_be_repository(&published)?;
    who.demand_of(Verb::Request, Kind::Service, Some(entry.team()))?;
    let ask = Ask { service: Some(id), state: Some(state), reason, ..Ask::default() };
    let fits = fitting(&app, (&who, &published), ("", ask)).await?;
    take_down(&app, (&who, &published), &[fits]).await
}

/// Tells which state an operation leads to; nothing where it leads to none.
fn leads_to(
    catalog: &Catalog,
    service: &Service,
    operation: &str,
) -> Result<Option<String>, Problem> {
    let items = items_of(service, catalog);
    let mut own =
        items.iter().filter_map(|item| item.fulfillment.operations.get(operation)).peekable();
    if own.peek().is_none() {
        return Err(Problem::missing("operation", &shortened(operation)));
    }
    if service.state == "suspended" {
        return Err(Problem::conflict(
            "the service is suspended: ask for its `state` to be `active`",
        ));
    }
    let state = own.find_map(|operation| operation.state.clone());
    match state {
        Some(state) if state == service.state => {
            Err(Problem::conflict(format!("its state is {state} already")))
        }
        state => Ok(state),
    }
}

/// Returns the items that a service is made of.
pub(super) fn items_of<'c>(service: &Service, catalog: &'c Catalog) -> Vec<&'c Item> {
    let bundle = service.catalog_bundle.as_ref().and_then(|id| catalog.bundles.get(id));
    let parts = bundle.into_iter().flat_map(|bundle| &bundle.body.components);
    let ids = service.catalog_item.iter().chain(parts.map(|part| &part.catalog_item));
    ids.filter_map(|id| catalog.items.get(id)).map(|entry| &*entry.body).collect()
}
