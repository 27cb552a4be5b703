//! Tries documents out: what the rules say of them, and what they would change. Nothing is kept, and nothing outside is asked.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::{App, BENCH};
use super::extract::{Json, Query};
use super::services::only;
use crate::catalog::{Blob, Catalog, Snapshot};
use crate::daemon::compare;
use crate::digest::Digest;
use crate::finding::Finding;
use crate::reconcile::show;
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::validate::Judge;

/// Documents that are tried out at once.
const MOST_FILES: usize = 100;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(validate)).routes(routes!(preview))
}

/// Documents that are tried out over the head of the catalog.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Trial {
    /// The documents.
    #[schema(min_items = 1, max_items = 100)]
    files: Vec<TrialFile>,
}

/// A document that is tried out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialFile {
    /// Its path from the root of the catalog, below `services/` and the folder of a team of yours.
    path: String,
    /// What stands in it; absent or null where the file goes.
    #[serde(default)]
    content: Option<String>,
}

/// What the rules say.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Verdicts {
    /// Nothing that was sent is an error, and it fits the catalog.
    right: bool,
    findings: Vec<FindingWire>,
    /// Services that would not fit the catalog, and why.
    misfits: Vec<MisfitWire>,
}

/// One thing that a rule found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FindingWire {
    /// Stable id of the rule.
    rule: String,
    /// `error`, `warning` or `note`.
    severity: String,
    path: String,
    line: u32,
    column: u32,
    message: String,
    hint: Option<String>,
}

/// A service that would not fit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MisfitWire {
    service: String,
    why: Vec<String>,
}

impl FindingWire {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.clone(),
            severity: finding.severity.to_string(),
            path: finding.place.path.to_string(),
            line: finding.place.line,
            column: finding.place.column,
            message: finding.message.clone(),
            hint: finding.hint.clone(),
        }
    }
}

/// Puts what is tried out over the head.
fn tried(head: &Snapshot, who: &Principal, files: &[TrialFile]) -> Result<Snapshot, Problem> {
    if files.is_empty() || files.len() > MOST_FILES {
        return Err(Problem::unfit("/files", format!("1 to {MOST_FILES} files")));
    }
    let mut snapshot = head.clone();
    for (index, file) in files.iter().enumerate() {
        let parts: Vec<&str> = file.path.split('/').collect();
        let wrong = |detail: &str| Problem::unfit(format!("/files/{index}/path"), detail);
        let plain = |part: &&str| {
            let word = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | '.');
            !part.is_empty()
                && part.len() <= 100
                && !part.starts_with('.')
                && part.chars().all(word)
        };
        let ["services", team, _] = parts.as_slice() else {
            return Err(wrong("services are tried out: services/<team>/<id>.yaml"));
        };
        if !parts.iter().all(plain) || file.path.strip_suffix(".yaml").is_none() {
            return Err(wrong("services are tried out: services/<team>/<id>.yaml"));
        }
        who.demand_of(Verb::Request, Kind::Tool, Some(team))?;
        match &file.content {
            None => {
                snapshot.files.remove(file.path.as_str());
            }
            Some(content) => {
                let bytes = content.clone().into_bytes();
                let id = Digest::of_bytes(&bytes).to_string().into();
                let blob = Blob { id, bytes: bytes.into() };
                snapshot.files.insert(file.path.as_str().into(), blob);
            }
        }
    }
    let names: Vec<&str> =
        files.iter().map(|file| file.content.as_deref().unwrap_or_default()).collect();
    let told = Digest::of_parts(names.iter().map(|text| text.as_bytes()));
    snapshot.commit = format!("trial:{}", told.short());
    Ok(snapshot)
}

fn services_of(files: &[TrialFile], catalog: &Catalog) -> Vec<String> {
    let of_paths = |(id, entry): (&String, &crate::catalog::Entry<crate::catalog::Service>)| {
        let path = &*entry.document.path;
        files.iter().any(|file| file.path == path).then(|| id.clone())
    };
    catalog.services.iter().filter_map(of_paths).collect()
}

pub(super) fn broken() -> Problem {
    let detail = "it failed inside; the log of the server says why";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}

/// Says what the rules find in documents, over the head of the catalog.
#[utoipa::path(
    post, path = "/tools/validate", tag = "tools", operation_id = "validateDocuments",
    request_body = Trial,
    responses((status = 200, description = "What the rules say", body = Verdicts)),
)]
async fn validate(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    Json(trial): Json<Trial>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Request, Kind::Tool)?;
    let trial = trial?;
    let published = app.published()?;
    let snapshot = tried(&published.snapshot, &who, &trial.files)?;
    let mut bench = BENCH.lock().await;
    let judge = bench.take();
    let working = tokio::task::spawn_blocking(move || {
        let mut judge = judge.unwrap_or_else(|| Judge::new(Vec::new()));
        let judged = judge.judge(&snapshot);
        (judge, judged)
    });
    let (judge, judged) = working.await.map_err(|_| broken())?;
    *bench = Some(judge);
    drop(bench);
    let own = |finding: &&Finding| trial.files.iter().any(|file| *file.path == *finding.place.path);
    let found: Vec<&Finding> = judged.findings.iter().filter(own).collect();
    let services = services_of(&trial.files, &judged.catalog);
    let misfits: Vec<MisfitWire> = services
        .into_iter()
        .filter_map(|service| {
            let why = judged.misfits.get(&service)?.clone();
            Some(MisfitWire { service, why })
        })
        .collect();
    let right = misfits.is_empty() && !found.iter().any(|finding| finding.is_error());
    let findings = found.into_iter().map(FindingWire::of).collect();
    Ok(axum::Json(Verdicts { right, findings, misfits }).into_response())
}

/// Shows what documents would change, over the head of the catalog, as a review would show it. What only a run can
/// answer stays unknown.
#[utoipa::path(
    post, path = "/tools/preview", tag = "tools", operation_id = "previewDocuments",
    request_body = Trial,
    responses((status = 200, description = "The plan of it, `trueline.plan/v1`", body = serde_json::Value)),
)]
async fn preview(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    Json(trial): Json<Trial>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Request, Kind::Tool)?;
    let trial = trial?;
    let published = app.published()?;
    let snapshot = tried(&published.snapshot, &who, &trial.files)?;
    // One at a time: it costs as much as the catalog is large.
    let _turn = BENCH.lock().await;
    let (base, name, clock) = (published.snapshot.clone(), app.catalog().to_owned(), app.clock());
    let working = tokio::task::spawn_blocking(move || compare(&base, &snapshot, &name, &*clock));
    let preview = working.await.map_err(|_| broken())?;
    let services = services_of(&trial.files, &preview.judged.catalog);
    let gone = services_of(&trial.files, published.catalog());
    let keep = |id: &str| services.iter().chain(&gone).any(|known| known == id);
    Ok(axum::Json(show::json(&only(preview.plan, &keep))).into_response())
}
