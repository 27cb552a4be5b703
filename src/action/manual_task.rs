//! The `manual-task` action: asks a person, and waits. It never completes a task itself.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;

use super::action::{Action, Call, Outcome, Ports, TaskRequest, Withdrawn};
use super::scrub::Scrub;
use crate::reconcile::Observation;
use crate::run::{Fault, Wait};

/// The `manual-task` action.
pub(super) struct ManualTask;

/// The rendered `config`.
#[derive(Deserialize)]
struct Config {
    title: String,
    #[serde(default)]
    instructions: String,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    #[serde(rename = "type", default = "text")]
    kind: String,
    #[serde(default)]
    description: String,
}

fn text() -> String {
    "string".to_owned()
}

/// Returns the task, secrets masked: it is shown to whoever opens it.
fn task(call: &Call) -> Result<TaskRequest, Fault> {
    let scrub = Scrub::of(call);
    let config = Config::deserialize(&call.config).map_err(|error| {
        scrub.fault(&Fault::terminal(format!("`config` cannot be read: {error}")))
    })?;
    let mut instructions = config.instructions;
    let mut outputs = BTreeMap::new();
    for Output { name, kind, description } in config.outputs {
        if !description.is_empty() {
            instructions = format!("{instructions}\n\n- `{name}`: {description}");
        }
        outputs.insert(name, kind);
    }
    Ok(TaskRequest {
        title: scrub.text(&config.title),
        instructions: scrub.text(&instructions),
        outputs,
    })
}

#[async_trait]
impl Action for ManualTask {
    fn kind(&self) -> &'static str {
        "manual-task"
    }

    async fn perform(&self, _: &Ports, call: &Call) -> Result<Outcome, Fault> {
        task(call).map(Outcome::Task)
    }

    /// The engine completes the step when the task is answered; until then it waits on.
    async fn look(&self, _: &Ports, _: &Call, on: &Wait) -> Result<Outcome, Fault> {
        Ok(Outcome::Waiting { on: on.clone() })
    }

    /// A newer run carries the task on where it asks for the same.
    fn takes_up(&self) -> bool {
        true
    }

    async fn withdraw(&self, _: &Ports, _: &Call, _: &Wait) -> Result<Withdrawn, Fault> {
        Ok(Withdrawn::Done)
    }

    async fn observe(&self, _: &Ports, _: &Call) -> Result<Observation, Fault> {
        Ok(Observation::Same)
    }

    async fn undo(&self, _: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let done = task(call)?;
        Ok(Outcome::Task(TaskRequest {
            title: format!("Undo: {}", done.title),
            instructions: format!(
                "Take away what this task brought about for {}, then complete this one.\n\nThe task was:\n\n{}",
                call.service, done.instructions
            ),
            outputs: BTreeMap::new(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::action::testing::{call, ports};
    use crate::run::FaultClass;

    #[tokio::test]
    async fn it_asks_the_same_however_often_it_is_asked() {
        let call = call(json!({
            "title": "Create the database", "instructions": "Use hunter22.",
            "outputs": [{"name": "url", "type": "string", "description": "where it is"}, {"name": "port"}],
        }));
        let first = ManualTask.perform(&ports(), &call).await;
        assert_eq!(first, ManualTask.perform(&ports(), &call).await);
        let expected = TaskRequest {
            title: "Create the database".to_owned(),
            instructions: "Use (sensitive).\n\n- `url`: where it is".to_owned(),
            outputs: [("port", "string"), ("url", "string")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .into(),
        };
        assert_eq!(first, Ok(Outcome::Task(expected)));
    }

    #[tokio::test]
    async fn the_example_of_its_page_holds() {
        let page = include_str!("../../docs/actions/manual-task.md");
        let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
        let example: serde_json::Value = serde_yaml::from_str(block.unwrap()).unwrap();
        let mut scope = crate::template::Scope::new();
        scope.set("request", json!({"operation": "create"}));
        scope.set("service", json!({"id": "payments-db", "team": "payments"}));
        scope.set("fields", json!({"size": "small"}));
        scope.set("environment", json!({"region": "eu-west-1"}));
        let kind = crate::kinds::find("manual-task").unwrap();
        let config = crate::kinds::render_config(kind, &example[0]["config"], &scope).unwrap();
        let Ok(Outcome::Task(task)) = ManualTask.perform(&ports(), &call(config)).await else {
            panic!("no task")
        };
        assert_eq!(task.title, "create the database of payments-db");
        assert!(task.instructions.contains("Create a small database in eu-west-1"));
        let asked: Vec<String> = task.outputs.iter().map(|(a, b)| format!("{a} {b}")).collect();
        assert_eq!(asked, ["host string", "port number", "recoveryKey string"]);
    }

    #[tokio::test]
    async fn it_waits_until_somebody_answers() {
        let on = Wait { on: "task".to_owned(), reference: json!(3), what: "task 3".to_owned() };
        let outcome = ManualTask.look(&ports(), &call(json!({})), &on).await;
        assert_eq!(outcome, Ok(Outcome::Waiting { on }));
    }

    #[tokio::test]
    async fn undoing_is_a_task_too() {
        let call = call(json!({"title": "Create it", "instructions": "Click there."}));
        let Ok(Outcome::Task(task)) = ManualTask.undo(&ports(), &call).await else {
            panic!("no task")
        };
        assert_eq!((task.title.as_str(), task.outputs.len()), ("Undo: Create it", 0));
        assert!(
            task.instructions.contains("Click there.") && task.instructions.contains("payments-db")
        );
    }

    #[tokio::test]
    async fn a_config_that_cannot_be_read_is_final() {
        for config in [json!(null), json!({}), json!({"title": {"a": 1}})] {
            let fault = ManualTask.perform(&ports(), &call(config)).await.unwrap_err();
            assert_eq!(fault.class, FaultClass::Terminal, "{fault}");
        }
    }
}
