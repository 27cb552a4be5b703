//! Check runs of our App («REST API endpoints for check runs»). What is shown already is not written again; remarks can
//! only be added to a run, so that one whose remarks are others is made anew.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::GitHub;
use super::cut::cut;
use super::judge::Refused;
use crate::digest::Digest;
use crate::forge::{Annotation, Check, CheckState, Level};

/// How many remarks are taken in one request.
const REMARKS_AT_ONCE: usize = 50;

/// How many remarks are shown at lines in all, so that one check does not use up what may be written in an hour.
const MOST_REMARKS: usize = 500;

/// The longest title of a remark, in characters.
const TITLE_CHARACTERS: usize = 255;

/// The longest text of a remark, in bytes: GitHub takes 64 KiB.
const REMARK_BYTES: usize = 60 << 10;

/// What `external_id` says while remarks are still to come.
const IN_PARTS: &str = "in parts";

/// A check run, as far as it matters here.
#[derive(Clone, Deserialize)]
struct CheckRun {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    status: String,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    details_url: Option<String>,
    output: Output,
}

#[derive(Clone, Deserialize)]
struct Output {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    summary: Option<String>,
    #[serde(default)]
    annotations_count: u64,
}

impl GitHub {
    async fn newest_run(
        &self,
        app: u64,
        (commit, name): (&str, &str),
    ) -> Result<Option<CheckRun>, Refused> {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (commit, name) = (encoded(commit), encoded(name));
        let path =
            format!("/commits/{commit}/check-runs?check_name={name}&filter=all&app_id={app}");
        let runs: Vec<CheckRun> = self.whole(&path).await?;
        Ok(runs.into_iter().max_by_key(|run| run.id))
    }

    /// Returns our newest check run; its remarks are not read again.
    pub(super) async fn check_run_of(
        &self,
        app: u64,
        (commit, name): (&str, &str),
    ) -> Result<Option<Check>, Refused> {
        let run = self.newest_run(app, (commit, name)).await?;
        Ok(run.map(|run| Check {
            name: name.to_owned(),
            head: commit.to_owned(),
            state: state_of(&run),
            title: run.output.title.unwrap_or_default(),
            summary: run.output.summary.unwrap_or_default(),
            annotations: Vec::new(),
            link: run.details_url,
        }))
    }

    /// Makes a check run, or brings the newest one up to date.
    pub(super) async fn put_check_run(&self, app: u64, check: &Check) -> Result<(), Refused> {
        let seal = format!("trueline:{}", Digest::of(check));
        let known = self.newest_run(app, (&check.head, &check.name)).await?;
        if known.as_ref().is_some_and(|run| run.external_id.as_deref() == Some(&seal)) {
            return Ok(());
        }
        let mut id = known.as_ref().filter(|run| takes(run, check)).map(|run| run.id);
        if let (None, Some(left)) = (id, known.filter(|run| run.status != "completed")) {
            // Nobody will end it, and it would seem to be under way for ever.
            let body = json!({"status": "completed", "conclusion": "cancelled"});
            self.change_run(left.id, &body).await?;
        }
        let remarks: Vec<Value> = check.annotations.iter().take(MOST_REMARKS).map(remark).collect();
        let mut parts: Vec<&[Value]> = remarks.chunks(REMARKS_AT_ONCE).collect();
        if parts.is_empty() {
            parts.push(&[]);
        }
        let last = parts.len() - 1;
        for (index, part) in parts.into_iter().enumerate() {
            let body = body_of(check, (index == last).then_some(&seal), part);
            id = Some(match id {
                Some(id) => self.change_run(id, &body).await?,
                None => self.make_run(check, body).await?,
            });
        }
        Ok(())
    }

    async fn make_run(&self, check: &Check, mut body: Value) -> Result<u64, Refused> {
        if let Some(body) = body.as_object_mut() {
            body.insert("head_sha".to_owned(), json!(check.head));
        }
        let run: CheckRun = self.send((Method::POST, "/check-runs"), &body).await?;
        Ok(run.id)
    }

