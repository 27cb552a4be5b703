//! The journal of runs: what happened, row by row, and a run replayed from it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use super::write::{OURSELVES, Write};
use super::{rows, units, waiting};
use crate::id::RunId;
use crate::run::{Event, Run, RunEvent, RunState, StepState, waits_for};
use crate::store::audit::tell_event;
use crate::store::{JournalEntry, StoreError, UnitWrite};

/// What is appended to the journal of one run.
#[derive(Clone, Copy)]
pub(super) struct Piece<'p> {
    /// As it is after the events.
    pub(super) run: &'p Run,
    pub(super) entries: &'p [(Timestamp, Event)],
    /// What becomes of units.
    pub(super) units: &'p [UnitWrite],
}

/// Appends events with what becomes of the run and of units.
pub(super) async fn append(
    write: &mut Write<'_>,
    run: &Run,
    entries: &[(Timestamp, Event)],
    units: &[UnitWrite],
) -> Result<(), StoreError> {
    append_all(write, &[Piece { run, entries, units }]).await
}

/// The same for many runs, no two of which are the same, in as many statements as for one.
pub(super) async fn append_all(
    write: &mut Write<'_>,
    pieces: &[Piece<'_>],
) -> Result<(), StoreError> {
    write.of_runs = true;
    update_runs(write, pieces).await?;
    insert(write, pieces).await?;
    for Piece { run, entries, .. } in pieces {
        for (at, event) in *entries {
            let (what, detail) = tell_event(run, event);
            write.audit(*at, OURSELVES, what, &detail).await?;
        }
    }
    let waiting = waiting::of(write, pieces).await?;
    for Piece { run, entries, .. } in pieces {
        if waiting.contains(&run.id.0) || !waiting::is_plain(entries) {
            waiting::follow(write, run, entries).await?;
        }
    }
    let units = pieces.iter().flat_map(|Piece { entries, units, .. }| {
        let at = entries.last().map_or_else(Timestamp::now, |(at, _)| *at);
        units.iter().map(move |unit| (unit, at))
    });
    units::write_all(write, units.collect()).await
}

async fn insert(write: &mut Write<'_>, pieces: &[Piece<'_>]) -> Result<(), StoreError> {
    let failed = StoreError::database("appending to a journal");
    let runs: Vec<&str> = pieces.iter().map(|piece| piece.run.id.0.as_str()).collect();
    let last: Vec<(String, i64)> = sqlx::query_as(
        "SELECT run, max(seq) FROM journal
         WHERE catalog = $1 AND run IN (SELECT value FROM json_each($2)) GROUP BY run",
    )
    .bind(write.catalog)
    .bind(rows::to_json("runs", &runs)?)
    .fetch_all(write.connection())
    .await
    .map_err(&failed)?;
    let last: HashMap<String, i64> = last.into_iter().collect();
    let mut listed = Vec::new();
    for Piece { run, entries, .. } in pieces {
        let first = last.get(&run.id.0).copied().unwrap_or_default() + 1;
        for (seq, (at, event)) in (first..).zip(*entries) {
            let event = rows::to_json("an event", event)?;
            listed.push((&run.id.0, seq, at.as_millisecond(), event));
        }
    }
    for listed in rows::together(&listed) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO journal (catalog, run, seq, at, event) ");
        query.push_values(listed, |mut row, (run, seq, at, event)| {
            row.push_bind(write.catalog).push_bind(*run).push_bind(*seq);
            row.push_bind(*at).push_bind(event);
        });
        query.build().execute(write.connection()).await.map_err(&failed)?;
    }
    Ok(())
}

/// Keeps the columns that runs are listed by in step with the journal, all at once. Runs are found each by its key: an
/// `UPDATE … FROM` would look at all of them to find those of a list.
async fn update_runs(write: &mut Write<'_>, pieces: &[Piece<'_>]) -> Result<(), StoreError> {
    let row = |Piece { run, entries, .. }: &Piece<'_>| {
        let why = why(run, entries);
        let updated_at = entries.last().map(|(at, _)| at.as_millisecond());
        let keeps = run.state.is_over() && why.is_none();
        json!([run.id, rows::to_word(&run.state), updated_at, keeps, why])
    };
    let listed: Vec<Value> = pieces.iter().map(row).collect();
    let done = sqlx::query(
        "INSERT INTO runs (catalog, id, seq, service, kind, state, digest, content, effect, revision, created_at,
                           updated_at, why)
         SELECT runs.catalog, runs.id, runs.seq, runs.service, runs.kind, value ->> 1, runs.digest, runs.content,
                runs.effect, runs.revision, runs.created_at, coalesce(value ->> 2, runs.updated_at),
                CASE WHEN value ->> 3 THEN runs.why ELSE value ->> 4 END
         FROM json_each($2) CROSS JOIN runs ON runs.catalog = $1 AND runs.id = value ->> 0 WHERE true
         ON CONFLICT (catalog, id) DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at,
         why = excluded.why",
    )
    .bind(write.catalog)
    .bind(rows::to_json("runs", &listed)?)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("updating runs"))?;
    if done.rows_affected() == pieces.len() as u64 {
        return Ok(());
    }
    let named: Vec<&str> = pieces.iter().map(|piece| piece.run.id.0.as_str()).collect();
    Err(StoreError::Missing(format!("one of the runs {}", named.join(", "))))
}

