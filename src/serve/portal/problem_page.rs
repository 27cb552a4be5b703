//! What the API refuses, as a page: what is wrong and what to do. Nothing of what is inside.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::guest::Guest;
use super::layout::{Page, Section};
use super::local::link;
use super::marks::prose;

/// What the API said no with.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Refused {
    #[serde(default)]
    status: u16,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    errors: Vec<Wrong>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Wrong {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    detail: String,
}

impl Refused {
    /// Says that there is no such thing.
    pub(super) fn missing(what: &str) -> Self {
        let detail = format!("there is nothing at `{what}` that you can see");
        Self { status: 404, title: "Not Found".to_owned(), detail, ..Self::default() }
    }

    /// Says that something does not fit.
    pub(super) fn unfit(pointer: &str, detail: &str) -> Self {
        let wrong =
            Wrong { pointer: Some(pointer.to_owned()), parameter: None, detail: detail.to_owned() };
        let title = "Unprocessable Content".to_owned();
        Self { status: 422, title, detail: detail.to_owned(), errors: vec![wrong] }
    }

    /// Says that it failed here.
    pub(super) fn inside() -> Self {
        let detail = "it failed inside; the log of the server says why".to_owned();
        Self { status: 500, title: "Internal Server Error".to_owned(), detail, errors: Vec::new() }
    }

    /// Reads what was refused.
    pub(super) fn read(status: StatusCode, bytes: &[u8]) -> Self {
        let mut read: Self = serde_json::from_slice(bytes).unwrap_or_default();
        read.status = status.as_u16();
        if read.title.is_empty() {
            status.canonical_reason().unwrap_or("Error").clone_into(&mut read.title);
        }
        read
    }

    /// Returns what is wrong, in a sentence without its end.
    pub(super) fn detail(&self) -> &str {
        if self.detail.is_empty() { &self.title } else { &self.detail }
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// Tells whether whoever asked can mend it by filling the form in otherwise.
    pub(super) fn can_be_mended(&self) -> bool {
        matches!(self.status, 400 | 401 | 409 | 412 | 415 | 422 | 429)
    }

    /// Returns what is wrong with one field of a body.
    pub(super) fn of(&self, pointer: &str) -> Option<&str> {
        let found = self.errors.iter().find(|wrong| wrong.pointer.as_deref() == Some(pointer))?;
        Some(&found.detail)
    }

    /// Returns all that is wrong with a field of a body, or within it.
    pub(super) fn under(&self, pointer: &str) -> Vec<&str> {
        let is_under = |wrong: &&Wrong| {
            let rest = wrong.pointer.as_deref().and_then(|own| own.strip_prefix(pointer));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.errors.iter().filter(is_under).map(|wrong| wrong.detail.as_str()).collect()
    }

    /// Shows it above a long form: each thing that is wrong leads to its field. `place` finds that by its pointer: where it
    /// stands on the page, and its name.
    pub(super) fn summary(&self, place: impl Fn(&str) -> Option<(String, String)>) -> Markup {
        let place = |wrong: &Wrong| wrong.pointer.as_deref().and_then(&place);
        html! {
            div.notice.bad #wrong role="alert" tabindex="-1" data-focus {
                strong { "That does not fit yet. " }
                @if self.errors.is_empty() { (spoken(&self.detail)) }
                ul {
                    @for wrong in &self.errors { li {
                        @match place(wrong) {
                            Some((id, name)) => { a href=(format!("#{id}")) { (name) } ": " (prose(at_its_field(&wrong.detail))) },
                            None => (spoken(&wrong.detail)),
                        }
                    } }
                }
            }
        }
    }

    /// Shows it above a form.
    pub(super) fn above(&self) -> Markup {
        html! {
            div.notice.bad role="alert" tabindex="-1" data-focus {
                strong { "That was not taken: " } (spoken(&self.detail))
                @if self.errors.len() > 1 {
                    ul { @for wrong in &self.errors { li { (spoken(&wrong.detail)) } } }
                }
            }
        }
    }

    pub(super) fn response(&self) -> Response {
        let body = serde_json::to_string(self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.response()
    }
}

/// Begins with a capital and ends with a full stop, as people write.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?', ':']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

/// Shows a sentence of its own, with names as code.
pub(super) fn spoken(text: &str) -> Markup {
    prose(&sentence(text))
}

/// Says what is wrong with a field where its name stands already.
pub(super) fn at_its_field(text: &str) -> &str {
    if text.starts_with("missing field `") { "it is missing" } else { text }
}

/// Shows it as a page of its own.
pub(super) async fn page(guest: &Guest, refused: &Refused) -> Response {
    let (heading, next) = match refused.status {
        403 => ("You may not do that", "Ask who looks after your team’s rights, or go back."),
        404 => (
            "There is nothing here",
            "It may be gone, or belong to a team whose things you can’t see.",
        ),
        408 | 429 | 503 => ("Not just now", "Wait a moment, and load the page again."),
        500 => ("It failed here", "Try again; the log of the server says more."),
        _ => ("That did not work", "Go back, look again, and try once more."),
    };
    let body = html! {
        p.lead { (spoken(&refused.detail)) }
        p { (next) }
        p.actions {
            a.button href="/" { "To the overview" }
            @if guest.who().is_none() {
                a.button.plain href=(link("/sign-in", &[("next", guest.place())])) { "Sign in" }
            }
        }
    };
    let page = Page { heading, section: Section::None, ..Page::default() };
    let mut response = page.show(guest, &body).await;
    *response.status_mut() =
        StatusCode::from_u16(refused.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}
