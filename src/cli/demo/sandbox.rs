//! The sandbox: a part of the demo that stands in for a cloud. An HTTP server on loopback that keeps whatever
//! it is told in memory, is slow and faulty on request, and counts what took effect by `Idempotency-Key`.
//! It knows nothing of Trueline.

mod answer;
mod line;
mod properties;
mod shelf;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{any, get, post};
use serde_json::Value;
use tokio::net::TcpListener;

use answer::{Answer, problem};
use line::{Cut, Lines};
use shelf::{Asked, Fault, Shelf};

/// The largest body that is taken, in bytes.
const MAX_BODY_BYTES: usize = 64 << 10;

type Shared = Arc<Mutex<Shelf>>;

/// A sandbox that is bound and not yet running.
pub(super) struct Sandbox {
    lines: Lines,
    address: SocketAddr,
}

impl Sandbox {
    /// Binds a free port of this machine.
    pub(super) async fn bind() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { lines: Lines::of(listener), address })
    }

    /// Returns where it answers: `127.0.0.1:<port>`.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped.
    pub(super) async fn run(self) -> std::io::Result<()> {
        let service = router().into_make_service_with_connect_info::<Cut>();
        axum::serve(self.lines, service).await
    }
}

fn router() -> Router {
    Router::new()
        .route("/v1/{*path}", any(resource))
        .route("/sandbox/resources", get(resources))
        .route("/sandbox/requests", get(requests))
        .route("/sandbox/faults", post(faults))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Shared::default())
}

fn with<T>(shelf: &Shared, work: impl FnOnce(&mut Shelf) -> T) -> T {
    work(&mut shelf.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Takes `/v1/<collection>` and `/v1/<collection>/<id>`.
async fn resource(
    State(shelf): State<Shared>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    Path(path): Path<String>,
    (method, headers): (Method, HeaderMap),
    body: Bytes,
) -> Response {
    let asked = Asked::of(&method, &path, &headers, &body);
    answered(&shelf, &cut, asked).await
}

/// Answers as any API does: after a while, and not always.
async fn answered(shelf: &Shared, cut: &Cut, asked: Result<Asked, Answer>) -> Response {
    let asked = match asked {
        Ok(asked) => asked,
        Err(answer) => return answer.into(),
    };
    tokio::time::sleep(delay()).await;
    let (answer, fault) = with(shelf, |shelf| shelf.take(&asked));
    if fault == Some(Fault::Lose) {
        // It was done, and whoever asked will not hear of it.
        cut.now();
    }
    answer.into()
}

/// Lists what there is.
async fn resources(State(shelf): State<Shared>) -> Response {
    Answer::ok(with(&shelf, |shelf| shelf.list(None))).into()
}

/// Lists what was asked, and what took effect under which key.
async fn requests(State(shelf): State<Shared>) -> Response {
    Answer::ok(with(&shelf, |shelf| shelf.told())).into()
}

/// Takes `{"fault": "refuse" | "lose", "times": N}`: what the next N writes meet.
async fn faults(State(shelf): State<Shared>, body: Bytes) -> Response {
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let fault = asked.get("fault").and_then(Value::as_str).and_then(Fault::named);
    let times = asked.get("times").and_then(Value::as_u64).unwrap_or(1).min(100);
    match fault {
        Some(fault) => Answer::ok(with(&shelf, |shelf| shelf.fail(fault, times))).into(),
        None => problem(400, "give `fault` as `refuse` or `lose`, and `times`").into(),
    }
}

/// Draws a delay of 10 to 73 ms.
fn delay() -> Duration {
    let mut byte = [0_u8; 1];
    getrandom::fill(&mut byte).expect("the operating system gives random bytes");
    let [byte] = byte;
    Duration::from_millis(10 + u64::from(byte >> 2))
}

#[cfg(test)]
mod tests;
