//! What a request would do, before anybody asks for it: the file, the plan, what it costs, who must approve. Nothing is kept.
//!
//! It is planned from what is around the service. That another service has the same thing outside already is not seen here, but by
//! the plan of the proposal, which looks at all.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::{App, BENCH};
use super::asking::{AskWire, Fitting, fitting};
use super::excerpt::planned_around;
use super::extract::{Json, Plain};
use super::services::only;
use super::tools::{FindingWire, broken};
use crate::catalog::Snapshot;
use crate::daemon::Published;
use crate::engine::request::Draft;
use crate::owners::{Demand, Owners, People, Touched, Why, approval};
use crate::reconcile::{Plan, show};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;
use crate::store::RequestKind;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(preview)).routes(routes!(check))
}

/// A request that fits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestFits {
    /// `create`, `change` or `delete`.
    #[schema(value_type = String, example = "create")]
    kind: RequestKind,
    service: String,
    team: String,
    /// The file, from the root of the catalog.
    path: String,
    /// What the rules remark and what is not in the way.
    findings: Vec<FindingWire>,
}

/// What a request would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestPreview {
    #[serde(flatten)]
    fits: RequestFits,
    /// What the file holds now; nothing where there is none.
    before: Option<String>,
    /// What it would hold; nothing where it goes.
    content: Option<String>,
    /// The unified difference of the file.
    diff: String,
    /// Files that are put beside it.
    files: Vec<PlacedWire>,
    /// Who must approve the change of the catalog.
    owners: Vec<OwnersWire>,
    /// What it costs each month, as the items estimate it; of what is known now.
    costs: Vec<CostWire>,
    /// The plan of it, `trueline.plan/v1`; that another service has the same thing outside is first seen in its proposal.
    plan: Value,
}

/// A file beside a service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlacedWire {
    /// From the root of the catalog.
    path: String,
    /// How large it is, in bytes.
    size: usize,
}

/// Owners who must approve.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnersWire {
    /// `owners`, `fallback` or `nobody`: a line of CODEOWNERS, who is asked where that names nobody, and where nobody can.
    why: &'static str,
    /// How many must approve.
    required: u32,
    /// Whose approval counts, as CODEOWNERS writes them.
    from: Vec<String>,
    /// What they are asked about.
    paths: Vec<String>,
}

/// What something costs each month.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CostWire {
    currency: String,
    before: f64,
    after: f64,
}

impl RequestFits {
    fn of(Fitting { draft, checked }: &Fitting) -> Self {
        let own = |finding: &&crate::finding::Finding| *finding.place.path == *draft.path;
        Self {
            kind: draft.kind,
            service: draft.service.clone(),
            team: draft.team.clone(),
            path: draft.path.to_string(),
            findings: checked.remarks.iter().filter(own).map(FindingWire::of).collect(),
        }
    }
}

impl OwnersWire {
    fn of(demand: &Demand) -> Self {
        let why = match demand.why {
            Why::Owners | Why::Breaking => "owners",
            Why::Fallback => "fallback",
            Why::Nobody => "nobody",
        };
        let paths = demand.paths.iter().map(|asked| asked.path.clone());
        let (required, from) = (demand.needed, demand.owners.clone());
        Self { why, required, from, paths: paths.collect() }
    }
}

/// Reads the one request that is asked about, and checks it.
async fn fits(
    app: &App,
    (who, published): (&Principal, &Published),
    asked: Result<AskWire, Problem>,
) -> Result<Fitting, Problem> {
    let mut asks = asked?.each()?;
    let (Some((prefix, ask)), true) = (asks.pop(), asks.is_empty()) else {
        return Err(Problem::unfit("/items", "one request is looked at at a time"));
    };
    fitting(app, (who, published), (&prefix, ask)).await
}

/// Says whether a request fits, or all that is in its way. Nothing is planned, and nothing is kept.
#[utoipa::path(
    post, path = "/requests/check", tag = "requests", operation_id = "checkRequest",
    request_body = AskWire,
    responses((status = 200, description = "It fits", body = RequestFits)),
)]
async fn check(
    State(app): State<App>,
    Who(who): Who,
    Plain(_): Plain,
    Json(asked): Json<AskWire>,
) -> Result<Response, Problem> {
    who.demand(Verb::Request, Kind::Service)?;
    let published = app.published()?;
    let fits = fits(&app, (&who, &published), asked).await?;
    Ok(axum::Json(RequestFits::of(&fits)).into_response())
}

/// Shows what a request would do: the file, what is different in it, the plan, what it costs, who must approve. Nothing is kept.
#[utoipa::path(
    post, path = "/requests/preview", tag = "requests", operation_id = "previewRequest",
    request_body = AskWire,
    responses((status = 200, description = "What it would do", body = RequestPreview)),
)]
async fn preview(
    State(app): State<App>,
    Who(who): Who,
    Plain(_): Plain,
    Json(asked): Json<AskWire>,
) -> Result<Response, Problem> {
    who.demand(Verb::Request, Kind::Service)?;
    let published = app.published()?;
    let fits = fits(&app, (&who, &published), asked).await?;
    let (plan, costs) = planned(&app, &published, &fits).await?;
    let Fitting { draft, .. } = &fits;
    let text = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
    let files = draft
        .files
        .iter()
        .map(|(path, bytes)| PlacedWire { path: path.to_string(), size: bytes.len() });
    let wire = RequestPreview {
        before: draft.before.as_ref().map(text),
        content: draft.content.as_ref().map(text),
        diff: draft.diff(),
        files: files.collect(),
        owners: owners(&published, draft),
        costs,
        plan: show::json(&plan),
        fits: RequestFits::of(&fits),
    };
    Ok(axum::Json(wire).into_response())
}

/// Plans a request against the head, and counts what it costs.
async fn planned(
    app: &App,
    published: &Published,
    Fitting { draft, checked }: &Fitting,
) -> Result<(Plan, Vec<CostWire>), Problem> {
    // One at a time: in a large catalog it costs as much as that is large.
    let turn = BENCH.lock().await;
    let base = (published.snapshot.clone(), published.catalog().clone());
    let after = (checked.snapshot.clone(), checked.catalog.clone());
    let (name, clock, id) = (app.catalog().to_owned(), app.clock(), draft.service.clone());
    let working = tokio::task::spawn_blocking(move || {
        planned_around(&id, (&base.0, &base.1), (&after.0, &after.1), (&name, &*clock))
    });
    let preview = working.await.map_err(|_| broken())?;
    drop(turn);
    let plan = only(preview.plan, &|service| service == draft.service);
    let sides = (&**published.catalog(), &*preview.judged.catalog);
    let costs = show::costs(sides, &plan).into_iter().map(|(currency, (before, after))| CostWire {
        currency,
        before,
        after,
    });
    let costs = costs.collect();
    Ok((plan, costs))
}

/// Says who must approve what a request changes, by the CODEOWNERS and the settings of the head.
fn owners(published: &Published, draft: &Draft) -> Vec<OwnersWire> {
    let head: &Snapshot = &published.snapshot;
    let settings = &published.catalog().settings.owners;
    let paths = std::iter::once(&draft.path).chain(draft.files.keys());
    let paths = paths.map(ToString::to_string).collect();
    let touched = Touched { paths, ..Touched::default() };
    let needed = approval(&Owners::of(head), settings, &touched, &People::default());
    needed.demands.iter().map(OwnersWire::of).collect()
}
