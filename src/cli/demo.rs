//! `trueline demo`: a whole world on this machine, in a temporary folder, on the real parts.

mod example;
mod page;
mod repository;
mod sandbox;
mod story;
mod witness;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::{mpsc, oneshot};

use super::context::Context;
use super::output::{Exit, Failure};
use super::serve::{serving, stop, watch};
use crate::daemon::{self, Pace};
use crate::serve::Server;
use page::Page;
use sandbox::Sandbox;
use story::Story;
use witness::Witness;
use world::World;

/// What `demo` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Ends after the story instead of serving on; 0 only where everything was seen.
    #[arg(long)]
    pub exit: bool,
    /// Keeps the folder.
    #[arg(long)]
    pub keep: bool,
}

/// How often the demo's daemon does what nobody pokes it to: more often than anybody would in earnest.
const PACE: Pace = Pace {
    poll: Duration::from_secs(2),
    decisions: Duration::from_millis(200),
    sweep: Duration::from_secs(2),
    drain: Duration::from_secs(10),
};

/// Tells the story, and serves on: 0 where everything was seen, 1 where something was not.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let sandbox = Sandbox::bind().await?;
    // It has a folder to remove.
    let context = &Context { unread: Some(Arc::default()), ..context.clone() };
    let world = World::make(context, sandbox.address(), options.keep)?;
    let sandbox = tokio::spawn(sandbox.run());
    let outcome = Box::pin(live(&world, options)).await;
    sandbox.abort();
    if options.keep {
        context.remark(format!("kept in {}", world.folder.display()));
    }
    outcome
}

/// Runs the daemon beside the story, as `trueline serve` does, until both are done or somebody ends it.
async fn live(world: &World, options: &Options) -> Result<Exit, Failure> {
    let mut daemon =
        world.context.daemon("demo").await?.map_err(|holder| {
            Failure::failed(format!("process {} drives this state", holder.pid))
        })?;
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::bind(listen, serving(&world.context, &daemon)).await?;
    let health = server.address();
    let server = tokio::spawn(server.run(std::future::pending()));
    let (poke, mut pokes) = mpsc::channel(1);
    let _watch = watch(&daemon, poke);
    let (end, ended) = oneshot::channel::<()>();
    let until_ended = async move {
        // A sender that is gone ends it as well.
        let _ = ended.await;
    };
    let line = daemon::run(&mut daemon, PACE, &mut pokes, until_ended);
    tokio::pin!(line);
    let interrupted = stop()?;
    let told = tokio::select! {
        outcome = &mut line => return stopped(outcome),
        told = tell(world, options, health) => told,
        () = interrupted => Ok(Exit::Success),
        () = unread(&world.context) => Ok(Exit::Success),
    };
    drop(end);
    line.await?;
    server.abort();
    told
}

/// Ends when nobody reads what is told.
async fn unread(context: &Context) {
    match &context.unread {
        Some(unread) => unread.notified().await,
        None => std::future::pending().await,
    }
}

fn stopped(outcome: Result<(), daemon::TickError>) -> Result<Exit, Failure> {
    outcome?;
    Err(Failure::failed("the daemon ended before the story did"))
}

async fn tell(world: &World, options: &Options, health: SocketAddr) -> Result<Exit, Failure> {
    let page = Page::of(&world.context);
    let witness = Witness::of(world).await?;
    Story::of(page.clone(), witness).tell().await?;
    if options.exit {
        page.line("");
        page.line(
            "Everything above was read back from the repositories, the sandbox and the store.",
        );
        return Ok(Exit::Success);
    }
    invite(&page, world, health);
    std::future::pending().await
}

/// Says what to look at, and what to try.
fn invite(page: &Page, world: &World, health: SocketAddr) {
    let program = std::env::current_exe().map(|path| path.display().to_string());
    page.line("");
    page.line("The demo serves on. In another terminal:");
    page.line("");
    page.table(&[
        vec!["catalog".to_owned(), world.catalog.path().display().to_string()],
        vec!["target".to_owned(), world.target.path().display().to_string()],
        vec!["state".to_owned(), world.context.state.display().to_string()],
        vec!["sandbox".to_owned(), format!("{}/sandbox/resources", world.sandbox)],
        vec!["health".to_owned(), format!("http://{health}/health")],
    ]);
    page.line("");
    for line in [
        format!("alias trueline='{}'", program.unwrap_or_else(|_| "trueline".to_owned())),
        format!("export TRUELINE_CONFIG='{}'", world.configuration().display()),
        "trueline status".to_owned(),
        "trueline plan".to_owned(),
        "trueline service list".to_owned(),
        format!(
            "git clone {} catalog    # change a service, commit, push",
            world.catalog.path().display()
        ),
        format!(
            "curl -X DELETE {}/v1/databases/payments-db    # and see what Trueline says",
            world.sandbox
        ),
    ] {
        page.line(format!("  {line}"));
    }
    page.line("");
    page.line("Ctrl-C ends it and removes the folder.");
}
