//! Forgets old requests. What is still to come of, and the newest of each service, stays; so does the audit chain.

use jiff::Timestamp;
use serde_json::json;
use sqlx::SqlitePool;

use super::rows;
use super::write::{OURSELVES, Write};
use crate::store::{Retention, StoreError};

/// Requests that are over, got there before a moment, and are not among the newest of their service. Moments are texts to the
/// second, which stand in the order of time.
const OLD: &str = "
    WITH ranked AS (
        SELECT seq, row_number() OVER (PARTITION BY service ORDER BY seq DESC) AS place
        FROM service_requests WHERE catalog = $1)
    SELECT id FROM ranked JOIN service_requests USING (seq)
    WHERE place > $3 AND catalog = $1 AND open = 0
    AND substr(body ->> '$.progress.history[#-1].at', 1, 19) < substr($2, 1, 19)
    ORDER BY seq LIMIT $4";

/// Finds requests that may go, oldest first.
pub(super) async fn old(
    readers: &SqlitePool,
    catalog: &str,
    (retention, now): (&Retention, Timestamp),
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let Some(oldest) = retention.oldest(now) else { return Ok(Vec::new()) };
    sqlx::query_scalar(OLD)
        .bind(catalog)
        .bind(oldest.to_string())
        .bind(i64::from(retention.per_service.max(1)))
        .bind(i64::from(limit))
        .fetch_all(readers)
        .await
        .map_err(StoreError::database("looking for old requests"))
}

/// Takes requests away; one of which something is still to come stays.
pub(super) async fn prune(
    write: &mut Write<'_>,
    ids: &[String],
    at: Timestamp,
) -> Result<usize, StoreError> {
    let listed = rows::to_json("requests", &ids)?;
    let gone: Vec<String> = sqlx::query_scalar(
        "DELETE FROM service_requests WHERE catalog = $1 AND open = 0
         AND id IN (SELECT value FROM json_each($2)) RETURNING id",
    )
    .bind(write.catalog)
    .bind(listed)
    .fetch_all(write.connection())
    .await
    .map_err(StoreError::database("forgetting old requests"))?;
    if !gone.is_empty() {
        let detail = json!({"count": gone.len(), "requests": gone});
        write.audit(at, OURSELVES, "requests.pruned", &detail).await?;
    }
    Ok(gone.len())
}
