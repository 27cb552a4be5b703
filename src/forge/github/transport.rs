//! Carries requests to GitHub over the one HTTP client: authenticated, conditional, within the limits. A request is
//! sent once; only one that was turned away for an outdated token is sent again, for nothing came of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use octocrab::OctoBody;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tower::{BoxError, Service};

use super::address::{Address, RepositoryName};
use super::cache::Kept;
use super::counts::Outcome;
use super::credential::{Credential, Installed, sign};
use super::judge::{Refused, judge, not_understood, said};
use super::limits::Purpose;
use super::memory::Memory;
use crate::digest::Digest;
use crate::net::{HttpClient, Request, Response};
use crate::run::Fault;
use crate::secret::{Secret, mask};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);

type Bytes = http_body_util::combinators::BoxBody<bytes::Bytes, std::convert::Infallible>;

/// What requests are carried with.
pub(super) struct Core {
    pub(super) http: Arc<HttpClient>,
    pub(super) address: Address,
    pub(super) credential: Credential,
    pub(super) memory: Arc<Memory>,
    pub(super) repository: RepositoryName,
    /// What requests are for that change nothing.
    pub(super) purpose: Purpose,
}

/// One request, ready but for who sends it.
struct Outgoing {
    method: Method,
    url: String,
    body: Vec<u8>,
    purpose: Purpose,
    /// For people: `GET /repos/acme/dns/pulls`.
    what: String,
}

/// Who sends a request.
struct Sender {
    /// By what its limits and answers are kept apart.
    who: String,
    token: Secret,
}

impl Core {
    async fn carry(&self, outgoing: Outgoing) -> Result<Response, Refused> {
        let sender = self.sender(None).await?;
        let mut response = self.exchange(&outgoing, &sender).await?;
        if response.status == 401 && matches!(self.credential, Credential::App { .. }) {
            let sender = self.sender(Some(&sender.token)).await?;
            response = self.exchange(&outgoing, &sender).await?;
        }
        judge(&outgoing.method, &outgoing.what, &response)
            .map_err(|refused| clean(&refused, &sender))?;
        Ok(response)
    }

    /// Returns who sends, with a token that holds; another one than the one that was turned away.
    async fn sender(&self, refused: Option<&Secret>) -> Result<Sender, Refused> {
        let (id, key) = match &self.credential {
            Credential::Token(token) => {
                return Ok(Sender { who: self.account(), token: token.clone() });
            }
            Credential::App { id, key } => (*id, key),
        };
        let name = format!("{id}:{}", self.repository);
        let holds = |known: &Installed| {
            let fresh = refused.is_none_or(|refused| refused.reveal() != known.token.reveal());
            fresh && known.holds(self.memory.now())
        };
        let known = || self.memory.installed().get(&name).cloned().filter(holds);
        let sent_by = |Installed { installation, token, .. }: Installed| Sender {
            who: format!("installation:{installation}"),
            token,
        };
        if let Some(known) = known() {
            return Ok(sent_by(known));
        }
        // One token does for all who found the last one ended.
        let _minting = self.memory.minting.lock().await;
        if let Some(known) = known() {
            return Ok(sent_by(known));
        }
        let installed = self.install(id, key).await?;
        self.memory.installed().insert(name, installed.clone());
        Ok(sent_by(installed))
    }

    /// Returns the token that git and requests are sent with.
    pub(super) async fn token(&self) -> Result<Secret, Refused> {
        Ok(self.sender(None).await?.token)
    }

    /// Gets a token of the App's installation, good for one repository only.
    async fn install(&self, id: u64, key: &Secret) -> Result<Installed, Refused> {
        #[derive(Deserialize)]
        struct Installation {
            id: u64,
        }
        #[derive(Deserialize)]
        struct Token {
            token: String,
            expires_at: Timestamp,
        }
        let app = Sender { who: format!("app:{id}"), token: sign(id, key)? };
        let route = format!("{}/installation", self.repository.route());
        let ask = self.outgoing((Method::GET, &route), Vec::new(), Purpose::Act)?;
        let installation: Installation = self.ask_as(&app, &ask).await.map_err(|refused| {
            let message = format!("the GitHub App {id} is not installed for {}", self.repository);
            let absent = refused.status == 404;
            if absent { Fault::terminal(message).into() } else { refused }
        })?;
        let route = format!("/app/installations/{}/access_tokens", installation.id);
        let body = json!({"repositories": [self.repository.name]}).to_string().into_bytes();
        let ask = self.outgoing((Method::POST, &route), body, Purpose::Act)?;
        let token: Token = self.ask_as(&app, &ask).await.map_err(|refused| {
            // A token that nobody uses harms nobody.
            let fault = super::judge::classed_safe(refused.fault);
            Refused { fault, ..refused }
        })?;
        Ok(Installed {
            installation: installation.id,
            token: Secret::new(token.token),
            expires_at: token.expires_at,
        })
    }

