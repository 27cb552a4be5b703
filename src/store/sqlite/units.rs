//! Units: columns for a tick over all of them, a record for those in question.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{SqliteConnection, SqlitePool};

use super::definitions::{self, BLANK, Definitions};
use super::rows;
use super::write::{OURSELVES, Write};
use crate::digest::Digest;
use crate::id::{Uid, UnitKey};
use crate::reconcile::{UnitRecord, UnitRow};
use crate::store::{StoreError, UnitWrite};

/// A record without its definition, and where that is found.
#[derive(Serialize, Deserialize)]
struct Stored {
    record: UnitRecord,
    definition: Option<Digest>,
}

/// Reads the little that is known of every unit, from the index alone.
pub(super) async fn all_rows(
    readers: &SqlitePool,
    catalog: &str,
) -> Result<Vec<UnitRow>, StoreError> {
    type Row = (String, String, Option<String>, Option<String>, bool, bool, bool);
    let found: Vec<Row> = sqlx::query_as(
        "SELECT key, uid, intent, definition, drifted, held, retained
         FROM units INDEXED BY units_rows WHERE catalog = $1 ORDER BY key",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("reading units"))?;
    let row = |(key, uid, intent, definition, drifted, held, retained): Row| {
        let applied = match (intent, definition) {
            (Some(intent), Some(definition)) => {
                Some((rows::digest(&intent)?, rows::digest(&definition)?))
            }
            _ => None,
        };
        Ok(UnitRow { key: unit_key(&key), uid: Uid(uid), applied, drifted, held, retained })
    };
    found.into_iter().map(row).collect()
}

fn unit_key(text: &str) -> UnitKey {
    match text.parse() {
        Ok(key) => key,
        Err(never) => match never {},
    }
}

/// Reads all that is known of some units, ordered by key.
pub(super) async fn some(
    readers: &SqlitePool,
    known: &Definitions,
    catalog: &str,
    keys: &[UnitKey],
) -> Result<Vec<UnitRecord>, StoreError> {
    let failed = StoreError::database("reading units");
    let mut reading = readers.begin().await.map_err(&failed)?;
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT record FROM units
         WHERE catalog = $1 AND key IN (SELECT value FROM json_each($2)) ORDER BY key",
    )
    .bind(catalog)
    .bind(rows::to_json("keys of units", &keys)?)
    .fetch_all(&mut *reading)
    .await
    .map_err(&failed)?;
    let stored: Vec<Stored> =
        found.iter().map(|text| rows::from_json("a unit", text)).collect::<Result<_, _>>()?;
    let wanted = stored.iter().filter_map(|unit| unit.definition).collect();
    let loaded = known.load(&mut reading, catalog, wanted).await?;
    let whole = |Stored { mut record, definition }: Stored| {
        if let (Some(applied), Some(content)) = (&mut record.applied, &definition) {
            applied.definition = definitions::find(&loaded, content)?;
        }
        Ok(record)
    };
    stored.into_iter().map(whole).collect()
}

/// Writes units; tells the audit chain of those that go.
pub(super) async fn write(
    write: &mut Write<'_>,
    writes: &[UnitWrite],
    at: Timestamp,
) -> Result<(), StoreError> {
    for unit in writes {
        match unit {
            UnitWrite::Put(record) => put(write, record).await?,
            UnitWrite::Remove(key) => remove(write, key, at).await?,
        }
    }
    Ok(())
}

async fn put(write: &mut Write<'_>, record: &UnitRecord) -> Result<(), StoreError> {
    let mut stored = Stored { record: record.clone(), definition: None };
    if let Some(applied) = &mut stored.record.applied {
        stored.definition = Some(definitions::keep(write, &applied.definition).await?);
        applied.definition = Arc::clone(&BLANK);
    }
    let text = rows::to_json("a unit", &stored)?;
    insert(write.catalog, write.connection(), &record.row, text).await
}

async fn insert(
    catalog: &str,
    connection: &mut SqliteConnection,
    row: &UnitRow,
    record: String,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO units
         (catalog, key, uid, intent, definition, drifted, held, retained, record)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (catalog, key) DO UPDATE SET uid = excluded.uid, intent = excluded.intent,
         definition = excluded.definition, drifted = excluded.drifted, held = excluded.held,
         retained = excluded.retained, record = excluded.record",
    )
    .bind(catalog)
    .bind(row.key.to_string())
    .bind(&row.uid.0)
    .bind(row.applied.map(|(intent, _)| intent.to_string()))
    .bind(row.applied.map(|(_, definition)| definition.to_string()))
    .bind(row.drifted)
    .bind(row.held)
    .bind(row.retained)
    .bind(record)
    .execute(connection)
    .await
    .map_err(StoreError::database("writing a unit"))?;
    Ok(())
}

async fn remove(write: &mut Write<'_>, key: &UnitKey, at: Timestamp) -> Result<(), StoreError> {
    let uid: Option<String> =
        sqlx::query_scalar("DELETE FROM units WHERE catalog = $1 AND key = $2 RETURNING uid")
            .bind(write.catalog)
            .bind(key.to_string())
            .fetch_optional(write.connection())
            .await
            .map_err(StoreError::database("removing a unit"))?;
    let Some(uid) = uid else { return Ok(()) };
    write.audit(at, OURSELVES, "unit.removed", &json!({"unit": key, "uid": uid})).await
}
