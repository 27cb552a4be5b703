//! Workflows of GitHub Actions: dispatched, found again, looked at, cancelled; and the artifacts of their runs.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::GitHub;
use super::judge::Refused;
use crate::net::Request;
use crate::run::Fault;

/// How many pages of runs are looked through for one of ours, newest first.
const PAGES: usize = 5;

/// How long the download of an artifact may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A run of a workflow, as far as it matters here («REST API endpoints for workflow runs»).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct WorkflowRun {
    /// Its number among all runs.
    pub id: u64,
    /// Where people see it.
    pub html_url: String,
    /// What `run-name` of the workflow makes of its inputs.
    #[serde(default)]
    pub display_title: String,
    /// `queued`, `in_progress`, `completed` and others.
    #[serde(default)]
    pub status: Option<String>,
    /// `success`, `failure` and others, once it is completed.
    #[serde(default)]
    pub conclusion: Option<String>,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When its last attempt began.
    #[serde(default)]
    pub run_started_at: Option<Timestamp>,
}

/// An artifact of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Artifact {
    /// Its number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its size, as a zip.
    pub size_in_bytes: u64,
    /// Whether its content is kept no longer.
    pub expired: bool,
}

/// What GitHub said to a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dispatched {
    /// The run, where GitHub names it; older servers do not.
    pub run: Option<u64>,
}

#[derive(Deserialize)]
struct Details {
    default_branch: String,
}

impl GitHub {
    /// Returns the default branch of the repository.
    pub async fn default_branch(&self) -> Result<String, Refused> {
        Ok(self.get::<Details>("").await?.default_branch)
    }

    /// Dispatches a workflow. It is never the same twice: who calls it looks first.
    pub async fn dispatch(
        &self,
        workflow: &str,
        (reference, inputs): (&str, &Map<String, Value>),
    ) -> Result<Dispatched, Refused> {
        let path = format!("{}/dispatches", route_of(workflow));
        let body = json!({"ref": reference, "inputs": inputs, "return_run_details": true});
        let answer = self.tell((Method::POST, &path), &body).await?;
        let run = answer.and_then(|answer| answer.get("workflow_run_id")?.as_u64());
        Ok(Dispatched { run })
    }

    /// Finds the run of a workflow that was dispatched with a correlation which its name shows. Nothing where it is not
    /// to be seen, which may be because it is not to be seen yet.
    pub async fn find_run(
        &self,
        workflow: &str,
        (correlation, since): (&str, Option<Timestamp>),
    ) -> Result<Option<WorkflowRun>, Refused> {
        let since = since.map(|since| format!("&created=%3E%3D{since:.0}")).unwrap_or_default();
        let path = format!("{}/runs?event=workflow_dispatch{since}", route_of(workflow));
        let listed = self.list::<WorkflowRun>(&path, PAGES).await?;
        // The oldest, where a person ran it again by hand with the same inputs.
        let found = listed.items.into_iter().filter(|run| run.display_title.contains(correlation));
        Ok(found.min_by_key(|run| run.id))
    }

    /// Returns a run.
    pub async fn run(&self, id: u64) -> Result<WorkflowRun, Refused> {
        self.get(&format!("/actions/runs/{id}")).await
    }

    /// Asks a run to end; false where it has ended already.
    pub async fn cancel_run(&self, id: u64) -> Result<bool, Refused> {
        match self.tell((Method::POST, &format!("/actions/runs/{id}/cancel")), &json!({})).await {
            Ok(_) => Ok(true),
            Err(refused) if refused.status == 409 => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    /// Returns the newest artifact of a name that a run left.
    pub async fn artifact(&self, run: u64, name: &str) -> Result<Option<Artifact>, Refused> {
        let encoded =
            percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/actions/runs/{run}/artifacts?name={encoded}");
        let listed = self.list::<Artifact>(&path, 2).await?;
        Ok(listed.items.into_iter().filter(|it| it.name == name).max_by_key(|it| it.id))
    }

    /// Downloads an artifact as a zip. It lies on another host, which gets no credential of ours.
    pub async fn download(&self, artifact: u64) -> Result<Vec<u8>, Fault> {
        let url = self.location(&format!("/actions/artifacts/{artifact}/zip")).await?;
        let own = self.address().git(self.repository());
        if !url.starts_with("https://") && !own.starts_with("http://") {
            return Err(Fault::terminal("GitHub keeps the artifact at an address without TLS"));
        }
        let request = Request {
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            timeout: PATIENCE,
        };
        let response = self.http().send(request).await?;
        match response.status {
            200 if response.truncated => {
                Err(Fault::terminal("the artifact is larger than 1 MiB as a zip"))
            }
            200 => Ok(response.body),
            status @ (408 | 429 | 500..) => {
                Err(Fault::transient(format!("the artifact's host answered {status}")))
            }
            status => Err(Fault::terminal(format!("the artifact's host answered {status}"))),
        }
    }
}

fn route_of(workflow: &str) -> String {
    let encoded =
        percent_encoding::utf8_percent_encode(workflow, percent_encoding::NON_ALPHANUMERIC);
    format!("/actions/workflows/{}", encoded.to_string().replace("%2E", "."))
}
