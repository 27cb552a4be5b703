//! `trueline task`: lists what people have to do, and records that it was done. Sensitive outputs are sealed before they are written.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure};
use super::table::{Limit, Listed, ago, block, cell, table};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::engine::{check_outputs, seal_outputs, typed_outputs};
use crate::id::{RunId, StepPath};
use crate::reconcile::show::visible;
use crate::store::{DecisionKind, Sealer, Store, Task, TaskState};

/// What `task` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists open tasks, newest first, and how to complete them.
    List {
        /// Also those that are done or cancelled.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Records that a task is done.
    Complete {
        /// Its number.
        number: i64,
        /// What the task asks for; once for each output.
        #[arg(long = "output", value_name = "NAME=VALUE", value_parser = pair)]
        outputs: Vec<(String, String)>,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    match &options.command {
        Command::List { all, limit } => {
            let tasks = store.tasks(!all).await?;
            let wire = TasksWire {
                version: "trueline.tasks/v1",
                tasks: Listed::of(tasks, *limit).map(|task| TaskLine::of(&task)),
            };
            context.show(&wire, || text(&wire, SystemClock.now()))?;
        }
        Command::Complete { number, outputs } => {
            let sealer = context.sealer()?;
            let outputs = completion(&*store, (*number, outputs), &sealer).await?;
            record(context, &DecisionKind::CompleteTask { task: *number, outputs }).await?;
            let who = cell(&context.person());
            context.remark(format!("completed task {number} as {who} (self-declared)"));
            if store.holder().await?.is_none() {
                context
                    .remark("nobody drives: `trueline serve` or `trueline apply` goes on with it");
            }
        }
    }
    Ok(Exit::Success)
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// One task, as listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskLine {
    number: i64,
    service: String,
    run: RunId,
    step: StepPath,
    state: TaskState,
    title: String,
    instructions: String,
    outputs: BTreeMap<String, String>,
    created_at: Timestamp,
    done_by: Option<String>,
}

impl TaskLine {
    /// Takes it from what the store lists.
    pub(super) fn of(task: &Task) -> Self {
        Self {
            number: task.number,
            service: task.service.clone(),
            run: task.run.clone(),
            step: task.step.clone(),
            state: task.state,
            title: task.title.clone(),
            instructions: task.instructions.clone(),
            outputs: task.outputs.clone(),
            created_at: task.created_at,
            done_by: task.done_by.clone(),
        }
    }

    /// Returns its cells where it is open: number, service, age, title.
    pub(super) fn cells_of_open(&self, now: Timestamp) -> [String; 4] {
        let age = ago(now, self.created_at);
        [self.number.to_string(), self.service.clone(), age, self.title.clone()]
    }

    /// Says how it is done.
    fn how(&self) -> String {
        let mut text = block("", &format!("\nTask {}: {}", self.number, visible(&self.title)));
        text += &block("  ", &self.instructions);
        let output = |(name, kind): (&String, &String)| format!(" --output {name}=<{kind}>");
        let outputs: String = self.outputs.iter().map(output).collect();
        text + &block("  ", &format!("trueline task complete {}{}", self.number, visible(&outputs)))
    }
}

fn word(state: TaskState) -> &'static str {
    match state {
        TaskState::Open => "open",
        TaskState::Done => "done",
        TaskState::Cancelled => "cancelled",
    }
}

#[derive(Debug, Serialize)]
struct TasksWire {
    version: &'static str,
    #[serde(flatten)]
    tasks: Listed<TaskLine>,
}

fn text(wire: &TasksWire, now: Timestamp) -> String {
    let tasks = &wire.tasks.items;
    if tasks.is_empty() {
        return "no tasks".to_owned();
    }
    let rows = tasks.iter().map(|task| {
        let [number, service, age, title] = task.cells_of_open(now);
        let by = task.done_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        [number, service, format!("{}{by}", word(task.state)), age, title]
    });
    let mut text = table(["TASK", "SERVICE", "STATE", "AGE", "TITLE"], rows);
    text += &wire.tasks.rest();
    let open = tasks.iter().filter(|task| task.state == TaskState::Open);
    text += &open.map(TaskLine::how).collect::<String>();
    text
}

/// Checks what completes a task, and seals what is sensitive of it.
async fn completion(
    store: &dyn Store,
    (number, entered): (i64, &[(String, String)]),
    sealer: &Sealer,
) -> Result<Map<String, Value>, Failure> {
    let task = open_task(store, number).await?;
    let pairs: BTreeMap<String, String> = entered.iter().cloned().collect();
    if pairs.len() != entered.len() {
        return Err(Failure::usage("an output is given twice"));
    }
    let outputs = typed_outputs(&task, &pairs);
    let problems = check_outputs(&task, &outputs);
    if !problems.is_empty() {
        return Err(Failure::usage(format!("task {number}: {}", cell(&problems.join("; "))))
            .hint("`trueline task list` shows what it asks for"));
    }
    let run = store.run(&task.run).await?;
    let found = run.as_ref().and_then(|run| {
        run.change.units.iter().find_map(|unit| {
            let step = unit.steps.iter().find(|step| step.path == task.step)?;
            Some((&unit.definition, &step.action.id))
        })
    });
    let Some((definition, action)) = found else {
        return Err(Failure::usage(format!(
            "task {number} belongs to step `{}` of run {}, which is not in the store",
            visible(&task.step.0),
            visible(&task.run.0)
        )));
    };
    Ok(seal_outputs(definition, action, outputs, sealer))
}

/// Finds a task that is open, and that nobody has completed a moment ago.
async fn open_task(store: &dyn Store, number: i64) -> Result<Task, Failure> {
    let tasks = store.tasks(false).await?;
    let Some(task) = tasks.into_iter().find(|task| task.number == number) else {
        return Err(Failure::usage(format!("there is no task {number}"))
            .hint("`trueline task list` shows those that are open"));
    };
    if task.state != TaskState::Open {
        let by = task.done_by.as_ref().map(|by| format!(" (by {})", cell(by))).unwrap_or_default();
        return Err(Failure::usage(format!("task {number} is {} already{by}", word(task.state))));
    }
    let seen = store.catalog_state().await?.decisions_seen;
    let decisions = store.decisions_after(seen).await?;
    let twice = decisions.iter().find(|decision| {
        matches!(decision.decision, DecisionKind::CompleteTask { task, .. } if task == number)
    });
    match twice {
        None => Ok(task),
        Some(decision) => Err(Failure::usage(format!(
            "{} completed task {number} already, and whoever drives takes it up",
            cell(&decision.by)
        ))),
    }
}
