//! The rendered `config` of a `rest-api` action, and the requests that it makes. It never sends them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::authentication::Authentication;
use super::body::{Body, JSON};
use super::gone::Gone;
use super::poll::Poll;
use crate::action::redirect::Redirects;
use crate::action::{Call, Request};
use crate::digest::Digest;
use crate::run::Fault;
use crate::template::{has_sensitive, has_unknown};

/// Headers that the client or this action sets itself.
pub(in crate::action) const OWN_HEADERS: [&str; 12] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "proxy-authorization",
    "proxy-connection",
    "idempotency-key",
    "x-correlation-id",
    "traceparent",
];

/// The rendered `config`.
#[derive(Debug, Deserialize)]
pub(super) struct Config {
    endpoint: Endpoint,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    query: Map<String, Value>,
    body: Option<Body>,
    authentication: Option<Map<String, Value>>,
    expect: Option<Expect>,
    pub(super) poll: Option<Poll>,
    observe: Option<Endpoint>,
    delete: Option<Endpoint>,
}

#[derive(Debug, Default, Deserialize)]
struct Endpoint {
    url: String,
    method: Option<String>,
    /// Of `observe` and `delete`; they win over those of all requests.
    #[serde(default)]
    headers: Map<String, Value>,
    /// Of `observe` and `delete`.
    body: Option<Body>,
    /// Of `observe` and `delete`.
    gone: Option<Gone>,
    /// Of the endpoint itself, and meant for all requests.
    #[serde(default)]
    redirects: Redirects,
    /// Of `observe` and `delete`; that of the endpoint itself stands beside it.
    expect: Option<Expect>,
    /// Of `delete`.
    #[serde(default)]
    orphans: bool,
    /// Of `observe`.
    #[serde(default)]
    compare: BTreeMap<String, Compare>,
}

#[derive(Debug, Deserialize)]
struct Expect {
    #[serde(default)]
    status: Vec<Value>,
    schema: Option<Value>,
}

/// One value that is looked at for drift.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Compare {
    /// Where it stands in the answer.
    pub(super) pointer: String,
    /// What should stand there.
    pub(super) value: Value,
}

/// Statuses that mean success.
#[derive(Debug)]
pub(in crate::action) struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Any success.
    pub(in crate::action) fn success() -> Self {
        Self(vec![200..=299])
    }

    fn read(expect: Option<&Expect>) -> Result<Self, Fault> {
        let Some(expect) = expect.filter(|expect| !expect.status.is_empty()) else {
            return Ok(Self::success());
        };
        Self::of(&expect.status).ok_or_else(|| {
            Fault::terminal("`expect.status` lists numbers and ranges such as \"200-299\"")
        })
    }

    /// Reads codes and ranges; nothing where one is neither.
    pub(super) fn of(listed: &[Value]) -> Option<Self> {
        let ranges = listed.iter().map(|entry| {
            let text = plain(entry);
            let (first, last) = text.split_once('-').unwrap_or((&text, &text));
            Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
        });
        ranges.collect::<Option<_>>().map(Self)
    }

    pub(super) fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|range| range.contains(&status))
    }
}

/// A request that is ready to be sent, and how its answer is read.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) request: Request,
    /// The body as a value, where there is one; for a look, only where it is JSON and so comparable.
    pub(super) sent: Option<Value>,
    pub(super) expect: Statuses,
    /// What the body of the answer must fit.
    pub(super) schema: Option<Value>,
    pub(super) redirects: Redirects,
    pub(super) authentication: Authentication,
    pub(super) compare: BTreeMap<String, Compare>,
    /// What else than `404` and `410` means that nothing is there.
    pub(super) gone: Option<Gone>,
    /// For people: method and URL without its query.
    pub(super) what: String,
}

