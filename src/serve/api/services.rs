//! Services: lists of them, how each stands, what is planned and what was done.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Query};
use super::page::{self, Page};
use super::plans::{as_asked, plan_of};
use super::recorded::Recorded;
use super::runs::{RunLine, runs_of};
use super::standing::{Standings, standings};
use super::tag::shown;
use super::unit::{ServiceWire, service_wire};
use crate::catalog::{Catalog, Entry, Service};
use crate::daemon::Published;
use crate::engine::UnitState;
use crate::id::UnitKey;
use crate::reconcile::Plan;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{DecisionKind, RunFilter};

/// How many services are looked at in one step, where not all are meant.
const STEP: usize = 512;

/// How many services are looked at for one page; the next page goes on behind them.
const MOST_LOOKED_AT: usize = 50_000;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(plan))
        .routes(routes!(history))
        .routes(routes!(reconcile))
}

/// One service in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceLine {
    /// Its id.
    id: String,
    team: Option<String>,
    /// The item or bundle that it is of; nothing where its file is gone.
    offer: Option<String>,
    environment: Option<String>,
    /// How it stands: as the most urgent of its units.
    #[schema(value_type = String, example = "ready")]
    state: UnitState,
    /// Why, where the state alone does not say it.
    why: Option<String>,
    /// It differs from what was last written.
    drifted: bool,
    /// A person stopped everything for it.
    held: bool,
    /// How many units it has.
    units: usize,
}

/// Which services are listed.
struct Filter {
    team: Option<String>,
    offer: Option<String>,
    environment: Option<String>,
    text: Option<String>,
}

impl Filter {
    fn is_any(&self) -> bool {
        self.team.is_none() && self.offer.is_none() && self.environment.is_none()
    }

    fn lets_all(&self) -> bool {
        self.is_any() && self.text.is_none()
    }

    /// Tells whether a service is meant.
    fn lets(&self, id: &str, entry: Option<&Entry<Service>>) -> bool {
        if self.text.as_ref().is_some_and(|text| !id.contains(text.as_str())) {
            return false;
        }
        let Some(entry) = entry else { return self.is_any() };
        self.team.as_deref().is_none_or(|team| team == entry.team())
            && self.offer.as_deref().is_none_or(|offer| offer == entry.offer())
            && self.environment.as_deref().is_none_or(|one| Some(one) == entry.environment())
    }
}

