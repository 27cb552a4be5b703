//! The store itself: hands each question to the file that knows its table.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteSynchronous;
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::definitions::Definitions;
use super::gather::{self, Gathering, fenced};
use super::open::{self, Connections};
use super::write::Write;
use super::writer::Writer;
use super::{
    approvals, arrivals, audit, catalog, claims, decisions, journal, lease, plans, proposals,
    prune, runs, tasks, units, waits,
};
use crate::catalog::Kind;
use crate::digest::Digest;
use crate::id::{RunId, UnitKey};
use crate::reconcile::{Plan, UnitRecord, UnitRow};
use crate::run::{Approvers, Event, Run};
use crate::store::{
    Adrift, Approval, ApprovalState, Arrival, AuditEntry, AuditFilter, CatalogState, Decision,
    DecisionKind, JournalEntry, Lease, LeaseHolder, LeftBehind, PlanNote, Proposal, Retention,
    RunSummary, Store, StoreError, Task, TaskState, UnitWrite,
};
use crate::validate::Good;

/// The store in SQLite.
pub struct SqliteStore {
    pub(super) catalog: String,
    path: PathBuf,
    pub(super) writer: Mutex<Writer>,
    pub(super) readers: SqlitePool,
    pub(super) definitions: Definitions,
    pub(super) gathering: std::sync::Mutex<Gathering>,
    /// The lock of the driver, with the token that was given out for it.
    driver: std::sync::Mutex<Option<(i64, File)>>,
    /// Goes when the store goes.
    _folder: Option<TempDir>,
}

impl SqliteStore {
    /// Opens the database of a catalog, or makes it, with its folder, where there is none.
    ///
    /// Refuses files that are no database of ours, damaged, of a newer schema, or open to other users, and a
    /// database that is missing beside its write-ahead log.
    pub async fn open(path: &Path, catalog: &str) -> Result<Self, StoreError> {
        let connections = open::open(path, SqliteSynchronous::Full).await?;
        Ok(Self::with(connections, path.to_path_buf(), catalog, None))
    }

    /// Makes a store that is gone when it is dropped: in a temporary folder, so that it works like any other.
    pub async fn in_memory(catalog: &str) -> Result<Self, StoreError> {
        let folder = TempDir::new();
        let folder = folder.map_err(StoreError::file("make a folder in", &std::env::temp_dir()))?;
        let path = folder.path().join("trueline.db");
        let connections = open::open(&path, SqliteSynchronous::Off).await?;
        Ok(Self::with(connections, path, catalog, Some(folder)))
    }

    fn with(
        connections: Connections,
        path: PathBuf,
        catalog: &str,
        folder: Option<TempDir>,
    ) -> Self {
        Self {
            catalog: catalog.to_owned(),
            path,
            writer: Mutex::new(connections.writer),
            readers: connections.readers,
            definitions: Definitions::default(),
            gathering: std::sync::Mutex::default(),
            driver: std::sync::Mutex::new(None),
            _folder: folder,
        }
    }

    /// Returns where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes the database in good order; its log is merged into it where nobody else has it open.
    ///
    /// Nothing is lost where this is not called.
    pub async fn close(self) {
        self.readers.close().await;
        if let Err(error) = self.writer.into_inner().close().await {
            tracing::warn!(path = %self.path.display(), %error, "the database did not close in good order");
        }
    }

    fn driver(&self) -> std::sync::MutexGuard<'_, Option<(i64, File)>> {
        self.driver.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn acquire(&self, holder: &LeaseHolder, now: Timestamp) -> Result<Lease, StoreError> {
        let Some(lock) = lease::lock(&lease::lock_path(&self.path)).await? else {
            let driving = lease::holder(&self.readers, &self.catalog).await?;
            return Err(StoreError::Held(driving.unwrap_or_else(lease::unnamed)));
        };
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let token = lease::take(&mut write, holder, now).await?;
        write.commit().await?;
        *self.driver() = Some((token, lock));
        self.gathering().forget();
        Ok(Lease { token })
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        lease::give_back(&mut write, lease).await?;
        write.commit().await?;
        self.gathering().forget();
        if let Some((_, lock)) = self.driver().take_if(|(token, _)| *token == lease.token) {
            lease::unlock(&lock);
        }
        Ok(())
    }

