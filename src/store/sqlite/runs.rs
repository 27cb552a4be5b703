//! Runs: the change each carries out, frozen, and lists of them.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::{SqliteConnection, SqlitePool};

use super::definitions::Definitions;
use super::write::{OURSELVES, Write};
use super::{changes, journal, rows, units};
use crate::digest::Digest;
use crate::id::RunId;
use crate::run::Run;
use crate::store::{RunSummary, StoreError, UnitWrite};

/// Records new runs with the units they touch; does nothing where the same run is there already.
pub(super) async fn create(
    write: &mut Write<'_>,
    created: &[(&Run, &[UnitWrite])],
) -> Result<(), StoreError> {
    write.of_runs = true;
    // As much as is well held in memory twice.
    for created in created.chunks(1_000) {
        let all = created.iter().map(|(run, _)| &*run.change);
        let contents = changes::keep(write, all).await?;
        let new = insert(write, created, &contents).await?;
        let mut writes = Vec::new();
        for ((run, units), content) in created.iter().zip(&contents) {
            if !new.contains(&run.id.0) {
                refuse_other(write, run, &content.to_string()).await?;
                continue;
            }
            let detail = json!({
                "run": run.id,
                "service": run.change.service,
                "kind": run.change.kind(),
                "change": run.change.digest,
                "commit": run.commit,
            });
            write.audit(run.created_at, OURSELVES, "run.created", &detail).await?;
            writes.extend(units.iter().map(|unit| (unit, run.created_at)));
        }
        units::write_all(write, writes).await?;
    }
    Ok(())
}

/// Adds the runs that are not there; returns which.
async fn insert(
    write: &mut Write<'_>,
    created: &[(&Run, &[UnitWrite])],
    contents: &[Digest],
) -> Result<HashSet<String>, StoreError> {
    let row = |((run, _), content): (&(&Run, &[UnitWrite]), &Digest)| {
        let effect = i64::try_from(run.effect).map_err(StoreError::unreadable("an effect"))?;
        Ok(json!([
            run.id,
            run.change.service,
            run.change.kind().to_string(),
            rows::to_word(&run.state),
            run.change.digest,
            content,
            effect,
            run.commit,
            run.created_at.as_millisecond(),
            run.change.team,
            run.change.offered(),
        ]))
    };
    let listed: Vec<Value> =
        created.iter().zip(contents).map(row).collect::<Result<_, StoreError>>()?;
    let new: Vec<String> = sqlx::query_scalar(
        "INSERT INTO runs (catalog, id, seq, service, kind, state, digest, content, effect,
                           revision, created_at, updated_at, team, item)
         SELECT $1, value ->> 0, (SELECT coalesce(max(seq), 0) FROM runs WHERE catalog = $1) + 1 + key,
                value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
                value ->> 7, value ->> 8, value ->> 8, value ->> 9,
                coalesce(value ->> 10, (SELECT known.item FROM runs known WHERE known.catalog = $1
                    AND known.service = value ->> 1 ORDER BY known.seq DESC LIMIT 1))
         FROM json_each($2) WHERE true
         ON CONFLICT (catalog, id) DO NOTHING RETURNING id",
    )
    .bind(write.catalog)
    .bind(rows::to_json("runs", &listed)?)
    .fetch_all(write.connection())
    .await
    .map_err(StoreError::database("recording runs"))?;
    Ok(new.into_iter().collect())
}

async fn refuse_other(write: &mut Write<'_>, run: &Run, content: &str) -> Result<(), StoreError> {
    let there: String =
        sqlx::query_scalar("SELECT content FROM runs WHERE catalog = $1 AND id = $2")
            .bind(write.catalog)
            .bind(&run.id.0)
            .fetch_one(write.connection())
            .await
            .map_err(StoreError::database("recording a run"))?;
    if there == content { Ok(()) } else { Err(StoreError::Conflict(format!("run {}", run.id))) }
}

/// What a run is made of, before its journal.
type Row = (String, i64, String, i64, String);

/// Reads the runs that have not ended, oldest first.
pub(super) async fn open(
    readers: &SqlitePool,
    known: &Definitions,
    catalog: &str,
) -> Result<Vec<Run>, StoreError> {
    let failed = StoreError::database("reading open runs");
    let mut reading = readers.begin().await.map_err(&failed)?;
    let found: Vec<Row> = sqlx::query_as(
        "SELECT runs.id, runs.effect, runs.revision, runs.created_at, changes.body
         FROM runs INDEXED BY runs_state
         JOIN changes ON changes.catalog = runs.catalog AND changes.content = runs.content
         WHERE runs.catalog = $1 AND runs.state IN ('queued', 'running', 'waiting', 'paused', 'rolling-back')
         ORDER BY runs.seq",
    )
    .bind(catalog)
    .fetch_all(&mut *reading)
    .await
    .map_err(&failed)?;
    let mut runs = made(known, &mut reading, catalog, found).await?;
    let mut journals = journal::of_open_runs(&mut reading, catalog).await?;
    for run in &mut runs {
        journal::replay(run, journals.remove(&run.id).unwrap_or_default())?;
    }
    Ok(runs)
}

