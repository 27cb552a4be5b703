//! The counterpart: an HTTP server on loopback that keeps a ledger of what took effect by `Idempotency-Key`.
//! It answers late, or never, where a test says so. It knows nothing of Trueline.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::any;

/// When a request is left hanging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It arrived, and nothing came of it yet.
    Arrived,
    /// It took effect, and the answer is still to come.
    Done,
}

/// What the counterpart remembers.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Resources by path.
    pub(crate) resources: BTreeMap<String, String>,
    /// Key → how often it was sent.
    pub(crate) asked: BTreeMap<String, usize>,
    /// Path → keys that it was written under, in their order.
    pub(crate) effects: BTreeMap<String, Vec<String>>,
    /// Path → keys that it was deleted under, in their order.
    pub(crate) deletions: BTreeMap<String, Vec<String>>,
    /// Effects in their order: path, key, and whether it was taken away.
    pub(crate) order: Vec<(String, String, bool)>,
    /// Path and key of all that arrived, answered or not.
    pub(crate) arrived: Vec<(String, String)>,
    /// Path → where its answer may be posted.
    pub(crate) callbacks: BTreeMap<String, String>,
    /// Paths that are refused for good.
    pub(crate) refused: std::collections::BTreeSet<String>,
    hold: Option<(String, Moment)>,
    held: bool,
    /// Path and key of what is being answered.
    busy: Vec<(String, String)>,
    /// Requests that came for a path while one under another key was being answered.
    pub(crate) overlaps: Vec<String>,
}

impl Ledger {
    /// How often a path was asked to change, answered or not.
    pub(crate) fn arrivals(&self, id: &str) -> usize {
        self.arrived.iter().filter(|(path, _)| path == id).count()
    }

    /// The keys under which a path was asked to change, each once.
    pub(crate) fn keys(&self, id: &str) -> std::collections::BTreeSet<&str> {
        self.arrived.iter().filter(|(path, _)| path == id).map(|(_, key)| key.as_str()).collect()
    }

    /// Tells whether this request is left hanging now; only one is.
    fn holds(&mut self, id: &str, now: Moment) -> bool {
        if self.hold.as_ref().is_none_or(|(path, moment)| path != id || *moment != now) {
            return false;
        }
        self.hold = None;
        self.held = true;
        true
    }

    /// Does once what a key asks for.
    fn take_effect(&mut self, method: &Method, id: &str, key: &str, body: &str) {
        let deletes = method == Method::DELETE;
        let book = if deletes { &mut self.deletions } else { &mut self.effects };
        let keys = book.entry(id.to_owned()).or_default();
        if keys.iter().any(|known| known == key) {
            return;
        }
        keys.push(key.to_owned());
        self.order.push((id.to_owned(), key.to_owned(), deletes));
        if deletes {
            self.resources.remove(id);
        } else {
            self.resources.insert(id.to_owned(), body.to_owned());
        }
    }
}

/// A request that is being answered, until it is or nobody waits for that any more.
struct Busy {
    shared: Arc<Shared>,
    what: (String, String),
}

impl Busy {
    fn begin(shared: &Arc<Shared>, (id, key): (&str, &str)) -> Self {
        let mut ledger = shared.ledger.lock().unwrap();
        let other = ledger.busy.iter().find(|(path, known)| path == id && known != key).cloned();
        if let Some((_, known)) = other {
            ledger.overlaps.push(format!("{id}: {key} came while {known} was under way"));
        }
        let what = (id.to_owned(), key.to_owned());
        ledger.busy.push(what.clone());
        Self { shared: shared.clone(), what }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut ledger = self.shared.ledger.lock().unwrap();
        let place = ledger.busy.iter().position(|it| *it == self.what);
        place.map(|place| ledger.busy.swap_remove(place));
    }
}

#[derive(Default)]
struct Shared {
    ledger: Mutex<Ledger>,
    delay_ms: AtomicU64,
    is_down: AtomicBool,
}

/// A counterpart that runs until it is dropped.
pub(crate) struct Counterpart {
    shared: Arc<Shared>,
    pub(crate) api: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Counterpart {
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let api = listener.local_addr().unwrap();
        let router = Router::new().route("/v1/{id}", any(answer)).with_state(shared.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { shared, api, _runtime: runtime }
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.ledger.lock().unwrap()
    }

    /// How long after its effect a write is answered.
    pub(crate) fn delay(&self, delay: Duration) {
        let delay = u64::try_from(delay.as_millis()).unwrap();
        self.shared.delay_ms.store(delay, Ordering::SeqCst);
    }

    /// Says whether it is down: it answers so, and does nothing.
    pub(crate) fn is_down(&self, is_down: bool) {
        self.shared.is_down.store(is_down, Ordering::SeqCst);
    }

    /// Leaves the next request to change a path hanging for ever.
    pub(crate) fn hold(&self, id: &str, moment: Moment) {
        let mut ledger = self.ledger();
        ledger.hold = Some((id.to_owned(), moment));
        ledger.held = false;
    }

    /// Tells whether the request that was to hang does.
    pub(crate) fn holds(&self) -> bool {
        self.ledger().held
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    if method == Method::GET {
        let found = shared.ledger.lock().unwrap().resources.get(&id).cloned();
        return found.map_or((StatusCode::NOT_FOUND, String::new()), |body| (StatusCode::OK, body));
    }
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let key = key.unwrap_or("none").to_owned();
    let _busy = Busy::begin(&shared, (&id, &key));
    let arrived = {
        let mut ledger = shared.ledger.lock().unwrap();
        ledger.arrived.push((id.clone(), key.clone()));
        let callback = headers.get("trueline-callback-url").and_then(|url| url.to_str().ok());
        ledger.callbacks.extend(callback.map(|url| (id.clone(), url.to_owned())));
        *ledger.asked.entry(key.clone()).or_default() += 1;
        ledger.holds(&id, Moment::Arrived)
    };
    if shared.is_down.load(Ordering::SeqCst) {
        return (StatusCode::SERVICE_UNAVAILABLE, "down".to_owned());
    }
    if arrived {
        return std::future::pending().await;
    }
    if shared.ledger.lock().unwrap().refused.contains(&id) {
        return (StatusCode::UNPROCESSABLE_ENTITY, "no quota is left".to_owned());
    }
    let done = {
        let mut ledger = shared.ledger.lock().unwrap();
        ledger.take_effect(&method, &id, &key, &String::from_utf8_lossy(&body));
        ledger.holds(&id, Moment::Done)
    };
    if done {
        return std::future::pending().await;
    }
    tokio::time::sleep(Duration::from_millis(shared.delay_ms.load(Ordering::SeqCst))).await;
    (StatusCode::OK, format!("{{\"id\": \"{id}\", \"endpoint\": \"{id}.example\"}}"))
}
