//! Looks at the demo's world from outside: what the store, the sandbox and the repositories say. What is
//! decided is decided by Trueline's own commands.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use reqwest::Method;
use serde_json::Value;

use super::world::World;
use crate::action::{HttpClient, Request};
use crate::cli::main::run_command;
use crate::cli::output::{Exit, Failure};
use crate::cli::{Arguments, plan};
use crate::reconcile::{Change, Plan, UnitRecord};
use crate::run::{Run, RunState, waits_for};
use crate::store::{RunSummary, SqliteStore, Store};

/// How long anything may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks at the world.
pub(super) struct Witness<'a> {
    /// The world.
    pub(super) world: &'a World,
    /// Trueline's state, opened beside the daemon as every command opens it.
    pub(super) store: Arc<SqliteStore>,
    http: HttpClient,
}

impl<'a> Witness<'a> {
    /// Opens its eyes.
    pub(super) async fn of(world: &'a World) -> Result<Self, Failure> {
        let egress = world.context.config.egress.policy();
        let store = world.context.existing_store().await?;
        Ok(Self { world, store, http: HttpClient::new(&egress)? })
    }

    /// Looks until something is to be seen; fails with what was expected where it does not come.
    pub(super) async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < end {
            if let Some(seen) = look().await? {
                return Ok(seen);
            }
            self.nothing_stopped().await?;
            tokio::time::sleep(PAUSE).await;
        }
        Err(Failure::failed(format!("expected {what} within {} s", PATIENCE.as_secs())))
    }

    /// Fails where a run stopped: nothing in the demo is meant to.
    async fn nothing_stopped(&self) -> Result<(), Failure> {
        let Some(run) = self.store.stopped_runs().await?.into_iter().next() else { return Ok(()) };
        let why = run.why.unwrap_or_default();
        Err(Failure::failed(format!("{} {} stopped: {why}", run.kind, run.service)))
    }

    /// Makes the plan as `trueline plan` does, once the daemon has seen a commit.
    pub(super) async fn plan_at(&self, commit: &str) -> Result<Plan, Failure> {
        self.until("the daemon to read the catalog's newest commit", async || {
            let state = self.store.catalog_state().await?;
            Ok((state.head.as_deref() == Some(commit)).then_some(()))
        })
        .await?;
        self.plan().await
    }

    /// Makes the plan as `trueline plan` does.
    pub(super) async fn plan(&self) -> Result<Plan, Failure> {
        Ok(plan::against_record(&self.world.context).await?.plan)
    }

    /// Waits until the daemon has made a plan, too, so that its digest can be approved.
    pub(super) async fn made(&self, plan: &Plan) -> Result<(), Failure> {
        let digest = plan.digest.to_string();
        self.until("the daemon to make the same plan", async || {
            Ok((!self.store.plans_by_prefix(&digest).await?.is_empty()).then_some(()))
        })
        .await
    }

    /// Runs a command of Trueline's as a person does; it prints by itself.
    pub(super) async fn run(&self, command: &str) -> Result<(), Failure> {
        let arguments = Arguments::try_parse_from(command.split_whitespace())?;
        let work: Pin<Box<dyn Future<Output = Result<Exit, Failure>> + '_>> =
            Box::pin(run_command(&self.world.context, &arguments.command));
        let exit = work.await?;
        ensure(exit == Exit::Success, &format!("`{command}` to end with 0"), exit.code())
    }

    /// Waits for the run of a change to succeed.
    pub(super) async fn done(&self, change: &Change) -> Result<RunSummary, Failure> {
        let what = format!("the run `{} {}` to succeed", change.kind(), change.service);
        self.until(&what, async || {
            let runs = self.store.runs(Some(&change.service), 10).await?;
            Ok(runs
                .into_iter()
                .find(|run| run.change == change.digest && run.state == RunState::Succeeded))
        })
        .await
    }

    /// Returns what the open runs wait for, or nothing while one of them is still at work or tries again.
    pub(super) async fn waiting(&self) -> Result<Option<Vec<(String, String)>>, Failure> {
        let open = self.store.open_runs().await?;
        let waits = |run: &Run| {
            let why = waits_for(run).filter(|_| run.state == RunState::Waiting)?;
            Some((run.change.service.clone(), why))
        };
        Ok(open.iter().map(waits).collect())
    }

    /// Reads all that is recorded of every unit.
    pub(super) async fn units(&self) -> Result<Vec<UnitRecord>, Failure> {
        let keys: Vec<_> = self.store.unit_rows().await?.into_iter().map(|row| row.key).collect();
        Ok(self.store.units(&keys).await?)
    }

    /// Asks the sandbox.
    pub(super) async fn get(&self, path: &str) -> Result<(u16, Value), Failure> {
        self.send(Method::GET, path, &Value::Null).await
    }

    /// Tells the sandbox something, as anybody may who reaches it.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<(u16, Value), Failure> {
        let request = Request {
            method,
            url: format!("{}{path}", self.world.sandbox),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
            timeout: Duration::from_secs(10),
        };
        let answer = self.http.send(request).await?;
        let body = serde_json::from_slice(&answer.body).unwrap_or_default();
        Ok((answer.status, body))
    }
}

/// Fails unless something is as it is expected to be.
pub(super) fn ensure(
    holds: bool,
    expected: &str,
    seen: impl std::fmt::Display,
) -> Result<(), Failure> {
    if holds {
        Ok(())
    } else {
        Err(Failure::failed(format!("expected {expected}, but saw: {seen}")))
    }
}
