//! The one HTTP client: timeouts, limits on bodies, an egress policy. It never follows a redirect, never
//! tries again, and takes no proxy from the environment.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder, Method, Proxy};
use url::{Host, Url};

use super::egress::{Egress, Gate, Lookup, Opened, Refusal, SystemLookup, judge};
use crate::run::Fault;

/// The largest body that is read of an answer, in bytes.
pub const MAX_BODY_BYTES: usize = 1 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an idle connection is kept: shorter than most servers do, so that none is used just as it closes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// A pattern of the egress policy can't be read.
    #[error("`{0}` is not a `host:port` pattern such as `*.internal.example.com:443`")]
    Pattern(String),
    /// The proxy can't be read.
    #[error("`{0}` is not a proxy such as `http://proxy.example.com:3128`")]
    Proxy(String),
    /// The certificates of authorities can't be read.
    #[error("`egress.authorities` can't be used: {path}: {why}", path = path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The underlying client refused its settings.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method; only idempotent ones may be sent again after a lost answer.
    pub method: Method,
    /// An absolute `http` or `https` URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body; none where it is empty.
    pub body: Vec<u8>,
    /// From the first byte sent to the last one read.
    pub timeout: Duration,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, at most [`MAX_BODY_BYTES`] of it.
    pub body: Vec<u8>,
    /// The body went on beyond the limit and was cut there.
    pub truncated: bool,
}

impl Response {
    /// Returns a header as text.
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("opened", &self.opened).finish_non_exhaustive()
    }
}

/// The one HTTP client.
pub struct HttpClient {
    /// One client for each port that the policy names, and one for all others: the resolver is not
    /// told the port, so it is told beforehand.
    clients: BTreeMap<Option<u16>, Client>,
    opened: Vec<Opened>,
    /// Whether there are certificate authorities at all.
    trusts: bool,
    /// Certificates of authorities that are trusted beside those of the machine, as PEM.
    authorities: Vec<u8>,
    /// Looks names up before a proxy is asked for them: its own look-ups are not ours to judge.
    before_proxy: Option<Arc<dyn Lookup>>,
}

impl HttpClient {
    /// Makes the client under an egress policy.
    pub fn new(egress: &Egress) -> Result<Self, HttpError> {
        Self::through(egress, None)
    }

    /// Makes the client under an egress policy; where there is a proxy, every request goes through it.
    pub fn through(egress: &Egress, proxy: Option<&str>) -> Result<Self, HttpError> {
        Self::made(egress, &(Arc::new(SystemLookup) as Arc<dyn Lookup>), proxy)
    }

    #[cfg(test)]
    pub(super) fn with_lookup(
        egress: &Egress,
        lookup: &Arc<dyn Lookup>,
    ) -> Result<Self, HttpError> {
        Self::made(egress, lookup, None)
    }

    pub(super) fn made(
        egress: &Egress,
        lookup: &Arc<dyn Lookup>,
        proxy: Option<&str>,
    ) -> Result<Self, HttpError> {
        // Fails only where it was done before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let opened = egress
            .allow
            .iter()
            .map(|text| text.parse().map_err(|()| HttpError::Pattern(text.clone())))
            .collect::<Result<Vec<Opened>, _>>()?;
        let ports: BTreeSet<Option<u16>> =
            opened.iter().map(|pattern| pattern.port).chain([None]).collect();
        let proxy = proxy.map(read_proxy).transpose()?;
        let before_proxy = proxy.as_ref().map(|_| Arc::clone(lookup));
        let (authorities, certificates) = match &egress.authorities {
            Some(path) => read_authorities(path)?,
            None => (Vec::new(), Vec::new()),
        };
        let clients = BTreeMap::new();
        let mut http = Self { clients, opened, trusts: true, authorities, before_proxy };
        for port in ports {
            let gate = || {
                let serving = http.opened.iter().filter(|pattern| pattern.serves(port)).cloned();
                // Behind a proxy the proxy's name is the only one that is looked up to be connected to.
                let opened = match &proxy {
                    Some((_, pattern)) => vec![pattern.clone()],
                    None => serving.collect(),
                };
                let builder = builder(Gate { lookup: Arc::clone(lookup), opened: opened.into() });
                match &proxy {
                    Some((proxy, _)) => builder.proxy(proxy.clone()),
                    None => builder,
                }
            };
            let client = gate().tls_certs_merge(certificates.clone()).build().or_else(|_| {
                // A machine without certificate authorities still speaks plain HTTP.
                http.trusts = !certificates.is_empty();
                let alone = gate().tls_certs_only(certificates.clone());
                alone.build().map_err(HttpError::Client)
            })?;
            http.clients.insert(port, client);
        }
        Ok(http)
    }

    /// Sends a request once and reads its answer.
    ///
    /// A fault is terminal where the request is refused before it is sent, transient where nothing was
    /// sent or the method is idempotent, and else unknown. Its text holds neither path, query nor body.
    pub async fn send(&self, request: Request) -> Result<Response, Fault> {
        let (url, port) = self.checked(&request.url)?;
        self.judged_before_proxy(&url, port).await?;
        let client = self.clients.get(&Some(port)).or_else(|| self.clients.get(&None));
        let client = client.ok_or_else(|| Fault::terminal("the HTTP client is not set up"))?;
        let place = Place {
            host: format!("{}:{port}", url.host_str().unwrap_or_default()),
            idempotent: request.method.is_idempotent(),
            timeout: request.timeout,
        };
        let answer = client
            .request(request.method, url)
            .headers(header_map(&request.headers)?)
            .body(request.body)
            .timeout(request.timeout)
            .send()
            .await
            .map_err(|error| place.fault(&error))?;
        place.read(answer).await
    }

