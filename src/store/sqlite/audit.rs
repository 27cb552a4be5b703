//! The audit chain in its table, to which rows are only ever added.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Executor, QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::rows;
use super::write::OURSELVES;
use crate::digest::Digest;
use crate::store::audit::start_of_chain;
use crate::store::{AuditEntry, AuditFilter, StoreError};

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

/// Makes the entry after the last one, with its detail as it is written.
pub(super) fn next(
    (last, previous): (i64, Digest),
    told: &Told<'_>,
) -> Result<(AuditEntry, String), StoreError> {
    let milliseconds = told.at.as_millisecond();
    let detail = rows::to_json("an audit entry", told.detail)?;
    let mut entry = AuditEntry {
        seq: last + 1,
        at: rows::time(milliseconds)?,
        actor: told.actor.to_owned(),
        what: told.what.to_owned(),
        // As it will be read again: a number may lose its last digit on the way.
        detail: match has_fractions(told.detail) {
            true => rows::from_json("an audit entry", &detail)?,
            false => told.detail.clone(),
        },
        previous,
        hash: previous,
    };
    entry.hash = entry.compute_hash();
    Ok((entry, detail))
}

fn has_fractions(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fractions),
        Value::Object(entries) => entries.values().any(has_fractions),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Adds entries, all at once.
pub(super) async fn append(
    catalog: &str,
    connection: &mut SqliteConnection,
    entries: &[(AuditEntry, String)],
) -> Result<(), StoreError> {
    for entries in rows::together(entries) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO audit (catalog, seq, at, actor, what, detail, previous, hash) ",
        );
        query.push_values(entries, |mut row, (entry, detail)| {
            row.push_bind(catalog)
                .push_bind(entry.seq)
                .push_bind(entry.at.as_millisecond())
                .push_bind(&entry.actor)
                .push_bind(&entry.what)
                .push_bind(detail)
                .push_bind(entry.previous.to_string())
                .push_bind(entry.hash.to_string());
        });
        let done = query.build().execute(&mut *connection).await;
        done.map_err(StoreError::database("adding to the audit chain"))?;
    }
    Ok(())
}

/// Reads the chain after a number, oldest first.
pub(super) async fn after(
    readers: impl Executor<'_, Database = Sqlite>,
    catalog: &str,
    seq: i64,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
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
    found.into_iter().map(entry).collect()
}

type Row = (i64, i64, String, String, String, String, String);

fn entry((seq, at, actor, what, detail, previous, hash): Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        seq,
        at: rows::time(at)?,
        actor,
        what,
        detail: rows::from_json("an audit entry", &detail)?,
        previous: rows::digest(&previous)?,
        hash: rows::digest(&hash)?,
    })
}

/// What is about a service: what says so, and what people said of its changes and tasks.
const OF_SERVICE: [&str; 4] = [
    " AND seq IN (
         SELECT seq FROM audit WHERE catalog = ",
    " AND detail ->> 'service' IS NOT NULL AND detail ->> 'service' = ",
    " UNION ALL
         SELECT said.seq FROM audit said WHERE said.actor <> 'trueline' AND said.catalog = ",
    " AND EXISTS (
             SELECT 1 FROM runs WHERE runs.catalog = said.catalog
             AND (runs.digest = said.detail ->> 'subject'
                  OR runs.digest IN (SELECT value FROM json_each(said.detail, '$.changes')))
             AND runs.service = ",
];

