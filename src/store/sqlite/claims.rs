//! What units have in the outside world: written with their records, found by claim. It judges nothing.

use sqlx::{SqliteConnection, SqlitePool};

use super::rows;
use super::units::Stored;
use super::write::Write;
use crate::id::UnitKey;
use crate::reconcile::{UnitRecord, claims_of_record};
use crate::store::StoreError;

/// How many units are read together where all of them are.
const BATCH: i64 = 500;

/// Keeps what units have, in the place of what they had.
pub(super) async fn keep_all(
    write: &mut Write<'_>,
    records: &[&UnitRecord],
) -> Result<(), StoreError> {
    let catalog = write.catalog;
    let mut without: Vec<String> = Vec::new();
    for record in records {
        if claims_of_record(record).is_empty() {
            without.push(record.row.key.to_string());
        } else {
            replace(write.connection(), catalog, record).await?;
        }
    }
    if without.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "DELETE FROM claims WHERE catalog = $1 AND unit IN (SELECT value FROM json_each($2))",
    )
    .bind(catalog)
    .bind(rows::to_json("units", &without)?)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("forgetting what units had"))?;
    Ok(())
}

async fn replace(
    connection: &mut SqliteConnection,
    catalog: &str,
    record: &UnitRecord,
) -> Result<(), StoreError> {
    let failed = StoreError::database("writing what a unit has");
    let claims = claims_of_record(record);
    let unit = record.row.key.to_string();
    let listed = rows::to_json("what a unit has", &claims)?;
    sqlx::query(
        "DELETE FROM claims WHERE catalog = $1 AND unit = $2
         AND claim NOT IN (SELECT value FROM json_each($3))",
    )
    .bind(catalog)
    .bind(&unit)
    .bind(&listed)
    .execute(&mut *connection)
    .await
    .map_err(&failed)?;
    if claims.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT OR IGNORE INTO claims (catalog, claim, unit)
         SELECT $1, value, $2 FROM json_each($3)",
    )
    .bind(catalog)
    .bind(&unit)
    .bind(&listed)
    .execute(connection)
    .await
    .map_err(&failed)?;
    Ok(())
}

/// Forgets what a unit had.
pub(super) async fn forget(write: &mut Write<'_>, unit: &UnitKey) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM claims WHERE catalog = $1 AND unit = $2")
        .bind(write.catalog)
        .bind(unit.to_string())
        .execute(write.connection())
        .await
        .map_err(StoreError::database("forgetting what a unit had"))?;
    Ok(())
}

/// Finds the units that have any of some things, by thing.
pub(super) async fn holders(
    readers: &SqlitePool,
    catalog: &str,
    claims: &[String],
) -> Result<Vec<(String, UnitKey)>, StoreError> {
    let found: Vec<(String, String)> = sqlx::query_as(
        "SELECT claims.claim, claims.unit FROM json_each($2) AS asked
         JOIN claims ON claims.catalog = $1 AND claims.claim = asked.value
         ORDER BY claims.claim, claims.unit",
    )
    .bind(catalog)
    .bind(rows::to_json("what units have", &claims)?)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("looking for what units have"))?;
    Ok(found.into_iter().map(|(claim, unit)| (claim, super::units::unit_key(&unit))).collect())
}

/// Reads what all units have from their records: a database of before this table has them there alone.
pub(super) async fn fill(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut last = (String::new(), String::new());
    loop {
        let found: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT catalog, key, record FROM units WHERE (catalog, key) > ($1, $2)
             ORDER BY catalog, key LIMIT $3",
        )
        .bind(&last.0)
        .bind(&last.1)
        .bind(BATCH)
        .fetch_all(&mut *connection)
        .await
        .map_err(StoreError::database("reading what units have"))?;
        let Some((catalog, key, _)) = found.last() else { return Ok(()) };
        last = (catalog.clone(), key.clone());
        for (catalog, _, record) in &found {
            let stored: Stored = rows::from_json("a unit", record)?;
            replace(&mut *connection, catalog, &stored.record).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::digest::Digest;
    use crate::id::RunId;
    use crate::reconcile::StepRecord;
    use crate::store::sqlite::fixtures::{at, definition, driven, unit};
    use crate::store::{Lease, SqliteStore, Store as _, UnitWrite};

    /// Makes a unit whose steps put resources.
    fn with(key: &str, urls: &[&str]) -> UnitRecord {
        let mut record = unit(key, &definition("postgres", "1.0.0"));
        for (index, url) in urls.iter().enumerate() {
            let step = StepRecord {
                action: "rest-api".to_owned(),
                digest: Digest::of_bytes(url.as_bytes()),
                sent: json!({"endpoint": {"url": url, "method": "PUT"}}),
                result: json!(null),
                outputs: serde_json::Map::new(),
                run: RunId("r1".to_owned()),
                at: at(9),
            };
            record.steps.insert(format!("step-{index}"), step);
        }
        record
    }

    async fn put(store: &SqliteStore, lease: &Lease, key: &str, urls: &[&str]) {
        let writes = [UnitWrite::Put(Box::new(with(key, urls)))];
        store.write_units(lease, &writes).await.expect("written");
    }

    async fn check(store: &SqliteStore, asked: &[&str], expected: &[&str]) {
        let asked: Vec<String> = asked.iter().map(|url| format!("rest:{url}")).collect();
        let found = store.holders(&asked).await.expect("read");
        let said: Vec<String> =
            found.into_iter().map(|(claim, unit)| format!("{unit} {claim}")).collect();
        assert_eq!(said, expected);
    }

    #[tokio::test]
    async fn who_has_a_thing_is_known_while_its_record_says_so() {
        let (store, lease) = driven().await;
        put(&store, &lease, "shop/data", &["http://a/1", "http://a/2"]).await;
        put(&store, &lease, "wiki", &["http://a/3"]).await;
        put(&store, &lease, "idle", &[]).await;
        check(&store, &[], &[]).await;
        check(&store, &["http://a/9", "' OR 1"], &[]).await;
        let all = ["http://a/3", "http://a/1", "http://a/2"];
        let data = ["shop/data rest:http://a/1", "shop/data rest:http://a/2"];
        check(&store, &all, &[data[0], data[1], "wiki rest:http://a/3"]).await;
        put(&store, &lease, "shop/data", &["http://a/2"]).await;
        check(&store, &all, &[data[1], "wiki rest:http://a/3"]).await;
        let gone = [UnitWrite::Remove("wiki".parse().expect("a key"))];
        store.write_units(&lease, &gone).await.expect("removed");
        check(&store, &all, &[data[1]]).await;
    }

    #[tokio::test]
    async fn what_an_older_database_holds_is_read_from_its_records() {
        let (store, lease) = driven().await;
        for number in 0..=BATCH {
            let url = format!("http://a/{number}");
            put(&store, &lease, &format!("s-{number}"), &[&url]).await;
        }
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(store.path());
        let mut connection = sqlx::ConnectOptions::connect(&options).await.expect("connects");
        sqlx::raw_sql("DELETE FROM claims").execute(&mut connection).await.expect("emptied");
        check(&store, &["http://a/7"], &[]).await;
        fill(&mut connection).await.expect("filled");
        let expected = ["s-500 rest:http://a/500", "s-7 rest:http://a/7"];
        check(&store, &["http://a/7", "http://a/500"], &expected).await;
    }
}
