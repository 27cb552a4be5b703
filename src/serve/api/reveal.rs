//! Shows one sensitive output to somebody who is there in person, and tells the audit chain before it does.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Json, Query};
use super::services::team_of;
use crate::id::UnitKey;
use crate::secret::SEALED;
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::{Sealer, StoreError};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(reveal))
}

/// What is to be shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `service`, or `service/component`.
    unit: String,
    /// Name of the output.
    output: String,
}

/// An output in the clear.
#[derive(Serialize, ToSchema)]
pub(super) struct Revealed {
    unit: String,
    output: String,
    value: Value,
}

/// Shows an output of a service in the clear. It is told in the audit chain that you looked; a key can't look.
#[utoipa::path(
    post, path = "/services/{id}/reveal", tag = "services", operation_id = "revealOutput",
    params(("id" = String, Path, description = "Id of the service")),
    request_body = Wanted,
    responses((status = 200, description = "The output", body = Revealed)),
)]
async fn reveal(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Operate, Kind::Service)?;
    let wanted = wanted?;
    let team = team_of(&app, &who, &id).await?;
    who.demand_of(Verb::Operate, Kind::Service, team.as_deref())?;
    who.demand_presence()?;
    let Ok(key) = wanted.unit.parse::<UnitKey>();
    let missing = || Problem::missing("output", &wanted.output);
    if key.service != id {
        return Err(missing());
    }
    let records = app.store().units(&[key]).await?;
    let applied = records.into_iter().next().and_then(|record| record.applied);
    let value = applied.and_then(|applied| applied.outputs.get(&wanted.output).cloned());
    let value = value.ok_or_else(missing)?;
    // Told first: whoever saw it is known, whatever happens next.
    let detail = json!({"service": id, "unit": wanted.unit, "output": wanted.output});
    app.store().tell(&who.actor, app.now(), ("output.revealed", &detail)).await?;
    let value = opened(app.sealer(), &value)?;
    Ok(Answer(Revealed { unit: wanted.unit, output: wanted.output, value }).into_response())
}

/// Opens what is sealed in a value.
fn opened(sealer: &Sealer, value: &Value) -> Result<Value, StoreError> {
    match value {
        Value::Object(map) if map.contains_key(SEALED) => sealer.open(value),
        Value::Object(map) => {
            let all = map.iter().map(|(name, one)| Ok((name.clone(), opened(sealer, one)?)));
            all.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        Value::Array(items) => items.iter().map(|one| opened(sealer, one)).collect(),
        other => Ok(other.clone()),
    }
}
