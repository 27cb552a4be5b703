//! Has requests filed and followed: for a moment by a command, for as long as it runs by the daemon. It knows which forge that is.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::action::Ports;
use crate::cli::context::Context;
use crate::cli::output::Failure;
use crate::cli::service_rollback::no_history;
use crate::daemon::{Daemon, SystemClock};
use crate::engine::filing::Place;
use crate::engine::request::{Desk, FollowPace, Requester, follow};
use crate::store::{Actor, ActorKind, Store};

impl Context {
    /// Returns who asks, as the operating system and git say: self-declared.
    pub(in crate::cli) fn requester(&self) -> Requester {
        let named = std::env::var("TRUELINE_EMAIL").ok().filter(|email| !email.is_empty());
        let configured = || git2::Config::open_default().ok()?.get_string("user.email").ok();
        Requester { name: self.person(), email: named.or_else(configured) }
    }

    /// Returns who acts, as the audit chain tells it.
    pub(in crate::cli) fn actor(&self) -> Actor {
        let (name, via) = (self.person(), "command line".to_owned());
        Actor { name, kind: ActorKind::Operator, via, correlation: None }
    }
}

/// Makes what files and follows requests to the catalog.
pub(super) async fn desk(context: &Context, store: Arc<dyn Store>) -> Result<Desk, Failure> {
    match made(context, store, &context.ports()?).await? {
        Some(desk) => Ok(desk),
        None => Err(no_history()),
    }
}

/// Begins to look after requests while a daemon drives; nothing where nothing can be proposed to the catalog.
pub(in crate::cli) async fn start(
    context: &Context,
    daemon: &Daemon,
) -> Result<Option<JoinHandle<()>>, Failure> {
    let engine = &daemon.driver.engine;
    match made(context, engine.store.clone(), &engine.ports).await {
        Ok(Some(desk)) => {
            let pace = FollowPace::of(desk.is_here());
            Ok(Some(tokio::spawn(follow(desk, pace, std::future::pending()))))
        }
        Ok(None) => Ok(None),
        Err(failure) => {
            tracing::error!("requests are not filed: {failure}");
            Ok(None)
        }
    }
}

async fn made(
    context: &Context,
    store: Arc<dyn Store>,
    ports: &Ports,
) -> Result<Option<Desk>, Failure> {
    let source = context.source()?;
    let Some(mirror) = source.mirror() else { return Ok(None) };
    let location = mirror.location().to_string();
    let place = Place::find(ports, &location).await?;
    let options = context.source_options()?;
    let quota = ports.operator.proposals.clone();
    Ok(place.map(|place| Desk::new(store, Arc::new(SystemClock), place, options).within(quota)))
}
