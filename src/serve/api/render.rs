//! Shows what the templates of an item become for a service of it. Nothing is sent, no secret is read, and what is sensitive is masked.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::{App, BENCH};
use super::catalog::metadata_of;
use super::extract::{Json, Query};
use super::tools::broken;
use crate::catalog::Entry;
use crate::engine::render::{RenderAsk, Unrendered, render, team_of};
use crate::finding::did_you_mean;
use crate::reconcile::show;
use crate::serve::auth::{Kind, Verb, Who};
use crate::serve::problem::{Pointed, Problem, shortened};
use crate::validate::Judge;

/// Fields that are given at most.
const MOST_FIELDS: usize = 500;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(rendered))
}

/// What is to be rendered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RenderWire {
    /// Id of the item.
    item: String,
    /// Values of the form's fields. A password is named: `{"secret": "NAME"}`.
    #[serde(default)]
    fields: BTreeMap<String, Value>,
    /// Environment of the service.
    environment: Option<String>,
    /// Team of the service; yours, where you are in one.
    team: Option<String>,
    /// Its id; a service of the catalog lends its fields, team and environment.
    service: Option<String>,
    /// Only this action.
    action: Option<String>,
    /// `create`, `update`, `delete`, or an operation of the item; `create` where it is absent.
    operation: Option<String>,
}

/// Shows what the templates of an item become for a service of a team of yours.
#[utoipa::path(
    post, path = "/tools/render", tag = "tools", operation_id = "renderItem",
    request_body = RenderWire,
    responses((status = 200, description = "Scopes and actions, `trueline.render/v1`", body = Value)),
)]
async fn rendered(
    State(app): State<App>,
    Who(who): Who,
    query: Query,
    Json(asked): Json<RenderWire>,
) -> Result<Response, Problem> {
    query.done()?;
    who.demand(Verb::Request, Kind::Tool)?;
    let asked = asked?;
    if asked.fields.len() > MOST_FIELDS {
        return Err(Problem::unfit("/fields", format!("there are more than {MOST_FIELDS} fields")));
    }
    let published = app.published()?;
    let catalog = published.catalog();
    let hidden =
        |_| Problem::unfit("/item", format!("there is no item `{}`", shortened(&asked.item)));
    metadata_of(catalog, &who, &asked.item).map_err(hidden)?;
    if let Some(id) = &asked.service {
        let team = catalog.services.get(id).map(Entry::team);
        if team.is_some_and(|team| !who.may(Verb::Read, Kind::Service, Some(team))) {
            return Err(Problem::unfit("/service", "choose another id"));
        }
    }
    let only = who.teams.iter().next().filter(|_| who.teams.len() == 1);
    let ask = RenderAsk {
        item: asked.item,
        fields: asked.fields.into_iter().collect(),
        environment: asked.environment,
        team: asked.team.or_else(|| only.filter(|_| asked.service.is_none()).cloned()),
        service: asked.service,
        action: asked.action,
        operation: asked.operation.unwrap_or_else(|| "create".to_owned()),
    };
    let team = team_of(catalog, &ask);
    who.demand_of(Verb::Request, Kind::Tool, team.as_deref())?;
    let (snapshot, now) = (published.snapshot.clone(), app.now());
    let mut bench = BENCH.lock().await;
    let judge = bench.take();
    let working = tokio::task::spawn_blocking(move || {
        let mut judge = judge.unwrap_or_else(|| Judge::new(Vec::new()));
        let made = render(&mut judge, snapshot, &ask, now);
        (judge, made)
    });
    let (judge, made) = working.await.map_err(|_| broken())?;
    *bench = Some(judge);
    drop(bench);
    Ok(axum::Json(made.map_err(problem)?).into_response())
}

/// Tells why nothing was rendered.
fn problem(why: Unrendered) -> Problem {
    let all = |detail: &str, why: Vec<String>| {
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", detail);
        let at = || Pointed::Pointer("/fields".to_owned());
        why.iter().fold(problem, |problem, one| problem.with(at(), show::visible(one)))
    };
    match why {
        Unrendered::Unknown { what, name, known } => {
            let hint = did_you_mean(&name, known.iter().map(String::as_str));
            let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
            let detail = format!("there is no {what} `{}`{hint}", shortened(&name));
            Problem::unfit(format!("/{what}"), detail)
        }
        Unrendered::Bundle(_) => {
            Problem::unfit("/item", "it is a bundle: render the items that it is made of")
        }
        Unrendered::Misfit(why) => all("the service would not fit", why),
        Unrendered::Blocked(why) => all("it can't be rendered", why),
        Unrendered::Nothing => Problem::unfit("/operation", "there is nothing to do for it"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::serve::api::scene::Scene;

    #[tokio::test]
    async fn templates_are_rendered_for_who_may_ask_for_the_item() {
        let scene = Scene::new().await;
        let ada = scene.key("ada", "requester", &[]).await;
        let post = async |body: serde_json::Value| {
            scene.post(&ada, "/tools/render", &body.to_string()).await
        };
        let said = post(json!({"item": "postgres", "fields": {"size": "small"}})).await;
        assert_eq!(said.status, 200, "{}", said.text);
        assert_eq!(said.body["team"], "payments", "{}", said.text);
        assert_eq!(said.body["actions"][0]["config"]["title"], "Do it", "{}", said.text);
        let said =
            post(json!({"item": "postgres", "service": "shop-db", "operation": "stop"})).await;
        assert_eq!(said.body["scopes"]["fields"]["size"], "small", "{}", said.text);
        for (body, status, at) in [
            (json!({"item": "postgres"}), 422, "size"),
            (json!({"item": "postgres", "fields": {"size": 3}}), 422, "/fields"),
            (json!({"item": "secretive", "fields": {"size": "s"}}), 422, "/item"),
            (json!({"item": "none"}), 422, "/item"),
            (json!({"item": "postgres", "service": "site-web"}), 422, "/service"),
            (json!({"item": "postgres", "team": "search", "fields": {"size": "s"}}), 403, ""),
            (
                json!({"item": "postgres", "fields": {"size": "s"}, "operation": "stpo"}),
                422,
                "did you mean `stop`?",
            ),
            (
                json!({"item": "postgres", "fields": {"size": "s"}, "action": "none"}),
                422,
                "/action",
            ),
            (json!({"item": "postgres", "more": 1}), 422, "/more"),
        ] {
            let said = post(body.clone()).await;
            assert_eq!(said.status, status, "{body}: {}", said.text);
            assert!(
                said.text.contains(at) && !said.text.contains("large"),
                "{body}: {}",
                said.text
            );
        }
        let vic = scene.key("vic", "viewer", &["*"]).await;
        let body = json!({"item": "postgres", "fields": {"size": "s"}}).to_string();
        assert_eq!(scene.post(&vic, "/tools/render", &body).await.status, 403);
    }
}
