//! The proposals that were filed, so that people find them.

use sqlx::SqlitePool;

use super::write::Write;
use crate::id::{RunId, StepPath};
use crate::store::{Proposal, StoreError};

/// Remembers a proposal; the run that waits for it now is the one that has it.
pub(super) async fn save(write: &mut Write<'_>, proposal: &Proposal) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO proposals (catalog, repository, number, run, step, service)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (catalog, repository, number) DO UPDATE
         SET run = excluded.run, step = excluded.step",
    )
    .bind(write.catalog)
    .bind(&proposal.repository)
    .bind(number_of(proposal)?)
    .bind(proposal.run.as_ref().map(|run| run.0.as_str()))
    .bind(proposal.step.as_ref().map(|step| step.0.as_str()))
    .bind(&proposal.service)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("remembering a proposal"))?;
    Ok(())
}

fn number_of(proposal: &Proposal) -> Result<i64, StoreError> {
    i64::try_from(proposal.number).map_err(StoreError::unreadable("a proposal"))
}

type Row = (String, i64, Option<String>, Option<String>, String);

fn proposal((repository, number, run, step, service): Row) -> Result<Proposal, StoreError> {
    let number = u64::try_from(number).map_err(StoreError::unreadable("a proposal"))?;
    Ok(Proposal { repository, number, run: run.map(RunId), step: step.map(StepPath), service })
}

/// Lists proposals that were filed.
pub(super) async fn list(readers: &SqlitePool, catalog: &str) -> Result<Vec<Proposal>, StoreError> {
    let found: Vec<Row> = sqlx::query_as(
        "SELECT repository, number, run, step, service FROM proposals
         WHERE catalog = $1 ORDER BY repository, number",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("listing proposals"))?;
    found.into_iter().map(proposal).collect()
}
