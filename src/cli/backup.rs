//! `trueline backup`: writes the store to one file, also beside a running daemon. It writes over nothing.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::table::{cell, table};
use crate::store::{Checked, CheckedCatalog};

/// What `backup` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// The file to write; it must not be there yet.
    pub file: PathBuf,
}

/// Writes a backup, and checks it before it says so.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let checked = store.backup(&options.file).await?;
    let wire = BackupWire {
        version: "trueline.backup/v1",
        file: options.file.display().to_string(),
        held: HeldWire::of(&checked),
        not_included: apart(context),
    };
    context.show(&wire, || wire.text())?;
    Ok(Exit::Success)
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BackupWire {
    version: &'static str,
    file: String,
    #[serde(flatten)]
    held: HeldWire,
    /// What belongs to the state, is not in the file, and must be kept apart.
    not_included: Vec<ApartWire>,
}

#[derive(Debug, Serialize)]
struct ApartWire {
    path: String,
    what: &'static str,
}

/// Tells what stands beside the database and is lost with the folder.
fn apart(context: &Context) -> Vec<ApartWire> {
    let beside = [
        ("key", "opens sealed outputs: keep a copy of it, apart from the backups"),
        ("terraform", "the states of Terraform steps that have no `backend`"),
    ];
    let there = beside.map(|(name, what)| (context.state.join(name), what));
    let there = there.into_iter().filter(|(path, _)| path.exists());
    there.map(|(path, what)| ApartWire { path: path.display().to_string(), what }).collect()
}

/// What a file of a store holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeldWire {
    schema: i64,
    bytes: u64,
    pub(super) catalogs: Vec<CatalogWire>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CatalogWire {
    name: String,
    units: i64,
    runs: i64,
    pub(super) until: Option<Timestamp>,
    audit_head: Option<String>,
}

impl HeldWire {
    /// Takes it from a file that was checked.
    pub(super) fn of(checked: &Checked) -> Self {
        Self {
            schema: checked.schema,
            bytes: checked.bytes,
            catalogs: checked.catalogs.iter().map(CatalogWire::of).collect(),
        }
    }

    /// Writes a row for each catalog.
    pub(super) fn text(&self) -> String {
        let row = |catalog: &CatalogWire| {
            [
                catalog.name.clone(),
                catalog.units.to_string(),
                catalog.runs.to_string(),
                catalog.until.map(|at| format!("{at:.0}")).unwrap_or_default(),
                catalog.audit_head.clone().unwrap_or_default(),
            ]
        };
        table(["CATALOG", "UNITS", "RUNS", "UNTIL", "AUDIT HEAD"], self.catalogs.iter().map(row))
    }
}

impl CatalogWire {
    fn of(catalog: &CheckedCatalog) -> Self {
        Self {
            name: catalog.name.clone(),
            units: catalog.units,
            runs: catalog.runs,
            until: catalog.until,
            audit_head: catalog.head.map(|(seq, hash)| format!("{seq}:{hash}")),
        }
    }
}

impl BackupWire {
    fn text(&self) -> String {
        let apart = self.not_included.iter();
        let apart =
            apart.map(|apart| format!("not in it: {}, {}\n", cell(&apart.path), apart.what));
        format!(
            "{}: checked, whole, and the audit chain verifies ({} KiB)\n{}{}",
            cell(&self.file),
            self.held.bytes.div_ceil(1024),
            self.held.text(),
            apart.collect::<String>()
        )
    }
}
