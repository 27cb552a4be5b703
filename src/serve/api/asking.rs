//! Asks for services and changes of them: what is sent becomes a file, is checked over the head of the catalog, and is taken down.
//! The daemon files its proposal. Nothing is taken down that the rules find fault with, and nothing is merged here.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::{App, BENCH};
use super::catalog::is_visible;
use super::extract::{Json, Plain};
use super::requests::RequestLine;
use super::tools::broken;
use crate::catalog::Metadata;
use crate::daemon::Published;
use crate::engine::request::{
    Ask, Checked, Draft, Requester, Sight, Upload, Wrong, check, compose, row, seen_by,
};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::{Pointed, Problem, shortened};
use crate::store::{RequestAdded, ServiceRequest};
use crate::validate::Judge;

/// Requests that are asked for at once.
const MOST: usize = 50;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(submit))
}

/// What somebody asks for: `item` for a new service of it, `service` for a change or the end of one, `items` for several requests.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct AskWire {
    /// Id of the item or bundle that a new service is of.
    item: Option<String>,
    /// Id of the service that is to be different, or gone.
    service: Option<String>,
    /// Id of the new service; made of its name, or of team and item, where it is absent.
    id: Option<String>,
    /// Team of the new service; yours, where you are in one.
    team: Option<String>,
    /// Environment; of a new service the only one, where there is one.
    environment: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// Values of the form's fields; `null` takes one away. A password is named: `{"secret": "NAME"}`.
    #[serde(default)]
    fields: BTreeMap<String, Value>,
    /// Files that are put beside the service, by the field of the form that names each.
    #[serde(default)]
    files: BTreeMap<String, UploadWire>,
    /// Services that must be there first.
    depends_on: Option<Vec<String>>,
    /// The state that it is to be in: `active`, `suspended`, or one that an operation of the item leads to.
    state: Option<String>,
    /// The day after which it should be gone; an empty text takes the day away.
    expires: Option<String>,
    /// Asks for the end of the service.
    #[serde(default)]
    delete: bool,
    /// Why; people read it in the proposal.
    #[serde(default)]
    #[schema(max_length = 2000)]
    reason: String,
    /// Several requests, each with a proposal of its own; all are taken down or none.
    #[schema(no_recursion, max_items = 50)]
    items: Option<Vec<AskWire>>,
}

/// A file that is sent with a request.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct UploadWire {
    /// Its name; it is made harmless.
    #[schema(max_length = 300, example = "policy.json")]
    name: String,
    /// What it is said to be.
    #[serde(default)]
    #[schema(max_length = 200, example = "application/json")]
    media_type: String,
    /// What it holds, as base64; 256 KiB at most.
    #[schema(format = Byte)]
    content: String,
}

impl AskWire {
    fn ask(self, prefix: &str) -> Result<Ask, Problem> {
        let mut uploads = BTreeMap::new();
        for (field, file) in self.files {
            let bytes = BASE64.decode(&file.content).map_err(|_| {
                let pointer = format!("{prefix}/files/{}/content", shortened(&field));
                Problem::unfit(pointer, "it is not base64")
            })?;
            let (name, media_type) = (file.name, file.media_type);
            uploads.insert(field, Upload { name, media_type, bytes });
        }
        Ok(Ask {
            item: self.item,
            service: self.service,
            id: self.id,
            team: self.team,
            environment: self.environment,
            description: self.description,
            fields: self.fields.into_iter().collect(),
            uploads,
            depends_on: self.depends_on,
            state: self.state,
            expires: self.expires,
            delete: self.delete,
            reason: self.reason,
        })
    }

    /// Splits it into requests, each with where it stands in the body.
    pub(super) fn each(self) -> Result<Vec<(String, Ask)>, Problem> {
        let Some(items) = self.items.clone() else {
            return Ok(vec![(String::new(), self.ask("")?)]);
        };
        let alone = Self { items: None, ..self }.ask("")?;
        if alone != Ask::default() {
            return Err(Problem::unfit(
                "",
                "beside `items` stands nothing: each says all of its own",
            ));
        }
        if items.is_empty() || items.len() > MOST {
            return Err(Problem::unfit("/items", format!("1 to {MOST} requests")));
        }
        let each = items.into_iter().enumerate().map(|(index, item)| {
            let prefix = format!("/items/{index}");
            match item.items {
                Some(_) => Err(Problem::unfit(format!("{prefix}/items"), "items have no items")),
                None => Ok((prefix.clone(), item.ask(&prefix)?)),
            }
        });
        each.collect()
    }
}

/// Requests that were taken down.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Submitted {
    /// One each, in their order.
    items: Vec<RequestLine>,
}

/// A request that fits.
pub(super) struct Fitting {
    pub(super) draft: Draft,
    pub(super) checked: Checked,
}

