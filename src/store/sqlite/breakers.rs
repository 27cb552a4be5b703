//! Circuit breakers: one row each, as long as there is something to remember.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::json;

use super::write::{OURSELVES, Write};
use super::{SqliteStore, rows};
use crate::run::{Breaker, BreakerKey, BreakerState};
use crate::store::{BreakerStore, Lease, StoreError};

#[async_trait]
impl BreakerStore for SqliteStore {
    async fn breakers(&self) -> Result<BTreeMap<BreakerKey, Breaker>, StoreError> {
        let found: Vec<(String, String, String)> =
            sqlx::query_as("SELECT action, target, breaker FROM breakers WHERE catalog = $1")
                .bind(&self.catalog)
                .fetch_all(&self.readers)
                .await
                .map_err(StoreError::database("reading breakers"))?;
        let breaker = |(action, target, text): (String, String, String)| {
            Ok((BreakerKey { action, target }, rows::from_json("a breaker", &text)?))
        };
        found.into_iter().map(breaker).collect()
    }

    async fn save_breaker(
        &self,
        lease: &Lease,
        (key, breaker): (&BreakerKey, &Breaker),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::fenced(&mut writer, &self.catalog, lease).await?;
        let before = known(&mut write, key).await?;
        put(&mut write, key, breaker).await?;
        if before.state.word() != breaker.state.word() {
            let what = match breaker.state {
                BreakerState::Closed => "breaker.closed",
                BreakerState::Open { .. } => "breaker.opened",
                BreakerState::HalfOpen => "breaker.half-opened",
            };
            let mut detail = json!({"action": key.action, "target": key.target});
            if let (BreakerState::Open { until }, Some(detail)) =
                (breaker.state, detail.as_object_mut())
            {
                detail.insert("until".to_owned(), json!(until));
                detail.insert("failures".to_owned(), json!(breaker.failures));
                detail.insert("why".to_owned(), json!(breaker.why));
            }
            write.audit(at, OURSELVES, what, &detail).await?;
        }
        write.commit().await
    }
}

async fn known(write: &mut Write<'_>, key: &BreakerKey) -> Result<Breaker, StoreError> {
    let text: Option<String> = sqlx::query_scalar(
        "SELECT breaker FROM breakers WHERE catalog = $1 AND action = $2 AND target = $3",
    )
    .bind(write.catalog)
    .bind(&key.action)
    .bind(&key.target)
    .fetch_optional(write.connection())
    .await
    .map_err(StoreError::database("reading a breaker"))?;
    Ok(text.map(|text| rows::from_json("a breaker", &text)).transpose()?.unwrap_or_default())
}

async fn put(write: &mut Write<'_>, key: &BreakerKey, breaker: &Breaker) -> Result<(), StoreError> {
    let query = if breaker.is_unmarked() {
        sqlx::query("DELETE FROM breakers WHERE catalog = $1 AND action = $2 AND target = $3")
    } else {
        sqlx::query(
            "INSERT INTO breakers (catalog, action, target, breaker) VALUES ($1, $2, $3, $4)
             ON CONFLICT (catalog, action, target) DO UPDATE SET breaker = excluded.breaker",
        )
    };
    let query = query.bind(write.catalog).bind(&key.action).bind(&key.target);
    let text = rows::to_json("a breaker", breaker)?;
    let query = if breaker.is_unmarked() { query } else { query.bind(text) };
    let done = query.execute(write.connection()).await;
    done.map(drop).map_err(StoreError::database("writing a breaker"))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{at, driven};
    use super::*;
    use crate::run::{BreakerPolicy, Fault, Verdict};
    use crate::store::Store;

    #[tokio::test]
    async fn a_breaker_is_kept_while_it_has_something_to_remember_and_its_changes_are_told() {
        let (store, lease) = driven().await;
        let key = BreakerKey { action: "rest-api".to_owned(), target: "api.example".to_owned() };
        let policy = BreakerPolicy { failures: 2, ..BreakerPolicy::default() };
        let mut breaker = Breaker::default();
        let end = |breaker: &mut Breaker, outcome: Result<(), Fault>| {
            let turn = breaker.begin();
            assert!(breaker.end(turn, Verdict::of(&outcome), &policy, (at(0), 0.0)));
        };
        for outcome in [Err(Fault::transient("503")), Err(Fault::unknown("cut off")), Ok(())] {
            end(&mut breaker, outcome);
            store.save_breaker(&lease, (&key, &breaker), at(0)).await.expect("saved");
            let read = store.breakers().await.expect("read");
            let expected = (!breaker.is_unmarked()).then(|| breaker.to_string());
            assert_eq!(read.get(&key).map(ToString::to_string), expected);
        }
        let told = store.audit_after(0, 100).await.expect("read");
        let told = told.iter().filter(|entry| entry.what.starts_with("breaker."));
        let told: Vec<String> =
            told.map(|entry| format!("{} {}", entry.what, entry.detail["why"])).collect();
        assert_eq!(told, ["breaker.opened \"cut off\"", "breaker.closed null"]);
    }
}
