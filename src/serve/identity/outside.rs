//! Asks those who vouch for people: by the one HTTP client, within a time and a size. It tells nobody a secret but whom
//! it was made for.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::action::{HttpClient, Owner, Ports, Request, Response, SecretRef, SecretSource};
use crate::run::Fault;
use crate::secret::Secret;
use crate::serve::problem::{Problem, shortened};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks those who vouch for people.
#[derive(Clone)]
pub(super) struct Outside {
    http: Arc<HttpClient>,
    secrets: Arc<dyn SecretSource>,
}

impl Outside {
    pub(super) fn new(ports: &Ports) -> Self {
        Self { http: Arc::clone(&ports.http), secrets: Arc::clone(&ports.secrets) }
    }

    /// Finds a secret of the operator.
    pub(super) async fn secret(&self, named: &SecretRef) -> Result<Secret, Problem> {
        let found = self.secrets.find(Owner::Operator, &named.secret).await;
        found.map_err(|fault| {
            tracing::error!(%fault, "a secret of who vouches for people can't be had");
            away("what proves who we are there can't be read; the log of the server says why")
        })
    }

    /// Reads something as JSON.
    pub(super) async fn get(
        &self,
        url: &str,
        bearer: Option<&Secret>,
    ) -> Result<(u16, Value, Response), Problem> {
        let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
        let token = bearer.map(|token| format!("Bearer {}", token.reveal()));
        headers.extend(token.map(|token| ("authorization".to_owned(), token)));
        self.ask(reqwest::Method::GET, url, (headers, Vec::new())).await
    }

    /// Reads something of GitHub's API.
    pub(super) async fn get_github(
        &self,
        url: &str,
        token: &Secret,
    ) -> Result<(u16, Value, Response), Problem> {
        let headers = [
            ("accept", "application/vnd.github+json".to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
            ("authorization", format!("Bearer {}", token.reveal())),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
        self.ask(reqwest::Method::GET, url, (headers, Vec::new())).await
    }

    /// Sends a form, and reads the answer as JSON.
    pub(super) async fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
        more: Option<(String, String)>,
    ) -> Result<(u16, Value), Problem> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let kind = ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
        let accept = ("accept".to_owned(), "application/json".to_owned());
        let headers = [kind, accept].into_iter().chain(more).collect();
        let answer = self.ask(reqwest::Method::POST, url, (headers, body.into_bytes())).await?;
        Ok((answer.0, answer.1))
    }

    async fn ask(
        &self,
        method: reqwest::Method,
        url: &str,
        (headers, body): (Vec<(String, String)>, Vec<u8>),
    ) -> Result<(u16, Value, Response), Problem> {
        let request = Request { method, url: url.to_owned(), headers, body, timeout: PATIENCE };
        let answer = self.http.send(request).await.map_err(|fault| unreached(&fault))?;
        if answer.truncated {
            return Err(away("its answer is too long to be meant"));
        }
        let value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Ok((answer.status, value, answer))
    }
}

fn unreached(fault: &Fault) -> Problem {
    tracing::warn!(%fault, "who vouches for people can't be asked");
    away(&fault.to_string())
}

/// Says that who vouches for people can't be asked, or answers nothing that is understood.
pub(super) fn away(why: &str) -> Problem {
    let detail = format!("who vouches for you can't be asked just now: {why}; try again");
    Problem::new(StatusCode::BAD_GATEWAY, "provider", detail)
}

/// Says what was answered instead of what was asked for; of the answer only the code of the error.
pub(super) fn answered(status: u16, value: &Value) -> Problem {
    let code = value.get("error").and_then(Value::as_str).map(shortened);
    let code = code.map(|code| format!(" `{code}`")).unwrap_or_default();
    away(&format!("it answered {status}{code}"))
}

/// Reads an answer as an object.
pub(super) fn object(status: u16, value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(object) if (200..300).contains(&status) => Ok(object),
        value => Err(answered(status, &value)),
    }
}
