//! Tasks for people, one for each step that asks for one, and the proposals that were filed.

use sqlx::SqlitePool;

use super::rows;
use super::write::Write;
use crate::id::{RunId, StepPath};
use crate::store::{Proposal, StoreError, Task, TaskState};

/// Opens a task; returns its number, or that of the one the step has already.
pub(super) async fn open(write: &mut Write<'_>, task: &Task) -> Result<i64, StoreError> {
    let failed = StoreError::database("opening a task");
    sqlx::query(
        "INSERT INTO tasks (catalog, number, run, step, service, title, instructions, outputs,
                            state, created_at, done_by)
         SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10
         FROM tasks WHERE catalog = $1
         ON CONFLICT (catalog, run, step) DO NOTHING",
    )
    .bind(write.catalog)
    .bind(&task.run.0)
    .bind(&task.step.0)
    .bind(&task.service)
    .bind(&task.title)
    .bind(&task.instructions)
    .bind(rows::to_json("a task", &task.outputs)?)
    .bind(rows::to_word(&task.state))
    .bind(task.created_at.as_millisecond())
    .bind(&task.done_by)
    .execute(write.connection())
    .await
    .map_err(&failed)?;
    sqlx::query_scalar("SELECT number FROM tasks WHERE catalog = $1 AND run = $2 AND step = $3")
        .bind(write.catalog)
        .bind(&task.run.0)
        .bind(&task.step.0)
        .fetch_one(write.connection())
        .await
        .map_err(&failed)
}

/// Ends an open task; one that has ended stays as it ended.
pub(super) async fn close(
    write: &mut Write<'_>,
    number: i64,
    state: TaskState,
    by: &str,
) -> Result<(), StoreError> {
    let known: Option<i64> = sqlx::query_scalar(
        "UPDATE tasks SET done_by = CASE WHEN state = 'open' THEN $4 ELSE done_by END,
                          state = CASE WHEN state = 'open' THEN $3 ELSE state END
         WHERE catalog = $1 AND number = $2 RETURNING number",
    )
    .bind(write.catalog)
    .bind(number)
    .bind(rows::to_word(&state))
    .bind((state != TaskState::Open).then_some(by))
    .fetch_optional(write.connection())
    .await
    .map_err(StoreError::database("closing a task"))?;
    known.map(drop).ok_or_else(|| StoreError::Missing(format!("task {number}")))
}

type Row = (i64, String, String, String, String, String, String, String, i64, Option<String>);

/// Lists tasks, newest first; only open ones where asked.
pub(super) async fn list(
    readers: &SqlitePool,
    catalog: &str,
    only_open: bool,
) -> Result<Vec<Task>, StoreError> {
    let text = if only_open {
        "SELECT number, run, step, service, title, instructions, outputs, state, created_at, done_by
         FROM tasks WHERE catalog = $1 AND state = 'open' ORDER BY number DESC"
    } else {
        "SELECT number, run, step, service, title, instructions, outputs, state, created_at, done_by
         FROM tasks WHERE catalog = $1 ORDER BY number DESC"
    };
    let found: Vec<Row> = sqlx::query_as(text)
        .bind(catalog)
        .fetch_all(readers)
        .await
        .map_err(StoreError::database("listing tasks"))?;
    found.into_iter().map(task).collect()
}

fn task(
    (number, run, step, service, title, instructions, outputs, state, created_at, done_by): Row,
) -> Result<Task, StoreError> {
    Ok(Task {
        number,
        run: RunId(run),
        step: StepPath(step),
        service,
        title,
        instructions,
        outputs: rows::from_json("a task", &outputs)?,
        state: rows::from_word("the state of a task", state)?,
        created_at: rows::time(created_at)?,
        done_by,
    })
}

/// Remembers a proposal; the run that filed it first is kept.
pub(super) async fn save_proposal(
    write: &mut Write<'_>,
    proposal: &Proposal,
) -> Result<(), StoreError> {
    let number = i64::try_from(proposal.number).map_err(StoreError::unreadable("a proposal"))?;
    sqlx::query(
        "INSERT INTO proposals (catalog, repository, number, run, service)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (catalog, repository, number) DO NOTHING",
    )
    .bind(write.catalog)
    .bind(&proposal.repository)
    .bind(number)
    .bind(proposal.run.as_ref().map(|run| run.0.as_str()))
    .bind(&proposal.service)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("remembering a proposal"))?;
    Ok(())
}

/// Lists proposals that were filed.
pub(super) async fn proposals(
    readers: &SqlitePool,
    catalog: &str,
) -> Result<Vec<Proposal>, StoreError> {
    let found: Vec<(String, i64, Option<String>, String)> = sqlx::query_as(
        "SELECT repository, number, run, service FROM proposals
         WHERE catalog = $1 ORDER BY repository, number",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("listing proposals"))?;
    let proposal = |(repository, number, run, service): (String, i64, Option<String>, String)| {
        let number = u64::try_from(number).map_err(StoreError::unreadable("a proposal"))?;
        Ok(Proposal { repository, number, run: run.map(RunId), service })
    };
    found.into_iter().map(proposal).collect()
}
