//! What is remembered of reviews: one row a key. It knows nothing of what it remembers.

use async_trait::async_trait;
use serde_json::Value;

use super::write::Write;
use super::{SqliteStore, rows};
use crate::store::{Lease, ReviewStore, StoreError};

const WHAT: &str = "what is remembered of a review";

#[async_trait]
impl ReviewStore for SqliteStore {
    async fn review_note(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let found: Option<String> =
            sqlx::query_scalar("SELECT value FROM reviews WHERE catalog = $1 AND key = $2")
                .bind(&self.catalog)
                .bind(key)
                .fetch_optional(&self.readers)
                .await
                .map_err(StoreError::database("reading what is remembered of reviews"))?;
        found.map(|text| rows::from_json(WHAT, &text)).transpose()
    }

    async fn review_notes(&self, prefix: &str) -> Result<Vec<(String, Value)>, StoreError> {
        let found: Vec<(String, String)> = sqlx::query_as(
            "SELECT key, value FROM reviews
             WHERE catalog = $1 AND substr(key, 1, length($2)) = $2 ORDER BY key",
        )
        .bind(&self.catalog)
        .bind(prefix)
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::database("reading what is remembered of reviews"))?;
        found.into_iter().map(|(key, text)| Ok((key, rows::from_json(WHAT, &text)?))).collect()
    }

    async fn note_review(
        &self,
        lease: &Lease,
        key: &str,
        value: Option<&Value>,
    ) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::fenced(&mut writer, &self.catalog, lease).await?;
        let catalog = write.catalog;
        let query = match value {
            None => sqlx::query("DELETE FROM reviews WHERE catalog = $1 AND key = $2"),
            Some(_) => sqlx::query(
                "INSERT INTO reviews (catalog, key, value) VALUES ($1, $2, $3)
                 ON CONFLICT (catalog, key) DO UPDATE SET value = excluded.value",
            ),
        };
        let query = query.bind(catalog).bind(key);
        let text = value.map(|value| rows::to_json(WHAT, value)).transpose()?;
        let query = if let Some(text) = text { query.bind(text) } else { query };
        let done = query.execute(write.connection()).await;
        done.map_err(StoreError::database("remembering a review"))?;
        write.commit().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixtures::driven;
    use super::*;

    #[tokio::test]
    async fn what_is_remembered_is_found_by_key_and_by_its_beginning() {
        let (store, lease) = driven().await;
        for (key, value) in [("a/1", json!(1)), ("a/2", json!({"x": 2})), ("a_1", json!(3))] {
            store.note_review(&lease, key, Some(&value)).await.expect("kept");
        }
        store.note_review(&lease, "a/1", Some(&json!(4))).await.expect("kept");
        assert_eq!(store.review_note("a/1").await.expect("read"), Some(json!(4)));
        assert_eq!(store.review_note("%").await.expect("read"), None);
        let found = store.review_notes("a/").await.expect("read");
        assert_eq!(found, [("a/1".to_owned(), json!(4)), ("a/2".to_owned(), json!({"x": 2}))]);
        store.note_review(&lease, "a/1", None).await.expect("forgotten");
        assert_eq!(store.review_note("a/1").await.expect("read"), None);
        let stale = Lease { token: lease.token - 1 };
        assert!(store.note_review(&stale, "a/2", None).await.is_err());
    }
}
