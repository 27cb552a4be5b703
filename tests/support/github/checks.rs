//! Check runs and commit statuses of the fake GitHub («REST API endpoints for check runs», «… for commit statuses»),
//! with the limits that are documented there.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::git;
use super::pulls::{invalid, text};
use super::serve::Answer;
use super::shapes::user;
use super::state::{CheckRun, State, Status};

impl State {
    fn has_commit(&self, name: &str, sha: &str) -> bool {
        let full = sha.len() == 40;
        full && git::try_run(
            &self.path(name),
            &["cat-file", "-e", &format!("{sha}^{{commit}}")],
            b"",
        )
        .is_ok()
    }

    pub(super) fn add_check(&mut self, name: &str, body: &Value) -> Answer {
        let head = text(body, "head_sha").unwrap();
        if !self.has_commit(name, &head) {
            return invalid(&format!("No commit found for SHA: {head}"));
        }
        let id = self.next();
        let run = CheckRun {
            id,
            name: text(body, "name").unwrap(),
            head,
            status: "queued".to_owned(),
            conclusion: None,
            external_id: String::new(),
            link: None,
            title: String::new(),
            summary: String::new(),
            annotations: Vec::new(),
            completed_at: None,
        };
        self.repositories.get_mut(name).unwrap().checks.push(run);
        let changed = self.change_check(name, id, body);
        if changed.status >= 300 {
            self.repositories.get_mut(name).unwrap().checks.pop();
            return changed;
        }
        Answer::json(201, &self.check(name, id).unwrap())
    }

    pub(super) fn change_check(&mut self, name: &str, id: u64, body: &Value) -> Answer {
        let checks = &mut self.repositories.get_mut(name).unwrap().checks;
        let Some(run) = checks.iter_mut().find(|run| run.id == id) else {
            return Answer::missing();
        };
        let output = body.get("output").unwrap_or(&Value::Null);
        let remarks = output["annotations"].as_array().cloned().unwrap_or_default();
        if remarks.len() > 50 {
            return invalid("No more than 50 annotations may be sent at once.");
        }
        let is_odd = |remark: &Value| {
            let spans = remark["start_line"] != remark["end_line"];
            spans && remark.get("start_column").is_some()
                || remark["start_line"].as_u64() > remark["end_line"].as_u64()
                || remark["message"].as_str().is_none_or(|it| it.is_empty() || it.len() > 64 << 10)
                || remark["title"].as_str().is_some_and(|it| it.chars().count() > 255)
        };
        if remarks.iter().any(is_odd) {
            return invalid("An annotation is not as it should be");
        }
        if output["summary"].as_str().is_some_and(|it| it.chars().count() > 65_535) {
            return invalid("Only 65535 characters are allowed; the summary has more");
        }
        run.annotations.extend(remarks);
        run.title = text(output, "title").unwrap_or_else(|| run.title.clone());
        run.summary = text(output, "summary").unwrap_or_else(|| run.summary.clone());
        run.link = text(body, "details_url").or_else(|| run.link.take());
        run.external_id = text(body, "external_id").unwrap_or_else(|| run.external_id.clone());
        run.status = text(body, "status").unwrap_or_else(|| run.status.clone());
        run.conclusion = text(body, "conclusion");
        if run.conclusion.is_some() {
            run.status = "completed".to_owned();
            run.completed_at = Some(Timestamp::now());
        }
        Answer::json(200, &self.check(name, id).unwrap())
    }

    /// A check run as it is answered («check-run»).
    fn check(&self, name: &str, id: u64) -> Option<Value> {
        let run = self.repositories[name].checks.iter().find(|run| run.id == id)?;
        let url = format!("{}/check-runs/{id}", self.api(name));
        let done = run.completed_at.map(|at| at.to_string());
        Some(json!({
            "id": id, "head_sha": run.head, "node_id": "CR_1", "external_id": run.external_id,
            "url": url, "html_url": format!("{}/{name}/runs/{id}", self.base), "details_url": run.link,
            "status": run.status, "conclusion": run.conclusion, "started_at": "2026-01-01T00:00:00Z",
            "completed_at": done, "name": run.name, "check_suite": {"id": 1}, "pull_requests": [],
            "app": super::hooks::app(&self.base),
            "output": {
                "title": run.title, "summary": run.summary, "text": null,
                "annotations_count": run.annotations.len(), "annotations_url": format!("{url}/annotations"),
            },
        }))
    }

    pub(super) fn list_checks(
        &self,
        name: &str,
        head: &str,
        query: &[(String, String)],
    ) -> Vec<Value> {
        let find =
            |key: &str| query.iter().find(|(it, _)| it == key).map(|(_, value)| value.as_str());
        if find("app_id").is_some_and(|app| app != super::APP.to_string()) {
            return Vec::new();
        }
        let wanted = find("check_name");
        let checks = self.repositories[name].checks.iter().rev();
        let found =
            checks.filter(|run| run.head == head && wanted.is_none_or(|name| run.name == name));
        found.filter_map(|run| self.check(name, run.id)).collect()
    }

    pub(super) fn add_status(
        &mut self,
        name: &str,
        (head, by): (&str, &str),
        body: &Value,
    ) -> Answer {
        if !self.has_commit(name, head) {
            return Answer::refusal(
                StatusCode::UNPROCESSABLE_ENTITY,
                &format!("No commit found for SHA: {head}"),
            );
        }
        let description = text(body, "description").unwrap_or_default();
        if description.chars().count() > 140 {
            return invalid("description is too long (maximum is 140 characters)");
        }
        let status = Status {
            id: self.next(),
            head: head.to_owned(),
            context: text(body, "context").unwrap_or_else(|| "default".to_owned()),
            state: text(body, "state").unwrap(),
            description,
            link: text(body, "target_url"),
        };
        let answer = Answer::json(201, &self.status(name, &status, by));
        self.repositories.get_mut(name).unwrap().statuses.push(status);
        answer
    }

    fn status(&self, name: &str, status: &Status, by: &str) -> Value {
        json!({
            "url": format!("{}/statuses/{}", self.api(name), status.head), "avatar_url": null,
            "id": status.id, "node_id": "SC_1", "state": status.state, "description": status.description,
            "target_url": status.link, "context": status.context, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z", "creator": user(&self.base, by),
        })
    }

    pub(super) fn list_statuses(&self, name: &str, head: &str) -> Vec<Value> {
        let found = self.repositories[name].statuses.iter().rev().filter(|it| it.head == head);
        found.map(|it| self.status(name, it, "robot")).collect()
    }
}
