//! What every handler works with. It holds no request.

use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::clock::Clock;
use crate::daemon::{Published, Window};
use crate::serve::auth::Auth;
use crate::serve::identity::Identity;
use crate::serve::problem::Problem;
use crate::store::{Sealer, Store};
use crate::validate::Judge;

use super::status::Overview;

/// Streams of events that are open at once.
const STREAMS: usize = 500;

/// What every handler works with.
#[derive(Clone)]
pub(in crate::serve) struct App(Arc<Parts>);

/// What it is made of.
pub(in crate::serve) struct Parts {
    pub(in crate::serve) store: Arc<dyn Store>,
    /// Name of the catalog.
    pub(in crate::serve) catalog: String,
    pub(in crate::serve) sealer: Sealer,
    pub(in crate::serve) clock: Arc<dyn Clock>,
    pub(in crate::serve) window: Window,
    pub(in crate::serve) auth: Auth,
    pub(in crate::serve) identity: Identity,
    /// Who says how everything stands.
    pub(in crate::serve) overview: Option<Arc<dyn Overview>>,
    /// Says `true` once the server is to end.
    pub(in crate::serve) stop: watch::Receiver<bool>,
}

impl App {
    pub(in crate::serve) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(in crate::serve) fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    pub(in crate::serve) fn catalog(&self) -> &str {
        &self.0.catalog
    }

    pub(in crate::serve) fn clock(&self) -> Arc<dyn Clock> {
        self.0.clock.clone()
    }

    pub(in crate::serve) fn sealer(&self) -> &Sealer {
        &self.0.sealer
    }

    pub(in crate::serve) fn auth(&self) -> &Auth {
        &self.0.auth
    }

    pub(in crate::serve) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub(in crate::serve) fn overview(&self) -> Option<&dyn Overview> {
        self.0.overview.as_deref()
    }

    pub(in crate::serve) fn stop(&self) -> watch::Receiver<bool> {
        self.0.stop.clone()
    }

    pub(in crate::serve) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Returns what the loop read last; a problem before the first tick.
    pub(in crate::serve) fn published(&self) -> Result<Arc<Published>, Problem> {
        self.0.window.get().ok_or_else(|| {
            let detail = "the catalog was not read yet; ask again";
            Problem::later(StatusCode::SERVICE_UNAVAILABLE, "starting", detail, 1)
        })
    }

    /// Returns what the loop read last, where it has read anything.
    pub(in crate::serve) fn looked(&self) -> Option<Arc<Published>> {
        self.0.window.get()
    }
}

/// Streams that are open, of all requests of this process.
pub(in crate::serve) static OPEN_STREAMS: Semaphore = Semaphore::const_new(STREAMS);

/// The judge of documents that people try out: one at a time, going on from what it judged last.
pub(in crate::serve) static BENCH: Mutex<Option<Judge>> = Mutex::const_new(None);
