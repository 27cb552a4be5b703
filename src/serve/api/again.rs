//! `Idempotency-Key`: a POST that is sent again takes effect once and is answered as it was. It decides nothing.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::app::App;
use crate::digest::Digest;
use crate::serve::auth::Who;
use crate::serve::problem::Problem;
use crate::store::{Answer, Begun};

/// How long a key stands for its request.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The longest key.
const LONGEST: usize = 255;

/// The longest answer that is kept, in bytes.
const LARGEST: usize = 1 << 20;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    kind: Option<String>,
    location: Option<String>,
    etag: Option<String>,
    body: String,
}

/// Answers a request that came before as it was answered; keeps the answer of one that comes first.
pub(in crate::serve) async fn once(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Response {
    match known(&app, request).await {
        Ok(Known::Plain(request)) => next.run(request).await,
        Ok(Known::First(request, who, key)) => {
            // It is carried to its end also where nobody waits for it any more: that is what the key is for.
            let working = tokio::spawn(async move {
                let response = next.run(request).await;
                kept(&app, (&who, &key), response).await
            });
            working.await.unwrap_or_else(|_| {
                let detail = "it failed inside; the log of the server says why";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
            })
        }
        Ok(Known::Answered(response)) => response,
        Err(problem) => problem.into_response(),
    }
}

enum Known {
    /// Nothing is to be kept.
    Plain(Request),
    /// Its answer is to be kept, for somebody and under a key.
    First(Request, String, String),
    /// It was answered before.
    Answered(Response),
}

async fn known(app: &App, request: Request) -> Result<Known, Problem> {
    if request.method() != Method::POST {
        return Ok(Known::Plain(request));
    }
    let Some(key) = key(&request)? else { return Ok(Known::Plain(request)) };
    // Who is not known has no keys: what one signs in with is never kept.
    let Some(Who(who)) = request.extensions().get::<Who>().cloned() else {
        return Ok(Known::Plain(request));
    };
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let digest = Digest::of_parts([parts.uri.to_string().as_bytes(), &bytes]).to_string();
    let name = who.actor.name;
    let now = app.now();
    let begun = app
        .store()
        .begin_request((&name, &key, &digest), now, now.saturating_sub(KEPT).unwrap_or(now))
        .await?;
    let request = Request::from_parts(parts, Body::from(bytes));
    match begun {
        Begun::First => Ok(Known::First(request, name, key)),
        Begun::Answered(answer) => Ok(Known::Answered(again(app, &answer))),
        Begun::Other => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "this Idempotency-Key belongs to another request; take a new one",
        )),
        Begun::Underway => Err(Problem::later(
            StatusCode::CONFLICT,
            "idempotency-key-underway",
            "the first request with this key was not answered yet; where the server ended in the middle of it, \
             look whether it took effect and take a new key",
            1,
        )),
    }
}

/// Reads the key of a request.
fn key(request: &Request) -> Result<Option<String>, Problem> {
    let mut all = request.headers().get_all(KEY).iter();
    let Some(first) = all.next() else { return Ok(None) };
    let text = first.to_str().ok().map(str::trim);
    let right = |text: &&str| (1..=LONGEST).contains(&text.len()) && all.next().is_none();
    let wrong = || Problem::header("Idempotency-Key", format!("1 to {LONGEST} ASCII characters"));
    text.filter(right).map(|text| Some(text.to_owned())).ok_or_else(wrong)
}

/// Keeps an answer, unless it says that nothing was done and that it may be asked again.
async fn kept(app: &App, key: (&str, &str), response: Response) -> Response {
    let status = response.status();
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        let detail = "the answer was too large to be kept";
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response();
    };
    let refused =
        matches!(status.as_u16(), 401 | 403 | 408 | 412 | 429) || status.is_server_error();
    let text = |name: HeaderName| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let kept = Kept {
        kind: text(header::CONTENT_TYPE),
        location: text(header::LOCATION),
        etag: text(header::ETAG),
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    // It may hold a secret that is shown once.
    let body = app.sealer().seal(&serde_json::to_value(&kept).unwrap_or_default()).to_string();
    let answer = Answer { status: status.as_u16(), body };
    let keep = (!refused).then_some(&answer);
    if let Err(error) = app.store().end_request(key, keep).await {
        tracing::error!(%error, "the answer to a request could not be kept");
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn again(app: &App, answer: &Answer) -> Response {
    let sealed = serde_json::from_str(&answer.body).ok();
    let opened = sealed.and_then(|sealed| app.sealer().open(&sealed).ok());
    let Some(kept) = opened.and_then(|opened| serde_json::from_value::<Kept>(opened).ok()) else {
        let detail = "the answer that was kept can't be read";
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response();
    };
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    let told = [
        (header::CONTENT_TYPE, kept.kind),
        (header::LOCATION, kept.location),
        (header::ETAG, kept.etag),
    ];
    for (name, value) in told {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}
