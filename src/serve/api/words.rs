//! What a person asks of a run: recorded once it makes sense, as the command line does.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Json, Plain};
use super::recorded::Recorded;
use super::runs::{RunWire, run_of};
use super::tag::must_match;
use crate::engine::{may_control, seal_outputs};
use crate::id::StepPath;
use crate::reconcile::output_names;
use crate::run::{Control, Run};
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::{Problem, shortened};
use crate::store::{DecisionKind, Sealer};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(say))
}

/// What is said with a word on a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Word {
    /// Why; it is kept with who says so.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// With `retry`: leaves alone what succeeded.
    #[serde(default)]
    from_failed: Option<bool>,
    /// With `decide`: the step whose outcome nobody knows.
    #[serde(default)]
    step: Option<String>,
    /// With `decide`: whether it took effect.
    #[serde(default)]
    happened: Option<bool>,
    /// With `decide`: the outputs of the step, where it took effect.
    #[serde(default)]
    outputs: Option<BTreeMap<String, Value>>,
}

/// Refuses a reason that says nothing.
pub(super) fn demand_reason(reason: &str) -> Result<(), Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::unfit("/reason", "say why: it is kept"));
    }
    if reason.len() > 2000 {
        return Err(Problem::unfit("/reason", "a reason has at most 2000 bytes"));
    }
    Ok(())
}

/// Says a word on a run: `cancel`, `pause`, `resume`, `retry`, `redrive`, `escalate`, `rollback` or `decide`.
/// `GET /runs/{id}` lists which of them are possible.
#[utoipa::path(
    post, path = "/runs/{id}/{word}", tag = "runs", operation_id = "sayOnRun",
    params(
        ("id" = String, Path, description = "Name of the run"),
        ("word" = String, Path, description = "`cancel`, `pause`, `resume`, `retry`, `redrive`, `escalate`, `rollback` or `decide`"),
        ("If-Match" = Option<String>, Header, description = "Tag of the run as it was seen"),
    ),
    request_body = Word,
    responses((status = 202, description = "It was recorded", body = Recorded)),
)]
async fn say(
    State(app): State<App>,
    Who(who): Who,
    Path((id, word)): Path<(String, String)>,
    Plain(headers): Plain,
    Json(said): Json<Word>,
) -> Result<Response, Problem> {
    who.demand(Verb::Operate, Kind::Run)?;
    let said = said?;
    let run = run_of(&app, &who, &id).await?;
    who.demand_of(Verb::Operate, Kind::Run, Some(&run.change.team))?;
    let seen = RunWire::read(&app, &run).await?;
    must_match(&headers, || seen)?;
    demand_reason(&said.reason)?;
    let control = control(&word, &said, (&run, app.sealer()))?;
    possible(&app, &run, &control).await?;
    let decision = DecisionKind::Control {
        run: run.id.clone(),
        service: run.change.service.clone(),
        control,
        reason: said.reason,
    };
    let recorded = Recorded::record(&app, &who, &decision).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(recorded)).into_response())
}

/// Reads what is asked.
fn control(word: &str, said: &Word, (run, sealer): (&Run, &Sealer)) -> Result<Control, Problem> {
    let only = |field: &str, given: bool, of: &str| {
        if given && word != of {
            let detail = format!("`{field}` belongs to `{of}`, and this is `{}`", shortened(word));
            return Err(Problem::unfit(format!("/{field}"), detail));
        }
        Ok(())
    };
    only("fromFailed", said.from_failed.is_some(), "retry")?;
    only("step", said.step.is_some(), "decide")?;
    only("happened", said.happened.is_some(), "decide")?;
    only("outputs", said.outputs.is_some(), "decide")?;
    Ok(match word {
        "cancel" => Control::Cancel,
        "pause" => Control::Pause,
        "resume" => Control::Resume,
        "retry" => Control::Retry { from_failed: said.from_failed.unwrap_or(false) },
        "redrive" => Control::Redrive,
        "escalate" => Control::Escalate,
        "rollback" => Control::Rollback,
        "decide" => decided(said, (run, sealer))?,
        other => return Err(Problem::missing("word", other)),
    })
}

/// Reads what became of a step; seals what is sensitive of its outputs.
fn decided(said: &Word, (run, sealer): (&Run, &Sealer)) -> Result<Control, Problem> {
    let Some(step) = &said.step else {
        return Err(Problem::unfit("/step", "name the step whose outcome nobody knows"));
    };
    let Some(happened) = said.happened else {
        return Err(Problem::unfit("/happened", "say whether it took effect"));
    };
    let step = StepPath(step.clone());
    let found = run.change.units.iter().find_map(|unit| {
        let known = unit.steps.iter().find(|known| known.path == step)?;
        Some((&unit.definition, known))
    });
    let Some((definition, known)) = found else {
        return Err(Problem::unfit("/step", "the run has no such step"));
    };
    let names = output_names(&known.action);
    let given: Map<String, Value> = said.outputs.clone().unwrap_or_default().into_iter().collect();
    for name in given.keys() {
        if !names.contains(name) || !happened {
            let detail = format!("the step has no output `{}` to say now", shortened(name));
            return Err(Problem::unfit("/outputs", detail));
        }
    }
    let missing = known.action.outputs.keys().find(|name| !given.contains_key(*name));
    if let Some(name) = missing.filter(|_| happened) {
        return Err(Problem::unfit("/outputs", format!("output `{name}` is missing")));
    }
    let outputs = seal_outputs(definition, &known.action.id, given, sealer);
    Ok(Control::Decide { step, happened, outputs })
}

/// Refuses a word that makes no sense, and says what is possible.
async fn possible(app: &App, run: &Run, control: &Control) -> Result<(), Problem> {
    let may = may_control(app.store(), run, control).await?;
    may.map_err(|refused| Problem::conflict(refused.to_string()))
}