/// Reads the newest entries that a filter lets through.
pub(super) async fn list(
    readers: &SqlitePool,
    catalog: &str,
    filter: &AuditFilter,
    limit: u32,
) -> Result<Vec<AuditEntry>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT seq, at, actor, what, detail, previous, hash FROM audit WHERE catalog = ",
    );
    query.push_bind(catalog);
    if let Some(before) = filter.before {
        query.push(" AND seq < ").push_bind(before);
    }
    if let Some(actor) = &filter.actor {
        query.push(" AND actor = ").push_bind(actor);
        if actor != OURSELVES {
            query.push(" AND actor <> 'trueline'");
        }
    }
    if let Some(since) = filter.since {
        // The clock may have been set back: every entry that is recent enough counts, wherever it stands.
        query.push(" AND at >= ").push_bind(since.as_millisecond());
        query.push(" AND seq >= (SELECT min(seq) FROM audit WHERE catalog = ").push_bind(catalog);
        query.push(" AND at >= ").push_bind(since.as_millisecond()).push(")");
    }
    if let Some(service) = &filter.service {
        let [own, service_is, said, about] = OF_SERVICE;
        query.push(own).push_bind(catalog).push(service_is).push_bind(service);
        query.push(said).push_bind(catalog).push(about).push_bind(service).push(")");
        query.push(
            " UNION ALL SELECT done.seq FROM audit done JOIN tasks ON tasks.catalog = done.catalog",
        );
        query.push(" AND tasks.number = done.detail ->> 'task' WHERE done.actor <> 'trueline'");
        query.push(" AND done.what = 'task.completed' AND tasks.service = ").push_bind(service);
        query.push(" AND done.catalog = ").push_bind(catalog).push(")");
    }
    query.push(" ORDER BY seq DESC LIMIT ").push_bind(i64::from(limit));
    let found: Vec<Row> = query
        .build_query_as()
        .fetch_all(readers)
        .await
        .map_err(StoreError::database("listing the audit chain"))?;
    found.into_iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use crate::run::{Fault, StepEvent};
    use crate::store::sqlite::fixtures::{at, beginning, driven, holder, of_step, run, take};
    use crate::store::{DecisionKind, SqliteStore, Store as _, verify_chain};
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions as _, Connection as _};

    #[tokio::test]
    async fn the_chain_tells_what_happened() {
        let (store, lease) = driven().await;
        let mut run = run("r1", "shop");
        store.create_run(&lease, &run, &[]).await.expect("created");
        let fault = Fault::transient("503 from the other side");
        let retry = of_step(StepEvent::Retry { fault, not_before: at(300) });
        let entries = take(&mut run, [beginning(), vec![retry]].concat());
        store.append(&lease, &run, &entries, &[]).await.expect("appended");
        let subject = run.change.digest;
        let approve =
            DecisionKind::Approve { subject, changes: vec![subject], comment: String::new() };
        store.decide("ada", at(5), &approve).await.expect("decided");
        let chain = store.audit_after(0, 100).await.expect("read");
        assert_eq!(verify_chain(&chain), Ok(()));
        let told: Vec<String> = chain
            .iter()
            .map(|entry| format!("{} {} {}", entry.seq, entry.actor, entry.what))
            .collect();
        let expected = [
            "1 trueline lease.taken",
            "2 trueline run.created",
            "3 trueline run.started",
            "4 trueline step.ready",
            "5 trueline step.started",
            "6 trueline step.retry",
            "7 ada approve",
        ];
        assert_eq!(told, expected);
        assert_eq!(chain[5].detail["fault"]["message"], "503 from the other side");
        assert_eq!(chain[5].detail["change"], subject.to_string());
        assert_eq!(chain[5].detail["step"], "make");
        assert_eq!(store.audit_after(2, 2).await.expect("read"), chain[2..4]);
    }

    #[tokio::test]
    async fn numbers_that_json_does_not_keep_exactly_do_not_break_the_chain() {
        let (store, lease) = driven().await;
        let mut run = run("r1", "shop");
        store.create_run(&lease, &run, &[]).await.expect("created");
        let result = serde_json::json!([0.1 + 0.2, 1e300 / 3.0, 5e-324, 1.0, u64::MAX, -0.0]);
        let done = of_step(StepEvent::Succeeded { result, outputs: serde_json::Map::new() });
        let entries = take(&mut run, [beginning(), vec![done]].concat());
        store.append(&lease, &run, &entries, &[]).await.expect("appended");
        assert_eq!(verify_chain(&store.audit_after(0, 100).await.expect("read")), Ok(()));
    }

    #[tokio::test]
    async fn the_database_refuses_edits_and_the_chain_shows_them() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("trueline.db");
        let store = SqliteStore::open(&path, "main").await.expect("opens");
        store.acquire(&holder("serve"), at(1)).await.expect("free");
        for _ in 0..3 {
            let apply = DecisionKind::Apply { service: None };
            store.decide("ada", at(2), &apply).await.expect("decided");
        }
        let options = SqliteConnectOptions::new().filename(&path);
        let mut intruder = options.connect().await.expect("connects");
        for edit in [
            "UPDATE audit SET actor = 'eve' WHERE seq = 3",
            "DELETE FROM audit WHERE seq = 3",
            "UPDATE decisions SET who = 'eve' WHERE seq = 1",
            "DELETE FROM decisions WHERE seq = 1",
        ] {
            let error = sqlx::raw_sql(edit).execute(&mut intruder).await.expect_err("refused");
            assert!(error.to_string().contains("only ever added"), "{error}");
        }
        assert_eq!(verify_chain(&store.audit_after(0, 100).await.expect("read")), Ok(()));
        let forced = "DROP TRIGGER audit_stays; UPDATE audit SET actor = 'eve' WHERE seq = 3";
        sqlx::raw_sql(forced).execute(&mut intruder).await.expect("forced");
        intruder.close().await.expect("closes");
        assert_eq!(verify_chain(&store.audit_after(0, 100).await.expect("read")), Err(3));
    }
}