/// Makes a request over the head and checks it, as somebody who sees only so much.
pub(super) async fn fitting(
    app: &App,
    (who, published): (&Principal, &Published),
    (prefix, ask): (&str, Ask),
) -> Result<Fitting, Problem> {
    let offers = |metadata: &Metadata| is_visible(who, metadata);
    let services = |team: &str| who.may(Verb::Read, Kind::Service, Some(team));
    let mut teams = who.teams.iter();
    let (first, more) = (teams.next(), teams.next());
    let team = first.filter(|_| more.is_none()).cloned();
    let sight = Sight { offers: &offers, services: &services, team };
    let head = &published.snapshot;
    let draft = compose(&ask, (published.catalog(), &head.files), &sight)
        .map_err(|wrong| problem(prefix, wrong))?;
    who.demand_of(Verb::Request, Kind::Service, Some(&draft.team))?;
    let today = app.now().to_zoned(TimeZone::UTC).date();
    let mut bench = BENCH.lock().await;
    let judge = bench.take();
    let (base, drafted) = (head.clone(), draft.clone());
    let working = tokio::task::spawn_blocking(move || {
        let mut judge = judge.unwrap_or_else(|| Judge::new(Vec::new()));
        let checked = check(&mut judge, &base, &drafted, today);
        (judge, checked)
    });
    let (judge, checked) = working.await.map_err(|_| broken())?;
    *bench = Some(judge);
    drop(bench);
    let checked = checked.map_err(|wrong| problem(prefix, seen_by(wrong, services)))?;
    Ok(Fitting { draft, checked })
}

/// Tells all that is wrong with a request.
fn problem(prefix: &str, wrong: Vec<Wrong>) -> Problem {
    let detail = "it does not fit the catalog; nothing was asked for";
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", detail);
    wrong.into_iter().fold(problem, |problem, one| {
        let said = match one.hint {
            Some(hint) => format!("{} ({hint})", one.message),
            None => one.message,
        };
        problem.with(Pointed::Pointer(format!("{prefix}{}", one.pointer)), said)
    })
}

/// Refuses a catalog to which nothing can be proposed.
pub(super) fn must_be_repository(published: &Published) -> Result<(), Problem> {
    if published.snapshot.commit.starts_with("dir:") {
        let detail = "the catalog is a plain directory, and nothing can be proposed to it: write the file there";
        return Err(Problem::conflict(detail));
    }
    Ok(())
}

/// Takes requests down, and answers with them.
pub(super) async fn take_down(
    app: &App,
    (who, published): (&Principal, &Published),
    fitting: &[Fitting],
) -> Result<Response, Problem> {
    let (now, head) = (app.now(), &published.snapshot);
    let by = Requester { name: who.actor.name.clone(), email: None };
    let rows: Vec<ServiceRequest> =
        fitting.iter().map(|one| row(&one.draft, head, &by, now)).collect();
    let added = app.store().add_service_requests(&who.actor, now, &rows).await?;
    let mut items = Vec::new();
    for (new, came) in rows.iter().zip(added) {
        match came {
            RequestAdded::Added => items.push(RequestLine::of(new)),
            RequestAdded::Same(known) => items.push(RequestLine::of(&known)),
            RequestAdded::Taken(other) => {
                let sees = who.may(Verb::Read, Kind::Service, Some(&other.team));
                let which = if sees { format!(": request {}", other.id) } else { String::new() };
                let service = &other.service;
                let detail = format!(
                    "a service `{service}` is asked for already{which}; choose another `id`"
                );
                return Err(Problem::conflict(detail));
            }
        }
    }
    let only = items.first().filter(|_| items.len() == 1);
    let place = only.map(|line| format!("/api/v1/requests/{}", line.id));
    let mut response = (StatusCode::ACCEPTED, axum::Json(Submitted { items })).into_response();
    if let Some(place) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// Asks for a service, a change of one, or its end; or for several. What fits is taken down and proposed within a second; `Location`
/// names the request where it is one. Who asks for the same again while that is open is answered with the first.
#[utoipa::path(
    post, path = "/requests", tag = "requests", operation_id = "submitRequest",
    request_body = AskWire,
    responses((status = 202, description = "It was taken down", body = Submitted)),
)]
async fn submit(
    State(app): State<App>,
    Who(who): Who,
    Plain(_): Plain,
    Json(asked): Json<AskWire>,
) -> Result<Response, Problem> {
    who.demand(Verb::Request, Kind::Service)?;
    let asks = asked?.each()?;
    let published = app.published()?;
    must_be_repository(&published)?;
    let mut all = Vec::with_capacity(asks.len());
    for (prefix, ask) in asks {
        all.push(fitting(&app, (&who, &published), (&prefix, ask)).await?);
    }
    take_down(&app, (&who, &published), &all).await
}
