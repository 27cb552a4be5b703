//! How much waits for somebody: approvals, tasks, changes of the newest plan. It counts, and lists nothing.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::approvals::is_for as approval_is_for;
use super::extract::Query;
use super::page::MOST;
use super::tag::shown;
use super::tasks::is_for as task_is_for;
use crate::catalog::Entry;
use crate::reconcile::Pending;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{ApprovalState, Before, TaskState};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(count))
}

/// How much waits for you. Of each kind the newest 200 are looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InboxWire {
    /// Approvals that wait for your word.
    approvals: usize,
    /// Open tasks that you may say are done.
    tasks: usize,
    /// Changes of the newest plan that wait for an approval that you may give.
    changes: usize,
}

/// Counts what waits for you.
#[utoipa::path(
    get, path = "/inbox", tag = "approvals", operation_id = "countInbox",
    responses((status = 200, description = "How much waits for you", body = InboxWire)),
)]
async fn count(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    let wire = InboxWire {
        approvals: approvals(&app, &who).await?,
        tasks: tasks(&app, &who).await?,
        changes: changes(&app, &who),
    };
    Ok(shown(&headers, &wire))
}

const NEWEST: Before = Before { number: None, limit: MOST };

async fn approvals(app: &App, who: &Principal) -> Result<usize, Problem> {
    if !who.may_somewhere(Verb::Approve, Kind::Approval) {
        return Ok(0);
    }
    let mut count = 0;
    for open in app.store().approvals_page(Some(ApprovalState::Open), NEWEST).await? {
        let said = app.store().approval(open.number).await?;
        let said = said.map(|(_, said)| said).unwrap_or_default();
        let waits = approval_is_for(who, (&open.row, open.team.as_deref(), &said), app.now());
        count += usize::from(waits);
    }
    Ok(count)
}

async fn tasks(app: &App, who: &Principal) -> Result<usize, Problem> {
    if !who.may_somewhere(Verb::Operate, Kind::Task) {
        return Ok(0);
    }
    let open = app.store().tasks_page(Some(TaskState::Open), NEWEST).await?;
    Ok(open.iter().filter(|task| task_is_for(who, task)).count())
}

fn changes(app: &App, who: &Principal) -> usize {
    if !who.may_somewhere(Verb::Approve, Kind::Plan) {
        return 0;
    }
    let Some(published) = app.looked() else { return 0 };
    let services = &published.catalog().services;
    let waits = published.outline.pending.iter().filter(|(id, pending)| {
        let team = services.get(*id).map(Entry::team);
        pending.iter().any(|one| matches!(one, Pending::Approval { .. }))
            && who.may(Verb::Approve, Kind::Plan, team)
    });
    waits.take(usize::try_from(MOST).unwrap_or(usize::MAX)).count()
}
