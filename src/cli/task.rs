//! `trueline task`: lists what people have to do, and records that it was done. Sensitive outputs are sealed before they are written.

mod remote;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
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
    if let Some(server) = context.asks()? {
        return remote::run(context, &server, &options.command).await;
    }
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

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// One task, as listed.
#[derive(Debug, Serialize, Deserialize)]
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
        TaskState::Replaced => "replaced",
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
    if run.as_ref().is_some_and(|run| run.state.is_over()) {
        return Err(Failure::failed(format!(
            "a newer run is taking the place of the one that asks for task {number}"
        ))
        .hint("try again in a moment: it takes the task up, or replaces it"));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view_sample::{World, at, begin, change, now, run, waits};
    use crate::secret::sealed_hash;

    fn sealer(folder: &tempfile::TempDir) -> Sealer {
        Sealer::key_at(&folder.path().join("key")).expect("a key")
    }

    /// A run that waits for task 1, which asks for a url, a number of ports and a password.
    async fn world() -> World {
        let world = World::new().await;
        let mut events = begin("db/make");
        events.push(waits("db/make"));
        world.runs(run("0a1", change("db", &["db"])), events).await;
        let asked = [("url", "string"), ("ports", "number"), ("password", "string")];
        assert_eq!(world.asks("0a1", "db", &asked).await, 1);
        world
    }

    async fn completes(
        world: &World,
        number: i64,
        entered: &[(&str, &str)],
    ) -> Result<Map<String, Value>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let pairs = entered.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let pairs: Vec<(String, String)> = pairs.collect();
        let done = completion(&world.store, (number, &pairs), &sealer(&folder)).await;
        done.map_err(|failure| failure.to_string())
    }

    const ALL: [(&str, &str); 3] = [("url", "https://x"), ("ports", "3"), ("password", "hunter22")];

    #[tokio::test]
    async fn tasks_are_listed_with_how_to_complete_them() {
        let world = world().await;
        let done = world.asks("0a0", "web", &[]).await;
        world.ends(done, "ada").await;
        let text = async |all: bool| {
            let tasks = world.store.tasks(!all).await.expect("reads");
            let tasks = Listed::of(tasks, Limit { limit: 50 }).map(|task| TaskLine::of(&task));
            text(&TasksWire { version: "trueline.tasks/v1", tasks }, now())
        };
        insta::assert_snapshot!(text(true).await, @r"
        TASK  SERVICE  STATE        AGE     TITLE
        2     web      done by ada  1m ago  Make \u{1b}[31mit
        1     db       open         1m ago  Make \u{1b}[31mit

        Task 1: Make \u{1b}[31mit
          First\u{7}
          then that
          trueline task complete 1 --output password=<string> --output ports=<number> --output url=<string>
        ");
        assert!(!text(false).await.contains("done by ada"));
    }

    #[tokio::test]
    async fn what_is_entered_is_typed_and_what_is_sensitive_sealed() {
        let outputs = completes(&world().await, 1, &ALL).await.expect("fits");
        assert_eq!((&outputs["url"], &outputs["ports"]), (&"https://x".into(), &3.into()));
        assert!(sealed_hash(&outputs["password"]).is_some());
        assert!(!Value::from(outputs).to_string().contains("hunter22"));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_refused_with_all_that_is_wrong() {
        let world = world().await;
        for (number, entered, expected) in [
            (1, &[][..], "output `password` (string) is missing"),
            (1, &[("url", "x"), ("ports", "many"), ("password", "p")], "`ports` is not a number"),
            (1, &[("\u{1b}[2J", "x")], "the task has no output `\\u{1b}[2J`"),
            (1, &[("url", "x"), ("url", "y")], "an output is given twice"),
            (2, &ALL, "there is no task 2"),
            (-1, &ALL, "there is no task -1"),
        ] {
            let said = completes(&world, number, entered).await.expect_err("refused");
            assert!(said.contains(expected) && !said.contains('\u{1b}'), "{said}");
        }
    }

    #[tokio::test]
    async fn a_task_is_completed_once() {
        let world = world().await;
        let decision = DecisionKind::CompleteTask { task: 1, outputs: Map::new() };
        world.store.decide("ada", at(5), &decision).await.expect("recorded");
        let said = completes(&world, 1, &ALL).await.expect_err("refused");
        assert!(said.contains("ada completed task 1 already"), "{said}");
        world.ends(1, "ada").await;
        let said = completes(&world, 1, &ALL).await.expect_err("refused");
        assert!(said.contains("task 1 is done already (by ada)"), "{said}");
    }

    #[tokio::test]
    async fn a_task_of_a_run_that_is_gone_is_refused() {
        let world = World::new().await;
        let number = world.asks("0a9", "db", &[]).await;
        let said = completes(&world, number, &[]).await.expect_err("refused");
        assert!(said.contains("which is not in the store"), "{said}");
    }

    #[test]
    fn an_output_is_written_as_name_and_value() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(pair("a="), Ok(("a".to_owned(), String::new())));
        assert!(pair("a").is_err() && pair("=b").is_err() && pair("").is_err());
    }
}