    async fn holder(&self) -> Result<Option<LeaseHolder>, StoreError> {
        let ours = self.driver().is_some();
        if !ours && !lease::is_locked(&lease::lock_path(&self.path))? {
            return Ok(None);
        }
        let driving = lease::holder(&self.readers, &self.catalog).await?;
        Ok(Some(driving.unwrap_or_else(lease::unnamed)))
    }

    async fn catalog_state(&self) -> Result<CatalogState, StoreError> {
        catalog::state(&self.readers, &self.catalog).await
    }

    async fn save_catalog_state(
        &self,
        lease: &Lease,
        state: &CatalogState,
    ) -> Result<(), StoreError> {
        fenced!(self, lease, |write| catalog::save_state(write, state))
    }

    async fn last_good(&self) -> Result<Vec<Good>, StoreError> {
        catalog::last_good(&self.readers, &self.catalog).await
    }

    async fn save_last_good(
        &self,
        lease: &Lease,
        put: &[Good],
        remove: &[(Kind, String)],
    ) -> Result<(), StoreError> {
        fenced!(self, lease, |write| catalog::save_last_good(write, put, remove))
    }

    async fn unit_rows(&self) -> Result<Vec<UnitRow>, StoreError> {
        units::all_rows(&self.readers, &self.catalog).await
    }

    async fn units(&self, keys: &[UnitKey]) -> Result<Vec<UnitRecord>, StoreError> {
        self.some_units(keys).await
    }

    async fn write_units(&self, lease: &Lease, writes: &[UnitWrite]) -> Result<(), StoreError> {
        let written: Result<(), StoreError> =
            fenced!(self, lease, |write| units::write(write, writes, Timestamp::now()));
        written.inspect(|()| self.gathering().remember(writes))
    }

    async fn holders(&self, claims: &[String]) -> Result<Vec<(String, UnitKey)>, StoreError> {
        claims::holders(&self.readers, &self.catalog, claims).await
    }

    async fn save_plan(&self, lease: &Lease, plan: &Plan, at: Timestamp) -> Result<(), StoreError> {
        fenced!(self, lease, |write| plans::save(write, plan, at))
    }

    async fn latest_plan(&self) -> Result<Option<Plan>, StoreError> {
        plans::latest(&self.readers, &self.definitions, &self.catalog).await
    }

    async fn plans_by_prefix(&self, prefix: &str) -> Result<Vec<Plan>, StoreError> {
        plans::by_prefix(&self.readers, &self.definitions, &self.catalog, prefix).await
    }

    async fn plans_of(&self, change: &Digest) -> Result<Vec<PlanNote>, StoreError> {
        plans::of(&self.readers, &self.catalog, change).await
    }

