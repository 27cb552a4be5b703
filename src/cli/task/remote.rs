//! `trueline task` over the API of a server.

use std::collections::BTreeMap;

use serde_json::json;

use super::super::server::Server;
use super::super::table::Listed;
use super::{Command, Context, Exit, Failure, TaskLine, TasksWire, text};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::engine::typed_values;

/// Runs it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    command: &Command,
) -> Result<Exit, Failure> {
    match command {
        Command::List { all, limit } => {
            let state = [("state", (!all).then_some("open"))];
            let (items, more): (Vec<TaskLine>, _) =
                server.list("/tasks", &state, limit.items()).await?;
            let tasks = Listed::page(items, more);
            let wire = TasksWire { version: "trueline.tasks/v1", tasks };
            context.show(&wire, || text(&wire, SystemClock.now()))?;
        }
        Command::Complete { number, outputs } => {
            let pairs: BTreeMap<String, String> = outputs.iter().cloned().collect();
            if pairs.len() != outputs.len() {
                return Err(Failure::usage("an output is given twice"));
            }
            let task: TaskLine = server.get(&format!("/tasks/{number}")).await?;
            let outputs = typed_values(&task.outputs, &pairs);
            let body = json!({"outputs": outputs});
            let recorded = server.say(&format!("/tasks/{number}/complete"), &body).await?;
            context.remark(format!("completed task {number}"));
            recorded.remark(context);
        }
    }
    Ok(Exit::Success)
}
