//! A server elsewhere, which commands ask over its API instead of the store of this machine: `--server`. What is sent bears a key
//! of its own, so that a lost answer is asked for again and nothing is done twice. No redirect is followed with the token.

mod answer;
mod reach;
#[cfg(test)]
mod tests;

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use super::context::Context;
use super::output::Failure;
use super::table::cell;
use crate::action::{Egress, HttpClient, Request, Response};
use crate::reconcile::show::visible;
use crate::run::{Fault, FaultClass};
use crate::secret::Secret;

pub(super) use answer::refused;
pub(super) use reach::refuse_elsewhere;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a lost answer is asked for again.
const AGAIN: usize = 3;

/// Before that.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest page that is asked for.
const PAGE: usize = 200;

/// A server elsewhere.
pub(super) struct Server {
    /// Without a slash at its end.
    url: String,
    token: Secret,
    http: HttpClient,
}

/// A word that the server recorded.
#[derive(Debug, Deserialize)]
pub(super) struct Recorded {
    pub(super) decision: i64,
    pub(super) by: String,
    driven: bool,
}

#[derive(Debug, Deserialize)]
struct Page<T> {
    items: Vec<T>,
    #[serde(default)]
    next: Option<String>,
}

/// What is asked of a server.
struct Asked<'a> {
    method: Method,
    /// Below `/api/v1`.
    path: &'a str,
    accept: &'a str,
    body: Option<&'a Value>,
}

impl Context {
    /// Returns the server that is to be asked, where one was named.
    pub(super) fn asks(&self) -> Result<Option<Server>, Failure> {
        let Some(text) = &self.server else { return Ok(None) };
        let token = std::env::var("TRUELINE_TOKEN").unwrap_or_default();
        Server::at(text, token.trim(), self).map(Some)
    }
}

