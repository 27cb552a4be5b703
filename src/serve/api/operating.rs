//! What keeps a catalog running: the catalogs that are read, the breakers that are open, the schedules that come. What is said here is
//! recorded once it makes sense.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Json, Plain, Query};
use super::page::{self, Page};
use super::recorded::Recorded;
use super::service_words::Reason;
use super::tag::shown;
use super::words::demand_reason;
use crate::daemon::Upcoming;
use crate::engine::breaker_of;
use crate::run::{Breaker, BreakerKey, BreakerState};
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::DecisionKind;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(catalogs))
        .routes(routes!(breakers))
        .routes(routes!(reset))
        .routes(routes!(schedules))
}

/// A catalog that is read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CatalogWire {
    /// Its name.
    name: String,
    /// The commit that was read last; empty where it is a plain directory.
    commit: String,
    items: usize,
    bundles: usize,
    environments: usize,
    teams: usize,
    services: usize,
    /// Findings in its head that are errors.
    errors: usize,
    /// Findings that are none.
    warnings: usize,
}

/// The catalogs that are read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Catalogs {
    items: Vec<CatalogWire>,
}

/// Lists the catalogs that are read, with what the head of each holds. It counts all teams, and is for those who may read all.
#[utoipa::path(
    get, path = "/catalogs", tag = "operating", operation_id = "listCatalogs",
    responses((status = 200, description = "The catalogs", body = Catalogs)),
)]
async fn catalogs(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Catalog)?;
    who.demand_everywhere(Verb::Read, Kind::Catalog)?;
    let published = app.published()?;
    let catalog = published.catalog();
    let findings = &published.judged.findings;
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let wire = CatalogWire {
        name: app.catalog().to_owned(),
        commit: published.snapshot.commit.clone(),
        items: catalog.items.len(),
        bundles: catalog.bundles.len(),
        environments: catalog.environments.len(),
        teams: catalog.settings.teams.len(),
        services: catalog.services.len(),
        errors,
        warnings: findings.len() - errors,
    };
    Ok(shown(&headers, &Catalogs { items: vec![wire] }))
}

/// Whether another side is asked.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BreakerWire {
    /// The action type.
    action: String,
    /// Whom it asks: a host, with its port where that is unusual.
    target: String,
    /// `open` (it is not asked), `half-open` (one attempt asks it), or `closed` with failures that count.
    #[schema(example = "open")]
    state: &'static str,
    /// Failures in a row.
    failures: u32,
    /// How often it opened since it was closed last.
    openings: u32,
    /// Since when it is not closed.
    #[schema(format = DateTime)]
    since: Option<String>,
    /// When it is asked again.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// The last failure.
    why: Option<String>,
}

impl BreakerWire {
    fn of((key, breaker): (BreakerKey, Breaker)) -> Self {
        let until = match breaker.state {
            BreakerState::Open { until } => Some(until.to_string()),
            BreakerState::Closed | BreakerState::HalfOpen => None,
        };
        Self {
            action: key.action,
            target: key.target,
            state: breaker.state.word(),
            failures: breaker.failures,
            openings: breaker.openings,
            since: breaker.since.map(|at| at.to_string()),
            until,
            why: breaker.why,
        }
    }
}

/// The breakers that have something to remember.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Breakers {
    items: Vec<BreakerWire>,
}

/// Lists the breakers that are open, or that count failures. They are of all teams, and for those who may read all runs. One
/// closes by itself, with the first attempt that succeeds after `until`, or by hand.
#[utoipa::path(
    get, path = "/breakers", tag = "operating", operation_id = "listBreakers",
    responses((status = 200, description = "The breakers", body = Breakers)),
)]
async fn breakers(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    who.demand_everywhere(Verb::Read, Kind::Run)?;
    let mut items: Vec<BreakerWire> =
        app.store().breakers().await?.into_iter().map(BreakerWire::of).collect();
    // Those that hold something up come first.
    items.sort_by_key(|one| one.state == "closed");
    Ok(shown(&headers, &Breakers { items }))
}

/// Has a breaker closed: whom it is of is asked again at once. It holds up the runs of all teams, and is for those who may operate all.
#[utoipa::path(
    post, path = "/breakers/{action}/{target}/reset", tag = "operating", operation_id = "resetBreaker",
    params(
        ("action" = String, Path, description = "The action type"),
        ("target" = String, Path, description = "Whom it asks"),
    ),
    request_body = Reason,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn reset(
    State(app): State<App>,
    Who(who): Who,
    Path((action, target)): Path<(String, String)>,
    Plain(_): Plain,
    Json(said): Json<Reason>,
) -> Result<Response, Problem> {
    who.demand(Verb::Operate, Kind::Run)?;
    who.demand_everywhere(Verb::Operate, Kind::Run)?;
    let reason = said?.reason;
    let found = breaker_of(app.store(), (Some(&action), &target)).await?;
    let Ok((BreakerKey { action, target }, _)) = found else {
        return Err(Problem::missing("breaker", &target));
    };
    demand_reason(&reason)?;
    let word = DecisionKind::ResetBreaker { action, target, reason };
    let recorded = Recorded::record(&app, &who, &word).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}

/// A scheduled operation that comes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Scheduled {
    /// The unit: `service`, or `service/component`.
    unit: String,
    service: String,
    team: Option<String>,
    /// The operation of its item.
    operation: String,
    /// When it comes by itself.
    cron: String,
    timezone: String,
    /// When it comes next, as the daemon computed last.
    #[schema(format = DateTime)]
    next: String,
}

/// Lists the scheduled operations that come, by their next time.
#[utoipa::path(
    get, path = "/schedules", tag = "operating", operation_id = "listSchedules",
    params(("service" = Option<String>, Query, description = "Of this service")),
    responses((status = 200, description = "A page of them", body = Page<Scheduled>)),
)]
async fn schedules(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let service = query.take("service");
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    let after = page::place("schedules", cursor.as_deref())?.unwrap_or_default();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let published = app.published()?;
    let services = &published.catalog().services;
    let team =
        |one: &Upcoming| services.get(&one.unit.service).map(|entry| entry.team().to_owned());
    let place = |one: &Upcoming| {
        format!("{:020}\u{1}{}\u{1}{}", one.next.as_millisecond(), one.unit, one.operation)
    };
    let seen = published.upcoming.iter().filter(|one| {
        service.as_ref().is_none_or(|service| one.unit.service == *service)
            && who.may(Verb::Read, Kind::Service, team(one).as_deref())
            && place(one) > after
    });
    let mut found: Vec<&Upcoming> = seen.take(limit.saturating_add(1)).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|one| page::cursor("schedules", &place(one)));
    let items = found.into_iter().map(|one| Scheduled {
        unit: one.unit.to_string(),
        service: one.unit.service.clone(),
        team: team(one),
        operation: one.operation.clone(),
        cron: one.cron.clone(),
        timezone: one.timezone.clone(),
        next: one.next.to_string(),
    });
    Ok(shown(&headers, &Page { items: items.collect(), next }))
}
