//! Checks a file that holds a store, without changing it: whole, ours, and with unbroken audit chains.

use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::{audit, open, rows};
use crate::secret::sealed_hash;
use crate::store::{ChainWalk, Checked, CheckedCatalog, StoreError};

/// How many entries of a chain are read at once.
const PIECE: u32 = 2_000;

/// Checks a file that nobody writes to.
pub(super) async fn check(path: &Path) -> Result<Checked, StoreError> {
    open::refuse_no_database(path)?;
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    let failed = StoreError::database("opening it");
    let mut connection =
        options.disable_statement_logging().connect().await.map_err(failed).map_err(at(path))?;
    let checked = whole(path, &mut connection).await.map_err(at(path));
    let closed = connection.close().await;
    closed.map_err(StoreError::database("closing it")).map_err(at(path))?;
    checked
}

fn at(path: &Path) -> impl Fn(StoreError) -> StoreError {
    move |error| open::at(path, error)
}

async fn whole(path: &Path, connection: &mut SqliteConnection) -> Result<Checked, StoreError> {
    let schema = open::refuse_foreign(path, connection).await?;
    let failed = StoreError::database("checking that it is whole");
    let told: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(3)")
        .fetch_all(&mut *connection)
        .await
        .map_err(&failed)?;
    let loose = sqlx::query("PRAGMA foreign_key_check")
        .fetch_all(&mut *connection)
        .await
        .map_err(&failed)?;
    if told != ["ok"] || !loose.is_empty() {
        let told = if told == ["ok"] {
            format!("{} rows hang loose", loose.len())
        } else {
            told.join("; ")
        };
        return Err(StoreError::Damaged { path: path.to_path_buf(), told });
    }
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT catalog FROM audit GROUP BY catalog UNION SELECT catalog FROM catalogs",
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(&failed)?;
    let mut catalogs = Vec::new();
    for name in names {
        catalogs.push(catalog(path, connection, name).await?);
    }
    let bytes = path.metadata().map_err(StoreError::file("look at", path))?.len();
    Ok(Checked { schema, bytes, catalogs, sealed: sealed(connection).await? })
}

async fn catalog(
    path: &Path,
    connection: &mut SqliteConnection,
    name: String,
) -> Result<CheckedCatalog, StoreError> {
    let mut walk = ChainWalk::default();
    let mut until = None;
    loop {
        let entries = audit::after(&mut *connection, &name, walk.next() - 1, PIECE).await?;
        let Some(last) = entries.last() else { break };
        until = Some(last.at);
        for entry in &entries {
            let broken = |broken| StoreError::Broken { path: path.to_path_buf(), broken };
            walk.take(entry).map_err(broken)?;
        }
    }
    let count = "SELECT (SELECT count(*) FROM units WHERE catalog = $1),
                        (SELECT count(*) FROM runs WHERE catalog = $1)";
    let (units, runs): (i64, i64) = sqlx::query_as(count)
        .bind(&name)
        .fetch_one(connection)
        .await
        .map_err(StoreError::database("counting what it holds"))?;
    Ok(CheckedCatalog { name, head: walk.head(), until, units, runs })
}

/// Finds something that was sealed.
async fn sealed(connection: &mut SqliteConnection) -> Result<Option<Value>, StoreError> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT record FROM units WHERE instr(record, '\"$sealed\"') > 0
         UNION ALL SELECT event FROM journal WHERE instr(event, '\"$sealed\"') > 0 LIMIT 1",
    )
    .fetch_optional(connection)
    .await
    .map_err(StoreError::database("looking for what is sealed"))?;
    let Some(text) = found else { return Ok(None) };
    let value: Value = rows::from_json("a record", &text)?;
    Ok(first_sealed(&value).cloned())
}

fn first_sealed(value: &Value) -> Option<&Value> {
    if sealed_hash(value).is_some() {
        return Some(value);
    }
    match value {
        Value::Array(items) => items.iter().find_map(first_sealed),
        Value::Object(map) => map.values().find_map(first_sealed),
        _ => None,
    }
}
