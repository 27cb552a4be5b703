//! The client of one repository on GitHub. It sends each request once, and keeps nothing but what [`Memory`] keeps.

use std::fmt;
use std::sync::Arc;

use octocrab::{AuthState, FromResponse, Octocrab, OctocrabBuilder};
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

/// How many pages a list may have that is wanted whole.
const MOST_PAGES: usize = 100;

/// The same where people wrote so much that a page of that many is more than is read of one answer.
const SMALL_PAGES: (usize, usize) = (2, 200);

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
    /// How many there are, where GitHub counts them.
    pub(super) total: Option<u64>,
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

    /// Returns a token that git may use for this repository for a while. Git can't get another one where GitHub ended
    /// this one early, so GitHub is asked something first.
    pub async fn token(&self) -> Result<Secret, Fault> {
        if self.app().is_some() {
            match self.default_branch().await {
                // What is not shown to us, git will say.
                Err(refused) if !matches!(refused.status, 403 | 404) => return Err(refused.into()),
                Err(refused) if refused.fault.retry_after_ms.is_some() => {
                    return Err(refused.into());
                }
                _ => {}
            }
        }
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
        self.pages_of(&self.route(path), (PER_PAGE, pages)).await
    }

    async fn pages_of<T: DeserializeOwned>(
        &self,
        route: &str,
        (size, pages): (usize, usize),
    ) -> Result<Listed<T>, Refused> {
        let join = if route.contains('?') { '&' } else { '?' };
        let mut route = format!("{route}{join}per_page={size}");
        let (mut items, mut total) = (Vec::new(), None);
        for _ in 0..pages {
            let got = self.octocrab._get(route.as_str()).await;
            let answer = got.map_err(|error| refused(&error, (&Method::GET, &route)))?;
            let next = next_page(answer.headers());
            let page = Value::from_response(answer).await;
            let page = page.map_err(|error| refused(&error, (&Method::GET, &route)))?;
            total = page.get("total_count").and_then(Value::as_u64).or(total);
            let page = entries(page).and_then(|page| serde_json::from_value::<Vec<T>>(page).ok());
            items.extend(page.ok_or_else(|| not_understood(&Method::GET, &what(&route)))?);
            let Some(next) = next else { return Ok(Listed { items, complete: true, total }) };
            route = next;
        }
        Ok(Listed { items, complete: false, total })
    }

    /// Reads a list of the repository whole; one that does not end is a fault, and never taken for all.
    pub(super) async fn whole<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Refused> {
        self.whole_from(&self.route(path)).await
    }

    /// The same of a list that is elsewhere than in the repository.
    pub(super) async fn whole_from<T: DeserializeOwned>(
        &self,
        route: &str,
    ) -> Result<Vec<T>, Refused> {
        let listed = match self.pages_of(route, (PER_PAGE, MOST_PAGES)).await {
            // Only an answer that was cut off is refused with this status.
            Err(refused) if refused.status == 200 => self.pages_of(route, SMALL_PAGES).await?,
            listed => listed?,
        };
        let Listed { items, complete, total } = listed;
        let seen = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if !complete {
            let message = format!("{} has more entries than are read of a list", what(route));
            return Err(Fault::terminal(message).into());
        }
        if let Some(total) = total.filter(|total| *total > seen) {
            let message = format!("GitHub shows {seen} of {total} entries of {}", what(route));
            return Err(Fault::transient(message).into());
        }
        Ok(items)
    }

    /// Reads something that is elsewhere than in the repository.
    pub(super) async fn get_from<T: DeserializeOwned>(&self, route: &str) -> Result<T, Refused> {
        let got = self.octocrab.get(route, None::<&()>).await;
        got.map_err(|error| refused(&error, (&Method::GET, route)))
    }

    /// Returns what requests are carried with.
    pub(super) fn core(&self) -> &Core {
        &self.core
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

    /// Returns the route of something of the repository.
    pub(super) fn route(&self, path: &str) -> String {
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

/// Returns the entries of a page: it is a list, or holds one beside their number, under a name of its own.
fn entries(page: Value) -> Option<Value> {
    match page {
        Value::Array(_) => Some(page),
        Value::Object(page) => page.into_iter().map(|(_, value)| value).find(Value::is_array),
        _ => None,
    }
}

/// Returns where the next page is, as the `Link` header says («Using pagination in the REST API»).
pub(super) fn next_page(headers: &http::HeaderMap) -> Option<String> {
    let links = headers.get("link")?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let address = next.split_once('<')?.1.split_once('>')?.0;
    Some(address.to_owned())
}

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
