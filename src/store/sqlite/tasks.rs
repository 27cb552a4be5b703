//! Tasks for people, one for each step that asks for one.

use sqlx::SqlitePool;

use super::rows;
use super::write::Write;
use crate::id::{RunId, StepPath};
use crate::store::{StoreError, Task, TaskState};

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
