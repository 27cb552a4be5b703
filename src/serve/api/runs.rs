//! Runs: lists of them, one in full, and its journal. Payloads of steps are not shown; outputs are, masked.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::entry::EntryWire;
use super::extract::{Id, Query};
use super::page::{self, Page};
use super::search::Search;
use super::tag::shown;
use crate::engine::{why_open, why_over};
use crate::id::RunId;
use crate::reconcile::show::masked;
use crate::reconcile::{Effect, PlannedStep};
use crate::run::{Progress, Run, RunState, StepState};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{RunFilter, RunSummary};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(journal))
}

/// One run in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunLine {
    /// Its name.
    id: String,
    service: String,
    /// `create`, `update`, `delete`, …
    kind: String,
    #[schema(value_type = String, example = "running")]
    state: RunState,
    /// Digest of the change that it carries out.
    change: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// When something last happened to it.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Why it failed or waits.
    why: Option<String>,
}

impl RunLine {
    pub(super) fn of(run: &RunSummary) -> Self {
        Self {
            id: run.id.to_string(),
            service: run.service.clone(),
            kind: run.kind.clone(),
            state: run.state,
            change: run.change.to_string(),
            created_at: run.created_at.to_string(),
            updated_at: run.updated_at.to_string(),
            why: run.why.clone(),
        }
    }
}

/// One run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunWire {
    /// Its name.
    id: String,
    service: String,
    team: String,
    environment: Option<String>,
    /// `create`, `update`, `delete`, …
    kind: String,
    #[schema(value_type = String, example = "running")]
    state: RunState,
    /// Digest of the change that it carries out.
    change: String,
    /// The commit that it was made for.
    commit: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// Why it is not further, or why it ended as it did.
    why: Option<String>,
    /// People do a part of it by hand.
    escalated: bool,
    /// What a person said of it last, and who.
    said: Option<String>,
    /// What can be asked of it now: `POST /runs/{id}/{word}`.
    possible: Vec<String>,
    steps: Vec<StepWire>,
}

impl RunWire {
    /// Reads it; why it ended stands in its journal.
    pub(super) async fn read(app: &App, run: &Run) -> Result<Self, Problem> {
        let why = match run.state.is_over() {
            true => why_over(&app.store().journal(&run.id).await?),
            false => why_open(run),
        };
        Ok(Self::of(run, why))
    }

    fn of(run: &Run, why: Option<String>) -> Self {
        let steps = run.change.units.iter().flat_map(|unit| &unit.steps);
        let known = steps.filter_map(|step| Some(StepWire::of(step, run.steps.get(&step.path)?)));
        Self {
            id: run.id.to_string(),
            service: run.change.service.clone(),
            team: run.change.team.clone(),
            environment: run.change.environment.clone(),
            kind: run.change.kind().to_string(),
            state: run.state,
            change: run.change.digest.to_string(),
            commit: run.commit.clone(),
            created_at: run.created_at.to_string(),
            why,
            escalated: run.escalated,
            said: run.said.as_ref().map(|said| format!("{} ({})", said.why, said.by)),
            possible: run.possible().into_iter().map(str::to_owned).collect(),
            steps: known.collect(),
        }
    }
}

/// One step of a run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepWire {
    /// Its path.
    step: String,
    /// Type of its action.
    action: String,
    /// What is done with it: `perform`, `keep`, `undo`, …
    #[schema(value_type = String, example = "perform")]
    effect: Effect,
    state: String,
    attempts: u32,
    /// People do it instead.
    by_hand: bool,
    /// What its effect is known again by on the other side.
    key: Option<String>,
    /// When it is tried again at the earliest.
    #[schema(format = DateTime)]
    not_before: Option<String>,
    why: Option<String>,
    /// Sensitive values masked.
    outputs: Map<String, Value>,
}

