//! `/livez`, `/readyz`, `/health`, `/metrics` and `/version`: how the loop is, for who watches over it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::daemon::Health;
use crate::engine::METRICS_TYPE;

/// Answers how the loop is.
pub(super) fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/health", get(report))
        .route("/metrics", get(metrics))
        .route("/version", get(|| async { Json(json!({"version": env!("CARGO_PKG_VERSION")})) }))
        .with_state(health)
}

/// Ready once a tick has read the catalog.
async fn ready(State(health): State<Health>) -> (StatusCode, &'static str) {
    if health.get().ticked_at.is_some() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the catalog was not read yet\n")
    }
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    ([(CONTENT_TYPE, METRICS_TYPE)], health.metrics.text())
}

async fn report(State(health): State<Health>) -> Json<Value> {
    let report = health.get();
    let status = match (&report.trouble, report.ticked_at) {
        (Some(_), _) => "degraded",
        (None, Some(_)) => "ok",
        (None, None) => "starting",
    };
    Json(json!({"status": status, "loop": report}))
}
