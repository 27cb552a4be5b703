//! What is remembered of the catalog between ticks, and the last good version of its documents.

use sqlx::SqlitePool;

use super::rows;
use super::write::Write;
use crate::catalog::Kind;
use crate::store::{CatalogState, StoreError};
use crate::validate::Good;

/// Reads what is remembered of the catalog; nothing much before its first tick.
pub(super) async fn state(readers: &SqlitePool, catalog: &str) -> Result<CatalogState, StoreError> {
    let text: Option<String> = sqlx::query_scalar("SELECT state FROM catalogs WHERE catalog = $1")
        .bind(catalog)
        .fetch_optional(readers)
        .await
        .map_err(StoreError::database("reading the state of the catalog"))?;
    match text {
        Some(text) => rows::from_json("the state of the catalog", &text),
        None => Ok(CatalogState::default()),
    }
}

/// Writes what is remembered of the catalog.
pub(super) async fn save_state(
    write: &mut Write<'_>,
    state: &CatalogState,
) -> Result<(), StoreError> {
    let text = rows::to_json("the state of the catalog", state)?;
    sqlx::query(
        "INSERT INTO catalogs (catalog, state) VALUES ($1, $2)
         ON CONFLICT (catalog) DO UPDATE SET state = excluded.state",
    )
    .bind(write.catalog)
    .bind(text)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("writing the state of the catalog"))?;
    Ok(())
}

/// Reads the last good version of every document.
pub(super) async fn last_good(
    readers: &SqlitePool,
    catalog: &str,
) -> Result<Vec<Good>, StoreError> {
    type Row = (String, String, String, String, Vec<u8>);
    let found: Vec<Row> = sqlx::query_as(
        "SELECT kind, id, path, blob, bytes FROM last_good WHERE catalog = $1 ORDER BY kind, id",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("reading the last good documents"))?;
    let document = |(kind, id, path, blob, bytes): Row| {
        let kind = rows::from_word("the kind of a document", kind)?;
        Ok(Good { kind, id: id.into(), path: path.into(), blob: blob.into(), bytes: bytes.into() })
    };
    found.into_iter().map(document).collect()
}

/// Adds, replaces and removes last good versions.
pub(super) async fn save_last_good(
    write: &mut Write<'_>,
    put: &[Good],
    remove: &[(Kind, String)],
) -> Result<(), StoreError> {
    let failed = StoreError::database("writing the last good documents");
    for (kind, id) in remove {
        sqlx::query("DELETE FROM last_good WHERE catalog = $1 AND kind = $2 AND id = $3")
            .bind(write.catalog)
            .bind(kind.word())
            .bind(&**id)
            .execute(write.connection())
            .await
            .map_err(&failed)?;
    }
    for document in put {
        sqlx::query(
            "INSERT INTO last_good (catalog, kind, id, path, blob, bytes)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (catalog, kind, id) DO UPDATE
             SET path = excluded.path, blob = excluded.blob, bytes = excluded.bytes",
        )
        .bind(write.catalog)
        .bind(document.kind.word())
        .bind(&*document.id)
        .bind(&*document.path)
        .bind(&*document.blob)
        .bind(&*document.bytes)
        .execute(write.connection())
        .await
        .map_err(&failed)?;
    }
    Ok(())
}