impl StepWire {
    fn of(step: &PlannedStep, progress: &Progress) -> Self {
        let fault = || progress.fault.as_ref();
        let (not_before, why) = match &progress.state {
            StepState::Waiting { on } => (None, Some(on.told().into_owned())),
            StepState::Failed { fault } | StepState::NeedsDecision { fault } => {
                (None, Some(fault.to_string()))
            }
            StepState::Unknown { not_before } => {
                (Some(*not_before), fault().map(|fault| format!("looked up after: {fault}")))
            }
            StepState::Ready { not_before } => {
                (*not_before, fault().map(|fault| format!("tried again after: {fault}")))
            }
            _ => (None, None),
        };
        let outputs = progress.outputs.iter();
        Self {
            step: step.path.to_string(),
            action: step.action.kind.clone(),
            effect: step.effect,
            state: progress.state.to_string(),
            attempts: progress.attempts,
            by_hand: progress.by_hand,
            key: progress.key.clone(),
            not_before: not_before.map(|at| at.to_string()),
            why,
            outputs: outputs.map(|(name, value)| (name.clone(), masked(value))).collect(),
        }
    }
}

/// Reads a page of runs that somebody can see.
pub(super) async fn runs_of(
    app: &App,
    who: &Principal,
    filter: &RunFilter,
    (limit, cursor): (u32, Option<String>),
) -> Result<Page<RunLine>, Problem> {
    let number = page::number("runs", cursor.as_deref())?;
    let mut search = Search::new("runs", limit, number);
    while let Some(page) = search.next() {
        for run in search.take(app.store().runs_page(filter, page).await?) {
            if who.may(Verb::Read, Kind::Run, run.team.as_deref()) {
                search.found(RunLine::of(&run.row), run.number);
            }
        }
    }
    Ok(search.end())
}

/// Lists runs, newest first.
#[utoipa::path(
    get, path = "/runs", tag = "runs", operation_id = "listRuns",
    params(
        ("service" = Option<String>, Query, description = "Of this service"),
        ("state" = Option<String>, Query, description = "In this state: `queued`, `running`, `failed`, …"),
    ),
    responses((status = 200, description = "A page of runs", body = Page<RunLine>)),
)]
async fn list(
    State(app): State<App>,
    Who(who): Who,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = query.page()?;
    let filter = RunFilter { service: query.take("service"), state: query.word("state")? };
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    Ok(shown(&headers, &runs_of(&app, &who, &filter, page).await?))
}

/// Finds a run that somebody can see.
pub(super) async fn run_of(app: &App, who: &Principal, id: &str) -> Result<Run, Problem> {
    let run = app.store().run(&RunId(id.to_owned())).await?;
    let run = run.filter(|run| who.may(Verb::Read, Kind::Run, Some(&run.change.team)));
    run.ok_or_else(|| Problem::missing("run", id))
}

/// Shows one run: its steps, why it is not further, and what can be asked of it.
#[utoipa::path(
    get, path = "/runs/{id}", tag = "runs", operation_id = "getRun",
    params(("id" = String, Path, description = "Name of the run")),
    responses((status = 200, description = "The run", body = RunWire)),
)]
async fn one(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    let run = run_of(&app, &who, &id).await?;
    Ok(shown(&headers, &RunWire::read(&app, &run).await?))
}

/// Lists what happened to a run, oldest first.
#[utoipa::path(
    get, path = "/runs/{id}/journal", tag = "runs", operation_id = "getRunJournal",
    params(("id" = String, Path, description = "Name of the run")),
    responses((status = 200, description = "A page of its journal", body = Page<EntryWire>)),
)]
async fn journal(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    query.done()?;
    who.demand(Verb::Read, Kind::Run)?;
    let after = page::number("journal", cursor.as_deref())?.unwrap_or(0);
    let run = run_of(&app, &who, &id).await?;
    let mut found = app.store().journal_after(&run.id, after, limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > wanted;
    found.truncate(wanted);
    let last = found.last().filter(|_| more);
    let next = last.map(|entry| page::cursor("journal", &entry.seq.to_string()));
    Ok(shown(&headers, &Page { items: found.iter().map(EntryWire::of).collect(), next }))
}