/// Lists services by their ids, with how they stand.
#[utoipa::path(
    get, path = "/services", tag = "services", operation_id = "listServices",
    params(
        ("team" = Option<String>, Query, description = "Of this team"),
        ("item" = Option<String>, Query, description = "Of this item or bundle"),
        ("environment" = Option<String>, Query, description = "In this environment"),
        ("q" = Option<String>, Query, description = "Whose id holds this"),
    ),
    responses((status = 200, description = "A page of services", body = Page<ServiceLine>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let after = page::place("services", cursor.as_deref())?.unwrap_or_default();
    let filter = Filter {
        team: query.take("team"),
        offer: query.take("item"),
        environment: query.take("environment"),
        text: query.take("q"),
    };
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    let published = app.published()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (ids, next) = ids(&app, (&published, &who), &filter, (after, limit)).await?;
    let standings = standings(&app, &published, &ids).await?;
    let items = ids.iter().map(|id| line(published.catalog(), id, &standings)).collect();
    let next = next.map(|id| page::cursor("services", &id));
    Ok(shown(&headers, &Page { items, next }))
}

/// Finds the services of a page, in the catalog and in the record, and where the next page begins.
async fn ids(
    app: &App,
    (published, who): (&Published, &Principal),
    filter: &Filter,
    (mut after, limit): (String, usize),
) -> Result<(Vec<String>, Option<String>), Problem> {
    let mut found: Vec<String> = Vec::new();
    let step = if filter.lets_all() { limit + 1 } else { STEP };
    for _ in 0..MOST_LOOKED_AT.div_ceil(step) {
        let some = next_after(published, &after, step);
        let gone = some.iter().filter(|(_, entry)| entry.is_none()).map(|(id, _)| *id).collect();
        let teams = teams_of_gone(app, who, gone).await?;
        for (id, entry) in &some {
            let team = entry.map(Entry::team).or_else(|| teams.get(*id).map(String::as_str));
            if !filter.lets(id, *entry) || !who.may(Verb::Read, Kind::Service, team) {
                continue;
            }
            if found.len() == limit {
                return Ok((found.clone(), found.pop()));
            }
            found.push((*id).clone());
        }
        match some.last() {
            Some((last, _)) if some.len() == step => after.clone_from(last),
            _ => return Ok((found, None)),
        }
    }
    Ok((found, Some(after)))
}

/// A service of the catalog, or one that only the record knows any more.
type Listed<'p> = (&'p String, Option<&'p Entry<Service>>);

/// Lists services of the catalog and of the record behind one, in their order; so many at most.
fn next_after<'p>(published: &'p Published, after: &str, most: usize) -> Vec<Listed<'p>> {
    let bounds = (std::ops::Bound::Excluded(after.to_owned()), std::ops::Bound::Unbounded);
    let mut wanted = published.catalog().services.range(bounds).peekable();
    let rows = published.rows.range(UnitKey::service(after)..).map(|(key, _)| &key.service);
    let mut recorded = rows.skip_while(|id| id.as_str() <= after).peekable();
    let mut listed: Vec<Listed<'_>> = Vec::new();
    while listed.len() < most {
        let order = match (wanted.peek(), recorded.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((one, _)), Some(other)) => (*one).cmp(*other),
        };
        if order == Ordering::Greater {
            let gone = recorded.next();
            // Its units stand one after another.
            let is_new = gone != listed.last().map(|(id, _)| *id);
            listed.extend(gone.filter(|_| is_new).map(|id| (id, None)));
            continue;
        }
        listed.extend(wanted.next().map(|(id, entry)| (id, Some(entry))));
        let own = listed.last().map(|(id, _)| *id);
        while recorded.peek().copied() == own {
            recorded.next();
        }
    }
    listed
}

/// Finds the teams of services whose file is gone, where that matters.
async fn teams_of_gone(
    app: &App,
    who: &Principal,
    gone: Vec<&String>,
) -> Result<BTreeMap<String, String>, Problem> {
    if gone.is_empty() || who.may_everywhere(Verb::Read, Kind::Service) {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<String> = gone.into_iter().cloned().collect();
    let runs = app.store().newest_runs(&ids).await?;
    Ok(runs.into_iter().filter_map(|run| Some((run.row.service, run.team?))).collect())
}

fn line(catalog: &Catalog, id: &str, standings: &Standings) -> ServiceLine {
    let entry = catalog.services.get(id);
    let view = standings.service(id);
    ServiceLine {
        id: id.to_owned(),
        team: entry.map(|entry| entry.team().to_owned()).or_else(|| standings.team(id)),
        offer: entry.map(|entry| entry.offer().to_owned()),
        environment: entry.and_then(Entry::environment).map(str::to_owned),
        state: view.as_ref().map_or(UnitState::Pending, |view| view.standing.state),
        why: view.as_ref().and_then(|view| view.standing.why.clone()),
        drifted: view.as_ref().is_some_and(crate::engine::ServiceView::is_drifted),
        held: view.as_ref().is_some_and(crate::engine::ServiceView::is_held),
        units: view.map_or(0, |view| view.units.len()),
    }
}

/// Finds the team of a service that somebody can see; a problem where there is none such.
pub(super) async fn team_of(
    app: &App,
    who: &Principal,
    id: &str,
) -> Result<Option<String>, Problem> {
    let published = app.published()?;
    let entry = published.catalog().services.get(id);
    let team = if let Some(entry) = entry {
        Some(entry.team().to_owned())
    } else {
        let newest = app.store().newest_runs(&[id.to_owned()]).await?.pop();
        let recorded = app.store().unit_rows_of(&[id.to_owned()]).await?;
        if newest.is_none() && recorded.is_empty() {
            return Err(Problem::missing("service", id));
        }
        newest.and_then(|run| run.team)
    };
    let sees = who.may(Verb::Read, Kind::Service, team.as_deref());
    if sees { Ok(team) } else { Err(Problem::missing("service", id)) }
}

/// Shows one service: its units, what was applied, what drifted.
#[utoipa::path(
    get, path = "/services/{id}", tag = "services", operation_id = "getService",
    params(("id" = String, Path, description = "Id of the service")),
    responses((status = 200, description = "The service", body = ServiceWire)),
)]
async fn one(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    let team = team_of(&app, &who, &id).await?;
    Ok(shown(&headers, &service_wire(&app, &id, team).await?))
}

