//! Plans and changes by their digests, and what people say of them. A word is bound to what the digest stands for.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Json, MaybeJson, Query};
use super::page::{self, Page};
use super::recorded::Recorded;
use super::search::Search;
use super::services::only;
use super::tag::{shown, shown_as_text, wants_text};
use super::words::demand_reason;
use crate::catalog::Entry;
use crate::digest::Digest;
use crate::reconcile::{Change, Plan, show};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::DecisionKind;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(approve_plan))
        .routes(routes!(reject_plan))
        .routes(routes!(one_change))
        .routes(routes!(approve_change))
        .routes(routes!(reject_change))
}

/// One plan in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanLine {
    /// Its digest.
    digest: String,
    /// The commit that it was made for.
    commit: String,
    /// When it was kept.
    #[schema(format = DateTime)]
    at: String,
}

/// Why something is rejected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rejection {
    /// Why; it is kept with who says so.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// What is said to an approval.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Consent {
    /// It is kept with who says so.
    #[serde(default)]
    #[schema(max_length = 2000)]
    comment: String,
}

impl Consent {
    fn checked(self) -> Result<String, Problem> {
        if self.comment.len() > 2000 {
            return Err(Problem::unfit("/comment", "a comment has at most 2000 bytes"));
        }
        Ok(self.comment.trim().to_owned())
    }
}

/// Lists plans, newest first.
#[utoipa::path(
    get, path = "/plans", tag = "plans", operation_id = "listPlans",
    responses((status = 200, description = "A page of plans", body = Page<PlanLine>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    query.done()?;
    who.demand(Verb::Read, Kind::Plan)?;
    let mut search = Search::new("plans", limit, page::number("plans", cursor.as_deref())?);
    while let Some(page) = search.next() {
        for plan in search.take(app.store().plans_page(page).await?) {
            let (digest, at) = (plan.row.digest.to_string(), plan.row.at.to_string());
            search.found(PlanLine { digest, commit: plan.row.commit, at }, plan.number);
        }
    }
    Ok(shown(&headers, &search.end()))
}

fn digest_of(id: &str) -> Result<Digest, Problem> {
    id.parse().map_err(|_| Problem::missing("plan or change", id))
}

/// Finds a plan by its whole digest.
pub(super) async fn plan_of(app: &App, id: &str) -> Result<Plan, Problem> {
    let digest = digest_of(id)?;
    let plans = app.store().plans_by_prefix(&digest.to_string()).await?;
    let plan = plans.into_iter().find(|plan| plan.digest == digest);
    plan.ok_or_else(|| Problem::missing("plan", id))
}

/// Finds a change by its whole digest, in the newest plan that holds it.
async fn change_of(app: &App, who: &Principal, id: &str) -> Result<Change, Problem> {
    let digest = digest_of(id)?;
    let plans = app.store().plans_by_prefix(&digest.to_string()).await?;
    let mut changes = plans.into_iter().flat_map(|plan| plan.changes);
    let change = changes.find(|change| change.digest == digest);
    let change = change.filter(|change| who.may(Verb::Read, Kind::Plan, Some(&change.team)));
    change.ok_or_else(|| Problem::missing("change", id))
}

/// Cuts a plan down to what somebody can see of it.
pub(super) fn seen(plan: Plan, who: &Principal, app: &App) -> Result<Plan, Problem> {
    if who.may_everywhere(Verb::Read, Kind::Plan) {
        return Ok(plan);
    }
    let published = app.published()?;
    let services = &published.catalog().services;
    let changed: BTreeSet<String> = plan
        .changes
        .iter()
        .filter(|change| who.may(Verb::Read, Kind::Plan, Some(&change.team)))
        .map(|change| change.service.clone())
        .collect();
    let keep = |id: &str| {
        let team = services.get(id).map(Entry::team);
        changed.contains(id) || who.may(Verb::Read, Kind::Plan, team)
    };
    // A change of another team is never shown, whatever became of its service since.
    let mut plan = only(plan, &keep);
    plan.changes.retain(|change| changed.contains(&change.service));
    Ok(plan)
}

/// Shows a plan: as JSON, or as people read it where that is asked for.
pub(super) fn as_asked(headers: &HeaderMap, plan: &Plan) -> Response {
    if wants_text(headers) {
        return shown_as_text(show::text(plan, show::Style { color: false, width: 100 }));
    }
    shown(headers, &show::json(plan))
}

/// Shows a plan: what of it is about the teams that you can see.
#[utoipa::path(
    get, path = "/plans/{digest}", tag = "plans", operation_id = "getPlan",
    params(("digest" = String, Path, description = "Digest of the plan")),
    responses((status = 200, description = "The plan, `trueline.plan/v1`; as text where `Accept` asks for that", content(
        (serde_json::Value = "application/json"), (String = "text/plain"),
    ))),
)]
async fn one(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Plan)?;
    let plan = plan_of(&app, &id).await?;
    Ok(as_asked(&headers, &seen(plan, &who, &app)?))
}

