//! What becomes of what steps wait for, with the events that end the waiting: in the same durable step, so that
//! nobody is asked for something that no run needs any more.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::journal::Piece;
use super::write::{OURSELVES, Write};
use super::{approvals, rows, waits};
use crate::id::StepPath;
use crate::run::{Event, Run, RunEvent, RunState, StepEvent};
use crate::store::{StoreError, TaskState};

/// Names those of some runs that something is kept of that they wait for, or waited for.
pub(super) async fn of(
    write: &mut Write<'_>,
    pieces: &[Piece<'_>],
) -> Result<BTreeSet<String>, StoreError> {
    let runs: Vec<&str> = pieces.iter().map(|piece| piece.run.id.0.as_str()).collect();
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT run FROM waits
         WHERE catalog = $1 AND run IN (SELECT value FROM json_each($2))",
    )
    .bind(write.catalog)
    .bind(rows::to_json("runs", &runs)?)
    .fetch_all(write.connection())
    .await
    .map_err(StoreError::database("reading what steps wait for"))?;
    Ok(found.into_iter().collect())
}

/// Tells whether events neither begin nor call off anything that is waited for.
pub(super) fn is_plain(entries: &[(Timestamp, Event)]) -> bool {
    entries.iter().all(|(_, event)| match event {
        Event::Step { event, .. } => {
            matches!(event, StepEvent::Started { .. } | StepEvent::Succeeded { .. })
        }
        Event::Run { event } => matches!(event, RunEvent::Started | RunEvent::Succeeded),
    })
}

/// Ends what is no longer waited for.
pub(super) async fn follow(
    write: &mut Write<'_>,
    run: &Run,
    entries: &[(Timestamp, Event)],
) -> Result<(), StoreError> {
    for (at, event) in entries {
        match event {
            Event::Step { path, event } => follow_step(write, (run, path), event, *at).await?,
            Event::Run { event } if run.state.is_over() => match why_over(event) {
                Some(why) => {
                    call_off(write, (run, None), &why, *at).await?;
                    waits::set_adrift(write, (&run.id, None)).await?;
                }
                None => waits::end(write, (&run.id, None)).await?,
            },
            Event::Run { .. } => {}
        }
    }
    Ok(())
}

async fn follow_step(
    write: &mut Write<'_>,
    (run, path): (&Run, &StepPath),
    event: &StepEvent,
    at: Timestamp,
) -> Result<(), StoreError> {
    match event {
        StepEvent::Waiting { on } if !on.ends_with_its_step() => {
            waits::begin(write, (run, path), on).await
        }
        StepEvent::Succeeded { .. } => waits::end(write, (&run.id, Some(path))).await,
        // What failed may have left open what it waited for; its action looks, and knows.
        StepEvent::Failed { .. } => waits::set_adrift(write, (&run.id, Some(path))).await,
        StepEvent::Cancelled { why } => {
            call_off(write, (run, Some(path)), why, at).await?;
            waits::set_adrift(write, (&run.id, Some(path))).await
        }
        _ => Ok(()),
    }
}

/// Says why a run ended before all of its steps were done.
fn why_over(event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::Failed { why } | RunEvent::NeedsDecision { why } | RunEvent::Parked { why } => {
            Some(why.clone())
        }
        RunEvent::RolledBack => Some("what its run did was taken back".to_owned()),
        RunEvent::Superseded { commit } => Some(format!("commit {commit} took its run's place")),
        RunEvent::Cancelled { by, why } => Some(format!("{why} ({by})")),
        _ => None,
    }
}

async fn call_off(
    write: &mut Write<'_>,
    (run, step): (&Run, Option<&StepPath>),
    why: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    // The run that takes its place may take up its tasks; until it is known whether, they stay.
    let stays = run.state == RunState::Superseded;
    sqlx::query(
        "UPDATE tasks SET state = $4, done_by = $5
         WHERE catalog = $1 AND run = $2 AND ($3 IS NULL OR step = $3) AND state = 'open'
         AND NOT ($6 AND EXISTS (SELECT 1 FROM waits WHERE waits.catalog = $1 AND waits.run = $2
                                 AND waits.step = tasks.step AND waits.settled IS NULL))",
    )
    .bind(write.catalog)
    .bind(&run.id.0)
    .bind(step.map(|step| step.0.as_str()))
    .bind(rows::to_word(&TaskState::Cancelled))
    .bind(OURSELVES)
    .bind(stays)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("cancelling tasks"))?;
    if !stays {
        waits::forget_tasks(write, (&run.id, step)).await?;
    }
    approvals::void(write, (&run.id, step), why, at).await
}
