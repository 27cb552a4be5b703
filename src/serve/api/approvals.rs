//! What runs ask people to approve, and what they say to it.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Json, Number, Plain, Query};
use super::granting::{answerable, granting};
use super::page::{self, Page};
use super::recorded::Recorded;
use super::search::Search;
use super::tag::{must_match, shown};
use super::words::demand_reason;
use crate::reconcile::show::masked;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{Approval, ApprovalState, Decision, DecisionKind};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(grant))
        .routes(routes!(reject))
}

/// One approval.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApprovalWire {
    number: i64,
    service: String,
    team: Option<String>,
    run: String,
    step: String,
    /// `open`, `granted`, `rejected`, `void` or `expired`.
    #[schema(value_type = String, example = "open")]
    state: ApprovalState,
    /// Why it is no longer open.
    why: Option<String>,
    /// How many different people must grant it.
    required: u32,
    /// Who did.
    granted: Vec<String>,
    /// Who may, in words.
    may: String,
    /// What is missing, in words.
    missing: String,
    /// What was said to it.
    comment: String,
    /// The form that whoever grants it first fills in.
    form: Value,
    /// What was filled in; sensitive values masked.
    answers: Map<String, Value>,
    #[schema(format = DateTime)]
    opened_at: String,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// It is open, and waits for your word among others.
    for_you: bool,
}

impl ApprovalWire {
    fn of((approval, team, said): &Found, (app, who): (&App, &Principal)) -> Self {
        let tally = approval.tally(said);
        Self {
            for_you: is_for(who, (approval, team.as_deref(), said), app.now()),
            number: approval.number,
            service: approval.service.clone(),
            team: team.clone(),
            run: approval.run.to_string(),
            step: approval.step.to_string(),
            state: approval.state,
            why: approval.why.clone(),
            required: approval.ask.required,
            missing: approval.missing(&tally),
            may: approval.may.to_string(),
            comment: tally.comment,
            form: serde_json::to_value(&approval.ask.form).unwrap_or_default(),
            answers: tally.answers.iter().map(|(id, one)| (id.clone(), masked(one))).collect(),
            granted: tally.granted,
            opened_at: approval.opened_at.to_string(),
            expires_at: approval.expires_at.map(|at| at.to_string()),
        }
    }
}

/// Tells whether an approval waits for the word of somebody.
pub(super) fn is_for(
    who: &Principal,
    (approval, team, said): (&Approval, Option<&str>, &[Decision]),
    now: Timestamp,
) -> bool {
    let name = who.actor.name.as_str();
    who.may(Verb::Approve, Kind::Approval, team)
        && answerable(approval, said, (name, now)).is_ok()
        && !approval.tally(said).granted.iter().any(|granted| granted == name)
}

/// What grants an approval.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Granting {
    /// What is said to it.
    #[serde(default)]
    comment: String,
    /// What its form asks for, by id.
    #[serde(default)]
    fields: BTreeMap<String, Value>,
}

/// Why an approval is rejected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refusal {
    /// Why; it is kept with who says so.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Lists approvals, newest first.
#[utoipa::path(
    get, path = "/approvals", tag = "approvals", operation_id = "listApprovals",
    params(("state" = Option<String>, Query, description = "In this state: `open`, `granted`, `rejected`, `void`, `expired`")),
    responses((status = 200, description = "A page of approvals", body = Page<ApprovalWire>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let state = query.word::<ApprovalState>("state")?;
    query.done()?;
    who.demand(Verb::Read, Kind::Approval)?;
    let before = page::number("approvals", cursor.as_deref())?;
    let mut search = Search::new("approvals", limit, before);
    while let Some(page) = search.next() {
        for approval in search.take(app.store().approvals_page(state, page).await?) {
            if who.may(Verb::Read, Kind::Approval, approval.team.as_deref()) {
                let said = app.store().approval(approval.number).await?;
                let said = said.map(|(_, said)| said).unwrap_or_default();
                let number = approval.number;
                let found = (approval.row, approval.team, said);
                search.found(ApprovalWire::of(&found, (&app, &who)), number);
            }
        }
    }
    Ok(shown(&headers, &search.end()))
}

/// What is known of an approval: itself, its team, and what people said to it.
type Found = (Approval, Option<String>, Vec<Decision>);

async fn approval_of(app: &App, who: &Principal, number: i64) -> Result<Found, Problem> {
    let missing = || Problem::missing("approval", &number.to_string());
    let found = app.store().approval(number).await?;
    let (approval, said) = found.ok_or_else(missing)?;
    let run = app.store().run(&approval.run).await?;
    let team = run.map(|run| run.change.team.clone());
    if who.may(Verb::Read, Kind::Approval, team.as_deref()) {
        return Ok((approval, team, said));
    }
    Err(missing())
}

/// Shows one approval.
#[utoipa::path(
    get, path = "/approvals/{number}", tag = "approvals", operation_id = "getApproval",
    params(("number" = i64, Path, description = "Number of the approval")),
    responses((status = 200, description = "The approval", body = ApprovalWire)),
)]
async fn one(
    State(app): State<App>,
    Who(who): Who,
    Number(number): Number,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Approval)?;
    let found = approval_of(&app, &who, number).await?;
    Ok(shown(&headers, &ApprovalWire::of(&found, (&app, &who))))
}

/// Grants an approval.
#[utoipa::path(
    post, path = "/approvals/{number}/grant", tag = "approvals", operation_id = "grantApproval",
    params(
        ("number" = i64, Path, description = "Number of the approval"),
        ("If-Match" = Option<String>, Header, description = "Tag of the approval as it was seen"),
    ),
    request_body = Granting,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn grant(
    State(app): State<App>,
    Who(who): Who,
    Number(number): Number,
    Plain(headers): Plain,
    Json(granting_): Json<Granting>,
) -> Result<Response, Problem> {
    who.demand(Verb::Approve, Kind::Approval)?;
    let granting_ = granting_?;
    let found = approval_of(&app, &who, number).await?;
    who.demand_of(Verb::Approve, Kind::Approval, found.1.as_deref())?;
    must_match(&headers, || ApprovalWire::of(&found, (&app, &who)))?;
    let (approval, _, said) = found;
    let fields = granting_.fields.into_iter().collect();
    let answers = granting(&app, (&approval, &said), (&who.actor.name, fields)).await?;
    let decision = DecisionKind::Grant { approval: number, comment: granting_.comment, answers };
    let recorded = Recorded::record(&app, &who, &decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}

/// Rejects an approval.
#[utoipa::path(
    post, path = "/approvals/{number}/reject", tag = "approvals", operation_id = "rejectApproval",
    params(
        ("number" = i64, Path, description = "Number of the approval"),
        ("If-Match" = Option<String>, Header, description = "Tag of the approval as it was seen"),
    ),
    request_body = Refusal,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn reject(
    State(app): State<App>,
    Who(who): Who,
    Number(number): Number,
    Plain(headers): Plain,
    Json(refusal): Json<Refusal>,
) -> Result<Response, Problem> {
    who.demand(Verb::Approve, Kind::Approval)?;
    let refusal = refusal?;
    demand_reason(&refusal.reason)?;
    let found = approval_of(&app, &who, number).await?;
    who.demand_of(Verb::Approve, Kind::Approval, found.1.as_deref())?;
    must_match(&headers, || ApprovalWire::of(&found, (&app, &who)))?;
    let (approval, _, said) = found;
    answerable(&approval, &said, (&who.actor.name, app.now()))?;
    let decision = DecisionKind::Refuse { approval: number, reason: refusal.reason };
    let recorded = Recorded::record(&app, &who, &decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}
