//! The audit chain, newest first. It is only ever read here.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::Query;
use super::page::{self, Page};
use super::tag::shown;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{AuditEntry, AuditFilter, verify_audit};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify)).routes(routes!(chain))
}

/// One entry of the audit chain.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntryOfChain {
    /// Its number, rising from 1 without gaps.
    seq: i64,
    #[schema(format = DateTime)]
    at: String,
    /// Who: a person, or `trueline`.
    actor: String,
    /// What: `approve`, `run.created`, `step.succeeded`, …
    what: String,
    /// About which service, run or digest, with what answer; `actor` tells type and credential of whoever is known.
    detail: Value,
    /// Hash of the entry before it.
    previous: String,
    /// Hash over all of the above.
    hash: String,
}

impl EntryOfChain {
    fn of(entry: AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at.to_string(),
            actor: entry.actor,
            what: entry.what,
            detail: entry.detail,
            previous: entry.previous.to_string(),
            hash: entry.hash.to_string(),
        }
    }
}

/// It tells of all teams.
fn demand(who: &Principal) -> Result<(), Problem> {
    who.demand(Verb::Read, Kind::Audit)?;
    if who.may_everywhere(Verb::Read, Kind::Audit) {
        return Ok(());
    }
    who.demand_of(Verb::Read, Kind::Audit, None)
}

/// Whether the audit chain is whole.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChainWire {
    whole: bool,
    /// Entries that were walked.
    entries: i64,
    /// Hash of the last of them: note it, and a later rewrite shows.
    head: Option<String>,
    /// The entry at which it breaks.
    broken_at: Option<i64>,
    /// How it breaks there.
    how: Option<&'static str>,
}

/// Walks the whole chain, and says whether each entry is what was written and follows the one before.
#[utoipa::path(
    get, path = "/audit/verify", tag = "audit", operation_id = "verifyAudit",
    responses((status = 200, description = "Whether the chain is whole", body = ChainWire)),
)]
async fn verify(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    demand(&who)?;
    let (walk, broken) = verify_audit(app.store()).await?;
    let wire = ChainWire {
        whole: broken.is_none(),
        entries: walk.next() - 1,
        head: walk.head().map(|(_, hash)| hash.to_string()),
        broken_at: broken.as_ref().map(|broken| broken.seq),
        how: broken.as_ref().map(|broken| broken.kind.word()),
    };
    Ok(shown(&headers, &wire))
}

/// Lists the audit chain, newest first. It tells of all teams, and is for those who may read all of it.
#[utoipa::path(
    get, path = "/audit", tag = "audit", operation_id = "listAudit",
    params(
        ("service" = Option<String>, Query, description = "About this service"),
        ("actor" = Option<String>, Query, description = "By this person, or by `trueline`"),
        ("since" = Option<String>, Query, description = "Not before this moment: `2026-11-21T08:00:00Z`"),
        ("before" = Option<i64>, Query, description = "Only what comes before this entry"),
    ),
    responses((status = 200, description = "A page of the chain", body = Page<EntryOfChain>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let since = query.take("since").map(|since| {
        let wrong = |_| Problem::parameter("since", "a moment, as 2026-11-21T08:00:00Z");
        since.parse::<jiff::Timestamp>().map_err(wrong)
    });
    let wrong = || Problem::parameter("before", "the number of an entry");
    let before = query.take("before").map(|before| before.parse::<i64>().map_err(|_| wrong()));
    let before = before.transpose()?;
    let filter = AuditFilter {
        service: query.take("service"),
        actor: query.take("actor"),
        since: since.transpose()?,
        before: page::number("audit", cursor.as_deref())?.or(before),
    };
    query.done()?;
    demand(&who)?;
    let mut found = app.store().audit_list(&filter, limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > wanted;
    found.truncate(wanted);
    let last = found.last().filter(|_| more);
    let next = last.map(|entry| page::cursor("audit", &entry.seq.to_string()));
    Ok(shown(&headers, &Page { items: found.into_iter().map(EntryOfChain::of).collect(), next }))
}

/// Lists the audit chain as it was written, oldest first, so that others can walk it. It is for those who may read all of it.
#[utoipa::path(
    get, path = "/audit/chain", tag = "audit", operation_id = "listAuditChain",
    params(("after" = Option<i64>, Query, description = "Only what comes after this entry")),
    responses((status = 200, description = "A page of the chain", body = Page<EntryOfChain>)),
)]
async fn chain(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let wrong = || Problem::parameter("after", "the number of an entry, or 0");
    let after = query.take("after").map(|after| after.parse::<i64>().map_err(|_| wrong()));
    let after = after.transpose()?.unwrap_or(0);
    query.done()?;
    if after < 0 {
        return Err(wrong());
    }
    demand(&who)?;
    let after = page::number("audit-chain", cursor.as_deref())?.unwrap_or(after);
    let mut found = app.store().audit_after(after, limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > wanted;
    found.truncate(wanted);
    let last = found.last().filter(|_| more);
    let next = last.map(|entry| page::cursor("audit-chain", &entry.seq.to_string()));
    Ok(shown(&headers, &Page { items: found.into_iter().map(EntryOfChain::of).collect(), next }))
}
