//! Requests: lists of them, how far each is, and what happened to it. They are asked for and spoken on elsewhere.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Query};
use super::page::{self, Page};
use super::search::Search;
use super::tag::shown;
use crate::engine::Told;
use crate::id::RunId;
use crate::run::RunState;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{RequestFilter, RequestKind, RequestState, ServiceRequest};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(status))
        .routes(routes!(logs))
}

/// One request in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestLine {
    /// Its name.
    pub(super) id: String,
    /// `create`, `change` or `delete`.
    #[schema(value_type = String, example = "create")]
    kind: RequestKind,
    service: String,
    /// The item or bundle that the service is of.
    offer: String,
    team: String,
    environment: Option<String>,
    /// Who asked.
    by: String,
    /// `submitted`, `proposed`, `processing`, `retrying`, `escalated`, `failed`; at the end `completed`, `rejected` or `aborted`.
    #[schema(value_type = String, example = "proposed")]
    state: RequestState,
    /// Why, or what it waits for.
    why: Option<String>,
    /// Number of its proposal.
    proposal: Option<u64>,
    /// Where people see that, where it is elsewhere.
    url: Option<String>,
    /// The run that carries it out.
    run: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl RequestLine {
    pub(super) fn of(request: &ServiceRequest) -> Self {
        let progress = &request.progress;
        Self {
            id: request.id.clone(),
            kind: request.kind,
            service: request.service.clone(),
            offer: request.offer.clone(),
            team: request.team.clone(),
            environment: request.environment.clone(),
            by: request.by.clone(),
            state: progress.state,
            why: progress.why.clone(),
            proposal: progress.proposal,
            url: progress.url.clone(),
            run: progress.run.clone(),
            created_at: request.at.to_string(),
        }
    }
}

/// One request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestWire {
    #[serde(flatten)]
    line: RequestLine,
    reason: String,
    /// The file, from the root of the repository.
    path: String,
    /// The commit that it was made upon.
    base: String,
    /// The branch that it is proposed from.
    branch: String,
    /// The commit by which it was merged.
    merged: Option<String>,
    /// What the file is to hold; nothing where it goes.
    content: Option<String>,
    /// Files that are put beside it, from the root of the repository.
    files: Vec<String>,
    /// The states that it was in, oldest first.
    history: Vec<MomentWire>,
}

/// When a request got into a state.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MomentWire {
    #[schema(format = DateTime)]
    at: String,
    #[schema(value_type = String, example = "proposed")]
    state: RequestState,
    why: Option<String>,
}

impl RequestWire {
    fn of(request: &ServiceRequest) -> Self {
        let progress = &request.progress;
        let moments = progress.history.iter().map(|moment| MomentWire {
            at: moment.at.to_string(),
            state: moment.state,
            why: moment.why.clone(),
        });
        Self {
            line: RequestLine::of(request),
            reason: request.reason.clone(),
            path: request.path.clone(),
            base: request.base.clone(),
            branch: request.branch.clone(),
            merged: progress.merged.clone(),
            content: request.content.clone(),
            files: request.files.iter().map(|file| file.path.clone()).collect(),
            history: moments.collect(),
        }
    }
}

/// How far a request is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestStatus {
    id: String,
    #[schema(value_type = String, example = "processing")]
    state: RequestState,
    why: Option<String>,
    /// Nothing more comes of it.
    over: bool,
    proposal: Option<u64>,
    url: Option<String>,
    run: Option<String>,
    /// The state of the run, as of now.
    #[schema(value_type = Option<String>, example = "waiting")]
    run_state: Option<RunState>,
}

/// One thing that happened to a request.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogWire {
    #[schema(format = DateTime)]
    at: String,
    /// The run; nothing where it is about the request itself.
    run: Option<String>,
    /// The step; nothing where it is about the run or the request.
    step: Option<String>,
    /// A state of the request, or what stands in the journal of the run.
    event: String,
    why: Option<String>,
}

