//! Units: columns for a tick over all of them, a record for those in question.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::definitions::{self, BLANK, Definitions};
use super::write::{OURSELVES, Write};
use super::{claims, rows};
use crate::digest::Digest;
use crate::id::{Uid, UnitKey};
use crate::reconcile::{UnitRecord, UnitRow};
use crate::store::{StoreError, UnitWrite};

/// A record without its definition, and where that is found.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) record: UnitRecord,
    definition: Option<Digest>,
}

/// Reads the little that is known of every unit: one text of all their lines, from the index alone.
pub(super) async fn all_rows(
    readers: &SqlitePool,
    catalog: &str,
) -> Result<Vec<UnitRow>, StoreError> {
    let text: Option<String> = sqlx::query_scalar(
        "SELECT group_concat(line, '') FROM units INDEXED BY units_lines WHERE catalog = $1",
    )
    .bind(catalog)
    .fetch_one(readers)
    .await
    .map_err(StoreError::database("reading units"))?;
    let text = text.unwrap_or_default();
    let mut rest = text.as_str();
    let mut rows = Vec::new();
    while !rest.is_empty() {
        rows.push(next_row(&mut rest)?);
    }
    Ok(rows)
}

/// Reads the next line of a text that holds one for each unit.
pub(super) fn next_row(rest: &mut &str) -> Result<UnitRow, StoreError> {
    let key = next_value(rest)?;
    let uid = next_value(rest)?;
    let (intent, definition) = (next_value(rest)?, next_value(rest)?);
    let applied = match intent {
        "" => None,
        _ => Some((rows::digest(intent)?, rows::digest(definition)?)),
    };
    let mut flags = next_value(rest)?.bytes().map(|flag| flag == b'1');
    let mut flag = || flags.next().unwrap_or(false);
    Ok(UnitRow {
        key: unit_key(key),
        uid: Uid(uid.to_owned()),
        applied,
        drifted: flag(),
        held: flag(),
        retained: flag(),
    })
}

fn next_value<'t>(rest: &mut &'t str) -> Result<&'t str, StoreError> {
    let cut = |text: &'t str| {
        let (length, behind) = text.split_once(':')?;
        behind.split_at_checked(length.parse().ok()?)
    };
    let (value, behind) =
        cut(rest).ok_or_else(|| StoreError::Missing("end of a unit".to_owned()))?;
    *rest = behind;
    Ok(value)
}

pub(super) fn unit_key(text: &str) -> UnitKey {
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
    write_all(write, writes.iter().map(|unit| (unit, at)).collect()).await
}

/// The same, each at its time; those that are put one after another all at once.
pub(super) async fn write_all(
    write: &mut Write<'_>,
    writes: Vec<(&UnitWrite, Timestamp)>,
) -> Result<(), StoreError> {
    let mut together = Vec::new();
    for (unit, at) in writes {
        match unit {
            UnitWrite::Put(record) => together.push(&**record),
            UnitWrite::Remove(key) => {
                put(write, &std::mem::take(&mut together)).await?;
                remove(write, key, at).await?;
            }
        }
    }
    put(write, &together).await
}

async fn put(write: &mut Write<'_>, records: &[&UnitRecord]) -> Result<(), StoreError> {
    // As much as is well held in memory twice.
    for records in records.chunks(1_000) {
        let mut listed = Vec::new();
        for record in records {
            let mut stored = Stored { record: (*record).clone(), definition: None };
            if let Some(applied) = &mut stored.record.applied {
                stored.definition = Some(definitions::keep(write, &applied.definition).await?);
                applied.definition = Arc::clone(&BLANK);
            }
            listed.push((&record.row, rows::to_json("a unit", &stored)?));
        }
        insert(write.catalog, write.connection(), &listed).await?;
        claims::keep_all(write, records).await?;
    }
    Ok(())
}

