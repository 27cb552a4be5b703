//! A counterpart for the HTTP API of the `PowerDNS` authoritative server: one zone, `staging.acme.example`.
//!
//! It speaks what “Zones” of “Authoritative HTTP API” documents: `GET` of a zone with `rrset_name` and `rrset_type`,
//! `PATCH` with `rrsets` and their `changetype`, `204` without a body, the key in `X-API-Key`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "key-of-the-dns";
const SERVER: &str = "/api/v1/servers/localhost";
const ZONE: &str = "staging.acme.example.";

#[derive(Default)]
struct State {
    /// Name and type → the set.
    sets: BTreeMap<(String, String), Value>,
    book: PathBuf,
}

pub(crate) struct Dns {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Dns {
    pub(crate) async fn start(book: &Path) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { book: book.to_owned(), ..State::default() }));
        let router = axum::Router::new().fallback(serve).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}{SERVER}", self.address)
    }

    /// Content and lifetime of a record.
    pub(crate) fn record(&self, host: &str, kind: &str) -> Option<(String, u64)> {
        let state = self.state.lock().unwrap();
        let set = state.sets.get(&(format!("{host}.{ZONE}"), kind.to_owned()))?;
        let [record] = set["records"].as_array()?.as_slice() else { return None };
        Some((record["content"].as_str()?.to_owned(), set["ttl"].as_u64()?))
    }

    /// Changes a record by hand, or takes it away.
    pub(crate) fn tamper(&self, host: &str, kind: &str, content: Option<&str>) {
        let key = (format!("{host}.{ZONE}"), kind.to_owned());
        let mut state = self.state.lock().unwrap();
        match content {
            Some(content) => {
                state.sets.get_mut(&key).unwrap()["records"][0]["content"] = json!(content);
            }
            None => {
                state.sets.remove(&key);
            }
        }
    }
}

async fn serve(
    Shared(state): Shared<Arc<Mutex<State>>>,
    (method, uri): (Method, Uri),
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let refused = |status: StatusCode, why: &str| (status, json!({"error": why}).to_string());
    if headers.get("x-api-key").is_none_or(|key| key != KEY) {
        return refused(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    if uri.path() != format!("{SERVER}/zones/{ZONE}") {
        return refused(StatusCode::NOT_FOUND, "Not Found");
    }
    let mut state = state.lock().unwrap();
    match method.as_str() {
        "GET" => (StatusCode::OK, state.zone(uri.query().unwrap_or_default()).to_string()),
        "PATCH" => match state.patch(&serde_json::from_slice(&body).unwrap_or_default()) {
            Ok(()) => (StatusCode::NO_CONTENT, String::new()),
            Err(why) => refused(StatusCode::UNPROCESSABLE_ENTITY, &why),
        },
        _ => refused(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
    }
}

impl State {
    fn zone(&self, query: &str) -> Value {
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let fits = |name: &str, value: &str| query.get(name).is_none_or(|wanted| wanted == value);
        let sets = self
            .sets
            .iter()
            .filter(|((name, kind), _)| fits("rrset_name", name) && fits("rrset_type", kind));
        let sets: Vec<&Value> = sets.map(|(_, set)| set).collect();
        json!({"id": ZONE, "name": ZONE, "type": "Zone", "kind": "Native", "serial": 1, "rrsets": sets})
    }

    fn patch(&mut self, asked: &Value) -> Result<(), String> {
        for set in asked["rrsets"].as_array().ok_or("no rrsets")? {
            let text =
                |name: &str| set[name].as_str().map(str::to_owned).ok_or(format!("no {name}"));
            let (name, kind, change) = (text("name")?, text("type")?, text("changetype")?);
            if !name.ends_with(&format!(".{ZONE}")) {
                return Err(format!("RRset {name} IN {kind}: Name is out of zone"));
            }
            match change.as_str() {
                "REPLACE" => {
                    let records = set["records"].as_array().ok_or("no records")?;
                    let whole = |record: &Value| {
                        record["content"]
                            .as_str()
                            .is_some_and(|it| kind != "CNAME" || it.ends_with('.'))
                    };
                    if !records.iter().all(whole) || set["ttl"].as_u64().is_none() {
                        return Err(format!("Record {name}/{kind}: Not in expected format"));
                    }
                    let new = json!({"name": name, "type": kind, "ttl": set["ttl"], "records": records, "comments": []});
                    self.sets.insert((name.clone(), kind.clone()), new);
                }
                "DELETE" if set.get("ttl").is_none() && set.get("records").is_none() => {
                    self.sets.remove(&(name.clone(), kind.clone()));
                }
                _ => return Err("Changetype not understood".to_owned()),
            }
            let mut book =
                std::fs::File::options().create(true).append(true).open(&self.book).unwrap();
            writeln!(book, "dns {change} {name}").unwrap();
        }
        Ok(())
    }
}
