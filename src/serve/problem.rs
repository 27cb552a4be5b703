//! Errors as RFC 9457 writes them. They tell what, where and what to do, and nothing of what is inside.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(in crate::serve) struct Wrong {
    /// Where: a JSON pointer into the body, or the name of a parameter.
    #[serde(flatten)]
    pub(in crate::serve) place: Pointed,
    /// What, in one sentence.
    pub(in crate::serve) detail: String,
}

/// Where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::serve) enum Pointed {
    /// A JSON pointer into the body.
    Pointer(String),
    /// The name of a parameter of the path or the query.
    Parameter(String),
    /// The name of a header.
    Header(String),
}

/// An answer that says no.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Problem {
    status: StatusCode,
    word: &'static str,
    detail: String,
    errors: Vec<Wrong>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A problem as it is sent, `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(in crate::serve) struct ProblemWire {
    /// A stable name of the kind of problem: `urn:trueline:problem:not-found`.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// What is wrong and what to do, in one sentence.
    detail: String,
    /// All that is wrong with what was sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Wrong>,
}

impl Problem {
    /// Makes one: its status, a stable word for its type, and what is wrong and what to do.
    pub(in crate::serve) fn new(
        status: StatusCode,
        word: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, word, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    /// Says that there is no such thing, or that whoever asks can't see it.
    pub(in crate::serve) fn missing(what: &str, id: &str) -> Self {
        let detail = format!("there is no {what} `{}` that you can see", shortened(id));
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// Says that a parameter can't be meant.
    pub(in crate::serve) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let place = Pointed::Parameter(name.to_owned());
        Self::new(StatusCode::BAD_REQUEST, "parameter", format!("`{name}`: {detail}"))
            .with(place, detail)
    }

    /// Says that a header can't be meant.
    pub(in crate::serve) fn header(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let place = Pointed::Header(name.to_owned());
        Self::new(StatusCode::BAD_REQUEST, "header", format!("`{name}`: {detail}"))
            .with(place, detail)
    }

    /// Says that a body can be read and does not fit.
    pub(in crate::serve) fn unfit(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", detail.clone())
            .with(Pointed::Pointer(pointer.into()), detail)
    }

    /// Says that it makes no sense as things stand.
    pub(in crate::serve) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// Says that nobody knows who asks.
    pub(in crate::serve) fn unknown(detail: impl Into<String>) -> Self {
        let challenge = HeaderValue::from_static("Bearer realm=\"trueline\"");
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .header_of(header::WWW_AUTHENTICATE, challenge)
    }

    /// Says that whoever asks may not.
    pub(in crate::serve) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// Says that it can't be answered now, and when to ask again.
    pub(in crate::serve) fn later(
        status: StatusCode,
        word: &'static str,
        detail: &str,
        seconds: u64,
    ) -> Self {
        Self::new(status, word, detail)
            .header_of(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    /// Adds one thing that is wrong.
    #[must_use]
    pub(in crate::serve) fn with(mut self, place: Pointed, detail: impl Into<String>) -> Self {
        self.errors.push(Wrong { place, detail: detail.into() });
        self
    }

    /// Adds a header.
    #[must_use]
    pub(in crate::serve) fn header_of(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Returns its status.
    pub(in crate::serve) fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let wire = ProblemWire {
            kind: format!("urn:trueline:problem:{}", self.word),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            errors: self.errors,
        };
        let body = serde_json::to_string(&wire).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.extend(self.headers);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_busy() {
            let detail = "the store is busy; ask again";
            return Self::later(StatusCode::SERVICE_UNAVAILABLE, "busy", detail, 1);
        }
        tracing::error!(%error, "the store failed a request");
        let detail = "it failed inside; the log of the server says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

/// Answers a problem: its status, a stable word for its type, and what is wrong and what to do, in one sentence.
pub(super) fn problem(status: StatusCode, word: &'static str, detail: &str) -> Response {
    Problem::new(status, word, detail).into_response()
}

/// Cuts what was sent, so that an answer does not repeat a megabyte.
pub(in crate::serve) fn shortened(text: &str) -> String {
    let cut: String = text.chars().filter(|one| !one.is_control()).take(100).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