async fn insert(
    catalog: &str,
    connection: &mut SqliteConnection,
    listed: &[(&UnitRow, String)],
) -> Result<(), StoreError> {
    for listed in rows::together(listed) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO units
             (catalog, key, uid, intent, definition, drifted, held, retained, record) ",
        );
        query.push_values(listed, |mut values, (row, record)| {
            values
                .push_bind(catalog)
                .push_bind(row.key.to_string())
                .push_bind(&row.uid.0)
                .push_bind(row.applied.map(|(intent, _)| intent.to_string()))
                .push_bind(row.applied.map(|(_, definition)| definition.to_string()))
                .push_bind(row.drifted)
                .push_bind(row.held)
                .push_bind(row.retained)
                .push_bind(record);
        });
        query.push(
            " ON CONFLICT (catalog, key) DO UPDATE SET uid = excluded.uid, intent = excluded.intent,
             definition = excluded.definition, drifted = excluded.drifted, held = excluded.held,
             retained = excluded.retained, record = excluded.record",
        );
        let done = query.build().execute(&mut *connection).await;
        done.map_err(StoreError::database("writing a unit"))?;
    }
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
    claims::forget(write, key).await?;
    write.audit(at, OURSELVES, "unit.removed", &json!({"unit": key, "uid": uid})).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::Definition;
    use crate::store::Store as _;
    use crate::store::sqlite::fixtures::{definition, driven, unit};
    use std::slice;

    fn put(record: UnitRecord) -> UnitWrite {
        UnitWrite::Put(Box::new(record))
    }

    #[tokio::test]
    async fn a_unit_is_read_as_it_was_written() {
        let (store, lease) = driven().await;
        let mut known = unit("shop/database", &definition("postgres", "1.0.0"));
        known.row.held = true;
        let mut new = unit("wiki", &definition("postgres", "1.0.0"));
        (new.applied, new.row.applied, new.row.drifted) = (None, None, true);
        let writes = [put(known.clone()), put(new.clone())];
        store.write_units(&lease, &writes).await.expect("written");
        let keys = [new.row.key.clone(), known.row.key.clone(), UnitKey::service("unknown")];
        let read = store.units(&keys).await.expect("read");
        assert_eq!(read, [known.clone(), new.clone()]);
        assert_eq!(store.unit_rows().await.expect("read"), [known.row, new.row]);
        assert!(store.units(&[]).await.expect("read").is_empty());
    }

    #[tokio::test]
    async fn definitions_that_differ_only_in_retries_are_not_confused() {
        let (store, lease) = driven().await;
        let patient = definition("postgres", "1.0.0");
        let mut hasty = Definition::clone(&patient);
        hasty.create[0].timeout = Some("1s".to_owned());
        assert_eq!(hasty.digest(), patient.digest(), "converges alike");
        let writes = [put(unit("a", &patient)), put(unit("b", &Arc::new(hasty)))];
        store.write_units(&lease, &writes).await.expect("written");
        let keys = [UnitKey::service("a"), UnitKey::service("b")];
        let read = store.units(&keys).await.expect("read");
        let timeout = |unit: &UnitRecord| {
            unit.applied.as_ref().expect("applied").definition.create[0].timeout.clone()
        };
        assert_eq!(read.iter().map(timeout).collect::<Vec<_>>(), [None, Some("1s".to_owned())]);
    }

    #[tokio::test]
    async fn ten_thousand_units_share_one_definition() {
        let (store, lease) = driven().await;
        let definition = definition("postgres", "1.0.0");
        let writes: Vec<UnitWrite> = (0..10_000)
            .map(|number| put(unit(&format!("service-{number:05}"), &definition)))
            .collect();
        store.write_units(&lease, &writes).await.expect("written");
        let rows = store.unit_rows().await.expect("read");
        let keys: Vec<UnitKey> = rows.into_iter().map(|row| row.key).collect();
        assert_eq!(keys.len(), 10_000);
        let read = store.units(&keys).await.expect("read");
        let definitions: std::collections::BTreeSet<usize> = read
            .iter()
            .map(|unit| Arc::as_ptr(&unit.applied.as_ref().expect("applied").definition).addr())
            .collect();
        assert_eq!(definitions.len(), 1);
        let later = store.units(&keys[..1]).await.expect("read");
        let first = read[0].applied.as_ref().expect("applied");
        let again = later[0].applied.as_ref().expect("applied");
        assert!(Arc::ptr_eq(&first.definition, &again.definition), "while it is in use");
    }

    #[tokio::test]
    async fn a_key_may_hold_any_text() {
        let (store, lease) = driven().await;
        for key in ["o'clock", "a\"b", "%", "naïve", "\u{1}", "3:", ""] {
            let record = unit(key, &definition("postgres", "1.0.0"));
            store.write_units(&lease, &[put(record.clone())]).await.expect("written");
            let read = store.units(slice::from_ref(&record.row.key)).await.expect("read");
            assert_eq!(read, slice::from_ref(&record), "{key:?}");
            let rows = store.unit_rows().await.expect("read");
            assert!(rows.contains(&record.row), "{key:?}");
        }
        assert_eq!(store.unit_rows().await.expect("read").len(), 7);
    }

    #[tokio::test]
    async fn a_removal_is_told() {
        let (store, lease) = driven().await;
        let record = unit("shop", &definition("postgres", "1.0.0"));
        let writes = [put(record), UnitWrite::Remove(UnitKey::service("shop"))];
        store.write_units(&lease, &writes).await.expect("written");
        let told = store.audit_after(1, 9).await.expect("read");
        assert_eq!(told[0].what, "unit.removed");
        assert_eq!(told[0].detail["uid"], json!("uid-shop"));
    }
}
