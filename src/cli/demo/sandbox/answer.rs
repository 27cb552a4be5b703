//! What the sandbox answers: JSON, or a problem that says what was wrong. It decides nothing.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// Status code.
    pub(super) status: u16,
    /// Body; nothing where it is null.
    pub(super) body: Value,
}

impl Answer {
    /// Answers with a value.
    pub(super) fn ok(body: Value) -> Self {
        Self { status: 200, body }
    }
}

/// Says what was wrong.
pub(super) fn problem(status: u16, detail: &str) -> Answer {
    Answer { status, body: json!({"status": status, "detail": detail}) }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
        if answer.body.is_null() {
            status.into_response()
        } else {
            (status, Json(answer.body)).into_response()
        }
    }
}