/// Reads one run.
pub(super) async fn one(
    readers: &SqlitePool,
    known: &Definitions,
    catalog: &str,
    id: &RunId,
) -> Result<Option<Run>, StoreError> {
    let failed = StoreError::database("reading a run");
    let mut reading = readers.begin().await.map_err(&failed)?;
    let found: Vec<Row> = sqlx::query_as(
        "SELECT runs.id, runs.effect, runs.revision, runs.created_at, changes.body FROM runs
         JOIN changes ON changes.catalog = runs.catalog AND changes.content = runs.content
         WHERE runs.catalog = $1 AND runs.id = $2",
    )
    .bind(catalog)
    .bind(&id.0)
    .fetch_all(&mut *reading)
    .await
    .map_err(&failed)?;
    let Some(mut run) = made(known, &mut reading, catalog, found).await?.pop() else {
        return Ok(None);
    };
    let entries = journal::of(&mut reading, catalog, id).await?;
    journal::replay(&mut run, entries)?;
    Ok(Some(run))
}

/// Makes runs as they were when they were new.
async fn made(
    known: &Definitions,
    connection: &mut SqliteConnection,
    catalog: &str,
    found: Vec<Row>,
) -> Result<Vec<Run>, StoreError> {
    let bodies = found.iter().map(|(.., body)| body.as_str());
    let changes = changes::thaw(known, connection, catalog, bodies).await?;
    let run = |((id, effect, commit, created_at, _), change): (Row, _)| {
        let effect = u64::try_from(effect).map_err(StoreError::unreadable("an effect"))?;
        Ok(Run::new(RunId(id), Arc::new(change), effect, commit, rows::time(created_at)?))
    };
    found.into_iter().zip(changes).map(run).collect()
}

type Listed = (String, String, String, String, String, i64, i64, Option<String>);

/// Lists runs, newest first; of one service where it is named.
pub(super) async fn list(
    readers: &SqlitePool,
    catalog: &str,
    service: Option<&str>,
    limit: u32,
) -> Result<Vec<RunSummary>, StoreError> {
    let query = match service {
        Some(service) => sqlx::query_as::<_, Listed>(
            "SELECT id, service, kind, state, digest, created_at, updated_at, why FROM runs
             WHERE catalog = $1 AND service = $3 ORDER BY seq DESC LIMIT $2",
        )
        .bind(catalog)
        .bind(i64::from(limit))
        .bind(service),
        None => sqlx::query_as::<_, Listed>(
            "SELECT id, service, kind, state, digest, created_at, updated_at, why FROM runs
             WHERE catalog = $1 ORDER BY seq DESC LIMIT $2",
        )
        .bind(catalog)
        .bind(i64::from(limit)),
    };
    let found = query.fetch_all(readers).await.map_err(StoreError::database("listing runs"))?;
    found.into_iter().map(summary).collect()
}

