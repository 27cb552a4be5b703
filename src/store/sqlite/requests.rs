//! Requests with their keys and answers, in their table.

use async_trait::async_trait;
use jiff::Timestamp;

use super::SqliteStore;
use super::write::Write;
use crate::store::{Answer, Begun, RequestStore, StoreError};

type Row = (String, Option<i64>, Option<String>);

#[async_trait]
impl RequestStore for SqliteStore {
    async fn begin_request(
        &self,
        (who, key, digest): (&str, &str, &str),
        at: Timestamp,
        forget_before: Timestamp,
    ) -> Result<Begun, StoreError> {
        let failed = StoreError::database("taking a request down");
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        sqlx::query("DELETE FROM requests WHERE catalog = $1 AND at < $2")
            .bind(&self.catalog)
            .bind(forget_before.as_millisecond())
            .execute(write.connection())
            .await
            .map_err(&failed)?;
        let known: Option<Row> = sqlx::query_as(
            "SELECT digest, status, answer FROM requests WHERE catalog = $1 AND who = $2 AND key = $3",
        )
        .bind(&self.catalog)
        .bind(who)
        .bind(key)
        .fetch_optional(write.connection())
        .await
        .map_err(&failed)?;
        let begun = match known {
            Some((of, ..)) if of != digest => Begun::Other,
            Some((_, Some(status), body)) => {
                let status = u16::try_from(status).unwrap_or(500);
                Begun::Answered(Answer { status, body: body.unwrap_or_default() })
            }
            Some(_) => Begun::Underway,
            None => {
                sqlx::query(
                    "INSERT INTO requests (catalog, who, key, digest, at) VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(&self.catalog)
                .bind(who)
                .bind(key)
                .bind(digest)
                .bind(at.as_millisecond())
                .execute(write.connection())
                .await
                .map_err(&failed)?;
                Begun::First
            }
        };
        write.commit().await?;
        Ok(begun)
    }

    async fn end_request(
        &self,
        (who, key): (&str, &str),
        answer: Option<&Answer>,
    ) -> Result<(), StoreError> {
        let failed = StoreError::database("keeping the answer of a request");
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let query = match answer {
            Some(answer) => sqlx::query(
                "UPDATE requests SET status = $4, answer = $5
                 WHERE catalog = $1 AND who = $2 AND key = $3",
            )
            .bind(&self.catalog)
            .bind(who)
            .bind(key)
            .bind(i64::from(answer.status))
            .bind(&answer.body),
            None => {
                sqlx::query("DELETE FROM requests WHERE catalog = $1 AND who = $2 AND key = $3")
                    .bind(&self.catalog)
                    .bind(who)
                    .bind(key)
            }
        };
        query.execute(write.connection()).await.map_err(&failed)?;
        write.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::fixtures::at;

    #[tokio::test]
    async fn a_key_stands_for_one_request_until_it_is_forgotten() {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        let begin = async |who: &str, digest: &str, second: i64| {
            let begun = store.begin_request((who, "k", digest), at(second), at(second - 100)).await;
            begun.expect("taken down")
        };
        assert_eq!(begin("ada", "d1", 200).await, Begun::First);
        assert_eq!(begin("ada", "d1", 201).await, Begun::Underway);
        assert_eq!(begin("ada", "d2", 201).await, Begun::Other);
        assert_eq!(begin("bob", "d2", 201).await, Begun::First, "keys are each one's own");
        let answer = Answer { status: 202, body: "{}".to_owned() };
        store.end_request(("ada", "k"), Some(&answer)).await.expect("kept");
        assert_eq!(begin("ada", "d1", 202).await, Begun::Answered(answer));
        store.end_request(("bob", "k"), None).await.expect("freed");
        assert_eq!(begin("bob", "d3", 203).await, Begun::First);
        assert_eq!(begin("ada", "d9", 301).await, Begun::First, "after it was forgotten");
    }
}
