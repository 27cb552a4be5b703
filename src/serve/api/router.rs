//! Puts the resources together, with the document that they make and what surrounds them.

use std::sync::LazyLock;

use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use axum::{Router, middleware};
use serde_json::Value;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::app::App;
use super::{
    account, accounts, activity, again, approvals, asking, audit, catalog, document, events,
    exchange, findings, frame, inbox, insights, operating, options, pages, plan_pages, plans,
    preview, proposals, relations, render, request_words, requests, reveal, runs, service_words,
    services, sign_in, status, tasks, tools, users, words,
};
use crate::serve::auth::let_in;
use crate::serve::problem::ProblemWire;

#[derive(OpenApi)]
#[openapi(components(schemas(ProblemWire)))]
struct Document;

fn resources() -> OpenApiRouter<App> {
    let all = OpenApiRouter::new()
        .merge(catalog::routes())
        .merge(services::routes())
        .merge(service_words::routes())
        .merge(requests::routes())
        .merge(asking::routes())
        .merge(preview::routes())
        .merge(request_words::routes())
        .merge(options::routes())
        .merge(relations::routes())
        .merge(plans::routes())
        .merge(plan_pages::routes())
        .merge(proposals::routes())
        .merge(runs::routes())
        .merge(events::routes())
        .merge(words::routes())
        .merge(approvals::routes())
        .merge(tasks::routes())
        .merge(inbox::routes())
        .merge(findings::routes())
        .merge(reveal::routes())
        .merge(audit::routes())
        .merge(activity::routes())
        .merge(insights::routes())
        .merge(operating::routes())
        .merge(status::routes())
        .merge(tools::routes())
        .merge(render::routes())
        .merge(sign_in::routes())
        .merge(exchange::routes())
        .merge(account::routes())
        .merge(accounts::routes())
        .merge(users::routes());
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", all)
}

/// The OpenAPI document, made once.
static OPENAPI: LazyLock<Value> = LazyLock::new(|| {
    let (_, document) = resources().split_for_parts();
    document::completed(serde_json::to_value(&document).unwrap_or_default())
});

/// Returns the OpenAPI 3.1 document of the API.
pub fn openapi() -> &'static Value {
    &OPENAPI
}

/// Answers the API: resources, the document, and pages that show it.
pub(in crate::serve) fn router(app: App) -> Router {
    let (resources, _) = resources().split_for_parts();
    let kind = [(header::CONTENT_TYPE, "application/json")];
    let router = resources
        .route("/api/openapi.json", get(async move || (kind, openapi().to_string())))
        .route("/api/docs", get(async || pages::docs().into_response()))
        .route("/api", any(nothing))
        .route("/api/{*rest}", any(nothing));
    router
        .layer(middleware::from_fn_with_state(app.clone(), again::once))
        .layer(middleware::from_fn_with_state(app.clone(), let_in))
        .layer(middleware::from_fn(frame::in_our_words))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(app.clone(), frame::framed))
        .with_state(app)
}

/// Answers the resources to who is known already and asks from within, by what stands in the request's extensions.
pub(in crate::serve) fn within(app: App) -> Router {
    let (resources, _) = resources().split_for_parts();
    resources
        .fallback(nothing)
        .layer(middleware::from_fn_with_state(app.clone(), again::once))
        .layer(middleware::from_fn(frame::in_our_words))
        .with_state(app)
}

async fn nothing() -> StatusCode {
    StatusCode::NOT_FOUND
}
