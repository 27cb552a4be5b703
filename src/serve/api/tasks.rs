//! Tasks for people: lists of them, and the word that one is done. Sensitive outputs are sealed before they are written.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Json, Number, Plain, Query};
use super::page::{self, Page};
use super::recorded::Recorded;
use super::search::Search;
use super::tag::{must_match, shown};
use crate::engine::{check_outputs, seal_outputs};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::{Pointed, Problem};
use crate::store::{DecisionKind, Numbered, Task, TaskState};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(complete))
}

/// One task.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskWire {
    number: i64,
    service: String,
    team: Option<String>,
    run: String,
    step: String,
    /// `open`, `done`, `cancelled` or `replaced`.
    #[schema(value_type = String, example = "open")]
    state: TaskState,
    title: String,
    instructions: String,
    /// What is to be entered: name and type.
    outputs: BTreeMap<String, String>,
    #[schema(format = DateTime)]
    created_at: String,
    done_by: Option<String>,
    /// It is open, and you may say that it is done.
    for_you: bool,
}

impl TaskWire {
    fn of(task: &Numbered<Task>, who: &Principal) -> Self {
        let Numbered { team, row, .. } = task;
        Self {
            number: row.number,
            service: row.service.clone(),
            team: team.clone(),
            run: row.run.to_string(),
            step: row.step.to_string(),
            state: row.state,
            title: row.title.clone(),
            instructions: row.instructions.clone(),
            outputs: row.outputs.clone(),
            created_at: row.created_at.to_string(),
            done_by: row.done_by.clone(),
            for_you: is_for(who, task),
        }
    }
}

/// Tells whether somebody may say that a task is done.
pub(super) fn is_for(who: &Principal, task: &Numbered<Task>) -> bool {
    task.row.state == TaskState::Open && who.may(Verb::Operate, Kind::Task, task.team.as_deref())
}

/// What completes a task.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Completion {
    /// What the task asks for, by name; of the types that it names.
    #[serde(default)]
    outputs: BTreeMap<String, Value>,
}

/// Lists tasks, newest first.
#[utoipa::path(
    get, path = "/tasks", tag = "tasks", operation_id = "listTasks",
    params(("state" = Option<String>, Query, description = "In this state: `open`, `done`, `cancelled`, `replaced`")),
    responses((status = 200, description = "A page of tasks", body = Page<TaskWire>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let state = query.word::<TaskState>("state")?;
    query.done()?;
    who.demand(Verb::Read, Kind::Task)?;
    let mut search = Search::new("tasks", limit, page::number("tasks", cursor.as_deref())?);
    while let Some(page) = search.next() {
        for task in search.take(app.store().tasks_page(state, page).await?) {
            if who.may(Verb::Read, Kind::Task, task.team.as_deref()) {
                search.found(TaskWire::of(&task, &who), task.number);
            }
        }
    }
    Ok(shown(&headers, &search.end()))
}

async fn task_of(app: &App, who: &Principal, number: i64) -> Result<Numbered<Task>, Problem> {
    let task = app.store().task(number).await?;
    let task = task.filter(|task| who.may(Verb::Read, Kind::Task, task.team.as_deref()));
    task.ok_or_else(|| Problem::missing("task", &number.to_string()))
}

/// Shows one task.
#[utoipa::path(
    get, path = "/tasks/{number}", tag = "tasks", operation_id = "getTask",
    params(("number" = i64, Path, description = "Number of the task")),
    responses((status = 200, description = "The task", body = TaskWire)),
)]
async fn one(
    State(app): State<App>,
    Who(who): Who,
    Number(number): Number,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Task)?;
    Ok(shown(&headers, &TaskWire::of(&task_of(&app, &who, number).await?, &who)))
}

/// Says that a task is done, with what it asks for.
#[utoipa::path(
    post, path = "/tasks/{number}/complete", tag = "tasks", operation_id = "completeTask",
    params(
        ("number" = i64, Path, description = "Number of the task"),
        ("If-Match" = Option<String>, Header, description = "Tag of the task as it was seen"),
    ),
    request_body = Completion,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn complete(
    State(app): State<App>,
    Who(who): Who,
    Number(number): Number,
    Plain(headers): Plain,
    Json(said): Json<Completion>,
) -> Result<Response, Problem> {
    who.demand(Verb::Operate, Kind::Task)?;
    let said = said?;
    let task = task_of(&app, &who, number).await?;
    who.demand_of(Verb::Operate, Kind::Task, task.team.as_deref())?;
    must_match(&headers, || TaskWire::of(&task, &who))?;
    is_open(&app, &task.row).await?;
    let outputs: Map<String, Value> = said.outputs.into_iter().collect();
    let problems = check_outputs(&task.row, &outputs);
    if !problems.is_empty() {
        let detail = format!("task {number} asks for something else");
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", detail);
        let at = || Pointed::Pointer("/outputs".to_owned());
        // What is said there of the command line belongs there.
        let said = problems.iter().map(|said| said.split(": --output").next().unwrap_or_default());
        return Err(said.fold(problem, |problem, said| problem.with(at(), said)));
    }
    let outputs = sealed(&app, &task.row, outputs).await?;
    let decision = DecisionKind::CompleteTask { task: number, outputs };
    let recorded = Recorded::record(&app, &who, &decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}

/// Refuses a task that is not open, or that somebody has completed a moment ago.
async fn is_open(app: &App, task: &Task) -> Result<(), Problem> {
    let number = task.number;
    if task.state != TaskState::Open {
        return Err(Problem::conflict(format!("task {number} is not open any more")));
    }
    let seen = app.store().catalog_state().await?.decisions_seen;
    let decisions = app.store().decisions_after(seen).await?;
    let twice = decisions.iter().find(|decision| {
        matches!(decision.decision, DecisionKind::CompleteTask { task, .. } if task == number)
    });
    match twice {
        None => Ok(()),
        Some(decision) => Err(Problem::conflict(format!(
            "{} completed task {number} already, and whoever drives takes it up",
            decision.by
        ))),
    }
}

/// Seals what is sensitive of what was entered.
async fn sealed(
    app: &App,
    task: &Task,
    outputs: Map<String, Value>,
) -> Result<Map<String, Value>, Problem> {
    let run = app.store().run(&task.run).await?;
    if run.as_ref().is_some_and(|run| run.state.is_over()) {
        let number = task.number;
        return Err(Problem::conflict(format!(
            "a newer run is taking the place of the one that asks for task {number}; try again in a moment"
        )));
    }
    let found = run.as_ref().and_then(|run| {
        run.change.units.iter().find_map(|unit| {
            let step = unit.steps.iter().find(|step| step.path == task.step)?;
            Some((&unit.definition, &step.action.id))
        })
    });
    let Some((definition, action)) = found else {
        return Err(Problem::conflict("the run that asks for it is not in the store any more"));
    };
    Ok(seal_outputs(definition, action, outputs, app.sealer()))
}
