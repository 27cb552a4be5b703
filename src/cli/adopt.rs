//! `trueline adopt`: has a service taken over that exists already, instead of made. It records the word; whoever drives
//! looks, and performs nothing.

use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::approve::record;
use super::args::duration;
use super::context::Context;
use super::output::{Exit, Failure, demand_reason};
use super::service::known;
use super::table::cell;
use crate::engine::{ServiceView, View};
use crate::run::RunState;
use crate::store::{DecisionKind, RunSummary, Store};

/// Between two looks whether it is done.
const PAUSE: Duration = Duration::from_millis(200);

/// What `adopt` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Id of the service.
    service: String,
    /// Why; it is kept with who says so.
    #[arg(long)]
    reason: String,
    /// Also where the service is not in the catalog yet: it is taken over when its file comes.
    #[arg(long)]
    ahead: bool,
    /// Waits for what comes of it, at most so long: `60s`.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait: Option<Duration>,
}

#[derive(Debug, Serialize)]
struct AdoptWire {
    version: &'static str,
    service: String,
    decision: i64,
    by: String,
    run: Option<RunSummary>,
}

/// Records the word, and waits for what comes of it where asked.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let service = &options.service;
    may(&View::read(&*store).await?, options)?;
    let before = store.runs(Some(service), 1).await?.pop();
    let word = DecisionKind::Adopt { service: service.clone(), reason: options.reason.clone() };
    let decision = record(context, &word).await?;
    let is_driven = store.holder().await?.is_some();
    let run = match options.wait {
        Some(wait) if is_driven => {
            let before = before.map(|run| run.id);
            until_over(&*store, service, wait, |run| Some(&run.id) != before.as_ref()).await?
        }
        _ => None,
    };
    let ended = run.as_ref().map(|run| run.state);
    let wire = AdoptWire {
        version: "trueline.adopt/v1",
        service: service.clone(),
        decision,
        by: context.person(),
        run,
    };
    context.show(&wire, || text(&wire))?;
    context.remark(format!("said as {} (self-declared)", cell(&wire.by)));
    if !is_driven {
        context.remark("nobody drives: `trueline serve` or `trueline apply` acts on it");
    }
    Ok(match ended {
        _ if options.wait.is_none() => Exit::Success,
        Some(RunState::Succeeded) => Exit::Success,
        Some(state) if state.is_over() => Exit::Findings,
        _ => Exit::Waiting,
    })
}

/// Refuses what can't be taken over, and says why.
fn may(view: &View, options: &Options) -> Result<(), Failure> {
    demand_reason(&options.reason)?;
    let service = match known(view, &options.service) {
        Ok(service) => service,
        // One that is suspended and has nothing recorded stands nowhere but in the catalog.
        Err(_) if options.ahead || view.state.suspended.contains(&options.service) => return Ok(()),
        Err(failure) => {
            return Err(failure.hint("`--ahead` has it taken over when its file comes"));
        }
    };
    if let Some(run) = view.run_of(&service.id) {
        let said = format!("run {} of {} is {}", run.id, cell(&service.id), run.state);
        return Err(Failure::failed(said)
            .hint("what it made is looked after already; `trueline run cancel` calls it off"));
    }
    if is_applied(view, &service) {
        return Err(Failure::failed(format!("{} is looked after already", cell(&service.id)))
            .hint(format!("trueline service show {}", cell(&service.id))));
    }
    Ok(())
}

fn is_applied(view: &View, service: &ServiceView) -> bool {
    let applied = |key| view.rows.get(key).is_some_and(|row| row.applied.is_some());
    !service.units.is_empty() && service.units.iter().all(|unit| applied(&unit.key))
}

/// Waits until a new run of a service is over; returns it as it stands then, or as it stands when time is up.
async fn until_over(
    store: &dyn Store,
    service: &str,
    wait: Duration,
    is_new: impl Fn(&RunSummary) -> bool,
) -> Result<Option<RunSummary>, Failure> {
    let until = Instant::now() + wait;
    loop {
        let run = store.runs(Some(service), 1).await?.pop().filter(|run| is_new(run));
        if run.as_ref().is_some_and(|run| run.state.is_over()) || Instant::now() >= until {
            return Ok(run);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn text(wire: &AdoptWire) -> String {
    let service = cell(&wire.service);
    match &wire.run {
        None => format!("{service} is to be taken over"),
        Some(run) if run.state == RunState::Succeeded => {
            format!("{service} is taken over by run {}: all of it is as it is wanted", run.id)
        }
        Some(run) => {
            let why = run.why.as_deref().map(|why| format!(": {}", cell(why)));
            format!("run {} of {service} is {}{}", run.id, run.state, why.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view_sample::{World, at, unit};
    use crate::store::CatalogState;

    async fn asked(service: &str, ahead: bool) -> String {
        let world = World::new().await;
        let mut state = CatalogState { ticked_at: Some(at(995)), ..CatalogState::default() };
        state.pending.insert("new-db".to_owned(), "waits for 1 approval".to_owned());
        state.suspended.insert("old-db".to_owned());
        world.remembers(&state).await;
        world.has([unit("db")]).await;
        let view = View::read(&world.store).await.expect("reads");
        let options = Options {
            service: service.to_owned(),
            reason: "it was there before".to_owned(),
            ahead,
            wait: None,
        };
        may(&view, &options).err().map_or_else(|| "recorded".to_owned(), |it| it.to_string())
    }

    #[tokio::test]
    async fn only_what_is_not_looked_after_yet_is_taken_over() {
        assert_eq!(asked("new-db", false).await, "recorded");
        assert_eq!(asked("old-db", false).await, "recorded");
        assert_eq!(asked("other", true).await, "recorded");
        insta::assert_snapshot!(asked("other", false).await, @"there is no service `other` (`--ahead` has it taken over when its file comes)");
        insta::assert_snapshot!(asked("db", true).await, @"db is looked after already (trueline service show db)");
    }
}
