//! `trueline restore`: puts a backup in the place of the store. Nothing is carried out before a person acknowledges it.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::backup::HeldWire;
use super::context::Context;
use super::output::{Exit, Failure};
use super::table::cell;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::store::{Checked, Restoring, Sealer, SqliteStore, StoreError};

/// What `restore` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// The file that `trueline backup` wrote.
    pub file: PathBuf,
    /// Also where a store stands there already, which is put aside, or the key does not fit.
    #[arg(long)]
    pub force: bool,
}

/// Puts a backup back.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let wire = put_back(context, options).await?;
    context.show(&wire, || wire.text())?;
    Ok(Exit::Success)
}

async fn put_back(context: &Context, options: &Options) -> Result<RestoreWire, Failure> {
    let database = context.state.join("trueline.db");
    let checked = SqliteStore::check(&options.file).await.map_err(advised)?;
    let key = key(context, &checked);
    if let (Key::Missing | Key::Other, false) = (&key, options.force) {
        return Err(Failure::failed(format!(
            "{}, and the backup holds sealed outputs",
            key.text(context)
        ))
        .hint("put the key that belongs to this store back first; --force goes on without it"));
    }
    let how = Restoring { by: context.person(), at: SystemClock.now(), force: options.force };
    let put = SqliteStore::restore(&database, &options.file, &how).await.map_err(advised)?;
    Ok(RestoreWire {
        version: "trueline.restore/v1",
        store: database.display().to_string(),
        held: HeldWire::of(&put.checked),
        aside: put.aside.map(|path| path.display().to_string()),
        key: key.text(context),
    })
}

/// Says what can be done about it.
fn advised(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::Exists(_) => {
            Some("--force puts the store that is there aside, under another name")
        }
        other => other.advice(),
    };
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Whether what is sealed in a backup can be opened here.
#[derive(Debug, PartialEq, Eq)]
enum Key {
    Fits,
    Missing,
    Other,
    NotNeeded,
}

fn key(context: &Context, checked: &Checked) -> Key {
    let Some(sealed) = &checked.sealed else { return Key::NotNeeded };
    let path = context.state.join("key");
    // Asked first: to ask for a key makes one.
    if !path.is_file() {
        return Key::Missing;
    }
    match Sealer::key_at(&path).map(|sealer| sealer.open(sealed)) {
        Ok(Ok(_)) => Key::Fits,
        _ => Key::Other,
    }
}

impl Key {
    fn text(&self, context: &Context) -> String {
        let path = context.state.join("key").display().to_string();
        let path = cell(&path);
        match self {
            Key::Fits => format!("the key {path} opens what is sealed"),
            Key::Missing => format!("the key {path} is not there"),
            Key::Other => format!("the key {path} does not open what is sealed"),
            Key::NotNeeded => "nothing is sealed in it".to_owned(),
        }
    }
}

#[derive(Debug, Serialize)]
struct RestoreWire {
    version: &'static str,
    store: String,
    #[serde(flatten)]
    held: HeldWire,
    aside: Option<String>,
    key: String,
}

impl RestoreWire {
    fn text(&self) -> String {
        let aside =
            self.aside.as_ref().map(|path| format!("what stood there is now {}\n", cell(path)));
        format!(
            "restored {}\n{}{}{}\nit knows nothing of what happened since: the next start only looks and plans, \
             until the plan is approved (`trueline status`)\n",
            cell(&self.store),
            self.held.text(),
            aside.unwrap_or_default(),
            self.key
        )
    }
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
