//! Stands before every page: finds out who looks, refuses forms that are not ours, sends whoever is not known to sign in,
//! and shows what is refused as a page. It knows nothing of what the pages show.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::form::{Form, TOKEN};
use super::guest::Guest;
use super::local::{link, sent_to};
use super::parts::parts_of;
use super::portal::Portal;
use super::problem_page::{self, Refused};
use crate::serve::auth::recognise;
use crate::serve::problem::Problem;

/// The largest form, in bytes; the frame has taken no more in.
const LARGEST: usize = 4 << 20;

/// The largest problem, in bytes.
const LARGEST_PROBLEM: usize = 1 << 20;

/// What pages may load and do: what is ours, and no script or style that stands in a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Lets somebody to a page.
pub(super) async fn door(
    State(portal): State<Portal>,
    mut request: Request,
    next: Next,
) -> Response {
    let known = recognise(portal.app(), &mut request).await;
    let guest = Guest::of(&portal, &request);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let checked = match known {
        Ok(()) if reads => Ok(request),
        Ok(()) => checked(&guest, request).await,
        Err(problem) => Err(problem),
    };
    let response = match checked {
        Ok(mut request) => {
            request.extensions_mut().insert(guest.clone());
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    let mut response = as_page(&guest, reads, response).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::VARY, HeaderValue::from_static("cookie"));
    response
}

/// Reads a form, and refuses one that another site has a browser send.
async fn checked(guest: &Guest, request: Request) -> Result<Request, Problem> {
    let foreign =
        || Problem::forbidden("this form is not from this portal, or too old: load its page again");
    let site = request.headers().get("sec-fetch-site").map(HeaderValue::as_bytes);
    if !matches!(site, None | Some(b"same-origin" | b"none")) {
        return Err(foreign());
    }
    let (mut parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let bytes = to_bytes(body, LARGEST).await.map_err(|_| foreign())?;
    let form = if kind.starts_with("application/x-www-form-urlencoded") {
        Form::read(&bytes)
    } else if kind.starts_with("multipart/form-data") {
        parts_of(&kind, bytes).await?
    } else {
        let detail = "a page sends forms, and this is none";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
    };
    // Who is not signed in has nothing that another site could misuse.
    if guest.session().is_some() && form.get(TOKEN) != Some(guest.token().as_str()) {
        return Err(foreign());
    }
    parts.extensions.insert(form);
    Ok(Request::from_parts(parts, Body::empty()))
}

/// Shows what is refused as a page; sends whoever is to be known first to sign in, and back.
async fn as_page(guest: &Guest, reads: bool, response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_page = kind.is_some_and(|kind| kind.starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    if status == StatusCode::UNAUTHORIZED && guest.who().is_none() {
        let back = if reads { guest.place() } else { "/" };
        return sent_to(&link("/sign-in", &[("next", back)]));
    }
    let later = response.headers().get(header::RETRY_AFTER).cloned();
    let allow = response.headers().get(header::ALLOW).cloned();
    let bytes = to_bytes(response.into_body(), LARGEST_PROBLEM).await.unwrap_or_default();
    let refused = match (status, bytes.first()) {
        (StatusCode::NOT_FOUND, None) => Refused::missing(guest.place()),
        _ => Refused::read(status, &bytes),
    };
    let mut page = problem_page::page(guest, &refused).await;
    for (name, value) in [(header::RETRY_AFTER, later), (header::ALLOW, allow)] {
        if let Some(value) = value {
            page.headers_mut().insert(name, value);
        }
    }
    page
}
