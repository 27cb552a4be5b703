//! What others post: `/api/v1/webhooks/<sender>` and `/api/v1/callbacks/<token>`. A message is checked over its raw
//! bytes, kept on disk and then answered 202; nobody acts on it here.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::post;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::problem::problem;
use crate::action::{
    Callbacks, MAX_MESSAGE_BYTES, Message, Poke, Ports, Refused, Sender, about_callback, senders,
};
use crate::clock::Clock;
use crate::engine::Metrics;
use crate::store::{ABOUT_CATALOG, ABOUT_REVIEWS, Arrival, Sealer, Store};

/// The largest answer to a callback that is taken, in bytes.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// How long a message may take to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many messages are taken in at once; more are asked to come again.
const AT_ONCE: usize = 64;

/// The longest name of a delivery that is kept.
const MAX_ID_BYTES: usize = 200;

/// What messages are checked with and kept in.
#[derive(Clone)]
pub struct Ingress {
    /// Finds the secrets that messages are signed with.
    pub ports: Ports,
    /// Keeps them.
    pub store: Arc<dyn Store>,
    /// Seals what is posted to callbacks.
    pub sealer: Sealer,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Gate {
    ingress: Arc<Ingress>,
    room: Arc<Semaphore>,
}

/// What became of a message that was kept.
#[derive(Clone, Copy)]
struct Became(&'static str);

/// Answers what others post, and counts what becomes of it.
pub(super) fn router(ingress: Ingress, metrics: Metrics) -> Router {
    let count = move |response: Response| {
        let became = response.extensions().get::<Became>();
        metrics.posted(became.map_or("refused", |became| became.0));
        std::future::ready(response)
    };
    let gate = Gate { ingress: Arc::new(ingress), room: Arc::new(Semaphore::new(AT_ONCE)) };
    Router::new()
        .route("/api/v1/webhooks/{sender}", post(of_sender))
        .route("/api/v1/webhooks/{sender}/{rest}", post(of_instance))
        .route("/api/v1/callbacks/{token}", post(callback))
        .layer(map_response(count))
        .with_state(gate)
}

async fn of_sender(
    State(gate): State<Gate>,
    Path(sender): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    gate.webhook((&sender, ""), &headers, body).await
}

async fn of_instance(
    State(gate): State<Gate>,
    Path((sender, rest)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    gate.webhook((&sender, &rest), &headers, body).await
}

async fn callback(State(gate): State<Gate>, Path(token): Path<String>, body: Body) -> Response {
    let Ok(_room) = gate.room.try_acquire() else { return busy() };
    let read = |callbacks: &Callbacks| callbacks.read(&token);
    let Some(key) = gate.ingress.ports.operator.callbacks.as_ref().and_then(read) else {
        return problem(StatusCode::NOT_FOUND, "callback", "nobody waits at this address");
    };
    let bytes = match bytes_of(body, MAX_ANSWER_BYTES).await {
        Ok(bytes) => bytes,
        Err(response) => return response,
    };
    let answer: Value = match serde_json::from_slice(&bytes) {
        Ok(answer) => answer,
        Err(error) => {
            let detail = format!("the answer is not JSON: {error}");
            return problem(StatusCode::BAD_REQUEST, "body", &detail);
        }
    };
    if let Some(wrong) = wrong_answer(&answer) {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "body", wrong);
    }
    let about = about_callback(&key);
    // The first answer is the one that counts: its name is what it answers.
    let arrival =
        Arrival { id: about.clone(), about, body: Some(gate.ingress.sealer.seal(&answer)) };
    gate.keep(&arrival).await
}

/// Says what keeps an answer from being one.
fn wrong_answer(answer: &Value) -> Option<&'static str> {
    let Some(answer) = answer.as_object() else {
        return Some(
            "an answer is a JSON object: {\"outputs\": {…}}, or {\"status\": \"failed\", \"message\": \"…\"}",
        );
    };
    if answer.keys().any(|key| !matches!(key.as_str(), "status" | "outputs" | "message")) {
        return Some("an answer holds `status`, `outputs` and `message`, and nothing else");
    }
    let text = |key: &str| answer.get(key).is_none_or(Value::is_string);
    match answer.get("status").map(Value::as_str) {
        None | Some(Some("succeeded" | "failed")) => {}
        Some(_) => return Some("`status` is `succeeded` or `failed`"),
    }
    if !answer.get("outputs").is_none_or(Value::is_object) {
        return Some("`outputs` is an object");
    }
    (!text("message")).then_some("`message` is a text")
}

impl Gate {
    async fn webhook(
        &self,
        (name, rest): (&str, &str),
        headers: &HeaderMap,
        body: Body,
    ) -> Response {
        let Ok(_room) = self.room.try_acquire() else { return busy() };
        let Some(sender) = senders().iter().find(|sender| sender.name() == name) else {
            return refused(&Refused::Unknown);
        };
        let bytes = match bytes_of(body, MAX_MESSAGE_BYTES).await {
            Ok(bytes) => bytes,
            Err(response) => return response,
        };
        let message = Message { rest, headers, body: &bytes };
        self.checked(*sender, message).await
    }

