//! Decisions of people and other processes: rows are only ever added, approvals among them.

use jiff::Timestamp;
use sqlx::SqlitePool;

use super::rows;
use super::write::Write;
use crate::store::audit::tell_decision;
use crate::store::{Actor, Decision, DecisionKind, StoreError};

/// Records a decision; returns its number.
pub(super) async fn add(
    write: &mut Write<'_>,
    by: &str,
    at: Timestamp,
    decision: &DecisionKind,
) -> Result<i64, StoreError> {
    let seq = insert(write, by, at, decision).await?;
    let (what, detail) = tell_decision(seq, decision);
    write.audit(at, by, what, &detail).await?;
    Ok(seq)
}

/// Records a decision of somebody who is known, and tells by what; returns its number.
pub(super) async fn add_as(
    write: &mut Write<'_>,
    by: &Actor,
    at: Timestamp,
    decision: &DecisionKind,
) -> Result<i64, StoreError> {
    let seq = insert(write, &by.name, at, decision).await?;
    let (what, detail) = tell_decision(seq, decision);
    write.audit(at, &by.name, what, &by.on(&detail)).await?;
    Ok(seq)
}

async fn insert(
    write: &mut Write<'_>,
    by: &str,
    at: Timestamp,
    decision: &DecisionKind,
) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "INSERT INTO decisions (catalog, seq, at, who, body)
         SELECT $1, coalesce(max(seq), 0) + 1, $2, $3, $4 FROM decisions WHERE catalog = $1
         RETURNING seq",
    )
    .bind(write.catalog)
    .bind(at.as_millisecond())
    .bind(by)
    .bind(rows::to_json("a decision", decision)?)
    .fetch_one(write.connection())
    .await
    .map_err(StoreError::database("recording a decision"))
}

/// Reads decisions after a number, in their order.
pub(super) async fn after(
    readers: &SqlitePool,
    catalog: &str,
    seq: i64,
) -> Result<Vec<Decision>, StoreError> {
    let found: Vec<(i64, i64, String, String)> = sqlx::query_as(
        "SELECT seq, at, who, body FROM decisions WHERE catalog = $1 AND seq > $2 ORDER BY seq",
    )
    .bind(catalog)
    .bind(seq)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("reading decisions"))?;
    found.into_iter().map(read).collect()
}

fn read((seq, at, by, body): (i64, i64, String, String)) -> Result<Decision, StoreError> {
    let decision = rows::from_json("a decision", &body)?;
    Ok(Decision { seq, at: rows::time(at)?, by, decision })
}

/// Reads what people said to an approval, in their order.
pub(super) async fn on_approval(
    readers: &SqlitePool,
    catalog: &str,
    number: i64,
) -> Result<Vec<Decision>, StoreError> {
    let found: Vec<(i64, i64, String, String)> = sqlx::query_as(
        "SELECT seq, at, who, body FROM decisions
         WHERE catalog = $1 AND approval IS NOT NULL AND approval = $2 ORDER BY seq",
    )
    .bind(catalog)
    .bind(number)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("reading decisions"))?;
    found.into_iter().map(read).collect()
}

/// Returns the number of the last decision; 0 where there is none.
pub(super) async fn last(readers: &SqlitePool, catalog: &str) -> Result<i64, StoreError> {
    let last: Option<i64> = sqlx::query_scalar("SELECT max(seq) FROM decisions WHERE catalog = $1")
        .bind(catalog)
        .fetch_one(readers)
        .await
        .map_err(StoreError::database("reading the last decision"))?;
    Ok(last.unwrap_or(0))
}
