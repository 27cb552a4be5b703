//! A plan by the page: what it comes to, its changes, what drifted. A plan of a hundred thousand changes is answered piece by piece.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::app::App;
use super::extract::{Id, Query};
use super::page::{self, Page};
use super::plans::{plan_of, seen};
use super::tag::shown;
use crate::reconcile::{ChangeKind, Pending, Plan, show};
use crate::serve::auth::{Kind, Principal, Verb, Who};
use crate::serve::problem::Problem;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(outline)).routes(routes!(changes)).routes(routes!(drift))
}

/// What a plan comes to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanOutlineWire {
    /// How many changes it has that you can see.
    changes: usize,
    /// How many of them wait for an approval.
    waiting: usize,
    /// How many differences from what was written it names.
    drifted: usize,
    /// Digest, commit, summary, what is blocked, and what holds it, as in `trueline.plan/v1`.
    #[serde(flatten)]
    #[schema(value_type = Value)]
    plan: Value,
}

async fn read(app: &App, who: &Principal, id: &str) -> Result<Plan, Problem> {
    who.demand(Verb::Read, Kind::Plan)?;
    seen(plan_of(app, id).await?, who, app)
}

/// Cuts a list down to a page; `after` is the key of the last one on the page before.
fn paged<T>(
    all: Vec<T>,
    (list, limit, after): (&str, u32, Option<String>),
    key: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let first = match after {
        None => 0,
        Some(after) => all.iter().position(|one| key(one) == after).map_or(all.len(), |at| at + 1),
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = all.len() > first.saturating_add(limit);
    let items: Vec<T> = all.into_iter().skip(first).take(limit).collect();
    let next = items.last().filter(|_| more).map(|last| page::cursor(list, &key(last)));
    (items, next)
}

fn list_of(mut shown: Value, name: &str) -> Vec<Value> {
    match shown.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// Shows what a plan comes to, without its changes: what of it is about the teams that you can see.
#[utoipa::path(
    get, path = "/plans/{digest}/outline", tag = "plans", operation_id = "getPlanOutline",
    params(("digest" = String, Path, description = "Digest of the plan")),
    responses((status = 200, description = "What it comes to", body = PlanOutlineWire)),
)]
async fn outline(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    query.done()?;
    let plan = read(&app, &who, &id).await?;
    let waits = |pending: &&Vec<Pending>| {
        pending.iter().any(|one| matches!(one, Pending::Approval { .. } | Pending::Guard))
    };
    let wire = PlanOutlineWire {
        changes: plan.changes.len(),
        waiting: plan.pending.values().filter(waits).count(),
        drifted: plan.drifted.len(),
        plan: show::outline(&plan),
    };
    Ok(shown(&headers, &wire))
}

/// Lists the changes of a plan that you can see, in the order in which they are carried out.
#[utoipa::path(
    get, path = "/plans/{digest}/changes", tag = "plans", operation_id = "listPlanChanges",
    params(
        ("digest" = String, Path, description = "Digest of the plan"),
        ("kind" = Option<String>, Query, description = "Of this kind: `create`, `update`, …"),
        ("team" = Option<String>, Query, description = "Of services of this team"),
        ("q" = Option<String>, Query, description = "Of services whose id holds this"),
    ),
    responses((status = 200, description = "A page of changes, as in `trueline.plan/v1`", body = Page<Value>)),
)]
async fn changes(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let after = page::place("changes", cursor.as_deref())?;
    let (kind, team) = (query.word::<ChangeKind>("kind")?, query.take("team"));
    let q = query.take("q");
    query.done()?;
    let mut plan = read(&app, &who, &id).await?;
    let all = std::mem::take(&mut plan.changes);
    let found = all.into_iter().filter(|change| {
        kind.is_none_or(|kind| change.kind() == kind)
            && team.as_ref().is_none_or(|team| *team == change.team)
            && q.as_ref().is_none_or(|q| change.service.contains(q.as_str()))
    });
    let at = ("changes", limit, after);
    let (page, next) = paged(found.collect(), at, |change| change.service.clone());
    plan.changes = page;
    plan.drifted.clear();
    Ok(shown(&headers, &Page { items: list_of(show::json(&plan), "changes"), next }))
}