/// Shows what the newest plan does to a service.
#[utoipa::path(
    get, path = "/services/{id}/plan", tag = "services", operation_id = "getServicePlan",
    params(
        ("id" = String, Path, description = "Id of the service"),
        ("digest" = Option<String>, Query, description = "What this plan does to it, not the newest one"),
    ),
    responses((status = 200, description = "The part of the plan that is about it, `trueline.plan/v1`; as text where `Accept` asks for that", content(
        (serde_json::Value = "application/json"), (String = "text/plain"),
    ))),
)]
async fn plan(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let digest = query.take("digest");
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    team_of(&app, &who, &id).await?;
    let plan = match digest {
        Some(digest) => Some(plan_of(&app, &digest).await?),
        None => app.store().latest_plan().await?,
    };
    let plan = plan.ok_or_else(|| Problem::missing("plan of service", &id))?;
    Ok(as_asked(&headers, &only(plan, &|service| service == id)))
}

/// Cuts a plan down to some of its services.
pub(super) fn only(mut plan: Plan, keep: &dyn Fn(&str) -> bool) -> Plan {
    plan.changes.retain(|change| keep(&change.service));
    plan.pending.retain(|id, _| keep(id));
    plan.blocked.retain(|id, _| keep(id));
    plan.running.retain(|id, _| keep(id));
    plan.outdated.retain(|unit, _| keep(&unit.service));
    plan.unknown.retain(|unit, _| keep(&unit.service));
    plan.drifted.retain(|drift| keep(&drift.unit.service));
    plan.suspended.retain(|id| keep(id));
    plan.expired.retain(|id, _| keep(id));
    plan.retained.retain(|unit| keep(&unit.service));
    plan
}

/// Lists the runs of a service, newest first.
#[utoipa::path(
    get, path = "/services/{id}/history", tag = "services", operation_id = "listServiceRuns",
    params(("id" = String, Path, description = "Id of the service")),
    responses((status = 200, description = "A page of runs", body = Page<RunLine>)),
)]
async fn history(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    team_of(&app, &who, &id).await?;
    let filter = RunFilter { service: Some(id), state: None };
    Ok(shown(&headers, &runs_of(&app, &who, &filter, (limit, cursor)).await?))
}

/// Asks for a service to be converged now: also where it stopped, or is outdated.
#[utoipa::path(
    post, path = "/services/{id}/reconcile", tag = "services", operation_id = "reconcileService",
    params(("id" = String, Path, description = "Id of the service")),
    responses((status = 202, description = "It was asked for", body = Recorded)),
)]
async fn reconcile(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Operate, Kind::Service)?;
    let team = team_of(&app, &who, &id).await?;
    who.demand_of(Verb::Operate, Kind::Service, team.as_deref())?;
    let decision = DecisionKind::Apply { service: Some(id) };
    let recorded = Recorded::record(&app, &who, &decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}
