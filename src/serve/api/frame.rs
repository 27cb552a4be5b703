//! What surrounds every request: a correlation id, limits of size, time and number, headers that keep browsers careful.
//! It knows nothing of what is asked.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tokio::sync::Semaphore;

use super::app::App;
use crate::serve::auth::new_name;
use crate::serve::problem::Problem;

/// The largest body, in bytes.
const MAX_BODY_BYTES: usize = 4 << 20;

/// How long a body may take to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer may take to begin.
const WORKING: Duration = Duration::from_secs(30);

/// Requests that are worked on at once.
static WORKERS: Semaphore = Semaphore::const_new(256);

/// Requests that wait for that.
static QUEUE: Semaphore = Semaphore::const_new(2_048);

const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");

/// What ties together all that is told of a request.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Correlation(pub(in crate::serve) String);

/// Surrounds a request.
pub(in crate::serve) async fn framed(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let correlation = correlation(request.headers());
    request.extensions_mut().insert(Correlation(correlation.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let trace = trace(request.headers());
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = match preflight(&app, &method, origin.as_ref(), request.headers()) {
        Some(response) => response,
        None => worked(request, next).await,
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&correlation) {
        headers.insert(CORRELATION, value);
    }
    careful(&app, headers);
    if let Some(origin) = origin.filter(|origin| is_allowed(&app, origin)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        let shown = "etag, location, ratelimit, ratelimit-policy, retry-after, x-correlation-id";
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(shown));
    }
    let (status, ms) = (response.status().as_u16(), begun.elapsed().as_millis());
    tracing::info!(%method, path, status, ms, correlation, trace, "answered");
    response
}

/// Takes what was sent, where it is harmless; makes one otherwise.
fn correlation(headers: &HeaderMap) -> String {
    let sent = headers.get(CORRELATION).and_then(|sent| sent.to_str().ok());
    let harmless = |text: &&str| {
        let word = |one: u8| one.is_ascii_alphanumeric() || matches!(one, b'-' | b'_' | b'.');
        (1..=128).contains(&text.len()) && text.bytes().all(word)
    };
    sent.filter(harmless).map_or_else(new_name, str::to_owned)
}

/// Reads the trace of `traceparent`, where it is one: version, trace, parent, flags.
fn trace(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<&str> = sent.split('-').collect();
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f'))
    };
    match parts.as_slice() {
        [version, trace, parent, flags, ..]
            if hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2) =>
        {
            Some((*trace).to_owned())
        }
        _ => None,
    }
}

/// Does the work within its limits.
async fn worked(request: Request, next: Next) -> Response {
    let busy = || {
        let detail = "too many requests at once; ask again";
        Problem::later(StatusCode::SERVICE_UNAVAILABLE, "busy", detail, 1).into_response()
    };
    let Ok(_waits) = QUEUE.try_acquire() else { return busy() };
    let request = match whole(request).await {
        Ok(request) => request,
        Err(problem) => return problem.into_response(),
    };
    let work = async {
        let Ok(_turn) = WORKERS.acquire().await else { return busy() };
        next.run(request).await
    };
    if let Ok(response) = tokio::time::timeout(WORKING, work).await {
        return response;
    }
    let detail = "it took too long and was given up; a decision may have been recorded";
    Problem::later(StatusCode::SERVICE_UNAVAILABLE, "too-slow", detail, 5).into_response()
}

/// Takes the body in, within a size and a time.
async fn whole(request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let reading = Limited::new(body, MAX_BODY_BYTES).collect();
    let bytes = match tokio::time::timeout(PATIENCE, reading).await {
        Err(_) => {
            let detail = "the body came too slowly";
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail));
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let detail = format!("a body here has at most {MAX_BODY_BYTES} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail));
        }
        Ok(Err(_)) => {
            let detail = "the body broke off";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "body", detail));
        }
        Ok(Ok(collected)) => collected.to_bytes(),
    };
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Has browsers be careful with what is answered, whatever it is.
fn careful(app: &App, headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                  frame-ancestors 'none'; base-uri 'none'";
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(policy));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if app.auth().settings().is_https() {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}

fn is_allowed(app: &App, origin: &HeaderValue) -> bool {
    app.auth().settings().cors.iter().any(|known| known.as_bytes() == origin.as_bytes())
}

/// Answers what a browser asks before it sends something from another origin.
fn preflight(
    app: &App,
    method: &Method,
    origin: Option<&HeaderValue>,
    headers: &HeaderMap,
) -> Option<Response> {
    let asks = method == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && is_allowed(app, origin?);
    if !asks {
        return None;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PUT, PATCH, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, content-type, idempotency-key, if-match, if-none-match, \
             last-event-id, traceparent, x-correlation-id, x-csrf-token",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

/// Puts what the framework refuses by itself in our words: a path that is not there, a method that is not taken.
pub(in crate::serve) async fn in_our_words(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let ours = response.headers().get(header::CONTENT_TYPE);
    let ours = ours.is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    match response.status() {
        StatusCode::NOT_FOUND if !ours => Problem::missing("page", &path).into_response(),
        StatusCode::METHOD_NOT_ALLOWED if !ours => {
            let allow = response.headers().get(header::ALLOW).cloned();
            let named = allow.as_ref().and_then(|allow| allow.to_str().ok()).unwrap_or_default();
            let detail = format!("this can be asked with: {}", named.replace(',', ", "));
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail);
            match allow {
                Some(allow) => problem.header_of(header::ALLOW, allow).into_response(),
                None => problem.into_response(),
            }
        }
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_headers_is_taken_only_where_it_is_harmless() {
        let with = |name: &'static str, value: &[u8]| {
            let value = HeaderValue::from_bytes(value).expect("a value");
            HeaderMap::from_iter([(HeaderName::from_static(name), value)])
        };
        assert_eq!(correlation(&with("x-correlation-id", b"req-1.a_B")), "req-1.a_B");
        for hostile in [&b"a b"[..], b"", b"<x>", "ü".as_bytes(), &[b'a'; 129]] {
            assert_eq!(correlation(&with("x-correlation-id", hostile)).len(), 16);
        }
        let right = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let found = trace(&with("traceparent", right));
        assert_eq!(found.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for wrong in [&b"00-xyz-00f067aa0ba902b7-01"[..], b"", b"---"] {
            assert_eq!(trace(&with("traceparent", wrong)), None);
        }
    }
}
