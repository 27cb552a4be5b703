//! The journal of runs: what happened, row by row, and a run replayed from it.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};

use super::write::{OURSELVES, Write};
use super::{rows, units, waiting};
use crate::id::RunId;
use crate::run::{Event, Run, RunEvent, RunState, StepState, waits_for};
use crate::store::audit::tell_event;
use crate::store::{JournalEntry, StoreError, UnitWrite};

/// Appends events with what becomes of the run and of units.
pub(super) async fn append(
    write: &mut Write<'_>,
    run: &Run,
    entries: &[(Timestamp, Event)],
    writes: &[UnitWrite],
) -> Result<(), StoreError> {
    write.of_runs = true;
    update_run(write, run, entries).await?;
    let last: Option<i64> =
        sqlx::query_scalar("SELECT max(seq) FROM journal WHERE catalog = $1 AND run = $2")
            .bind(write.catalog)
            .bind(&run.id.0)
            .fetch_one(write.connection())
            .await
            .map_err(StoreError::database("reading a journal"))?;
    for (seq, (at, event)) in (last.unwrap_or(0) + 1..).zip(entries) {
        insert(write, &run.id, seq, (*at, event)).await?;
        let (what, detail) = tell_event(run, event);
        write.audit(*at, OURSELVES, what, &detail).await?;
    }
    waiting::follow(write, run, entries).await?;
    let at = entries.last().map_or_else(Timestamp::now, |(at, _)| *at);
    units::write(write, writes, at).await
}

async fn insert(
    write: &mut Write<'_>,
    run: &RunId,
    seq: i64,
    (at, event): (Timestamp, &Event),
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO journal (catalog, run, seq, at, event) VALUES ($1, $2, $3, $4, $5)")
        .bind(write.catalog)
        .bind(&run.0)
        .bind(seq)
        .bind(at.as_millisecond())
        .bind(rows::to_json("an event", event)?)
        .execute(write.connection())
        .await
        .map_err(StoreError::database("appending to a journal"))?;
    Ok(())
}

/// Keeps the columns that runs are listed by in step with the journal.
async fn update_run(
    write: &mut Write<'_>,
    run: &Run,
    entries: &[(Timestamp, Event)],
) -> Result<(), StoreError> {
    let why = why(run, entries);
    let updated_at = entries.last().map(|(at, _)| at.as_millisecond());
    let done = sqlx::query(
        "UPDATE runs SET state = $3, updated_at = coalesce($4, updated_at),
         why = CASE WHEN $5 THEN why ELSE $6 END WHERE catalog = $1 AND id = $2",
    )
    .bind(write.catalog)
    .bind(&run.id.0)
    .bind(rows::to_word(&run.state))
    .bind(updated_at)
    .bind(run.state.is_over() && why.is_none())
    .bind(why)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("updating a run"))?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Missing(format!("run {}", run.id)));
    }
    Ok(())
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
        "SELECT journal.run, journal.seq, journal.at, journal.event FROM runs
         JOIN journal ON journal.catalog = runs.catalog AND journal.run = runs.id
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

fn entry(seq: i64, at: i64, event: &str) -> Result<JournalEntry, StoreError> {
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
