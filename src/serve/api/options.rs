//! What a request for an item can name: teams, environments, secrets. Only what whoever asks may ask for and see.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::catalog::{form_of, metadata_of};
use super::extract::{Id, Query};
use super::tag::shown;
use crate::catalog::{Catalog, FieldType};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;

/// Services that are looked through for names of secrets.
const LOOKED: usize = 500;

/// Names of secrets that are told.
const NAMES: usize = 100;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(options))
}

/// What a request for an item or a bundle can name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OptionsWire {
    /// Teams that you may ask for and that it is meant for.
    teams: Vec<String>,
    /// You may ask for any other team, too.
    any_team: bool,
    /// Environments that it is meant for.
    environments: Vec<EnvironmentWire>,
    /// Names of secrets that services of the team name already.
    secrets: Vec<String>,
}

/// One environment.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnvironmentWire {
    id: String,
    name: String,
}

/// Shows what a request for an item or a bundle can name.
#[utoipa::path(
    get, path = "/catalog/items/{id}/options", tag = "catalog", operation_id = "getItemOptions",
    params(
        ("id" = String, Path, description = "Id of the item or bundle"),
        ("team" = Option<String>, Query, description = "The team whose secrets are named; yours, where you are in one"),
    ),
    responses((status = 200, description = "What can be named", body = OptionsWire)),
)]
async fn options(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let team = query.take("team");
    query.done()?;
    who.demand(Verb::Request, Kind::Service)?;
    let published = app.published()?;
    let catalog = published.catalog();
    let form = form_of(catalog, &who, &id)?;
    let meant = metadata_of(catalog, &who, &id)?.visibility.clone().unwrap_or_default();
    let is_meant = |all: &[String], one: &String| all.is_empty() || all.contains(one);
    let may = |team: &str| who.may(Verb::Request, Kind::Service, Some(team));
    let known: BTreeSet<&String> =
        catalog.settings.teams.keys().chain(&who.teams).chain(&meant.teams).collect();
    let teams: Vec<String> = known
        .into_iter()
        .filter(|team| may(team) && is_meant(&meant.teams, team))
        .cloned()
        .collect();
    let environments =
        catalog.environments.iter().filter(|(id, _)| is_meant(&meant.environments, id)).map(
            |(id, it)| EnvironmentWire { id: id.clone(), name: it.body.metadata.name.clone() },
        );
    let team = team.or_else(|| teams.first().filter(|_| teams.len() == 1).cloned());
    let asks = form.fields().any(|field| field.kind == FieldType::Password);
    let team = team.filter(|team| asks && may(team));
    let wire = OptionsWire {
        any_team: meant.teams.is_empty() && who.may_everywhere(Verb::Request, Kind::Service),
        environments: environments.collect(),
        secrets: team.map(|team| secrets(catalog, &who, &team)).unwrap_or_default(),
        teams,
    };
    Ok(shown(&headers, &wire))
}

/// Collects the names of secrets that services of a team hold.
fn secrets(catalog: &Catalog, who: &Principal, team: &str) -> Vec<String> {
    if !who.may(Verb::Read, Kind::Service, Some(team)) {
        return Vec::new();
    }
    let services = catalog.services.values().filter(|entry| entry.team() == team).take(LOOKED);
    let mut names = BTreeSet::new();
    for entry in services {
        let named = entry.body.fields.values().filter_map(|value| value.get("secret")?.as_str());
        names.extend(named.map(str::to_owned));
    }
    names.into_iter().take(NAMES).collect()
}
