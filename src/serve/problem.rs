//! Errors as RFC 9457 writes them.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::json;

/// Answers a problem: its status, a stable word for its type, and what is wrong and what to do, in one sentence.
pub(super) fn problem(status: StatusCode, word: &str, detail: &str) -> Response {
    let body = json!({
        "type": format!("urn:trueline:problem:{word}"),
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": detail,
    });
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/problem+json")
        .body(Body::from(body.to_string()));
    response.unwrap_or_default()
}
