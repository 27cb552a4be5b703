//! Whoever looks at a page, known or not, and how they ask the API from within. What they may is decided there.

use std::convert::Infallible;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use maud::{Markup, html};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

use super::form::{Form, ONCE, TOKEN};
use super::portal::Portal;
use super::problem_page::Refused;
use super::theme::Theme;
use crate::digest::Digest;
use crate::serve::api::{App, Correlation};
use crate::serve::auth::{Peer, Principal, Via, Who, new_name};

/// The largest answer of the API that is shown, in bytes.
const LARGEST: usize = 64 << 20;

/// Whoever looks at a page.
#[derive(Clone)]
pub(super) struct Guest {
    portal: Portal,
    who: Option<Principal>,
    peer: Peer,
    correlation: Option<Correlation>,
    agent: Option<axum::http::HeaderValue>,
    theme: Theme,
    /// The page, with its parameters.
    place: String,
}

impl Guest {
    /// Takes them from a request that the door looked at.
    pub(super) fn of(portal: &Portal, request: &Request) -> Self {
        let extensions = request.extensions();
        let place = request.uri().path_and_query().map_or("/", |place| place.as_str());
        Self {
            portal: portal.clone(),
            who: extensions.get::<Who>().map(|Who(who)| who.clone()),
            peer: extensions.get::<Peer>().copied().unwrap_or(Peer([0, 0, 0, 0].into())),
            correlation: extensions.get::<Correlation>().cloned(),
            agent: request.headers().get(header::USER_AGENT).cloned(),
            theme: Theme::of(request.headers()),
            place: place.to_owned(),
        }
    }

    pub(super) fn who(&self) -> Option<&Principal> {
        self.who.as_ref()
    }

    pub(super) fn app(&self) -> &App {
        self.portal.app()
    }

    pub(super) fn portal(&self) -> &Portal {
        &self.portal
    }

    pub(super) fn theme(&self) -> Theme {
        self.theme
    }

    /// Returns the page that is looked at, with its parameters.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Returns the session that they are signed in with.
    pub(super) fn session(&self) -> Option<&str> {
        match &self.who.as_ref()?.via {
            Via::Session(session) => Some(session),
            Via::Key(_) | Via::Access(_) | Via::Job(_) => None,
        }
    }

    /// Returns what every form of theirs has to send back.
    pub(super) fn token(&self) -> String {
        self.session().map(|session| self.app().auth().form_token(session)).unwrap_or_default()
    }

    /// Returns the fields that every form holds unseen.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name=(TOKEN) value=(self.token());
            input type="hidden" name=(ONCE) value=(new_name());
        }
    }

    /// Reads something of the API, by its path below `/api/v1`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refused> {
        let response = self.ask((Method::GET, path), HeaderMap::new(), Body::empty()).await;
        let bytes = body_of(response).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            tracing::error!(%error, path, "an answer of the API could not be read");
            Refused::inside()
        })
    }

    /// Posts something to the API, once however often the form is sent.
    pub(super) async fn post<B: Serialize>(
        &self,
        path: &str,
        body: &B,
        form: &Form,
    ) -> Result<serde_json::Value, Refused> {
        self.send((Method::POST, path), body, form).await
    }

    /// Sends something to the API, once however often the form is sent.
    pub(super) async fn send<B: Serialize>(
        &self,
        asked: (Method, &str),
        body: &B,
        form: &Form,
    ) -> Result<serde_json::Value, Refused> {
        let response = self.sent(asked, body, form.get(ONCE)).await;
        let bytes = body_of(response).await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Sends something to the API, and returns all of the answer.
    pub(super) async fn sent<B: Serialize>(
        &self,
        asked: (Method, &str),
        body: &B,
        once: Option<&str>,
    ) -> Response {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut headers = HeaderMap::new();
        let kind = header::HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, kind);
        // The same form with something else in it is something else.
        let key = once
            .map(|once| Digest::of_parts([once.as_bytes(), asked.1.as_bytes(), &body]).to_string());
        if let Some(key) = key.and_then(|key| header::HeaderValue::from_str(&key).ok()) {
            headers.insert("idempotency-key", key);
        }
        self.ask(asked, headers, Body::from(body)).await
    }

    async fn ask(
        &self,
        (method, path): (Method, &str),
        headers: HeaderMap,
        body: Body,
    ) -> Response {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}")).body(body);
        let Ok(mut request) = request else { return Refused::missing(path).response() };
        *request.headers_mut() = headers;
        if let Some(agent) = &self.agent {
            request.headers_mut().insert(header::USER_AGENT, agent.clone());
        }
        let extensions = request.extensions_mut();
        extensions.insert(self.peer);
        if let Some(correlation) = &self.correlation {
            extensions.insert(correlation.clone());
        }
        if let Some(who) = &self.who {
            extensions.insert(Who(who.clone()));
        }
        match self.portal.api().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Reads an answer; what is refused is told.
async fn body_of(response: Response) -> Result<Vec<u8>, Refused> {
    let status: StatusCode = response.status();
    let bytes = to_bytes(response.into_body(), LARGEST).await.map_err(|_| Refused::inside())?;
    if status.is_success() { Ok(bytes.to_vec()) } else { Err(Refused::read(status, &bytes)) }
}

impl<S: Send + Sync> FromRequestParts<S> for Guest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Guest>().cloned().expect("the door stands before every page"))
    }
}
