//! The server, and its `/livez`, `/readyz`, `/health`, `/metrics` and `/version`.

use std::net::SocketAddr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::ingress::Ingress;
use crate::daemon::Health;
use crate::engine::METRICS_TYPE;

/// A server that is bound and not yet running.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: Router,
}

impl Server {
    /// Binds an address; port 0 takes a free one.
    pub async fn bind(
        address: SocketAddr,
        health: Health,
        ingress: Ingress,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let router = router(health).merge(super::ingress::router(ingress));
        Ok(Self { listener, address, router })
    }

    /// Returns the address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped.
    pub async fn run(self) -> std::io::Result<()> {
        axum::serve(self.listener, self.router).await
    }
}

fn router(health: Health) -> Router {
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