    async fn change_run(&self, id: u64, body: &Value) -> Result<u64, Refused> {
        self.tell((Method::PATCH, &format!("/check-runs/{id}")), body).await?;
        Ok(id)
    }
}

/// Tells whether a run can become the check: it has no remarks that would stay, and need not go back.
fn takes(run: &CheckRun, check: &Check) -> bool {
    run.output.annotations_count == 0 && (run.status != "completed" || check.state.is_final())
}

fn body_of(check: &Check, seal: Option<&String>, remarks: &[Value]) -> Value {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(check.name));
    let (status, conclusion) =
        words(if seal.is_some() { check.state } else { CheckState::Running });
    body.insert("status".to_owned(), json!(status));
    if let Some(conclusion) = conclusion {
        body.insert("conclusion".to_owned(), json!(conclusion));
    }
    body.insert("external_id".to_owned(), json!(seal.map_or(IN_PARTS, String::as_str)));
    if let Some(link) = &check.link {
        body.insert("details_url".to_owned(), json!(link));
    }
    let title = if check.title.is_empty() { &check.name } else { &check.title };
    let mut output = Map::new();
    output.insert("title".to_owned(), json!(title));
    output.insert("summary".to_owned(), json!(summary(check)));
    if !remarks.is_empty() {
        output.insert("annotations".to_owned(), json!(remarks));
    }
    body.insert("output".to_owned(), Value::Object(output));
    Value::Object(body)
}

fn summary(check: &Check) -> String {
    let summary = cut(&check.summary);
    match check.annotations.len().checked_sub(MOST_REMARKS) {
        Some(more @ 1..) => {
            format!("{summary}\n\n_{more} more remarks are not shown at their lines._\n")
        }
        _ => summary,
    }
}

/// «annotations object» of «Create a check run»: columns stand only where first and last line are one.
fn remark(annotation: &Annotation) -> Value {
    let Annotation { path, lines: (first, last), columns, level, title, message } = annotation;
    let first = (*first).max(1);
    let last = (*last).max(first);
    let said = if message.is_empty() { title } else { message };
    let mut remark = json!({
        "path": path,
        "start_line": first,
        "end_line": last,
        "annotation_level": match level {
            Level::Failure => "failure",
            Level::Warning => "warning",
            Level::Notice => "notice",
        },
        "message": said.get(..said.floor_char_boundary(REMARK_BYTES)).unwrap_or_default(),
        "title": title.chars().take(TITLE_CHARACTERS).collect::<String>(),
    });
    let columns = columns.filter(|_| first == last);
    if let (Some((start, end)), Some(remark)) = (columns, remark.as_object_mut()) {
        remark.insert("start_column".to_owned(), json!(start.max(1)));
        remark.insert("end_column".to_owned(), json!(end.max(start).max(1)));
    }
    remark
}

/// Returns GitHub's `status` and `conclusion`.
fn words(state: CheckState) -> (&'static str, Option<&'static str>) {
    match state {
        CheckState::Queued => ("queued", None),
        CheckState::Running => ("in_progress", None),
        CheckState::Success => ("completed", Some("success")),
        CheckState::Neutral => ("completed", Some("neutral")),
        CheckState::Failure => ("completed", Some("failure")),
        CheckState::Cancelled => ("completed", Some("cancelled")),
        CheckState::ActionRequired => ("completed", Some("action_required")),
    }
}

fn state_of(run: &CheckRun) -> CheckState {
    match (run.status.as_str(), run.conclusion.as_deref()) {
        ("completed", Some("success")) => CheckState::Success,
        ("completed", Some("neutral" | "skipped")) => CheckState::Neutral,
        ("completed", Some("action_required")) => CheckState::ActionRequired,
        ("completed", Some("failure" | "timed_out")) => CheckState::Failure,
        // `cancelled`, and `stale`, which GitHub makes of those that nobody ended.
        ("completed", _) => CheckState::Cancelled,
        ("in_progress", _) => CheckState::Running,
        _ => CheckState::Queued,
    }
}
