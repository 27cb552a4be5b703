//! `trueline service hold` and `release`: stops everything for a service, and lets it go on. It records the word; whoever
//! drives acts on it within a second.

use clap::Args;
use serde::Serialize;

use super::approve::record;
use super::context::Context;
use super::output::{Failure, demand_reason};
use super::service::known;
use super::table::cell;
use crate::engine::{self, View};
use crate::store::{DecisionKind, Store};

/// What `hold` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Its id.
    id: String,
    /// Why; it is kept with who says so.
    #[arg(long)]
    reason: String,
}

/// What `release` takes.
#[derive(Debug, Args)]
pub(super) struct ReleaseOptions {
    /// Its id.
    id: String,
    /// Why; it is kept with who says so.
    #[arg(long, default_value = "")]
    reason: String,
}

impl Options {
    /// Returns what is said, and why.
    pub(super) fn said(&self) -> (&str, &str) {
        (&self.id, &self.reason)
    }
}

impl ReleaseOptions {
    /// Returns what is said, and why.
    pub(super) fn said(&self) -> (&str, &str) {
        (&self.id, &self.reason)
    }
}

#[derive(Debug, Serialize)]
struct HoldWire {
    version: &'static str,
    service: String,
    held: bool,
    decision: i64,
    by: String,
}

/// Records that everything stops for a service.
pub(super) async fn hold(
    context: &Context,
    store: &dyn Store,
    options: &Options,
) -> Result<(), Failure> {
    let view = View::read(store).await?;
    may_hold(&view, options)?;
    let (service, reason) = (options.id.clone(), options.reason.clone());
    said(context, store, (&options.id, true), &DecisionKind::Hold { service, reason }).await?;
    if let Some(run) = view.run_of(&options.id) {
        context.remark(format!("run {} stops before its next step", run.id));
    }
    Ok(())
}

/// Records that a service goes on.
pub(super) async fn release(
    context: &Context,
    store: &dyn Store,
    options: &ReleaseOptions,
) -> Result<(), Failure> {
    may_release(&View::read(store).await?, &options.id)?;
    let (service, reason) = (options.id.clone(), options.reason.clone());
    said(context, store, (&options.id, false), &DecisionKind::Release { service, reason }).await
}

async fn said(
    context: &Context,
    store: &dyn Store,
    (id, held): (&str, bool),
    word: &DecisionKind,
) -> Result<(), Failure> {
    let decision = record(context, word).await?;
    let by = context.person();
    told(context, (id, held), (decision, &by))?;
    context.remark(format!("said as {} (self-declared)", cell(&by)));
    if !held && store.holder().await?.is_none() {
        context.remark("nobody drives: `trueline serve` or `trueline apply` acts on it");
    }
    Ok(())
}

/// Shows what was recorded.
pub(super) fn told(
    context: &Context,
    (id, held): (&str, bool),
    (decision, by): (i64, &str),
) -> Result<(), Failure> {
    let (version, by) = ("trueline.hold/v1", by.to_owned());
    let wire = HoldWire { version, service: id.to_owned(), held, decision, by };
    context.show(&wire, || {
        let service = cell(&wire.service);
        match held {
            true => format!("{service} is held: nothing is done for it until it is released"),
            false => format!("{service} is released, and goes on"),
        }
    })
}

fn may_hold(view: &View, options: &Options) -> Result<(), Failure> {
    demand_reason(&options.reason)?;
    known(view, &options.id)?;
    engine::may_hold(&view.state.held, &options.id)
        .map_err(|refused| Failure::failed(cell(&refused.message)).hint(cell(&refused.hint)))
}

fn may_release(view: &View, id: &str) -> Result<(), Failure> {
    if view.state.held.contains_key(id) {
        return Ok(());
    }
    known(view, id)?;
    let held: Vec<String> = view.state.held.keys().map(|id| cell(id)).collect();
    let hint = match held.as_slice() {
        [] => "nothing is held".to_owned(),
        held => format!("held are: {}", held.join(", ")),
    };
    Err(Failure::failed(format!("{} is not held", cell(id))).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view_sample::{World, at, unit};
    use crate::store::{CatalogState, OnHold};

    async fn asked(may: impl Fn(&View) -> Result<(), Failure>) -> String {
        let world = World::new().await;
        let mut state = CatalogState { ticked_at: Some(at(995)), ..CatalogState::default() };
        let (by, why) = ("ada".to_owned(), "an \u{1b}[31maudit".to_owned());
        state.held.insert("held-db".to_owned(), OnHold { by, why, at: at(9) });
        world.remembers(&state).await;
        world.has([unit("db")]).await;
        let view = View::read(&world.store).await.expect("reads");
        may(&view).err().map_or_else(|| "recorded".to_owned(), |it| it.to_string())
    }

    async fn hold(id: &str, reason: &str) -> String {
        let options = Options { id: id.to_owned(), reason: reason.to_owned() };
        asked(|view| may_hold(view, &options)).await
    }

    async fn release(id: &str) -> String {
        asked(|view| may_release(view, id)).await
    }

    #[tokio::test]
    async fn what_is_held_is_not_held_again_and_what_is_not_is_not_released() {
        assert_eq!(hold("db", "an audit").await, "recorded");
        assert_eq!(release("held-db").await, "recorded");
        insta::assert_snapshot!(hold("held-db", "x").await, @r"held-db is held by ada: an \u{1b}[31maudit already (trueline service release held-db)");
        insta::assert_snapshot!(release("db").await, @"db is not held (held are: held-db)");
        insta::assert_snapshot!(hold("db", " ").await, @"`--reason` is empty (say why: it is kept)");
        assert!(hold("other", "x").await.starts_with("there is no service `other`"));
        assert!(release("other").await.starts_with("there is no service"));
    }
}
