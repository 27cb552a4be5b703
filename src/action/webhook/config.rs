//! Reads the rendered `config` of a webhook and makes its request. It sends nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::action::callbacks::Callbacks;
use crate::action::rest_api::{OWN_HEADERS, effect_headers};
use crate::action::{Call, Ports, signature};
use crate::catalog::duration;
use crate::net::Request;
use crate::run::Fault;
use crate::secret::Secret;

/// The header that tells the receiver where to post its answer.
const CALLBACK_HEADER: &str = "trueline-callback-url";

/// The rendered `config`.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    endpoint: Endpoint,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Body>,
    signature: Option<Signature>,
    callback: Option<Callback>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    url: String,
    method: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Body {
    template: Value,
}

#[derive(Debug, Deserialize)]
struct Signature {
    secret: String,
    scheme: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Callback {
    timeout: Option<String>,
}

impl Config {
    pub(super) fn read(call: &Call) -> Result<Self, Fault> {
        Self::deserialize(&call.config)
            .map_err(|error| Fault::terminal(format!("`config` cannot be read: {error}")))
    }

    /// Returns where the answer goes and how long it is waited for, where one is.
    pub(super) fn callback<'p>(
        &self,
        ports: &'p Ports,
    ) -> Result<Option<(&'p Callbacks, Duration)>, Fault> {
        let Some(callback) = &self.callback else { return Ok(None) };
        let Some(callbacks) = &ports.operator.callbacks else {
            return Err(Fault::terminal(
                "`callback` needs an address at which the receiver reaches Trueline: the operator sets `[server] publicUrl`",
            ));
        };
        let text = callback.timeout.as_deref().unwrap_or("1d");
        let timeout = duration(text).ok_or_else(|| {
            Fault::terminal(format!("`callback.timeout`: `{text}` is not a duration such as `1d`"))
        })?;
        Ok(Some((callbacks, timeout)))
    }

    /// Names the receiver without what its URL may hold beside host and path.
    pub(super) fn what(&self) -> String {
        let url = Url::parse(&self.endpoint.url);
        let told = |url: Url| format!("{}{}", url.origin().ascii_serialization(), url.path());
        url.map(told).unwrap_or_default()
    }

    /// Makes the request, signed at a moment.
    pub(super) fn request(
        &self,
        call: &Call,
        callback_url: Option<&str>,
        now: Timestamp,
        timeout: Duration,
    ) -> Result<Request, Fault> {
        let body = match self.body.as_ref().map(|body| &body.template) {
            None => Vec::new(),
            Some(Value::String(text)) => {
                serde_json::from_str::<Value>(text).map_err(|error| {
                    Fault::terminal(format!(
                        "`config/body/template` does not render to JSON: {error}"
                    ))
                })?;
                text.clone().into_bytes()
            }
            Some(value) => value.to_string().into_bytes(),
        };
        let mut headers = self.own_headers()?;
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        headers.extend(effect_headers(call));
        let url = callback_url.map(|url| (CALLBACK_HEADER.to_owned(), url.to_owned()));
        headers.extend(url);
        if let Some(Signature { secret, scheme }) = &self.signature {
            let secret = Secret::new(secret.clone());
            match scheme.as_deref().unwrap_or("standard-webhooks") {
                "hub-sha256" => headers.push(signature::hub(&secret, &body)),
                _ => {
                    headers.extend(signature::standard(&secret, &call.key, now.as_second(), &body));
                }
            }
        }
        let method = match self.endpoint.method.as_deref() {
            Some("PUT") => Method::PUT,
            _ => Method::POST,
        };
        Ok(Request { method, url: self.endpoint.url.clone(), headers, body, timeout })
    }

    fn own_headers(&self) -> Result<Vec<(String, String)>, Fault> {
        let ours = |name: &str| {
            let name = name.to_ascii_lowercase();
            OWN_HEADERS.contains(&name.as_str())
                || name == "content-type"
                || name == CALLBACK_HEADER
                || name.starts_with("webhook-")
        };
        if let Some(name) = self.headers.keys().find(|name| ours(name)) {
            return Err(Fault::terminal(format!(
                "header `{name}` is set by trueline itself; leave it out"
            )));
        }
        Ok(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}