    async fn checked(&self, sender: &dyn Sender, message: Message<'_>) -> Response {
        let delivery = match sender.check(&self.ingress.ports, message).await {
            Ok(delivery) => delivery,
            Err(why) => return refused(&why),
        };
        if delivery.id.len() > MAX_ID_BYTES {
            return refused(&Refused::Unreadable("its number is too long".to_owned()));
        }
        if delivery.pokes.is_empty() {
            return taken(false, "ignored");
        }
        let id = format!("{}:{}", sender.name(), delivery.id);
        let mut is_new = false;
        for (number, poke) in delivery.pokes.into_iter().enumerate() {
            let about = match poke {
                Poke::Catalog => ABOUT_CATALOG.to_owned(),
                Poke::Reviews => ABOUT_REVIEWS.to_owned(),
                Poke::Again { head } => format!("{ABOUT_REVIEWS}:{head}"),
                Poke::Waiting { about } => about,
            };
            // Each is kept by itself; what comes again after half of it is kept fills in the rest.
            let id = if number == 0 { id.clone() } else { format!("{id}+{number}") };
            match self.put(&Arrival { id, about, body: None }).await {
                Ok(added) => is_new |= added,
                Err(response) => return response,
            }
        }
        accepted(is_new)
    }

    /// Answers once the message is on disk.
    async fn keep(&self, arrival: &Arrival) -> Response {
        self.put(arrival).await.map_or_else(|response| response, accepted)
    }

    async fn put(&self, arrival: &Arrival) -> Result<bool, Response> {
        let Ingress { store, clock, .. } = &*self.ingress;
        store.arrive(clock.now(), arrival).await.map_err(|error| {
            tracing::error!(%error, "a message from outside could not be kept");
            busy()
        })
    }
}

/// Reads a body within a size and a time.
async fn bytes_of(body: Body, limit: usize) -> Result<Vec<u8>, Response> {
    let read = tokio::time::timeout(PATIENCE, Limited::new(body, limit).collect()).await;
    let slow = || problem(StatusCode::REQUEST_TIMEOUT, "body", "the message came too slowly");
    match read.map_err(|_| slow())? {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("a message here has at most {limit} bytes");
            Err(problem(StatusCode::PAYLOAD_TOO_LARGE, "body", &detail))
        }
        Err(_) => Err(problem(StatusCode::BAD_REQUEST, "body", "the message broke off")),
    }
}

fn accepted(is_new: bool) -> Response {
    taken(is_new, if is_new { "accepted" } else { "repeated" })
}

fn taken(is_new: bool, became: &'static str) -> Response {
    let body = json!({"accepted": true, "new": is_new}).to_string();
    let response = Response::builder()
        .status(StatusCode::ACCEPTED)
        .extension(Became(became))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body));
    response.unwrap_or_default()
}

fn busy() -> Response {
    let detail = "the message could not be kept; send it again";
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
    response
}

fn refused(why: &Refused) -> Response {
    let detail = why.to_string();
    match why {
        Refused::Unknown => problem(StatusCode::NOT_FOUND, "webhook", &detail),
        Refused::Unsigned => problem(StatusCode::UNAUTHORIZED, "signature", &detail),
        Refused::Unreadable(_) => problem(StatusCode::BAD_REQUEST, "body", &detail),
        Refused::Later => busy(),
    }
}