/// Says why a run ended as it did, or what it waits for.
fn why(run: &Run, entries: &[(Timestamp, Event)]) -> Option<String> {
    if run.state.is_over() {
        return entries.iter().rev().find_map(|(_, event)| match event {
            Event::Run { event } => why_of(event),
            Event::Step { .. } => None,
        });
    }
    if run.state == RunState::Paused {
        return waits_for(run);
    }
    if run.state != RunState::Waiting {
        return None;
    }
    let waits: Vec<_> = run
        .steps
        .values()
        .filter_map(|step| match &step.state {
            StepState::Waiting { on } => Some(on.told()),
            _ => None,
        })
        .collect();
    (!waits.is_empty()).then(|| waits.join("; "))
}

fn why_of(event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::Failed { why } | RunEvent::NeedsDecision { why } | RunEvent::Parked { why } => {
            Some(why.clone())
        }
        RunEvent::Cancelled { by, why } => Some(format!("{why} ({by})")),
        RunEvent::Superseded { commit } => Some(format!("commit {commit} took its place")),
        RunEvent::RolledBack => Some("what it did was taken back".to_owned()),
        _ => None,
    }
}

/// Reads the journal of a run.
pub(super) async fn read(
    readers: &SqlitePool,
    catalog: &str,
    run: &RunId,
) -> Result<Vec<JournalEntry>, StoreError> {
    let reading = readers.acquire().await;
    let mut reading = reading.map_err(StoreError::database("reading a journal"))?;
    of(&mut reading, catalog, run).await
}

/// Reads the journal of a run on a connection at hand.
pub(super) async fn of(
    connection: &mut SqliteConnection,
    catalog: &str,
    run: &RunId,
) -> Result<Vec<JournalEntry>, StoreError> {
    let found: Vec<(i64, i64, String)> = sqlx::query_as(
        "SELECT seq, at, event FROM journal WHERE catalog = $1 AND run = $2 ORDER BY seq",
    )
    .bind(catalog)
    .bind(&run.0)
    .fetch_all(connection)
    .await
    .map_err(StoreError::database("reading a journal"))?;
    found.into_iter().map(|(seq, at, event)| entry(seq, at, &event)).collect()
}

/// Reads the journals of all runs that have not ended.
pub(super) async fn of_open_runs(
    connection: &mut SqliteConnection,
    catalog: &str,
) -> Result<HashMap<RunId, Vec<JournalEntry>>, StoreError> {
    let found: Vec<(String, i64, i64, String)> = sqlx::query_as(
        "SELECT journal.run, journal.seq, journal.at, journal.event
         FROM runs INDEXED BY runs_state CROSS JOIN journal ON journal.catalog = runs.catalog AND journal.run = runs.id
         WHERE runs.catalog = $1 AND runs.state IN ('queued', 'running', 'waiting', 'paused', 'rolling-back')
         ORDER BY journal.run, journal.seq",
    )
    .bind(catalog)
    .fetch_all(connection)
    .await
    .map_err(StoreError::database("reading the journals of open runs"))?;
    let mut journals: HashMap<RunId, Vec<JournalEntry>> = HashMap::new();
    for (run, seq, at, event) in found {
        journals.entry(RunId(run)).or_default().push(entry(seq, at, &event)?);
    }
    Ok(journals)
}

pub(super) fn entry(seq: i64, at: i64, event: &str) -> Result<JournalEntry, StoreError> {
    Ok(JournalEntry { seq, at: rows::time(at)?, event: rows::from_json("an event", event)? })
}

/// Brings a new run to where its journal leads.
pub(super) fn replay(run: &mut Run, entries: Vec<JournalEntry>) -> Result<(), StoreError> {
    for entry in entries {
        run.apply_at(&entry.event, entry.at).map_err(|source| StoreError::Journal {
            run: run.id.clone(),
            seq: entry.seq,
            source,
        })?;
    }
    Ok(())
}
