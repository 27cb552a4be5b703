//! Has the proposals of the catalog's repository looked at while a daemon drives. It knows which forge that is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::context::Context;
use super::output::Failure;
use crate::action::{self, Ports};
use crate::daemon::Daemon;
use crate::daemon::review::{self, Pokes, Reviewer, Reviews};
use crate::engine::request::WithRequesters;
use crate::forge::LocalForge;
use crate::forge::github::GitHubForge;
use crate::store::Store;

/// Between two looks at proposals on this machine, where nobody pokes.
const LOCAL: Duration = Duration::from_secs(2);

/// Between two looks for messages of others.
const MESSAGES: Duration = Duration::from_millis(500);

/// Begins to look at proposals, as often as at the catalog; nothing where the catalog is on no forge.
pub(super) async fn start(
    context: &Context,
    daemon: &Daemon,
    (poll, poke): (Duration, mpsc::Sender<()>),
) -> Result<Option<JoinHandle<()>>, Failure> {
    let Some(reviewer) = reviewer(context, daemon).await? else { return Ok(None) };
    let poll = if reviewer.is_authenticated() { poll } else { poll.min(LOCAL) };
    let pokes = Pokes { poll, messages: MESSAGES, poke };
    Ok(Some(tokio::spawn(async move {
        if let Err(error) = review::run(reviewer, pokes, std::future::pending()).await {
            tracing::error!("proposals are no longer looked at: {error}");
        }
    })))
}

/// Looks up once who approved the head, so that what owners approved is not held back.
pub(super) async fn verify(context: &Context, daemon: &Daemon) -> Result<(), Failure> {
    let Some(mut reviewer) = reviewer(context, daemon).await? else { return Ok(()) };
    if let Err(error) = reviewer.check_owners().await {
        context.remark(format!("who approved the catalog's head can't be looked up: {error}"));
    }
    Ok(())
}

async fn reviewer(context: &Context, daemon: &Daemon) -> Result<Option<Reviewer>, Failure> {
    let source = context.source()?;
    let Some(mirror) = source.mirror() else { return Ok(None) };
    let engine = &daemon.driver.engine;
    let location = mirror.location().to_string();
    let Some(forge) = forge(&engine.ports, &location, &engine.store).await else {
        return Ok(None);
    };
    Ok(Reviewer::new(daemon.driver.engine.clone(), source, forge))
}

/// Returns the forge that the catalog's repository is on: GitHub where the operator set it up, or this machine.
/// Whoever asked for a request counts among its authors.
async fn forge(ports: &Ports, location: &str, store: &Arc<dyn Store>) -> Option<Arc<dyn Reviews>> {
    match action::connect_github(ports, location).await {
        Ok(Some(github)) => {
            let forge = GitHubForge::new(github, Vec::new());
            return Some(Arc::new(WithRequesters::new(forge, store.clone())));
        }
        Ok(None) => {}
        Err(fault) => {
            tracing::error!(%fault, "GitHub can't be reached as it is set up: no pull request is reviewed");
            return None;
        }
    }
    let forge = LocalForge::open_at(location).ok()?;
    Some(Arc::new(WithRequesters::new(forge, store.clone())))
}
