//! A server elsewhere, which commands ask over its API instead of the store of this machine: `--server`. What is sent bears a key
//! of its own, so that a lost answer is asked for again and nothing is done twice. No redirect is followed with the token.

mod answer;
mod list;
mod reach;
mod send;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

use std::sync::atomic::AtomicBool;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use super::context::Context;
use super::output::Failure;
use super::table::cell;
use crate::action::{Egress, HttpClient, Response};
use crate::reconcile::show::visible;
use crate::secret::Secret;

pub(super) use answer::refused;
pub(super) use reach::refuse_elsewhere;
use send::{Asked, PATIENCE, Patience};

/// A server elsewhere.
pub(super) struct Server {
    /// Without a slash at its end.
    url: String,
    token: Secret,
    http: HttpClient,
    context: Context,
    patience: Patience,
    /// It answered something: its address is right.
    answered: AtomicBool,
}

/// A word that the server recorded.
#[derive(Debug, Deserialize)]
pub(super) struct Recorded {
    pub(super) decision: i64,
    pub(super) by: String,
    driven: bool,
}

impl Context {
    /// Returns the server that is to be asked, where one was named.
    pub(super) fn asks(&self) -> Result<Option<Server>, Failure> {
        let Some(text) = &self.server else { return Ok(None) };
        let token = std::env::var("TRUELINE_TOKEN").unwrap_or_default();
        Server::at((text, token.trim()), self, PATIENCE).map(Some)
    }
}

impl Server {
    fn at(
        (text, token): (&str, &str),
        context: &Context,
        patience: Patience,
    ) -> Result<Self, Failure> {
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
        let http = client(context, &host, url.port_or_known_default().unwrap_or(443))?;
        let url = text.trim_end_matches('/').to_owned();
        let (token, context, answered) = (Secret::new(token), context.clone(), false.into());
        Ok(Self { url, token, http, context, patience, answered })
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

    /// Tells whether there is something that may be seen.
    pub(super) async fn has(&self, path: &str) -> Result<bool, Failure> {
        let answer = self.got(path, "application/json").await?;
        match answer.status {
            200 => Ok(true),
            404 if answer::is_problem(&answer) => Ok(false),
            _ => Err(self.refusal(&answer)),
        }
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

    async fn got(&self, path: &str, accept: &str) -> Result<Response, Failure> {
        self.send(&Asked { method: Method::GET, path, accept, body: None }).await
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

/// Makes what asks one host alone.
fn client(context: &Context, host: &Host<&str>, port: u16) -> Result<HttpClient, Failure> {
    // A folder that others wrote decides neither through whom the token goes nor who may vouch for whom it reaches.
    let own = context.names_config.then_some(&context.config.egress);
    let authorities = own.and_then(|egress| egress.authorities.clone());
    // Whoever names it means it, wherever it is.
    let egress = Egress { allow: vec![format!("{host}:{port}")], authorities };
    // What never leaves this machine needs no proxy.
    let proxy = own.and_then(|egress| egress.proxy.as_deref()).filter(|_| !is_loopback(host));
    Ok(HttpClient::through(&egress, proxy)?)
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => *name == "localhost",
    }
}

/// Writes a text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
