//! Forgets old runs with their journals, tasks, approvals and proposals. What anything refers to stays, and so does the audit chain.

use jiff::Timestamp;
use serde_json::json;
use sqlx::SqlitePool;

use super::rows;
use super::write::{OURSELVES, Write};
use crate::id::RunId;
use crate::store::{Retention, StoreError};

/// Runs that ended before a moment and are not among the newest of their service, unless a unit still stands as they
/// left it, something that they waited for outside is not taken back, or a task of them is open.
const OLD: &str = "
    WITH referred (run) AS MATERIALIZED (
        SELECT record ->> '$.record.applied.run' FROM units WHERE catalog = $1
        AND record ->> '$.record.applied.run' IS NOT NULL
        UNION SELECT step.value ->> 'run' FROM units, json_each(units.record, '$.record.steps') step
        WHERE units.catalog = $1),
    ranked AS (
        SELECT id, seq, state, updated_at,
               row_number() OVER (PARTITION BY service ORDER BY seq DESC) AS place
        FROM runs WHERE catalog = $1)
    SELECT id FROM ranked
    WHERE place > $3 AND updated_at < $2 AND state NOT IN ('queued', 'running', 'waiting', 'paused', 'rolling-back')
    AND id NOT IN (SELECT run FROM referred)
    AND NOT EXISTS (SELECT 1 FROM waits WHERE waits.catalog = $1 AND waits.run = ranked.id
                    AND waits.settled IS NULL)
    AND NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.catalog = $1 AND tasks.run = ranked.id
                    AND tasks.state = 'open')
    ORDER BY seq LIMIT $4";

/// Finds runs that may go, oldest first.
pub(super) async fn old(
    readers: &SqlitePool,
    catalog: &str,
    (retention, now): (&Retention, Timestamp),
    limit: u32,
) -> Result<Vec<RunId>, StoreError> {
    let Some(oldest) = retention.oldest(now) else { return Ok(Vec::new()) };
    let found: Vec<String> = sqlx::query_scalar(OLD)
        .bind(catalog)
        .bind(oldest.as_millisecond())
        .bind(i64::from(retention.per_service.max(1)))
        .bind(i64::from(limit))
        .fetch_all(readers)
        .await
        .map_err(StoreError::database("looking for old runs"))?;
    Ok(found.into_iter().map(RunId).collect())
}

const RUNS: &str =
    "DELETE FROM runs WHERE catalog = $1 AND id IN (SELECT value FROM json_each($2))";

/// Changes that neither a plan nor a run refers to any more.
const CHANGES: &str = "
    DELETE FROM changes WHERE catalog = $1 AND content IN (SELECT value FROM json_each($2))
    AND NOT EXISTS (SELECT 1 FROM plan_changes WHERE plan_changes.catalog = $1
                    AND plan_changes.content = changes.content)
    AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.catalog = $1 AND runs.content = changes.content)";

/// Takes runs away with all that is theirs; one that has not ended stays.
pub(super) async fn prune(
    write: &mut Write<'_>,
    runs: &[RunId],
    at: Timestamp,
) -> Result<usize, StoreError> {
    let failed = StoreError::database("forgetting old runs");
    let asked = rows::to_json("runs", &runs)?;
    let gone: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, content FROM runs WHERE catalog = $1 AND id IN (SELECT value FROM json_each($2))
         AND state NOT IN ('queued', 'running', 'waiting', 'paused', 'rolling-back') ORDER BY +seq",
    )
    .bind(write.catalog)
    .bind(asked)
    .fetch_all(write.connection())
    .await
    .map_err(&failed)?;
    let (ids, contents): (Vec<String>, Vec<String>) = gone.into_iter().unzip();
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(0) };
    let detail = json!({"count": ids.len(), "first": first, "last": last});
    let ids_listed = rows::to_json("runs", &ids)?;
    let contents = rows::to_json("changes", &contents)?;
    for table in ["journal", "tasks", "waits", "approvals", "proposals"] {
        let statement = format!(
            "DELETE FROM {table} WHERE catalog = $1 AND run IN (SELECT value FROM json_each($2))"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(statement));
        let query = query.bind(write.catalog).bind(&ids_listed);
        query.execute(write.connection()).await.map_err(&failed)?;
    }
    for (statement, listed) in [(RUNS, &ids_listed), (CHANGES, &contents)] {
        let query = sqlx::query(statement).bind(write.catalog).bind(listed);
        query.execute(write.connection()).await.map_err(&failed)?;
    }
    write.audit(at, OURSELVES, "runs.pruned", &detail).await?;
    Ok(ids.len())
}