    /// Asks as the App itself, which is no installation of it.
    pub(super) async fn ask_as_app<T: serde::de::DeserializeOwned>(
        &self,
        route: &str,
    ) -> Result<T, Refused> {
        let answer = self.as_app((Method::GET, route)).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|_| not_understood(&Method::GET, &format!("`GET {route}`")))
    }

    /// The same for whatever is asked without a body.
    pub(super) async fn as_app(
        &self,
        (method, route): (Method, &str),
    ) -> Result<Response, Refused> {
        let Credential::App { id, key } = &self.credential else {
            return Err(
                Fault::terminal("only a GitHub App is told that, and a token is set up").into()
            );
        };
        let app = Sender { who: format!("app:{id}"), token: sign(*id, key)? };
        let ask = self.outgoing((method, route), Vec::new(), self.purpose)?;
        let response = self.exchange(&ask, &app).await?;
        judge(&ask.method, &ask.what, &response).map_err(|refused| clean(&refused, &app))?;
        Ok(response)
    }

    /// Returns by what the credential is known again, which tells nothing of it.
    pub(super) fn account(&self) -> String {
        match &self.credential {
            Credential::Token(token) => {
                format!("token:{}", Digest::of_bytes(token.reveal().as_bytes()).short())
            }
            Credential::App { id, .. } => format!("app:{id}"),
        }
    }

    async fn ask_as<T: serde::de::DeserializeOwned>(
        &self,
        sender: &Sender,
        outgoing: &Outgoing,
    ) -> Result<T, Refused> {
        let response = self.exchange(outgoing, sender).await?;
        judge(&outgoing.method, &outgoing.what, &response)
            .map_err(|refused| clean(&refused, sender))?;
        serde_json::from_slice(&response.body)
            .map_err(|_| not_understood(&outgoing.method, &outgoing.what))
    }

    fn outgoing(
        &self,
        (method, route): (Method, &str),
        body: Vec<u8>,
        purpose: Purpose,
    ) -> Result<Outgoing, Refused> {
        let url = if route == "/graphql" {
            Some(self.address.graphql())
        } else {
            self.address.url(route)
        };
        let url = url.ok_or_else(|| {
            Fault::terminal(
                "GitHub names an address on another host, where our credential is not sent",
            )
        })?;
        let path = route.split('?').next().unwrap_or_default();
        let what = format!("`{method} {path}`");
        Ok(Outgoing { method, url, body, purpose, what })
    }

    /// Sends a request once, within the limits; an answer that did not change comes from what is kept.
    async fn exchange(&self, outgoing: &Outgoing, sender: &Sender) -> Result<Response, Refused> {
        let Outgoing { method, url, body, purpose, .. } = outgoing;
        let who = sender.who.as_str();
        let resource = if url.ends_with("/graphql") { "graphql" } else { "core" };
        let admitted = self.memory.limits().admit(who, (resource, *purpose), self.memory.now());
        admitted.inspect_err(|_| self.memory.counts().count(who, Outcome::Held))?;
        if *purpose == Purpose::Create {
            self.memory.turn(who).await?;
        }
        let _slot =
            self.memory.slots.acquire().await.map_err(|_| Fault::transient("shutting down"))?;
        let kept = (*method == Method::GET).then(|| self.memory.cache().find(who, url)).flatten();
        let mut headers = vec![
            ("accept".to_owned(), "application/vnd.github+json".to_owned()),
            ("x-github-api-version".to_owned(), "2022-11-28".to_owned()),
            ("authorization".to_owned(), format!("Bearer {}", sender.token.reveal())),
        ];
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        headers.extend(kept.iter().map(|kept| ("if-none-match".to_owned(), kept.etag.clone())));
        let request = Request {
            method: method.clone(),
            url: url.clone(),
            headers,
            body: body.clone(),
            timeout: PATIENCE,
        };
        let sent = self.http.send(request).await;
        let mut response =
            sent.inspect_err(|_| self.memory.counts().count(who, Outcome::Unanswered))?;
        let told = said(&response.body);
        let learned = (response.status, &response.headers, told.as_str());
        let limit = self.memory.limits().learn(who, learned, self.memory.now());
        let outcome = limit.as_ref().map_or(Outcome::of(response.status), |_| Outcome::Limited);
        self.memory.counts().count(who, outcome);
        if let Some(fault) = limit {
            return Err(Refused { status: response.status, said: String::new(), fault });
        }
        match kept {
            Some(kept) if response.status == 304 => {
                response.status = 200;
                response.body = kept.body;
                if let Some(link) = kept.link.and_then(|link| link.parse().ok()) {
                    response.headers.insert("link", link);
                }
            }
            _ => self.keep(outgoing, who, &response),
        }
        Ok(response)
    }

    fn keep(&self, outgoing: &Outgoing, who: &str, response: &Response) {
        let whole = response.status == 200 && !response.truncated;
        if outgoing.method != Method::GET || !whole {
            return;
        }
        if let Some(etag) = response.header("etag") {
            let (link, body) = (response.header("link"), response.body.clone());
            self.memory.cache().keep(who, &outgoing.url, Kept { etag, link, body });
        }
    }
}

/// Takes the token out of what comes back.
fn clean(refused: &Refused, sender: &Sender) -> Refused {
    let hide = |text: &str| mask(text, std::slice::from_ref(&sender.token));
    let message = hide(&refused.fault.message);
    Refused {
        said: hide(&refused.said),
        fault: Fault { message, ..refused.fault.clone() },
        status: refused.status,
    }
}

/// Carries what octocrab asks for.
#[derive(Clone)]
pub(super) struct Transport(pub(super) Arc<Core>);

impl Service<http::Request<OctoBody>> for Transport {
    type Response = http::Response<Bytes>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<OctoBody>) -> Self::Future {
        let core = Arc::clone(&self.0);
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes().to_vec();
            let changes = !matches!(parts.method, Method::GET | Method::HEAD);
            let purpose = if changes { Purpose::Create } else { core.purpose };
            let route = parts.uri.to_string();
            let outgoing = core.outgoing((parts.method, &route), body, purpose)?;
            let Response { status, headers, body, .. } = core.carry(outgoing).await?;
            let mut answer = http::Response::new(Full::from(body).boxed());
            *answer.status_mut() = http::StatusCode::from_u16(status)?;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}
