//! The audit chain in its table, to which rows are only ever added.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{SqliteConnection, SqlitePool};

use super::rows;
use crate::digest::Digest;
use crate::store::audit::start_of_chain;
use crate::store::{AuditEntry, StoreError};

/// What an entry tells.
pub(super) struct Told<'t> {
    pub(super) at: Timestamp,
    pub(super) actor: &'t str,
    pub(super) what: &'t str,
    pub(super) detail: &'t Value,
}

/// Reads number and hash of the newest entry.
pub(super) async fn last(
    catalog: &str,
    connection: &mut SqliteConnection,
) -> Result<(i64, Digest), StoreError> {
    let row: Option<(i64, String)> =
        sqlx::query_as("SELECT seq, hash FROM audit WHERE catalog = $1 ORDER BY seq DESC LIMIT 1")
            .bind(catalog)
            .fetch_optional(connection)
            .await
            .map_err(StoreError::database("reading the end of the audit chain"))?;
    match row {
        Some((seq, hash)) => Ok((seq, rows::digest(&hash)?)),
        None => Ok((0, start_of_chain())),
    }
}

/// Adds an entry after the last one; returns its number and hash.
pub(super) async fn append(
    catalog: &str,
    connection: &mut SqliteConnection,
    (last, previous): (i64, Digest),
    told: Told<'_>,
) -> Result<(i64, Digest), StoreError> {
    let milliseconds = told.at.as_millisecond();
    let detail = rows::to_json("an audit entry", told.detail)?;
    let mut entry = AuditEntry {
        seq: last + 1,
        at: rows::time(milliseconds)?,
        actor: told.actor.to_owned(),
        what: told.what.to_owned(),
        // As it will be read again: a number may lose its last digit on the way.
        detail: rows::from_json("an audit entry", &detail)?,
        previous,
        hash: previous,
    };
    entry.hash = entry.compute_hash();
    sqlx::query(
        "INSERT INTO audit (catalog, seq, at, actor, what, detail, previous, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(catalog)
    .bind(entry.seq)
    .bind(milliseconds)
    .bind(&entry.actor)
    .bind(&entry.what)
    .bind(detail)
    .bind(entry.previous.to_string())
    .bind(entry.hash.to_string())
    .execute(connection)
    .await
    .map_err(StoreError::database("adding to the audit chain"))?;
    Ok((entry.seq, entry.hash))
}

/// Reads the chain after a number, oldest first.
pub(super) async fn after(
    readers: &SqlitePool,
    catalog: &str,
    seq: i64,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    type Row = (i64, i64, String, String, String, String, String);
    let found: Vec<Row> = sqlx::query_as(
        "SELECT seq, at, actor, what, detail, previous, hash FROM audit
         WHERE catalog = $1 AND seq > $2 ORDER BY seq LIMIT $3",
    )
    .bind(catalog)
    .bind(seq)
    .bind(i64::from(limit))
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("reading the audit chain"))?;
    let entry = |(seq, at, actor, what, detail, previous, hash): Row| {
        Ok(AuditEntry {
            seq,
            at: rows::time(at)?,
            actor,
            what,
            detail: rows::from_json("an audit entry", &detail)?,
            previous: rows::digest(&previous)?,
            hash: rows::digest(&hash)?,
        })
    };
    found.into_iter().map(entry).collect()
}