/// Lists what differs from what was written, as a plan has it, of services that you can see.
#[utoipa::path(
    get, path = "/plans/{digest}/drift", tag = "plans", operation_id = "listPlanDrift",
    params(
        ("digest" = String, Path, description = "Digest of the plan"),
        ("q" = Option<String>, Query, description = "Of units whose name holds this"),
    ),
    responses((status = 200, description = "A page of differences, as in `trueline.plan/v1`", body = Page<Value>)),
)]
async fn drift(
    State(app): State<App>,
    Who(who): Who,
    Id(id): Id,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, cursor) = query.page()?;
    let after = page::place("drift", cursor.as_deref())?;
    let q = query.take("q");
    query.done()?;
    let mut plan = read(&app, &who, &id).await?;
    let all = std::mem::take(&mut plan.drifted);
    let found = all
        .into_iter()
        .filter(|drift| q.as_ref().is_none_or(|q| drift.unit.to_string().contains(q.as_str())));
    let key = |drift: &crate::reconcile::Drift| format!("{} {}", drift.unit, drift.step);
    let (page, next) = paged(found.collect(), ("drift", limit, after), key);
    plan.drifted = page;
    plan.changes.clear();
    Ok(shown(&headers, &Page { items: list_of(show::json(&plan), "drifted"), next }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::paged;
    use crate::serve::api::scene::Scene;
    use crate::store::Store as _;

    #[test]
    fn every_one_is_on_one_page() {
        let all: Vec<u32> = (0..7).collect();
        let mut after = None;
        let mut seen = Vec::new();
        for _ in 0..4 {
            let (page, next) = paged(all.clone(), ("x", 3, after), u32::to_string);
            seen.push(page);
            let place = crate::serve::api::page::place("x", next.as_deref()).expect("a cursor");
            let Some(place) = place else { break };
            after = Some(place);
        }
        assert_eq!(seen, [vec![0, 1, 2], vec![3, 4, 5], vec![6]]);
        let (gone, next) = paged(all, ("x", 3, Some("99".to_owned())), u32::to_string);
        assert_eq!((gone.len(), next), (0, None));
    }

    #[tokio::test]
    async fn a_plan_is_read_by_the_page_as_far_as_it_can_be_seen() {
        let scene = Scene::new().await;
        let plan = scene.store.latest_plan().await.expect("read").expect("a plan");
        let at = |rest: &str| format!("/plans/{}/{rest}", plan.digest);
        let root = scene.key("root", "admin", &["*"]).await;
        let first = scene.get(&root, &at("changes?limit=1")).await;
        assert_eq!(first.body["items"].as_array().map(Vec::len), Some(1), "{}", first.text);
        let next = first.body["next"].as_str().expect("more");
        let second = scene.get(&root, &at(&format!("changes?limit=1&cursor={next}"))).await;
        assert_ne!(second.body["items"][0]["service"], first.body["items"][0]["service"]);
        assert_eq!(second.body["next"], json!(null));
        assert_eq!(scene.get(&root, &at("changes?kind=explode")).await.status, 400);
        let found = scene.get(&root, &at("changes?team=search&q=site&kind=create")).await;
        assert_eq!(found.body["items"][0]["service"], "site-web", "{}", found.text);
        let outline = scene.get(&root, &at("outline")).await;
        assert_eq!(
            (&outline.body["changes"], outline.body.get("units")),
            (&json!(2), None),
            "{}",
            outline.text
        );
        assert_eq!(outline.body["digest"], json!(plan.digest));
        assert_eq!(scene.get(&root, &at("drift")).await.status, 200);
        let ada = scene.key("ada", "viewer", &[]).await;
        let own = scene.get(&ada, &at("changes")).await;
        assert!(own.text.contains("shop-db") && !own.text.contains("site-web"), "{}", own.text);
        assert_eq!(scene.get(&ada, &at("outline")).await.body["changes"], json!(1));
    }
}
