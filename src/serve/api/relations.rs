//! What a service depends on, and which services depend on it, as the catalog has it. Only services that can be seen are named.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Query};
use super::services::team_of;
use super::standing::standings;
use super::tag::shown;
use super::tools::broken;
use crate::catalog::{Catalog, Entry, Service, Snapshot};
use crate::daemon::Published;
use crate::engine::UnitState;
use crate::reconcile::UpstreamReads;
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::Problem;

/// Services of a catalog that is looked through for dependents.
const LOOKED: usize = 20_000;

/// Services that are named on one side.
const NAMED: usize = 200;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(relations))
}

/// What a service depends on, and what depends on it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RelationsWire {
    /// Services that must be there before it, and must outlive it.
    depends_on: Vec<RelationWire>,
    /// Services that need it; nothing where the catalog has more services than are looked through.
    dependents: Option<Vec<RelationWire>>,
    /// Services on either side that you can't see.
    hidden: usize,
}

/// One service on either side.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RelationWire {
    service: String,
    team: Option<String>,
    /// The outputs of it that are read; those of the service in question where it is a dependent.
    outputs: Vec<String>,
    #[schema(value_type = String, example = "ready")]
    state: UnitState,
}

/// A service on either side, with the outputs that are read.
pub(super) type Side = Vec<(String, Vec<String>)>;

/// Shows what a service depends on, and which services depend on it.
#[utoipa::path(
    get, path = "/services/{id}/relations", tag = "services", operation_id = "getServiceRelations",
    params(("id" = String, Path, description = "Id of the service")),
    responses((status = 200, description = "Both sides", body = RelationsWire)),
)]
async fn relations(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    team_of(&app, &who, &id).await?;
    let published = app.published()?;
    let (catalog, snapshot) = (published.catalog().clone(), published.snapshot.clone());
    let of = id.clone();
    let looking = tokio::task::spawn_blocking(move || {
        let before = catalog.services.get(&of).map(|entry| upstream(&catalog, entry));
        (before.unwrap_or_default(), dependents((&catalog, &snapshot), &of))
    });
    let (before, after) = looking.await.map_err(|_| broken())?;
    let sees = |id: &String| {
        let team = published.catalog().services.get(id).map(Entry::team);
        who.may(Verb::Read, Kind::Service, team)
    };
    let all = before.len() + after.as_ref().map_or(0, Vec::len);
    let mut hidden = all;
    let mut seen = |side: Side| -> Side {
        let kept: Side = side.into_iter().filter(|(id, _)| sees(id)).collect();
        hidden -= kept.len();
        kept.into_iter().take(NAMED).collect()
    };
    let (before, after) = (seen(before), after.map(&mut seen));
    let depends_on = wires(&app, &published, before).await?;
    let dependents = match after {
        Some(after) => Some(wires(&app, &published, after).await?),
        None => None,
    };
    Ok(shown(&headers, &RelationsWire { depends_on, dependents, hidden }))
}

async fn wires(app: &App, published: &Published, side: Side) -> Result<Vec<RelationWire>, Problem> {
    let ids: Vec<String> = side.iter().map(|(id, _)| id.clone()).collect();
    let standings = standings(app, published, &ids).await?;
    let catalog = published.catalog();
    let wire = |(service, outputs): (String, Vec<String>)| {
        let entry = catalog.services.get(&service);
        let view = standings.service(&service);
        let unmade = if entry.is_some() { UnitState::Pending } else { UnitState::Unknown };
        RelationWire {
            team: entry.map(|entry| entry.team().to_owned()),
            state: view.as_ref().map_or(unmade, |view| view.standing.state),
            service,
            outputs,
        }
    };
    Ok(side.into_iter().map(wire).collect())
}

/// Returns what a service needs: what it names, and whose outputs it reads.
pub(super) fn upstream(catalog: &Catalog, entry: &Entry<Service>) -> Side {
    let bundle = catalog.bundles.get(entry.offer()).map(|it| &*it.body);
    let reads = UpstreamReads::of_service(&entry.body, bundle).services;
    let named = entry.body.depends_on.iter();
    let all: BTreeSet<&String> = named.chain(reads.iter().map(|(id, _)| id)).collect();
    let outputs = |id: &String| {
        let own = reads.iter().filter(|(of, _)| of == id);
        own.map(|(_, output)| output.clone()).collect()
    };
    all.into_iter().map(|id| (id.clone(), outputs(id))).collect()
}

/// Finds the services that need one; only those whose file names it are read.
pub(super) fn dependents(
    (catalog, snapshot): (&Arc<Catalog>, &Snapshot),
    id: &str,
) -> Option<Side> {
    if catalog.services.len() > LOOKED {
        return None;
    }
    let mut found = Side::new();
    for (other, entry) in catalog.services.iter().filter(|(other, _)| *other != id) {
        let of_bundle = entry.is_of_bundle();
        let blob = snapshot.files.get(&entry.document.path).map(|blob| blob.bytes.get());
        let names = |bytes: &[u8]| memchr::memmem::find(bytes, id.as_bytes()).is_some();
        if !of_bundle && blob.is_some_and(|bytes| !names(&bytes)) {
            continue;
        }
        let own = upstream(catalog, entry).into_iter().find(|(needed, _)| needed == id);
        found.extend(own.map(|(_, outputs)| (other.clone(), outputs)));
    }
    Some(found)
}
