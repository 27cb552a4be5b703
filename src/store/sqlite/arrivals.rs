//! What others posted: each message once, kept while it may come again. It opens no body.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sqlx::SqlitePool;

use super::rows;
use super::write::Write;
use crate::store::{Arrival, StoreError};

/// How long a message is known: senders try again for days, and steps wait for weeks.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Keeps a message; false where it was there before.
pub(super) async fn add(
    write: &mut Write<'_>,
    at: Timestamp,
    arrival: &Arrival,
) -> Result<bool, StoreError> {
    let catalog = write.catalog;
    let failed = StoreError::database("keeping what others posted");
    let oldest = at.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    sqlx::query("DELETE FROM arrivals WHERE catalog = $1 AND at < $2")
        .bind(catalog)
        .bind(oldest.as_millisecond())
        .execute(write.connection())
        .await
        .map_err(&failed)?;
    let body = arrival.body.as_ref().map(|body| rows::to_json("what others posted", body));
    let added = sqlx::query(
        "INSERT INTO arrivals (catalog, seq, id, at, about, body)
         SELECT $1, coalesce(max(seq), 0) + 1, $2, $3, $4, $5 FROM arrivals WHERE catalog = $1
         ON CONFLICT (catalog, id) DO NOTHING",
    )
    .bind(catalog)
    .bind(&arrival.id)
    .bind(at.as_millisecond())
    .bind(&arrival.about)
    .bind(body.transpose()?)
    .execute(write.connection())
    .await
    .map_err(&failed)?;
    Ok(added.rows_affected() == 1)
}

/// Reads what messages after a number are about, with their numbers.
pub(super) async fn after(
    readers: &SqlitePool,
    catalog: &str,
    seq: i64,
) -> Result<Vec<(i64, String)>, StoreError> {
    sqlx::query_as("SELECT seq, about FROM arrivals WHERE catalog = $1 AND seq > $2 ORDER BY seq")
        .bind(catalog)
        .bind(seq)
        .fetch_all(readers)
        .await
        .map_err(StoreError::database("reading what others posted"))
}

/// Reads the first body that was posted about something.
pub(super) async fn body(
    readers: &SqlitePool,
    catalog: &str,
    about: &str,
) -> Result<Option<Value>, StoreError> {
    let found: Option<String> = sqlx::query_scalar(
        "SELECT body FROM arrivals WHERE catalog = $1 AND about = $2 AND body IS NOT NULL
         ORDER BY seq LIMIT 1",
    )
    .bind(catalog)
    .bind(about)
    .fetch_optional(readers)
    .await
    .map_err(StoreError::database("reading what others posted"))?;
    found.map(|body| rows::from_json("what others posted", &body)).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::sqlite::fixtures::{at, driven};
    use crate::store::{SqliteStore, Store as _};

    async fn arrive(store: &SqliteStore, second: i64, id: &str, body: Option<Value>) -> bool {
        let about = id.split('/').next().unwrap_or_default().to_owned();
        let arrival = Arrival { id: id.to_owned(), about, body };
        store.arrive(at(second), &arrival).await.expect("kept")
    }

    #[tokio::test]
    async fn a_message_counts_once_and_the_first_body_stays() {
        let (store, _) = driven().await;
        assert!(arrive(&store, 1, "a/1", None).await);
        assert!(!arrive(&store, 2, "a/1", None).await, "it came again");
        assert!(arrive(&store, 3, "b/1", Some(json!({"first": true}))).await);
        assert!(arrive(&store, 4, "b/2", Some(json!({"second": true}))).await);
        let told = store.arrivals_after(0).await.expect("read");
        assert_eq!(told, [(1, "a".to_owned()), (2, "b".to_owned()), (3, "b".to_owned())]);
        assert_eq!(store.arrivals_after(2).await.expect("read").len(), 1);
        assert_eq!(store.arrived("b").await.expect("read"), Some(json!({"first": true})));
        assert_eq!(store.arrived("a").await.expect("read"), None);
        assert_eq!(store.arrived("' OR 1").await.expect("read"), None);
        // What is older than any sender would try again is forgotten.
        assert!(arrive(&store, 91 * 24 * 3600, "c/1", None).await);
        assert_eq!(store.arrivals_after(0).await.expect("read").len(), 1);
    }
}