impl Config {
    /// Reads the `config` of a call, and refuses what this build can't do.
    pub(super) fn read(call: &Call) -> Result<Self, Fault> {
        if holds_marker(&call.config) {
            return Err(Fault::terminal("`config` holds a value that is not known yet"));
        }
        Self::deserialize(&call.config)
            .map_err(|error| Fault::terminal(format!("`config` cannot be read: {error}")))
    }

    /// Makes the request that brings about what is wanted.
    pub(super) fn perform(&self, call: &Call, timeout: Duration) -> Result<Prepared, Fault> {
        let mut prepared = self.prepare(&self.endpoint, Method::POST, timeout)?;
        prepared.expect = Statuses::read(self.expect.as_ref())?;
        prepared.schema = self.expect.as_ref().and_then(|expect| expect.schema.clone());
        prepared.sent = carry(&mut prepared.request, self.body.as_ref(), "body")?;
        prepared.request.headers.extend(effect_headers(call));
        Ok(prepared)
    }

    /// Makes the request that looks at what is there; nothing where the `config` has no `observe`.
    pub(super) fn observe(&self, timeout: Duration) -> Result<Option<Prepared>, Fault> {
        let Some(observe) = &self.observe else { return Ok(None) };
        let mut prepared = self.prepare(observe, Method::GET, timeout)?;
        carry(&mut prepared.request, observe.body.as_ref(), "observe/body")?;
        let made = self.body.as_ref().map(|body| body.content("body")).transpose()?;
        prepared.sent = made.filter(|(media, _, _)| *media == JSON).map(|(_, _, sent)| sent);
        Ok(Some(prepared))
    }

    /// Makes the request that takes it away; nothing where the `config` has no `delete`.
    pub(super) fn delete(&self, call: &Call, timeout: Duration) -> Result<Option<Prepared>, Fault> {
        let Some(delete) = &self.delete else { return Ok(None) };
        let mut prepared = self.prepare(delete, Method::DELETE, timeout)?;
        carry(&mut prepared.request, delete.body.as_ref(), "delete/body")?;
        prepared.request.headers.extend(effect_headers(call));
        Ok(Some(prepared))
    }

    /// Makes the request that asks whether something is as it should be.
    pub(super) fn verifying(&self, timeout: Duration) -> Result<Prepared, Fault> {
        let mut prepared = self.prepare(&self.endpoint, Method::GET, timeout)?;
        prepared.expect = Statuses::read(self.expect.as_ref())?;
        prepared.schema = self.expect.as_ref().and_then(|expect| expect.schema.clone());
        Ok(prepared)
    }

    /// Makes the request that asks how far the work is.
    pub(super) fn asking(&self, url: &str, timeout: Duration) -> Result<Prepared, Fault> {
        let to = Endpoint { url: url.to_owned(), ..Endpoint::default() };
        self.prepare(&to, Method::GET, timeout)
    }

    fn prepare(&self, to: &Endpoint, method: Method, timeout: Duration) -> Result<Prepared, Fault> {
        let is_endpoint = std::ptr::eq(to, &raw const self.endpoint);
        let mut url = parse_url(&to.url)?;
        if !is_endpoint
            && url.origin() != parse_url(&self.endpoint.url)?.origin()
            && self.is_credentialed()
        {
            return Err(Fault::terminal(
                "`observe`, `delete` and `poll` must stay at the host of `endpoint`: headers and authentication are meant for it alone",
            ));
        }
        let method = match &to.method {
            Some(text) => Method::from_bytes(text.to_ascii_uppercase().as_bytes())
                .map_err(|_| Fault::terminal("`method` is not a word such as POST"))?,
            None => method,
        };
        let what = format!("{method} {}{}", url.origin().ascii_serialization(), url.path());
        if is_endpoint && !self.query.is_empty() {
            let pairs = self.query.iter().flat_map(|(key, value)| {
                let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                values.iter().map(move |value| (key, plain(value)))
            });
            add_query(&mut url, pairs);
        }
        let headers = self.headers(&to.headers)?;
        let request = Request { method, url: url.into(), headers, body: Vec::new(), timeout };
        let expect = Statuses::read(to.expect.as_ref())?;
        Ok(Prepared {
            request,
            sent: None,
            expect,
            schema: None,
            redirects: self.endpoint.redirects,
            authentication: Authentication::read(self.authentication.as_ref())?,
            compare: to.compare.clone(),
            gone: to.gone.clone(),
            what,
        })
    }

