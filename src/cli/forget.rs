//! `trueline forget`: drops what is recorded of a service, and leaves all that is outside as it is. It records the word;
//! whoever drives acts on it.

use clap::Args;
use serde::Serialize;

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure, demand_reason};
use super::service::known;
use super::table::{cell, count};
use crate::engine::{ServiceView, View};
use crate::store::{DecisionKind, Store as _};

/// What `forget` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Id of the service.
    service: String,
    /// Why; it is kept with who says so.
    #[arg(long)]
    reason: String,
    /// Also where its file is still in the catalog: it is made anew then, or taken over by `adopt`.
    #[arg(long)]
    still_wanted: bool,
}

#[derive(Debug, Serialize)]
struct ForgetWire {
    version: &'static str,
    service: String,
    units: usize,
    decision: i64,
    by: String,
}

/// Records the word.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let view = View::read(&*store).await?;
    let units = may(&view, options)?;
    let word = DecisionKind::Forget {
        service: options.service.clone(),
        still_wanted: options.still_wanted,
        reason: options.reason.clone(),
    };
    let decision = record(context, &word).await?;
    let (version, by) = ("trueline.forget/v1", context.person());
    let wire = ForgetWire { version, service: options.service.clone(), units, decision, by };
    context.show(&wire, || {
        let units = count(wire.units, "unit");
        format!(
            "{} with {units} is to be forgotten; nothing outside is touched",
            cell(&wire.service)
        )
    })?;
    context.remark(format!("said as {} (self-declared)", cell(&wire.by)));
    if store.holder().await?.is_none() {
        context.remark("nobody drives: `trueline serve` or `trueline apply` acts on it");
    }
    Ok(Exit::Success)
}

/// Refuses what can't be forgotten, and says why; returns how many units are.
fn may(view: &View, options: &Options) -> Result<usize, Failure> {
    demand_reason(&options.reason)?;
    let service = known(view, &options.service)?;
    let id = cell(&service.id);
    if let Some(run) = view.run_of(&service.id) {
        return Err(Failure::failed(format!("run {} of {id} is {}", run.id, run.state))
            .hint(format!("trueline run cancel {}", run.id)));
    }
    let units = view.rows.keys().filter(|key| key.service == service.id).count();
    if units == 0 {
        return Err(Failure::failed(format!("nothing is recorded of {id}")));
    }
    if !options.still_wanted && is_wanted(view, &service) {
        return Err(Failure::failed(format!("the file of {id} is still in the catalog")).hint(
            "remove it first, with `deletionPolicy: retain` or `confirm`; or say `--still-wanted`",
        ));
    }
    Ok(units)
}

/// Tells whether the newest tick saw the file of a service; whoever drives looks again.
fn is_wanted(view: &View, service: &ServiceView) -> bool {
    let is_kept = view.rows.values().any(|row| row.key.service == service.id && row.retained);
    !(is_kept || view.state.absent.contains(&service.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view_sample::{World, at, begin, change, run, unit};
    use crate::store::CatalogState;

    async fn asked(service: &str, still_wanted: bool) -> String {
        let world = World::new().await;
        let mut state = CatalogState { ticked_at: Some(at(995)), ..CatalogState::default() };
        state.blocked.insert("never".to_owned(), "there is no item `x`".to_owned());
        let mut kept = unit("kept");
        kept.row.retained = true;
        state.absent.insert("gone".to_owned());
        world.remembers(&state).await;
        world.has([unit("db"), kept, unit("gone"), unit("busy")]).await;
        world.runs(run("0a0", change("busy", &["busy"])), begin("busy/make")).await;
        let view = View::read(&world.store).await.expect("reads");
        let reason = "it belongs to others now".to_owned();
        let options = Options { service: service.to_owned(), reason, still_wanted };
        match may(&view, &options) {
            Ok(units) => format!("{units} recorded"),
            Err(failure) => failure.to_string(),
        }
    }

    #[tokio::test]
    async fn what_is_wanted_or_under_way_is_not_forgotten() {
        assert_eq!(asked("kept", false).await, "1 recorded");
        assert_eq!(asked("gone", false).await, "1 recorded");
        assert_eq!(asked("db", true).await, "1 recorded");
        insta::assert_snapshot!(asked("db", false).await, @"the file of db is still in the catalog (remove it first, with `deletionPolicy: retain` or `confirm`; or say `--still-wanted`)");
        insta::assert_snapshot!(asked("busy", true).await, @"run 0a0 of busy is running (trueline run cancel 0a0)");
        insta::assert_snapshot!(asked("never", true).await, @"nothing is recorded of never");
        assert!(asked("other", true).await.starts_with("there is no service `other`"));
    }
}
