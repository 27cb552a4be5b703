//! The server: bound first, then run until it is told to stop. It is all that others see of this room, with what it is made of.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::api::{App, Overview, Parts};
use super::auth::{Auth, AuthSettings};
use super::identity::Identity;
use super::ingress::Ingress;
use super::portal::{self, Portal};
use super::tls::Tls;
use crate::daemon::{Health, Window};
use crate::secret::Secret;

/// What a server shows and takes in.
#[derive(Clone)]
pub struct Serving {
    /// Name of the catalog.
    pub catalog: String,
    /// How the loop is.
    pub health: Health,
    /// What the loop read and planned last.
    pub window: Window,
    /// Takes in what others post; it has the store, the clock and what seals.
    pub ingress: Ingress,
    /// How people are let in.
    pub auth: AuthSettings,
    /// Who says how everything stands, as `trueline status` does.
    pub overview: Option<Arc<dyn Overview>>,
    /// What it shows where it speaks TLS itself.
    pub tls: Option<Tls>,
}

/// A server that is bound and not yet running.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    router: axum::Router,
    app: App,
    tls: Option<Tls>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Binds an address; port 0 takes a free one.
    pub async fn bind(address: SocketAddr, serving: Serving) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let Serving { catalog, health, window, ingress, auth, overview, tls } = serving;
        let app = App::new(Parts {
            store: ingress.store.clone(),
            identity: Identity::new(&auth.identity, auth.public_url.as_deref(), &ingress.ports),
            auth: Auth::new(auth, &ingress.sealer, &catalog),
            catalog,
            sealer: ingress.sealer.clone(),
            clock: ingress.clock.clone(),
            window,
            overview,
            stop: stopped,
        });
        let metrics = health.metrics.clone();
        let router = super::health::router(health.clone())
            .merge(super::ingress::router(ingress, metrics))
            .merge(super::api::router(app.clone()))
            .merge(portal::router(Portal::new(app.clone(), health)));
        Ok(Self { listener, address, router, app, tls, stop })
    }

    /// Returns the address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns where it answers on this machine.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Makes the code with which the first user is made, where there is none yet.
    pub async fn setup_code(&self) -> Option<Secret> {
        let users = self.app.store().users().await.ok()?;
        users.is_empty().then(|| self.app.auth().setup_code(self.app.now()))
    }

    /// Answers until `stop` comes. Streams end then, and what is being answered is waited for, for a while.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let told = self.stop;
        let stop = async move {
            stop.await;
            // Nobody may be listening.
            let _ = told.send(true);
        };
        super::listen::listen(self.listener, (self.router, self.tls), stop).await;
    }
}