    /// Tells whether what a failed create may have left is to be taken away at once.
    pub(super) fn takes_orphans(&self) -> bool {
        self.delete.as_ref().is_some_and(|delete| delete.orphans)
    }

    fn is_credentialed(&self) -> bool {
        let kind =
            self.authentication.as_ref().and_then(|auth| auth.get("type")).and_then(Value::as_str);
        !self.headers.is_empty() || kind.is_some_and(|kind| kind != "none")
    }

    /// Returns the headers of all requests, with those of one of them in their place.
    fn headers(&self, own: &Map<String, Value>) -> Result<Vec<(String, String)>, Fault> {
        let mut headers = Vec::new();
        let replaced = |name: &str| own.keys().any(|own| own.eq_ignore_ascii_case(name));
        for (name, value) in self.headers.iter().filter(|(name, _)| !replaced(name)).chain(own) {
            if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                return Err(Fault::terminal(format!(
                    "header `{name}` is set by trueline itself; leave it out"
                )));
            }
            headers.push((name.clone(), plain(value)));
        }
        default_header(&mut headers, "accept", "application/json, */*;q=0.5");
        Ok(headers)
    }
}

/// Gives a request its body, and returns it as a value.
fn carry(request: &mut Request, body: Option<&Body>, place: &str) -> Result<Option<Value>, Fault> {
    let Some(body) = body else { return Ok(None) };
    let (media, bytes, sent) = body.content(place)?;
    default_header(&mut request.headers, "content-type", media);
    request.body = bytes;
    Ok(Some(sent))
}

pub(super) fn parse_url(text: &str) -> Result<Url, Fault> {
    Url::parse(text)
        .map_err(|error| Fault::terminal(format!("the URL cannot be read once rendered: {error}")))
}

/// Adds parameters to a URL; a space is `%20` in them, which every reader and every signature takes for one.
pub(super) fn add_query<'p>(url: &mut Url, pairs: impl Iterator<Item = (&'p String, String)>) {
    let mut added = url::form_urlencoded::Serializer::new(String::new());
    let added = added.extend_pairs(pairs).finish().replace('+', "%20");
    let query = match url.query() {
        _ if added.is_empty() => return,
        Some(before) if !before.is_empty() => format!("{before}&{added}"),
        _ => added,
    };
    url.set_query(Some(&query));
}

fn default_header(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    if !headers.iter().any(|(present, _)| present.eq_ignore_ascii_case(name)) {
        headers.push((name.to_owned(), value.to_owned()));
    }
}

/// Returns the headers by which the other side recognises an effect, and ties its logs to ours.
pub(in crate::action) fn effect_headers(call: &Call) -> [(String, String); 3] {
    let trace = Digest::of_bytes(call.correlation.as_bytes()).to_string();
    let span = Digest::of_bytes(call.key.as_bytes()).to_string();
    let trace =
        format!("00-{}-{}-01", trace.get(..32).unwrap_or(&trace), span.get(..16).unwrap_or(&span));
    [
        ("idempotency-key", &call.key),
        ("x-correlation-id", &call.correlation),
        ("traceparent", &trace),
    ]
    .map(|(name, value)| (name.to_owned(), value.clone()))
}

pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn holds_marker(value: &Value) -> bool {
    match value {
        Value::String(text) => has_unknown(text) || has_sensitive(text),
        Value::Array(items) => items.iter().any(holds_marker),
        Value::Object(map) => map.values().any(holds_marker),
        _ => false,
    }
}
