//! Tasks for people: one that is open for each step that asks for one.

use sqlx::SqlitePool;

use serde_json::json;

use super::rows;
use super::write::{OURSELVES, Write};
use crate::id::{RunId, StepPath};
use crate::store::{StoreError, Task, TaskState};

/// What is compared of tasks, and of whom they are.
type Known = (i64, String, String, String, String);

/// Opens a task; returns its number, or that of the one the step has already. What an older run of the service asked
/// for with the same step is carried on where it is the same, and replaced otherwise.
pub(super) async fn open(write: &mut Write<'_>, task: &Task) -> Result<i64, StoreError> {
    let outputs = rows::to_json("a task", &task.outputs)?;
    let mut replaced = Vec::new();
    for (number, run, title, instructions, asked) in known(write, task).await? {
        let same = (&title, &instructions, &asked) == (&task.title, &task.instructions, &outputs);
        if run == task.run.0 {
            return Ok(number);
        }
        if same {
            carry(write, number, task).await?;
            return Ok(number);
        }
        close(write, number, TaskState::Replaced, OURSELVES).await?;
        replaced.push(number);
    }
    let number = insert(write, task).await?;
    for old in replaced {
        let detail = json!({
            "task": old, "by": number, "run": task.run, "step": task.step, "service": task.service,
        });
        write.audit(task.created_at, OURSELVES, "task.replaced", &detail).await?;
    }
    Ok(number)
}

/// Finds the open tasks of a step: its own, and those of runs of the service whose place was taken.
async fn known(write: &mut Write<'_>, task: &Task) -> Result<Vec<Known>, StoreError> {
    sqlx::query_as(
        "SELECT tasks.number, tasks.run, tasks.title, tasks.instructions, tasks.outputs FROM tasks
         LEFT JOIN runs ON runs.catalog = tasks.catalog AND runs.id = tasks.run
         WHERE tasks.catalog = $1 AND tasks.service = $2 AND tasks.step = $3 AND tasks.state = 'open'
         AND (tasks.run = $4 OR runs.state = 'superseded')
         ORDER BY tasks.run = $4 DESC, tasks.number DESC",
    )
    .bind(write.catalog)
    .bind(&task.service)
    .bind(&task.step.0)
    .bind(&task.run.0)
    .fetch_all(write.connection())
    .await
    .map_err(StoreError::database("opening a task"))
}

async fn carry(write: &mut Write<'_>, number: i64, task: &Task) -> Result<(), StoreError> {
    sqlx::query("UPDATE tasks SET run = $3 WHERE catalog = $1 AND number = $2")
        .bind(write.catalog)
        .bind(number)
        .bind(&task.run.0)
        .execute(write.connection())
        .await
        .map_err(StoreError::database("carrying a task on"))?;
    let detail = json!({
        "task": number, "run": task.run, "step": task.step, "service": task.service,
    });
    write.audit(task.created_at, OURSELVES, "task.carried", &detail).await
}

async fn insert(write: &mut Write<'_>, task: &Task) -> Result<i64, StoreError> {
    let failed = StoreError::database("opening a task");
    sqlx::query_scalar(
        "INSERT INTO tasks (catalog, number, run, step, service, title, instructions, outputs,
                            state, created_at, done_by)
         SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10
         FROM tasks WHERE catalog = $1 RETURNING number",
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

/// What a page of tasks is read as: the team, and the task.
pub(super) type Numbered = (
    Option<String>,
    i64,
    String,
    String,
    String,
    String,
    String,
    String,
    String,
    i64,
    Option<String>,
);

/// The columns of a task, in their order.
pub(super) const COLUMNS: &str =
    "number, run, step, service, title, instructions, outputs, state, created_at, done_by";

/// Makes a row of a page.
pub(super) fn numbered(
    (team, number, run, step, service, title, instructions, outputs, state, at, by): Numbered,
) -> Result<super::super::Numbered<Task>, StoreError> {
    let row = (number, run, step, service, title, instructions, outputs, state, at, by);
    Ok(super::super::Numbered { number, team, row: task(row)? })
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
