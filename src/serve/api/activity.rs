//! What happened to services: how runs ended, and what people said. It tells what somebody can see, and changes nothing.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::Query;
use super::page::{self, Page};
use super::search::Search;
use super::tag::shown;
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{Activity, ActivityFilter, Numbered};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// One thing that happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Happened {
    #[schema(format = DateTime)]
    at: String,
    /// Who: a person, or `trueline`.
    actor: String,
    /// What: how a run ended (`run.succeeded`, `run.failed`, …), or what somebody said (`approve`, `hold`, `task.completed`,
    /// `request.submitted`, `proposal.merge`, …).
    what: String,
    service: String,
    team: Option<String>,
    /// The item or bundle that the service is of.
    item: Option<String>,
    run: Option<String>,
    /// How long the run took, in milliseconds, where it succeeded.
    took_ms: Option<i64>,
    why: Option<String>,
    /// Number of the entry of the audit chain that tells it.
    entry: i64,
}

impl Happened {
    fn of(Numbered { team, row, .. }: Numbered<Activity>) -> Self {
        Self {
            at: row.at.to_string(),
            actor: row.actor,
            what: row.what,
            service: row.service,
            team,
            item: row.item,
            run: row.run,
            took_ms: row.took_ms,
            why: row.why,
            entry: row.entry,
        }
    }
}

/// Lists what happened to services, newest first: how runs ended, and what people said. A word on a plan is listed for each of
/// its first 200 changes.
#[utoipa::path(
    get, path = "/activity", tag = "insights", operation_id = "listActivity",
    params(
        ("service" = Option<String>, Query, description = "To this service"),
        ("team" = Option<String>, Query, description = "To services of this team"),
        ("item" = Option<String>, Query, description = "To services of this item or bundle"),
        ("actor" = Option<String>, Query, description = "By this person, or by `trueline`"),
        ("day" = Option<String>, Query, description = "On this day, in UTC: `2026-11-21`"),
        ("since" = Option<String>, Query, description = "Not before this moment: `2026-11-21T08:00:00Z`"),
        ("until" = Option<String>, Query, description = "Before this moment"),
    ),
    responses((status = 200, description = "A page of what happened", body = Page<Happened>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let day = day(query.take("day").as_deref())?;
    let (since, until) = (moment(&mut query, "since")?, moment(&mut query, "until")?);
    let later = |one: Option<Timestamp>, other: Option<Timestamp>| one.max(other);
    let sooner = |one: Option<Timestamp>, other: Option<Timestamp>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let filter = ActivityFilter {
        service: query.take("service"),
        team: query.take("team"),
        item: query.take("item"),
        actor: query.take("actor"),
        since: later(since, day.map(|(from, _)| from)),
        until: sooner(until, day.map(|(_, to)| to)),
    };
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    let mut search = Search::new("activity", limit, page::number("activity", cursor.as_deref())?);
    while let Some(page) = search.next() {
        for one in search.take(app.store().activity_page(&filter, page).await?) {
            if who.may(Verb::Read, Kind::Run, one.team.as_deref()) {
                let number = one.number;
                search.found(Happened::of(one), number);
            }
        }
    }
    Ok(shown(&headers, &search.end()))
}

/// Reads a day as its first moment and that of the next.
fn day(asked: Option<&str>) -> Result<Option<(Timestamp, Timestamp)>, Problem> {
    let Some(asked) = asked else { return Ok(None) };
    let read = || {
        let day: Date = asked.parse().ok()?;
        let begins = |day: Date| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp());
        Some((begins(day)?, begins(day.tomorrow().ok()?)?))
    };
    let read = read().filter(|_| asked.len() == 10);
    read.map(Some).ok_or_else(|| Problem::parameter("day", "a day, as 2026-11-21"))
}

fn moment(query: &mut Query, name: &str) -> Result<Option<Timestamp>, Problem> {
    let wrong = |_| Problem::parameter(name, "a moment, as 2026-11-21T08:00:00Z");
    query.take(name).map(|text| text.parse().map_err(wrong)).transpose()
}