/// Refuses a word on a plan of which somebody may not judge every change.
fn demand_all(who: &Principal, plan: &Plan) -> Result<(), Problem> {
    // A plan without changes may still be held: whoever lets it go on lets all teams go on.
    if plan.changes.is_empty() && !who.may_everywhere(Verb::Approve, Kind::Plan) {
        return who.demand_of(Verb::Approve, Kind::Plan, None);
    }
    for change in &plan.changes {
        who.demand_of(Verb::Approve, Kind::Plan, Some(&change.team))?;
    }
    Ok(())
}

async fn recorded(app: &App, who: &Principal, said: DecisionKind) -> Result<Response, Problem> {
    let recorded = Recorded::record(app, who, &said).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}

/// Approves a plan, and with it the changes that it lists.
#[utoipa::path(
    post, path = "/plans/{digest}/approve", tag = "plans", operation_id = "approvePlan",
    params(("digest" = String, Path, description = "Digest of the plan")),
    request_body = Option<Consent>,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn approve_plan(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    MaybeJson(said): MaybeJson<Consent>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Approve, Kind::Plan)?;
    let comment = said?.checked()?;
    let plan = plan_of(&app, &id).await?;
    demand_all(&who, &plan)?;
    let changes = plan.changes.iter().map(|change| change.digest).collect();
    recorded(&app, &who, DecisionKind::Approve { subject: plan.digest, changes, comment }).await
}

/// Rejects a plan, and with it the changes that it lists.
#[utoipa::path(
    post, path = "/plans/{digest}/reject", tag = "plans", operation_id = "rejectPlan",
    params(("digest" = String, Path, description = "Digest of the plan")),
    request_body = Rejection,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn reject_plan(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    Json(said): Json<Rejection>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Approve, Kind::Plan)?;
    let said = said?;
    demand_reason(&said.reason)?;
    let plan = plan_of(&app, &id).await?;
    demand_all(&who, &plan)?;
    let changes = plan.changes.iter().map(|change| change.digest).collect();
    let (subject, reason) = (plan.digest, said.reason);
    recorded(&app, &who, DecisionKind::Reject { subject, changes, reason }).await
}

/// Shows one change, in the newest plan that holds it.
#[utoipa::path(
    get, path = "/changes/{digest}", tag = "plans", operation_id = "getChange",
    params(("digest" = String, Path, description = "Digest of the change")),
    responses((status = 200, description = "The plan cut down to the change, `trueline.plan/v1`; as text where `Accept` asks for that", content(
        (serde_json::Value = "application/json"), (String = "text/plain"),
    ))),
)]
async fn one_change(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Plan)?;
    let digest = digest_of(&id)?;
    let plans = app.store().plans_by_prefix(&digest.to_string()).await?;
    let is_it = |change: &&Change| change.digest == digest;
    let held = plans.into_iter().find_map(|plan| {
        let change = plan.changes.iter().find(is_it)?;
        let sees = who.may(Verb::Read, Kind::Plan, Some(&change.team));
        let service = change.service.clone();
        sees.then(|| only(plan, &|id| id == service))
    });
    let plan = held.ok_or_else(|| Problem::missing("change", &id))?;
    Ok(as_asked(&headers, &plan))
}

/// Approves one change.
#[utoipa::path(
    post, path = "/changes/{digest}/approve", tag = "plans", operation_id = "approveChange",
    params(("digest" = String, Path, description = "Digest of the change")),
    request_body = Option<Consent>,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn approve_change(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    MaybeJson(said): MaybeJson<Consent>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Approve, Kind::Plan)?;
    let comment = said?.checked()?;
    let change = change_of(&app, &who, &id).await?;
    who.demand_of(Verb::Approve, Kind::Plan, Some(&change.team))?;
    let (subject, changes) = (change.digest, vec![change.digest]);
    recorded(&app, &who, DecisionKind::Approve { subject, changes, comment }).await
}

/// Rejects one change.
#[utoipa::path(
    post, path = "/changes/{digest}/reject", tag = "plans", operation_id = "rejectChange",
    params(("digest" = String, Path, description = "Digest of the change")),
    request_body = Rejection,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn reject_change(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    Json(said): Json<Rejection>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Approve, Kind::Plan)?;
    let said = said?;
    demand_reason(&said.reason)?;
    let change = change_of(&app, &who, &id).await?;
    who.demand_of(Verb::Approve, Kind::Plan, Some(&change.team))?;
    let (subject, changes, reason) = (change.digest, vec![change.digest], said.reason);
    recorded(&app, &who, DecisionKind::Reject { subject, changes, reason }).await
}
