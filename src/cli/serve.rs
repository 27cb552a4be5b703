//! `trueline serve`: the daemon.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::context::Context;
use super::output::{Exit, Failure};
use crate::action;
use crate::daemon::{self, Pace};
use crate::run::FaultClass;
use crate::serve;
use crate::source::Watch;

/// Between two looks at what GitHub could not deliver.
const MISSED: Duration = Duration::from_mins(5);

/// What `serve` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Where it answers; port 0 takes a free one.
    #[arg(long, env = "TRUELINE_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Between two looks at the catalog.
    #[arg(long, value_name = "DURATION", value_parser = super::args::duration)]
    pub poll: Option<Duration>,
    /// Between two drift sweeps.
    #[arg(long, value_name = "DURATION", value_parser = super::args::duration)]
    pub sweep: Option<Duration>,
}

/// Serves until it is told to stop.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let mut daemon = match context.daemon("serve").await? {
        Ok(daemon) => daemon,
        Err(holder) => {
            return Err(Failure::failed(format!(
                "process {} on {} ({}) drives this state already",
                holder.pid, holder.host, holder.command
            ))
            .hint("stop it first, or name another state with --state DIR"));
        }
    };
    daemon.sweep_at = context.config.limits.sweep_at().filter(|_| options.sweep.is_none());
    check(context, &daemon).await?;
    let configured = context.config.server.listen.as_ref().and_then(|listen| listen.parse().ok());
    let listen = options.listen.or(configured).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 7700)));
    let mut serving = serving(context, &daemon);
    serving.tls = tls(context)?;
    let server = serve::Server::bind(listen, serving)
        .await
        .map_err(|error| Failure::usage(format!("can't listen on {listen}: {error}")))?;
    context.remark(format!("trueline serves {} on {}", context.catalog, server.url()));
    tracing::info!(address = %server.address(), catalog = context.catalog, "serving");
    let pace = pace(context, options);
    let (poke, mut pokes) = mpsc::channel(1);
    let reviews = super::reviews::start(context, &daemon, (pace.poll, poke.clone())).await?;
    let ours = super::proposal_ours::start(context, &daemon);
    let requests = super::request::start(context, &daemon).await?;
    let _watch = watch(&daemon, poke);
    let missed = action::deliver_missed(daemon.driver.engine.ports.clone(), MISSED);
    let missed = tokio::spawn(missed);
    greet(context, &server).await;
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(server.run(async {
        // It ends with the loop, whichever way that ends.
        let _ = end.await;
    }));
    let outcome = daemon::run(&mut daemon, pace, &mut pokes, stop()?).await;
    drop(ended);
    let _ = server.await;
    missed.abort();
    ours.abort();
    reviews.iter().chain(&requests).for_each(tokio::task::JoinHandle::abort);
    outcome?;
    tracing::info!("stopped");
    Ok(Exit::Success)
}

/// Refuses to begin with a GitHub that can't work; who keeps its secrets may be away for a while.
async fn check(context: &Context, daemon: &daemon::Daemon) -> Result<(), Failure> {
    match action::check_github(&daemon.driver.engine.ports).await {
        Ok(()) => Ok(()),
        Err(fault) if fault.class == FaultClass::Terminal => {
            Err(Failure::usage(format!("[forge.github]: {fault}")).hint(
                "mend `[forge.github]` of trueline.toml, or take it out; docs/operations/configuration.md says how",
            ))
        }
        Err(fault) => {
            context.remark(format!("[forge.github] can't be checked just now: {fault}"));
            Ok(())
        }
    }
}

fn pace(context: &Context, options: &Options) -> Pace {
    let defaults = Pace::default();
    let poll = context.config.catalog.first().and_then(|catalog| catalog.poll.as_ref());
    Pace {
        poll: options.poll.unwrap_or_else(|| Context::duration(poll, defaults.poll)),
        sweep: options.sweep.unwrap_or_else(|| context.config.limits.sweep(defaults.sweep)),
        ..defaults
    }
}

/// Says how the first user is made, where there is none.
async fn greet(context: &Context, server: &serve::Server) {
    let Some(code) = server.setup_code().await else { return };
    let url = context.config.server.public_url.clone();
    let url = url.unwrap_or_else(|| server.url());
    context.remark("nobody may use it yet. Make the first user, an admin: open this link, once, within the hour");
    context.remark(format!("  {}/setup?code={}", url.trim_end_matches('/'), code.reveal()));
    context.remark("or on this machine: trueline user add NAME --role admin");
}

/// Reads the certificate that the server is to show, where it speaks TLS itself.
fn tls(context: &Context) -> Result<Option<serve::Tls>, Failure> {
    let Some(tls) = &context.config.server.tls else { return Ok(None) };
    let read = serve::Tls::read(&tls.certificate_file, &tls.private_key_file);
    read.map(Some).map_err(|why| {
        Failure::usage(format!("[server.tls]: {why}"))
            .hint("mend `[server.tls]` of trueline.toml, or take it out where a proxy speaks TLS")
    })
}

/// Returns what a server shows of a daemon, and takes in for it.
pub(super) fn serving(context: &Context, daemon: &daemon::Daemon) -> serve::Serving {
    let engine = &daemon.driver.engine;
    serve::Serving {
        catalog: engine.catalog.clone(),
        health: daemon.health.clone(),
        window: daemon.window.clone(),
        ingress: serve::Ingress {
            ports: engine.ports.clone(),
            store: engine.store.clone(),
            sealer: engine.sealer.clone(),
            clock: engine.clock.clone(),
        },
        auth: context.config.auth_settings(),
        overview: Some(super::status::overview(context, engine.store.clone())),
        tls: None,
    }
}

/// Watches the source and pokes the loop; polling goes on where it can't.
pub(super) fn watch(daemon: &daemon::Daemon, poke: mpsc::Sender<()>) -> Option<Watch> {
    match Watch::start(&daemon.watched()?) {
        Ok((watch, mut moved)) => {
            if let Some(notice) = watch.notice() {
                tracing::warn!("{notice}");
            }
            tokio::spawn(async move {
                while moved.recv().await.is_some() {
                    if poke.send(()).await.is_err() {
                        return;
                    }
                }
            });
            Some(watch)
        }
        Err(error) => {
            tracing::warn!("the catalog can't be watched and is polled: {error}");
            None
        }
    }
}

/// Ends with the first SIGTERM or SIGINT.
pub(super) fn stop() -> Result<impl Future<Output = ()>, Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("draining");
    })
}