impl Server {
    fn at(text: &str, token: &str, context: &Context) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::usage(format!("the server `{}` {why}", cell(text)))
                .hint("write it as https://trueline.example.com")
        };
        let url = Url::parse(text).map_err(|_| wrong("is no URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            // What stands there may be a secret.
            return Err(Failure::usage("the URL of the server holds a user or a password")
                .hint("write it as https://trueline.example.com, and set TRUELINE_TOKEN"));
        }
        let host = url.host().ok_or_else(|| wrong("names no host"))?;
        let is_plain = url.scheme() == "http" && is_loopback(&host);
        if url.scheme() != "https" && !is_plain {
            return Err(wrong("must begin with `https://`, for a token is sent there"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("holds more than a host and a path"));
        }
        if token.is_empty() {
            return Err(Failure::usage(
                "TRUELINE_TOKEN is not set: the server would not know who asks",
            )
            .hint(answer::GET_A_TOKEN));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::usage(
                "TRUELINE_TOKEN holds a space, a line break or another character that no token has",
            )
            .hint(answer::GET_A_TOKEN));
        }
        // Whoever names it means it, wherever it is.
        let port = url.port_or_known_default().unwrap_or(443);
        let authorities = context.config.egress.authorities.clone();
        let egress = Egress { allow: vec![format!("{host}:{port}")], authorities };
        // What never leaves this machine needs no proxy.
        let proxy = context.config.egress.proxy.as_deref().filter(|_| !is_loopback(&host));
        let http = HttpClient::through(&egress, proxy)?;
        let url = text.trim_end_matches('/').to_owned();
        Ok(Self { url, token: Secret::new(token), http })
    }

    /// Reads something below `/api/v1`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.read(&self.got(path, "application/json").await?)
    }

    /// The same; nothing where there is no such thing, or none that may be seen.
    pub(super) async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Failure> {
        let answer = self.got(path, "application/json").await?;
        if answer.status == 404 && answer::is_problem(&answer) {
            return Ok(None);
        }
        self.read(&answer).map(Some)
    }

    /// Reads something as the server writes it for people; nothing in it can steer a terminal.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failure> {
        let answer = self.got(path, "text/plain").await?;
        let kind = answer.header("content-type").unwrap_or_default();
        match answer.status {
            200 if answer.truncated || !kind.starts_with("text/plain") => {
                Err(self.puzzled(&answer, &format!("`{}`", cell(&kind))))
            }
            200 => {
                let text = String::from_utf8_lossy(&answer.body);
                Ok(text.lines().map(|line| visible(line) + "\n").collect())
            }
            _ => Err(self.refusal(&answer)),
        }
    }

    /// Says a word.
    pub(super) async fn say(&self, path: &str, body: &Value) -> Result<Recorded, Failure> {
        self.post(path, body).await
    }

    /// Sends something, once: a lost answer is asked for again under the same key.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, Failure> {
        self.read(&self.posted(path, body).await?)
    }

    /// The same, where a refusal may be read as well: what was answered, and its status.
    pub(super) async fn posted(&self, path: &str, body: &Value) -> Result<Response, Failure> {
        let (method, accept) = (Method::POST, "application/json");
        self.send(&Asked { method, path, accept, body: Some(body) }).await
    }

    /// Reads a list page by page, at most so many entries; tells whether there are more.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, Option<&str>)],
        most: usize,
    ) -> Result<(Vec<T>, bool), Failure> {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in parameters.iter().filter_map(|(name, it)| Some((name, (*it)?))) {
                query.append_pair(name, value);
            }
            let size = PAGE.min(most.saturating_sub(found.len())).max(1);
            query.append_pair("limit", &size.to_string());
            query.extend_pairs(cursor.iter().map(|cursor| ("cursor", cursor)));
            let page: Page<T> = self.get(&format!("{path}?{}", query.finish())).await?;
            let is_empty = page.items.is_empty();
            found.extend(page.items);
            match page.next {
                None => return Ok((found, false)),
                Some(_) if found.len() >= most => {
                    found.truncate(most);
                    return Ok((found, true));
                }
                // A page that brings neither an entry nor another place would be asked for for ever.
                next if is_empty && next == cursor => return Ok((found, false)),
                next => cursor = next,
            }
        }
    }

    async fn got(&self, path: &str, accept: &str) -> Result<Response, Failure> {
        self.send(&Asked { method: Method::GET, path, accept, body: None }).await
    }

    async fn send(&self, asked: &Asked<'_>) -> Result<Response, Failure> {
        let key = asked.body.map(|_| fresh_key());
        let mut left = AGAIN;
        loop {
            let answer = self.http.send(self.request(asked, key.as_deref())).await;
            let is_lost = match &answer {
                Err(fault) => fault.class == FaultClass::Unknown,
                Ok(answer) => answer::is_underway(answer),
            };
            if !is_lost || left == 0 {
                return answer.map_err(|fault| self.unreached(&fault));
            }
            left -= 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn request(&self, asked: &Asked<'_>, key: Option<&str>) -> Request {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("authorization", &format!("Bearer {}", self.token.reveal())),
            header("accept", asked.accept),
        ];
        if let Some(key) = key {
            headers.push(header("content-type", "application/json"));
            headers.push(header("idempotency-key", key));
        }
        Request {
            method: asked.method.clone(),
            url: format!("{}/api/v1{}", self.url, asked.path),
            headers,
            body: asked.body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            timeout: PATIENCE,
        }
    }

    fn unreached(&self, fault: &Fault) -> Failure {
        let failure = Failure::failed(format!(
            "{} can't be asked: {}",
            cell(&self.url),
            cell(&fault.message)
        ));
        match fault.class {
            FaultClass::Unknown => failure.hint(
                "nobody knows whether it was recorded: look before you say it again, `trueline audit list` tells",
            ),
            _ if fault.message.contains("certificate") => failure.hint(
                "where an authority of your own vouches for it, name its certificates with `[egress] authorities` in trueline.toml",
            ),
            _ => failure.hint("is it running, and is its address right? `curl` to its /livez tells"),
        }
    }
}

impl Recorded {
    /// Says in whose name it was recorded, and who acts on it.
    pub(super) fn remark(&self, context: &Context) {
        context.remark(format!("said as {}", cell(&self.by)));
        if !self.driven {
            context.remark("nobody drives just now: it is acted on once somebody does");
        }
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => *name == "localhost",
    }
}

/// Draws what one request is known again by.
fn fresh_key() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    format!("cli-{}", crate::digest::Digest::of_bytes(&bytes))
}

/// Writes a text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    match text {
        // A path that goes up is never meant.
        "." | ".." => text.replace('.', "%2E"),
        text => utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
    }
}