    async fn decide(
        &self,
        by: &str,
        at: Timestamp,
        decision: &DecisionKind,
    ) -> Result<i64, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let seq = decisions::add(&mut write, by, at, decision).await?;
        write.commit().await?;
        Ok(seq)
    }

    async fn decisions_after(&self, seq: i64) -> Result<Vec<Decision>, StoreError> {
        decisions::after(&self.readers, &self.catalog, seq).await
    }

    async fn last_decision(&self) -> Result<i64, StoreError> {
        decisions::last(&self.readers, &self.catalog).await
    }

    async fn create_run(
        &self,
        lease: &Lease,
        run: &Run,
        writes: &[UnitWrite],
    ) -> Result<(), StoreError> {
        let written: Result<(), StoreError> =
            fenced!(self, lease, |write| runs::create(write, &[(run, writes)]));
        written.inspect(|()| self.gathering().remember(writes))
    }

    async fn append(
        &self,
        lease: &Lease,
        run: &Run,
        entries: &[(Timestamp, Event)],
        writes: &[UnitWrite],
    ) -> Result<(), StoreError> {
        let written: Result<(), StoreError> =
            fenced!(self, lease, |write| journal::append(write, run, entries, writes));
        written.inspect(|()| self.gathering().remember(writes))
    }

    async fn open_runs(&self) -> Result<Vec<Run>, StoreError> {
        runs::open(&self.readers, &self.definitions, &self.catalog).await
    }

    async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError> {
        runs::one(&self.readers, &self.definitions, &self.catalog, id).await
    }

    async fn runs(&self, service: Option<&str>, limit: u32) -> Result<Vec<RunSummary>, StoreError> {
        runs::list(&self.readers, &self.catalog, service, limit).await
    }

    async fn stopped_runs(&self) -> Result<Vec<RunSummary>, StoreError> {
        runs::stopped(&self.readers, &self.catalog).await
    }

    async fn old_runs(
        &self,
        retention: &Retention,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunId>, StoreError> {
        prune::old(&self.readers, &self.catalog, (retention, now), limit).await
    }

    async fn prune_runs(
        &self,
        lease: &Lease,
        runs: &[RunId],
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        fenced!(self, lease, |write| prune::prune(write, runs, now))
    }

    async fn journal(&self, id: &RunId) -> Result<Vec<JournalEntry>, StoreError> {
        journal::read(&self.readers, &self.catalog, id).await
    }

    async fn open_task(&self, lease: &Lease, task: &Task) -> Result<i64, StoreError> {
        fenced!(self, lease, |write| tasks::open(write, task))
    }

    async fn close_task(
        &self,
        lease: &Lease,
        number: i64,
        state: TaskState,
        by: &str,
    ) -> Result<(), StoreError> {
        fenced!(self, lease, |write| tasks::close(write, number, state, by))
    }

    async fn tasks(&self, only_open: bool) -> Result<Vec<Task>, StoreError> {
        tasks::list(&self.readers, &self.catalog, only_open).await
    }

    async fn open_approval(
        &self,
        lease: &Lease,
        approval: &Approval,
    ) -> Result<Approval, StoreError> {
        fenced!(self, lease, |write| approvals::open(write, approval))
    }

    async fn change_approvers(
        &self,
        lease: &Lease,
        number: i64,
        may: &Approvers,
    ) -> Result<(), StoreError> {
        fenced!(self, lease, |write| approvals::change(write, number, may))
    }

    async fn close_approval(
        &self,
        lease: &Lease,
        number: i64,
        end: (ApprovalState, &str),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        fenced!(self, lease, |write| approvals::close(write, number, end, at))
    }

    async fn approvals(&self, only_open: bool) -> Result<Vec<Approval>, StoreError> {
        approvals::list(&self.readers, &self.catalog, only_open).await
    }

    async fn approval(&self, number: i64) -> Result<Option<(Approval, Vec<Decision>)>, StoreError> {
        approvals::one(&self.readers, &self.catalog, number).await
    }

    async fn save_proposal(&self, lease: &Lease, proposal: &Proposal) -> Result<(), StoreError> {
        fenced!(self, lease, |write| proposals::save(write, proposal))
    }

    async fn proposals(&self) -> Result<Vec<Proposal>, StoreError> {
        proposals::list(&self.readers, &self.catalog).await
    }

    async fn adrift(&self) -> Result<Vec<Adrift>, StoreError> {
        waits::adrift(&self.readers, &self.catalog).await
    }

    async fn tried(&self, lease: &Lease, adrift: &Adrift, why: &str) -> Result<(), StoreError> {
        fenced!(self, lease, |write| waits::tried(write, adrift, why))
    }

    async fn settle_adrift(
        &self,
        lease: &Lease,
        adrift: &Adrift,
        became: (&str, Option<&str>),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        fenced!(self, lease, |write| waits::settle(write, adrift, became, at))
    }

    async fn left_behind(&self) -> Result<Vec<LeftBehind>, StoreError> {
        waits::left_behind(&self.readers, &self.catalog).await
    }

    async fn arrive(&self, at: Timestamp, arrival: &Arrival) -> Result<bool, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut write = Write::begin(&mut writer, &self.catalog).await?;
        let added = arrivals::add(&mut write, at, arrival).await?;
        write.commit().await?;
        Ok(added)
    }

    async fn arrivals_after(&self, seq: i64) -> Result<Vec<(i64, String)>, StoreError> {
        arrivals::after(&self.readers, &self.catalog, seq).await
    }

    async fn arrived(&self, about: &str) -> Result<Option<Value>, StoreError> {
        arrivals::body(&self.readers, &self.catalog, about).await
    }

    async fn audit_after(&self, seq: i64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        audit::after(&self.readers, &self.catalog, seq, limit).await
    }

    async fn audit_list(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        audit::list(&self.readers, &self.catalog, filter, limit).await
    }
}