/// Lists requests, newest first.
#[utoipa::path(
    get, path = "/requests", tag = "requests", operation_id = "listRequests",
    params(
        ("service" = Option<String>, Query, description = "For this service"),
        ("state" = Option<String>, Query, description = "In this state: `proposed`, `failed`, …"),
        ("team" = Option<String>, Query, description = "Of services of this team"),
        ("mine" = Option<bool>, Query, description = "Only those that you asked for"),
    ),
    responses((status = 200, description = "A page of requests", body = Page<RequestLine>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let (service, state) = (query.take("service"), query.word::<RequestState>("state")?);
    let team = query.take("team");
    let by = query.flag("mine")?.unwrap_or(false).then(|| who.actor.name.clone());
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    let filter = RequestFilter { service, state, by };
    let mut search = Search::new("requests", limit, page::number("requests", cursor.as_deref())?);
    while let Some(page) = search.next() {
        for request in search.take(app.store().service_requests_page(&filter, page).await?) {
            let is_of = team.as_ref().is_none_or(|team| *team == request.row.team);
            if is_of && who.may(Verb::Read, Kind::Service, Some(&request.row.team)) {
                search.found(RequestLine::of(&request.row), request.number);
            }
        }
    }
    Ok(shown(&headers, &search.end()))
}

/// Finds a request that somebody can see.
pub(super) async fn request_of(
    app: &App,
    who: &Principal,
    id: &str,
) -> Result<ServiceRequest, Problem> {
    let request = app.store().service_request(id).await?;
    let request = request.filter(|one| who.may(Verb::Read, Kind::Service, Some(&one.team)));
    request.ok_or_else(|| Problem::missing("request", id))
}

/// Shows one request, with the file that it proposes.
#[utoipa::path(
    get, path = "/requests/{id}", tag = "requests", operation_id = "getRequest",
    params(("id" = String, Path, description = "Name of the request")),
    responses((status = 200, description = "The request", body = RequestWire)),
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
    Ok(shown(&headers, &RequestWire::of(&request_of(&app, &who, &id).await?)))
}

/// Tells how far a request is.
#[utoipa::path(
    get, path = "/requests/{id}/status", tag = "requests", operation_id = "getRequestStatus",
    params(("id" = String, Path, description = "Name of the request")),
    responses((status = 200, description = "How far it is", body = RequestStatus)),
)]
async fn status(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    let request = request_of(&app, &who, &id).await?;
    let progress = request.progress;
    let run_state = match &progress.run {
        Some(run) => app.store().run_state(&RunId(run.clone())).await?.map(|(state, _)| state),
        None => None,
    };
    let wire = RequestStatus {
        id: request.id,
        state: progress.state,
        why: progress.why,
        over: progress.state.is_over(),
        proposal: progress.proposal,
        url: progress.url,
        run: progress.run,
        run_state,
    };
    Ok(shown(&headers, &wire))
}

/// Lists what happened to a request and to the run that carries it out, oldest first.
#[utoipa::path(
    get, path = "/requests/{id}/logs", tag = "requests", operation_id = "getRequestLogs",
    params(("id" = String, Path, description = "Name of the request")),
    responses((status = 200, description = "A page of what happened", body = Page<LogWire>)),
)]
async fn logs(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    query.done()?;
    who.demand(Verb::Read, Kind::Service)?;
    let after = page::number("request-logs", cursor.as_deref())?.unwrap_or(0);
    let request = request_of(&app, &who, &id).await?;
    let all = happened(&app, &request).await?;
    let first = usize::try_from(after).unwrap_or(usize::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = all.len();
    let items: Vec<LogWire> = all.into_iter().skip(first).take(limit).collect();
    let end = first.saturating_add(items.len());
    let next =
        (end < count && !items.is_empty()).then(|| page::cursor("request-logs", &end.to_string()));
    Ok(shown(&headers, &Page { items, next }))
}

async fn happened(app: &App, request: &ServiceRequest) -> Result<Vec<LogWire>, Problem> {
    let moment = |it: &crate::store::Moment| {
        let (event, why) = (it.state.to_string(), it.why.clone());
        (it.at, LogWire { at: it.at.to_string(), run: None, step: None, event, why })
    };
    let mut all: Vec<_> = request.progress.history.iter().map(moment).collect();
    if let Some(run) = &request.progress.run {
        for entry in app.store().journal(&RunId(run.clone())).await? {
            let Told { at, step, event, why, .. } = Told::of(&entry);
            let run = Some(run.clone());
            all.push((
                at,
                LogWire { at: at.to_string(), run, step, event: event.into_owned(), why },
            ));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, line)| line).collect())
}