    /// Returns the certificates of authorities that are trusted beside those of the machine, as PEM; for what is not
    /// HTTP.
    pub fn authorities(&self) -> &[u8] {
        &self.authorities
    }

    /// Judges the addresses of a name that a proxy will look up again.
    async fn judged_before_proxy(&self, url: &Url, port: u16) -> Result<(), Fault> {
        let (Some(lookup), Some(Host::Domain(host))) = (&self.before_proxy, url.host()) else {
            return Ok(());
        };
        let addresses = lookup
            .addresses(host)
            .await
            .map_err(|error| Fault::transient(format!("cannot look up {host}:{port}: {error}")))?;
        let serving = self.opened.iter().filter(|pattern| pattern.serves(Some(port)));
        let serving: Vec<Opened> = serving.cloned().collect();
        judge(host, &addresses, &serving).map_err(|refusal| refused(&refusal, port))
    }

    /// Checks what can be checked before a name is looked up; returns the URL and its port.
    fn checked(&self, text: &str) -> Result<(Url, u16), Fault> {
        let url = Url::parse(text)
            .map_err(|error| Fault::terminal(format!("the URL cannot be read: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme();
            return Err(Fault::terminal(format!(
                "the URL begins with `{scheme}:`; only http and https are reached"
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Fault::terminal(
                "the URL holds a user or password; write `authentication` instead",
            ));
        }
        if url.scheme() == "https" && !self.trusts {
            return Err(Fault::terminal(
                "this machine has no certificate authorities, so https cannot be trusted; install `ca-certificates`",
            ));
        }
        let port = url.port_or_known_default().unwrap_or(443);
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(Fault::terminal("the URL names no host")),
        };
        if let Some(address) = address {
            let serving: Vec<Opened> =
                self.opened.iter().filter(|pattern| pattern.serves(Some(port))).cloned().collect();
            judge(url.host_str().unwrap_or_default(), &[address], &serving)
                .map_err(|refusal| refused(&refusal, port))?;
        }
        Ok((url, port))
    }
}

/// Reads the certificates of authorities: the text, and the certificates.
fn read_authorities(path: &Path) -> Result<(Vec<u8>, Vec<Certificate>), HttpError> {
    let wrong = |why: String| HttpError::Authorities { path: path.to_owned(), why };
    let text = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&text)
        .map_err(|_| wrong("what is in it can't be read as certificates".to_owned()))?;
    if certificates.is_empty() {
        return Err(wrong("there is no certificate in it; it must be PEM".to_owned()));
    }
    Ok((text, certificates))
}

/// Reads a proxy, and the pattern that opens it.
fn read_proxy(text: &str) -> Result<(Proxy, Opened), HttpError> {
    let wrong = || HttpError::Proxy(text.to_owned());
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().filter(|_| url.scheme() == "http").ok_or_else(wrong)?;
    let pattern = format!("{host}:*").parse().map_err(|()| wrong())?;
    Ok((Proxy::all(text).map_err(|_| wrong())?, pattern))
}

fn builder(gate: Gate) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("trueline/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .dns_resolver(Arc::new(gate))
}

fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, Fault> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let wrong = |what| Fault::terminal(format!("header `{}`: {what}", name.escape_debug()));
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| wrong("its name holds a character that is not allowed there"))?;
        let mut value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| wrong("its value holds a line break or another control character"))?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

fn refused(refusal: &Refusal, port: u16) -> Fault {
    Fault::terminal(format!("{refusal} (`[egress] allow`, port {port})"))
}

/// Where a request went, for telling what its failure means.
struct Place {
    host: String,
    idempotent: bool,
    timeout: Duration,
}

impl Place {
    async fn read(&self, mut answer: reqwest::Response) -> Result<Response, Fault> {
        let mut response = Response {
            status: answer.status().as_u16(),
            headers: std::mem::take(answer.headers_mut()),
            body: Vec::new(),
            truncated: false,
        };
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.fault(&error))? {
            let room = MAX_BODY_BYTES - response.body.len();
            response.body.extend(chunk.iter().take(room));
            if chunk.len() > room {
                response.truncated = true;
                break;
            }
        }
        Ok(response)
    }

    fn fault(&self, error: &reqwest::Error) -> Fault {
        let host = &self.host;
        let first: Option<&(dyn Error + 'static)> = error.source();
        let causes = || std::iter::successors(first, |cause| (*cause).source());
        if let Some(refusal) = causes().find_map(|cause| cause.downcast_ref::<Refusal>()) {
            let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            return refused(refusal, port.unwrap_or(443));
        }
        let cause = causes().last().map(ToString::to_string).unwrap_or_default();
        if error.is_builder() {
            return Fault::terminal(format!("the request to {host} cannot be made: {cause}"));
        }
        if error.is_connect() {
            let what = if error.is_dns() { "look up" } else { "connect to" };
            return Fault::transient(format!("cannot {what} {host}: {cause}"));
        }
        let message = if error.is_timeout() {
            format!("{host} did not answer within {} ms", self.timeout.as_millis())
        } else {
            format!("the connection to {host} broke: {cause}")
        };
        if self.idempotent { Fault::transient(message) } else { Fault::unknown(message) }
    }
}
