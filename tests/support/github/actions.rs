//! Workflows of the fake GitHub («REST API endpoints for workflows», «… for workflow runs», «… for GitHub Actions
//! artifacts»). Every workflow has a `run-name` that shows all of its inputs.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::git;
use super::serve::Answer;
use super::state::{Run, State};

impl State {
    pub(super) fn dispatch(&mut self, (name, workflow): (&str, &str), body: &Value) -> Answer {
        let path = self.root.path().join(format!("{name}.git"));
        let branch = body["ref"].as_str().unwrap_or_default().to_owned();
        if git::tip(&path, &branch).is_none() {
            return Answer::refusal(StatusCode::UNPROCESSABLE_ENTITY, "No ref found");
        }
        let inputs = body.get("inputs").cloned().unwrap_or_else(|| json!({}));
        let given = inputs.as_object().unwrap();
        if let Some(declared) = &self.declared
            && let Some(odd) = given.keys().find(|name| !declared.contains(name))
        {
            let said = format!("Unexpected inputs provided: [\"{odd}\"]");
            return Answer::refusal(StatusCode::UNPROCESSABLE_ENTITY, &said);
        }
        let shown: Vec<String> =
            given.values().map(|value| value.as_str().unwrap_or("?").to_owned()).collect();
        let id = self.next();
        let run = Run {
            repository: name.to_owned(),
            workflow: workflow.to_owned(),
            branch,
            title: format!("Provision {}", shown.join(" ")),
            inputs,
            status: "queued".to_owned(),
            conclusion: None,
            created_at: Timestamp::now(),
            artifacts: Vec::new(),
            hidden: self.hide_runs,
        };
        self.runs.insert(id, run);
        if self.silent_dispatch || body["return_run_details"] != true {
            return Answer::empty(204);
        }
        let url = format!("{}/api/v3/repos/{name}/actions/runs/{id}", self.base);
        let html = format!("{}/{name}/actions/runs/{id}", self.base);
        Answer::json(200, &json!({"workflow_run_id": id, "run_url": url, "html_url": html}))
    }

    pub(super) fn list_runs(
        &self,
        (name, workflow): (&str, &str),
        query: &[(String, String)],
    ) -> Vec<Value> {
        let find =
            |key: &str| query.iter().find(|(it, _)| it == key).map(|(_, value)| value.as_str());
        let since: Option<Timestamp> =
            find("created").map(|text| text.trim_start_matches(">=").parse().unwrap());
        let fits = |run: &Run| {
            run.repository == name
                && run.workflow == workflow
                && !run.hidden
                && since.is_none_or(|since| run.created_at + SignedDuration::from_secs(1) > since)
        };
        let runs = self.runs.iter().rev().filter(|(_, run)| fits(run));
        runs.filter_map(|(id, _)| self.run(*id)).collect()
    }

    pub(super) fn cancel_run(&mut self, id: u64) -> Answer {
        let Some(run) = self.runs.get_mut(&id) else { return Answer::missing() };
        if run.status == "completed" {
            return Answer::refusal(
                StatusCode::CONFLICT,
                "Cannot cancel a workflow run that is completed.",
            );
        }
        run.status = "completed".to_owned();
        run.conclusion = Some("cancelled".to_owned());
        Answer::json(202, &json!({}))
    }

    pub(super) fn end_run(&mut self, id: u64, conclusion: &str, artifact: Option<(&str, Vec<u8>)>) {
        let number = self.next();
        let run = self.runs.get_mut(&id).unwrap();
        run.status = "completed".to_owned();
        run.conclusion = Some(conclusion.to_owned());
        if let Some((name, zip)) = artifact {
            run.artifacts.push((name.to_owned(), number));
            self.artifacts.insert(number, zip);
        }
    }

    pub(super) fn list_artifacts(&self, run: u64, query: &[(String, String)]) -> Vec<Value> {
        let wanted = query.iter().find(|(key, _)| key == "name").map(|(_, value)| value);
        let all = self.runs.get(&run).into_iter().flat_map(|run| &run.artifacts);
        let all = all.filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name));
        all.map(|(name, id)| self.artifact((run, name, *id))).collect()
    }
}