/// Reads the newest run of each service whose newest run stopped, oldest first.
pub(super) async fn stopped(
    readers: &SqlitePool,
    catalog: &str,
) -> Result<Vec<RunSummary>, StoreError> {
    let found: Vec<Listed> = sqlx::query_as(
        "SELECT id, service, kind, state, digest, created_at, updated_at, why FROM runs INDEXED BY runs_state
         WHERE catalog = $1 AND state IN ('failed', 'needs-decision', 'parked', 'cancelled', 'rolled-back')
         AND NOT EXISTS (SELECT 1 FROM runs newer WHERE newer.catalog = $1
                         AND newer.service = runs.service AND newer.seq > runs.seq)
         ORDER BY seq",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("listing stopped runs"))?;
    found.into_iter().map(summary).collect()
}

/// What a page of runs is read as: the number, the team, and what is listed.
pub(super) type Numbered =
    (i64, Option<String>, String, String, String, String, String, i64, i64, Option<String>);

/// Makes a row of a page.
pub(super) fn numbered(
    (number, team, id, service, kind, state, digest, created, updated, why): Numbered,
) -> Result<super::super::Numbered<RunSummary>, StoreError> {
    let row = summary((id, service, kind, state, digest, created, updated, why))?;
    Ok(super::super::Numbered { number, team, row })
}

fn summary(
    (id, service, kind, state, digest, created_at, updated_at, why): Listed,
) -> Result<RunSummary, StoreError> {
    Ok(RunSummary {
        id: RunId(id),
        service,
        kind,
        state: rows::from_word("the state of a run", state)?,
        change: rows::digest(&digest)?,
        created_at: rows::time(created_at)?,
        updated_at: rows::time(updated_at)?,
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Event, Fault, RunEvent, RunState, StepEvent};
    use crate::store::Store as _;
    use crate::store::sqlite::fixtures::{
        at, beginning, change, definition, driven, end, of_run, of_step, run, take, waiting,
    };
    use crate::store::{Lease, SqliteStore};

    async fn carried(store: &SqliteStore, lease: &Lease, id: &str, events: Vec<Event>) -> Run {
        let mut run = run(id, "shop");
        store.create_run(lease, &run, &[]).await.expect("created");
        let entries = take(&mut run, events);
        store.append(lease, &run, &entries, &[]).await.expect("appended");
        run
    }

    fn failure() -> Vec<Event> {
        let failed = of_step(StepEvent::Failed { fault: Fault::terminal("no such region") });
        let why = "step make failed".to_owned();
        [beginning(), vec![failed, of_run(RunEvent::Failed { why })]].concat()
    }

    #[tokio::test]
    async fn a_run_is_replayed_to_where_it_was() {
        let (store, lease) = driven().await;
        let mut under_way = carried(&store, &lease, "r1", beginning()).await;
        assert_eq!(under_way.state, RunState::Running);
        assert_eq!(store.run(&under_way.id).await.expect("read").as_ref(), Some(&under_way));
        let entries = take(&mut under_way, end());
        store.append(&lease, &under_way, &entries, &[]).await.expect("appended");
        assert_eq!(store.run(&under_way.id).await.expect("read").as_ref(), Some(&under_way));
        let journal = store.journal(&under_way.id).await.expect("read");
        let numbers: Vec<i64> = journal.iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        assert_eq!(journal[4].at, at(201));
        assert_eq!(store.run(&RunId("r2".to_owned())).await.expect("read"), None);
    }

    #[tokio::test]
    async fn runs_that_have_not_ended_are_open_oldest_first() {
        let (store, lease) = driven().await;
        let queued = carried(&store, &lease, "r9", vec![]).await;
        let waits = carried(&store, &lease, "r2", [beginning(), vec![waiting()]].concat()).await;
        carried(&store, &lease, "r1", [beginning(), end()].concat()).await;
        carried(&store, &lease, "r3", failure()).await;
        assert_eq!(store.open_runs().await.expect("read"), [queued, waits]);
        let listed = store.runs(Some("shop"), 3).await.expect("read");
        let listed: Vec<_> =
            listed.iter().map(|run| (run.id.0.as_str(), run.state, run.why.as_deref())).collect();
        let expected = [
            ("r3", RunState::Failed, Some("step make failed")),
            ("r1", RunState::Succeeded, None),
            ("r2", RunState::Waiting, Some("task 1")),
        ];
        assert_eq!(listed, expected);
        assert_eq!(store.runs(None, 9).await.expect("read").len(), 4);
        assert!(store.runs(Some("wiki"), 9).await.expect("read").is_empty());
    }

    #[tokio::test]
    async fn a_service_has_stopped_until_it_has_a_newer_run() {
        let (store, lease) = driven().await;
        let failed = carried(&store, &lease, "r2", failure()).await;
        let stopped = store.stopped_runs().await.expect("read");
        assert_eq!(stopped.iter().map(|run| &run.id).collect::<Vec<_>>(), [&failed.id]);
        assert_eq!(stopped[0].updated_at, at(204));
        carried(&store, &lease, "r1", vec![]).await;
        assert!(store.stopped_runs().await.expect("read").is_empty());
    }

    #[tokio::test]
    async fn a_reason_stays_when_more_is_written() {
        let (store, lease) = driven().await;
        let failed = carried(&store, &lease, "r1", failure()).await;
        store.append(&lease, &failed, &[], &[]).await.expect("appended");
        let listed = store.runs(None, 1).await.expect("read");
        assert_eq!(listed[0].why.as_deref(), Some("step make failed"));
        assert_eq!(listed[0].updated_at, at(204));
    }

    #[tokio::test]
    async fn a_name_is_not_given_twice() {
        let (store, lease) = driven().await;
        carried(&store, &lease, "r1", vec![]).await;
        let outcome = store.create_run(&lease, &run("r1", "wiki"), &[]).await;
        assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}");
        let change = Arc::new(change("shop", &definition("postgres", "1.0.1")));
        let name = RunId("r1".to_owned());
        let other = Run::new(name, change, 3, "c0ffee".to_owned(), at(100));
        let outcome = store.create_run(&lease, &other, &[]).await;
        assert!(matches!(outcome, Err(StoreError::Conflict(_))), "{outcome:?}");
    }

    #[tokio::test]
    async fn a_journal_that_does_not_fit_is_an_error_that_names_the_entry() {
        let (store, lease) = driven().await;
        let run = run("r1", "shop");
        store.create_run(&lease, &run, &[]).await.expect("created");
        let wrong = (at(1), of_run(RunEvent::Succeeded));
        store.append(&lease, &run, &[wrong], &[]).await.expect("appended");
        let outcome = store.open_runs().await;
        assert!(matches!(outcome, Err(StoreError::Journal { seq: 1, .. })), "{outcome:?}");
    }
}
