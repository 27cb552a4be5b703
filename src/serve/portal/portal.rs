//! What every page works with. It holds no request.

use axum::Router;

use crate::daemon::Health;
use crate::serve::api::{App, within};

/// What every page works with.
#[derive(Clone)]
pub(in crate::serve) struct Portal {
    app: App,
    /// The resources of the API, for whoever is known already.
    api: Router,
    health: Health,
}

impl Portal {
    /// Makes it over the API.
    pub(in crate::serve) fn new(app: App, health: Health) -> Self {
        Self { api: within(app.clone()), app, health }
    }

    pub(super) fn app(&self) -> &App {
        &self.app
    }

    pub(super) fn api(&self) -> Router {
        self.api.clone()
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }
}
