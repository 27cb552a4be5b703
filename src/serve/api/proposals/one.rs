//! One proposal in full: what it changes, what the reviews of it found, what people said. Read from the forge of this machine.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::forge::{Found, found, refused};
use super::line::ProposalLine;
use crate::forge::{
    Check, CheckState, Comment, ForgeRead as _, Level, LocalForge, Opinion, Proposal,
    ProposalState, Review, ReviewRead as _,
};
use crate::serve::api::app::App;
use crate::serve::api::extract::{Id, Query};
use crate::serve::api::tag::shown;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;

/// The most of each list that is shown, the newest.
const MOST: usize = 200;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(one))
}

/// One proposal.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProposalWire {
    #[serde(flatten)]
    line: ProposalLine,
    /// What is known of it on the forge of this machine; absent where it is elsewhere, and `url` leads there.
    here: Option<DetailWire>,
}

/// What is known of a proposal on the forge of this machine.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailWire {
    /// `open`, `merged` or `closed`, as it is now.
    #[schema(value_type = String, example = "open")]
    state: ProposalState,
    author: String,
    /// Why, as Markdown.
    body: String,
    source_branch: String,
    base_branch: String,
    /// The commit that it proposes; words are bound to it.
    head: String,
    merge_commit: Option<String>,
    settled_by: Option<String>,
    /// What was said when it was closed.
    comment: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// A unified patch against where it left its base, cut at one MiB; absent where `diff=false` left it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    diff: Option<String>,
    /// Checks of its head.
    checks: Vec<CheckWire>,
    /// Reviews, oldest first.
    reviews: Vec<ReviewWire>,
    /// Comments, oldest first.
    comments: Vec<CommentWire>,
    /// Of whom a review is asked.
    asked: Vec<String>,
    labels: Vec<String>,
    /// What you can say on it now: `POST /proposals/{id}/{word}`.
    possible: Vec<&'static str>,
}

/// One check of a commit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CheckWire {
    /// `trueline/validate`, `trueline/plan` or `trueline/apply`.
    name: String,
    #[schema(value_type = String, example = "success")]
    state: CheckState,
    title: String,
    /// What it found, as Markdown.
    summary: String,
    remarks: Vec<RemarkWire>,
}

/// A remark at a line of a file.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RemarkWire {
    path: String,
    line: u32,
    /// `failure`, `warning` or `notice`.
    #[schema(value_type = String, example = "failure")]
    level: Level,
    title: String,
    message: String,
}

/// What a reviewer said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewWire {
    by: String,
    /// `approved`, `changes-requested`, `commented` or `dismissed`.
    #[schema(value_type = String, example = "approved")]
    opinion: Opinion,
    /// The head that they looked at.
    head: String,
    #[schema(format = DateTime)]
    at: String,
}

/// What somebody said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CommentWire {
    /// Its number.
    id: u64,
    by: String,
    body: String,
    #[schema(format = DateTime)]
    at: String,
}

impl CheckWire {
    fn of(check: Check) -> Self {
        let remarks = check.annotations.into_iter().take(MOST).map(|it| RemarkWire {
            path: it.path,
            line: it.lines.0,
            level: it.level,
            title: it.title,
            message: it.message,
        });
        Self {
            name: check.name,
            state: check.state,
            title: check.title,
            summary: check.summary,
            remarks: remarks.collect(),
        }
    }
}

fn newest<T>(mut all: Vec<T>) -> Vec<T> {
    all.drain(..all.len().saturating_sub(MOST));
    all
}

/// Shows one proposal. One on the forge of this machine is shown in full.
#[utoipa::path(
    get, path = "/proposals/{id}", tag = "proposals", operation_id = "getProposal",
    params(
        ("id" = String, Path, description = "Name of the proposal, as lists tell it"),
        ("diff" = Option<bool>, Query, description = "`false` leaves its patch out, which may be long"),
    ),
    responses((status = 200, description = "The proposal", body = ProposalWire)),
)]
async fn one(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let diff = query.flag("diff")?.unwrap_or(true);
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    let found = found(&app, &who, &id).await?;
    let here = match &found.here {
        Some((forge, number)) => {
            let seen = detail((forge, *number), (&found, &who)).await?;
            Some(DetailWire { diff: seen.diff.filter(|_| diff), ..seen })
        }
        None => None,
    };
    Ok(shown(&headers, &ProposalWire { line: ProposalLine::of(&found.line), here }))
}

async fn detail(
    (forge, number): (&LocalForge, u64),
    (found, who): (&Found, &Principal),
) -> Result<DetailWire, Problem> {
    let shown = forge.show(number).await.map_err(refused)?;
    let proposal = shown.proposal;
    let checks = forge.checks(&proposal.head).await.map_err(refused)?;
    let reviews = newest(forge.reviews(number).await.map_err(refused)?);
    let comments = newest(forge.comments(number).await.map_err(refused)?);
    let seen = forge.review_of(number).await.map_err(refused)?;
    let review = |it: Review| ReviewWire {
        by: it.by.login,
        opinion: it.opinion,
        head: it.head,
        at: it.at.to_string(),
    };
    let comment = |it: Comment| CommentWire {
        id: it.id,
        by: it.by.login,
        body: it.body,
        at: it.at.to_string(),
    };
    Ok(DetailWire {
        possible: possible(&proposal, (found, who)),
        state: proposal.state,
        author: proposal.author,
        body: proposal.body,
        source_branch: proposal.source_branch,
        base_branch: proposal.base_branch,
        head: proposal.head,
        merge_commit: proposal.merge_commit,
        settled_by: proposal.settled_by,
        comment: proposal.comment,
        created_at: proposal.created_at.to_string(),
        updated_at: proposal.updated_at.to_string(),
        diff: Some(shown.diff),
        checks: checks.into_iter().map(CheckWire::of).collect(),
        reviews: reviews.into_iter().map(review).collect(),
        comments: comments.into_iter().map(comment).collect(),
        asked: seen.asked,
        labels: seen.labels,
    })
}

/// Lists what somebody may say on a proposal; a merge may still be refused for what its checks say.
fn possible(proposal: &Proposal, (found, who): (&Found, &Principal)) -> Vec<&'static str> {
    let team = found.team.as_deref();
    let judges = who.may(Verb::Approve, Kind::Plan, team);
    let operates = who.may(Verb::Operate, Kind::Catalog, team);
    let is_open = proposal.state == ProposalState::Open;
    let all = [
        ("approve", judges && is_open),
        ("request-changes", judges && is_open),
        ("comment", judges),
        ("merge", operates && is_open),
        ("close", operates && is_open),
    ];
    all.into_iter().filter(|(_, may)| *may).map(|(word, _)| word).collect()
}
