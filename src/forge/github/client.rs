//! The client of one repository on GitHub. It sends each request once, and keeps nothing but what [`Memory`] keeps.

use std::fmt;
use std::sync::Arc;

use octocrab::{AuthState, FromResponse, Octocrab, OctocrabBuilder, Page};
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::address::{Address, RepositoryName};
use super::credential::Credential;
use super::judge::{Refused, not_understood};
use super::limits::Purpose;
use super::memory::Memory;
use super::transport::{Core, Transport};
use crate::net::HttpClient;
use crate::run::Fault;
use crate::secret::Secret;

/// How many entries a page has: as many as stay below what is read of one answer.
pub(super) const PER_PAGE: usize = 30;

/// The client of one repository on GitHub.
#[derive(Clone)]
pub struct GitHub {
    core: Arc<Core>,
    octocrab: Octocrab,
}

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitHub({} on {})", self.core.repository, self.core.address)
    }
}

/// Entries of a list, and whether they are all of them.
#[derive(Debug)]
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    pub(super) complete: bool,
}

impl GitHub {
    /// Makes the client. `memory` is shared by all clients of a process, for their limits are.
    pub fn new(
        http: Arc<HttpClient>,
        (address, repository): (Address, RepositoryName),
        credential: Credential,
        memory: Arc<Memory>,
    ) -> Result<Self, Fault> {
        Self::over(Core { http, address, credential, memory, repository, purpose: Purpose::Act })
    }

    /// Returns the same client for looks that may wait: it leaves a part of the limits to whoever acts.
    pub fn for_looks(&self) -> Result<Self, Fault> {
        let Core { http, address, credential, memory, repository, .. } = &*self.core;
        Self::over(Core {
            http: Arc::clone(http),
            address: address.clone(),
            credential: credential.clone(),
            memory: Arc::clone(memory),
            repository: repository.clone(),
            purpose: Purpose::Look,
        })
    }

    fn over(core: Core) -> Result<Self, Fault> {
        let core = Arc::new(core);
        // Nothing of octocrab's own is put around our service: it would try again, and follow redirects.
        let built = OctocrabBuilder::new_empty()
            .with_service(Transport(Arc::clone(&core)))
            .with_auth(AuthState::None)
            .build();
        let octocrab = built.map_err(|_| Fault::terminal("the GitHub client cannot be made"))?;
        Ok(Self { core, octocrab })
    }

    /// Returns the repository.
    pub fn repository(&self) -> &RepositoryName {
        &self.core.repository
    }

    /// Returns where GitHub is.
    pub fn address(&self) -> &Address {
        &self.core.address
    }

    /// Returns a token that git may use for this repository for a while.
    pub async fn token(&self) -> Result<Secret, Fault> {
        Ok(self.core.token().await?)
    }

    /// Reads something of the repository.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refused> {
        let route = self.route(path);
        let got = self.octocrab.get(&route, None::<&()>).await;
        got.map_err(|error| refused(&error, (&Method::GET, &route)))
    }

    /// Reads a list page by page, at most as many as are given.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        pages: usize,
    ) -> Result<Listed<T>, Refused> {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut route = self.route(&format!("{path}{join}per_page={PER_PAGE}"));
        let mut items = Vec::new();
        for _ in 0..pages {
            let got = self.octocrab.get(&route, None::<&()>).await;
            let page: Page<T> = got.map_err(|error| refused(&error, (&Method::GET, &route)))?;
            items.extend(page.items);
            let Some(next) = page.next else { return Ok(Listed { items, complete: true }) };
            route = next.to_string();
        }
        Ok(Listed { items, complete: false })
    }

    /// Sends something that changes the repository, and reads the answer.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        (method, path): (Method, &str),
        body: &impl Serialize,
    ) -> Result<T, Refused> {
        let route = self.route(path);
        let answer = self.raw((method.clone(), &route), body).await?;
        T::from_response(answer).await.map_err(|error| refused(&error, (&method, &route)))
    }

    /// The same where nothing is answered, or nothing that matters; returns what there is.
    pub(super) async fn tell(
        &self,
        (method, path): (Method, &str),
        body: &impl Serialize,
    ) -> Result<Option<Value>, Refused> {
        let route = self.route(path);
        let answer = self.raw((method, &route), body).await?;
        Ok(Value::from_response(answer).await.ok())
    }

    /// Asks GraphQL for what REST can't do; errors in its answer are refusals.
    pub(super) async fn mutate(&self, query: &str, variables: Value) -> Result<Value, Refused> {
        let body = serde_json::json!({"query": query, "variables": variables});
        let answer = self.raw((Method::POST, "/graphql"), &body).await?;
        let answer: Value = Value::from_response(answer)
            .await
            .map_err(|error| refused(&error, (&Method::POST, "/graphql")))?;
        let said = answer.pointer("/errors/0/message").and_then(Value::as_str);
        match said {
            None => Ok(answer),
            Some(said) => {
                let body = serde_json::json!({"message": said}).to_string();
                let said = super::judge::said(body.as_bytes());
                let fault = Fault::terminal(format!("GitHub refused: {said}"));
                Err(Refused { status: 422, said, fault })
            }
        }
    }

    /// Reads where something is kept that GitHub itself does not serve.
    pub(super) async fn location(&self, path: &str) -> Result<String, Refused> {
        let route = self.route(path);
        let answer = self.octocrab._get(route.as_str()).await;
        let answer = answer.map_err(|error| refused(&error, (&Method::GET, &route)))?;
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        location.map(str::to_owned).ok_or_else(|| not_understood(&Method::GET, &what(&route)))
    }

    /// Returns the one HTTP client, for what is kept elsewhere; no credential goes with it.
    pub(super) fn http(&self) -> &HttpClient {
        &self.core.http
    }

    fn route(&self, path: &str) -> String {
        format!("{}{path}", self.core.repository.route())
    }

    async fn raw(
        &self,
        (method, route): (Method, &str),
        body: &impl Serialize,
    ) -> Result<http::Response<Body>, Refused> {
        let request = http::Request::builder().method(method.clone()).uri(route);
        let sent = match self.octocrab.build_request(request, Some(body)) {
            Ok(request) => self.octocrab.execute(request).await,
            Err(error) => Err(error),
        };
        sent.map_err(|error| refused(&error, (&method, route)))
    }
}

type Body = http_body_util::combinators::BoxBody<bytes::Bytes, octocrab::Error>;

fn what(route: &str) -> String {
    format!("`{}`", route.split('?').next().unwrap_or_default())
}

/// Finds what our transport said beneath octocrab's error.
fn refused(error: &octocrab::Error, (method, route): (&Method, &str)) -> Refused {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return refused.clone();
        }
        next = cause.source();
    }
    match error {
        octocrab::Error::Uri { .. } | octocrab::Error::UriParse { .. } => {
            Fault::terminal(format!("{} can't be asked of GitHub", what(route))).into()
        }
        _ => not_understood(method, &what(route)),
    }
}
