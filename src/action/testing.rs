//! A counterpart for tests: a small HTTP server with a memory that misbehaves on command and keeps a
//! ledger of what took effect. It is written by hand, so that it can break what a library would mend.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub(crate) use super::jira_ticket::fake::FakeJira;
use super::{Call, Egress, EnvironmentSecrets, HttpClient, Ports};
use crate::secret::Secret;

/// What the counterpart does to the next request instead of answering it well.
#[derive(Clone, Debug)]
pub(crate) enum Trick {
    /// Hangs up before it does the work.
    CutBefore,
    /// Does the work, and hangs up in the middle of the answer.
    CutAfter,
    /// Does the work, and never answers.
    LateAfter,
    /// Does the work, and answers this status.
    FailAfter(u16),
    /// Does no work, and answers this: status, headers (each ended by a line end), body.
    Answer(u16, &'static str, String),
    /// Answers something that is not HTTP.
    Garbage,
    /// Does the work, and answers byte after byte without an end.
    Trickle,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

#[derive(Default)]
struct State {
    things: BTreeMap<String, Value>,
    /// Answers by idempotency key.
    answers: BTreeMap<String, (u16, String)>,
    ledger: Vec<(String, String)>,
    seen: Vec<Seen>,
    tricks: VecDeque<Trick>,
    refused: Vec<String>,
}

/// The server; it ends when it is dropped.
pub(crate) struct Counterpart {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Counterpart {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Misbehaves like this at the next requests, one trick each.
    pub(crate) fn play(&self, tricks: impl IntoIterator<Item = Trick>) {
        self.state.lock().unwrap().tricks.extend(tricks);
    }

    /// Refuses whatever is asked at these paths, and nowhere else.
    pub(crate) fn refuse(&self, paths: &[&str]) {
        self.state.lock().unwrap().refused = paths.iter().map(|&path| path.to_owned()).collect();
    }

    /// Returns every effect: idempotency key and what was done.
    pub(crate) fn ledger(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().ledger.clone()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    pub(crate) fn thing(&self, path: &str) -> Option<Value> {
        self.state.lock().unwrap().things.get(path).cloned()
    }

    /// Changes something behind everybody's back; `None` takes it away.
    pub(crate) fn tamper(&self, path: &str, value: Option<Value>) {
        let mut state = self.state.lock().unwrap();
        match value {
            Some(value) => state.things.insert(path.to_owned(), value),
            None => state.things.remove(path),
        };
    }
}

/// Tells whether a program that no package manager brings is missing on this machine, and says so.
pub(crate) fn is_missing(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = !std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if missing {
        eprintln!("skipped: there is no `{program}` on PATH");
    }
    missing
}

/// Returns a URL whose port nobody listens on.
pub(crate) async fn refusing_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/things", listener.local_addr().unwrap())
}

/// Returns ports that reach the loopback; reading the machine's certificates takes a while, so once.
pub(crate) fn ports() -> Ports {
    static HTTP: OnceLock<Arc<HttpClient>> = OnceLock::new();
    let http = HTTP.get_or_init(|| {
        let egress = Egress { allow: vec!["127.0.0.1:*".to_owned()], ..Egress::default() };
        Arc::new(HttpClient::new(&egress).unwrap())
    });
    Ports {
        http: Arc::clone(http),
        state_dir: PathBuf::new(),
        operator: Arc::default(),
        secrets: Arc::new(EnvironmentSecrets),
        stop: super::Stop::default(),
    }
}

/// Returns a call with a config, and `hunter22` as the secret in it.
pub(crate) fn call(config: Value) -> Call {
    Call {
        key: "trueline-demo-u1-provision-1".to_owned(),
        marker: "trueline-demo-u1-provision".to_owned(),
        attempt: 1,
        title: "payments-db provision".to_owned(),
        service: "payments-db".to_owned(),
        config,
        outputs: BTreeMap::new(),
        previous: None,
        secrets: vec![Secret::new("hunter22")],
        correlation: "run-1".to_owned(),
        timeout: Duration::from_secs(30),
        before: Vec::new(),
        arrived: None,
        forecast: None,
    }
}

/// Returns the `config` of the first example of a page of documentation.
pub(crate) fn documented(page: &str) -> Value {
    let (_, rest) = page.split_once("```yaml\nautomatic:").expect("an example");
    let (text, _) = rest.split_once("```").expect("its end");
    let text = format!("automatic:{text}");
    let example: Value = serde_yaml::from_str(&text).expect("YAML");
    example["automatic"]["actions"][0]["config"].clone()
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(seen) = read(&mut stream).await else { return };
    let trick = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        let refused = state.refused.contains(&seen.path);
        let refusal = || Trick::Answer(400, "", json!({"error": "refused"}).to_string());
        state.tricks.pop_front().or_else(|| refused.then(refusal))
    };
    let work = || state.lock().unwrap().work(&seen);
    let bytes = match trick {
        None => answer(work(), ""),
        Some(Trick::CutBefore) => return,
        Some(Trick::CutAfter) => {
            let mut bytes = answer(work(), "");
            bytes.truncate(bytes.len() - 5);
            bytes
        }
        Some(Trick::LateAfter) => {
            work();
            return std::future::pending().await;
        }
        Some(Trick::FailAfter(status)) => {
            work();
            answer((status, "upstream broke".to_owned()), "")
        }
        Some(Trick::Answer(status, headers, body)) => answer((status, body), headers),
        Some(Trick::Garbage) => b"\x00\xff SSH-2.0 hello\r\n\r\n".to_vec(),
        Some(Trick::Trickle) => {
            work();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{").await;
            return std::future::pending().await;
        }
    };
    let _ = stream.write_all(&bytes).await;
    let _ = stream.shutdown().await;
}

fn answer((status, body): (u16, String), headers: &str) -> Vec<u8> {
    let kind =
        if headers.contains("content-type") { "" } else { "content-type: application/json\r\n" };
    let length =
        if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{kind}{length}{headers}\r\n{body}")
        .into_bytes()
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize =
        headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8_lossy(&bytes[head_end + 4..]).into_owned();
    Some(Seen { method, path, headers, body })
}

impl State {
    /// Does the work once for each idempotency key, and gives the same answer again.
    fn work(&mut self, seen: &Seen) -> (u16, String) {
        let key = seen.headers.get("idempotency-key").cloned().unwrap_or_default();
        match seen.method.as_str() {
            "GET" => return self.get(&seen.path),
            "HEAD" => return (self.get(&seen.path).0, String::new()),
            _ => {}
        }
        if let Some(answer) = self.answers.get(&key).filter(|_| !key.is_empty()) {
            return answer.clone();
        }
        let answer = self.change(seen);
        if answer.0 < 300 {
            self.ledger.push((key.clone(), format!("{} {}", seen.method, seen.path)));
            self.answers.insert(key, answer.clone());
        }
        answer
    }

    fn get(&self, path: &str) -> (u16, String) {
        match self.things.get(path) {
            Some(thing) => (200, thing.to_string()),
            None => (404, json!({"error": "no such thing"}).to_string()),
        }
    }

    fn change(&mut self, seen: &Seen) -> (u16, String) {
        let path = match seen.method.as_str() {
            "DELETE" if self.things.remove(&seen.path).is_some() => return (204, String::new()),
            "DELETE" => return (404, String::new()),
            "POST" => format!("{}/{}", seen.path, self.things.len() + 1),
            _ => seen.path.clone(),
        };
        let mut thing = match serde_json::from_str(&seen.body) {
            Ok(Value::Object(thing)) => thing,
            _ => serde_json::Map::from_iter([("text".to_owned(), json!(seen.body))]),
        };
        thing.insert("self".to_owned(), json!(path));
        thing.insert("connection".to_owned(), json!({"url": format!("db://{path}")}));
        self.things.insert(path, Value::Object(thing.clone()));
        (201, Value::Object(thing).to_string())
    }
}
