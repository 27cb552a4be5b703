//! What becomes of what steps wait for, with the events that end the waiting: in the same durable step, so that
//! nobody is asked for something that no run needs any more.

use jiff::Timestamp;

use super::write::{OURSELVES, Write};
use super::{approvals, rows};
use crate::id::StepPath;
use crate::run::{Event, Run, RunEvent, StepEvent};
use crate::store::{StoreError, TaskState};

/// Ends what is no longer waited for.
pub(super) async fn follow(
    write: &mut Write<'_>,
    run: &Run,
    entries: &[(Timestamp, Event)],
) -> Result<(), StoreError> {
    for (at, event) in entries {
        match event {
            Event::Step { path, event: StepEvent::Cancelled { why } } => {
                call_off(write, (run, Some(path)), why, *at).await?;
            }
            Event::Run { event } if run.state.is_over() => {
                if let Some(why) = why_over(event) {
                    call_off(write, (run, None), &why, *at).await?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Says why a run ended before all of its steps were done.
fn why_over(event: &RunEvent) -> Option<String> {
    match event {
        RunEvent::Started | RunEvent::Succeeded => None,
        RunEvent::Failed { why } | RunEvent::NeedsDecision { why } => Some(why.clone()),
        RunEvent::Superseded { commit } => Some(format!("commit {commit} took its run's place")),
        RunEvent::Cancelled { by, why } => Some(format!("{why} ({by})")),
    }
}

async fn call_off(
    write: &mut Write<'_>,
    (run, step): (&Run, Option<&StepPath>),
    why: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tasks SET state = $4, done_by = $5
         WHERE catalog = $1 AND run = $2 AND ($3 IS NULL OR step = $3) AND state = 'open'",
    )
    .bind(write.catalog)
    .bind(&run.id.0)
    .bind(step.map(|step| step.0.as_str()))
    .bind(rows::to_word(&TaskState::Cancelled))
    .bind(OURSELVES)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("cancelling tasks"))?;
    approvals::void(write, (&run.id, step), why, at).await
}
