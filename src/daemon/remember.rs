//! What a tick writes down: renamed and retained units, the plan, what `status` tells.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::daemon::Daemon;
use super::error::TickError;
use super::health::HealthReport;
use super::review::Unapproved;
use crate::catalog::{Entry, Written};
use crate::engine::superseded;
use crate::id::RunId;
use crate::reconcile::{Desired, Plan, concerns, renames};
use crate::store::{CatalogState, UnitWrite};

/// How long an unchanged state may stay unwritten, in seconds: the heartbeat that `status` reads.
const HEARTBEAT_S: i64 = 10;

impl Daemon {
    /// Gives units that have a new name their new name, and keeps everything else of them.
    pub(super) async fn rename(
        &mut self,
        desired: &Desired,
        unapproved: &Unapproved,
    ) -> Result<(), TickError> {
        let mut renames = renames(desired, &self.driver.memory.rows);
        renames.retain(|(_, new)| !unapproved.is_about_service(&new.service, &self.catalog));
        let busy: Vec<&String> =
            self.driver.memory.runs.values().map(|run| &run.change.service).collect();
        let mut writes = Vec::new();
        for (old, new) in renames.iter().filter(|(old, _)| !busy.contains(&&old.service)) {
            let engine = &self.driver.engine;
            for mut record in engine.store.units(std::slice::from_ref(old)).await? {
                tracing::info!(%old, %new, "renamed");
                if let Some(held) = self.driver.memory.state.held.remove(&old.service) {
                    self.driver.memory.state.held.insert(new.service.clone(), held);
                }
                record.row.key = new.clone();
                writes.push(UnitWrite::Remove(old.clone()));
                writes.push(UnitWrite::Put(Box::new(record)));
            }
        }
        self.write(writes).await
    }

    /// Lets newer revisions take the place of what runs, where owners approved them.
    pub(super) fn supersede(&mut self, desired: &Desired, unapproved: &Unapproved, now: Timestamp) {
        let mut over = superseded(&self.driver.memory, desired, now);
        let runs = &self.driver.memory.runs;
        let is_held = |id: &RunId| {
            runs.get(id).is_some_and(|run| unapproved.is_about(&run.change, &self.catalog))
        };
        over.retain(|id| !is_held(id));
        self.driver.supersede(over, &self.head.commit);
    }

    /// Keeps a new plan, and units whose file is gone but that are to be retained.
    pub(super) async fn keep(&mut self, plan: &Plan) -> Result<(), TickError> {
        let engine = &self.driver.engine;
        if self.driver.memory.saved_plan != Some(plan.digest) {
            engine.store.save_plan(&engine.lease, plan, engine.clock.now()).await?;
            self.driver.memory.saved_plan = Some(plan.digest);
            self.driver.memory.take_authors(plan);
        }
        self.void_approvals(plan).await?;
        let engine = &self.driver.engine;
        let mut writes = Vec::new();
        for mut record in engine.store.units(&plan.retained).await? {
            tracing::info!(unit = %record.row.key, "retained: its file is gone, and it is no longer looked after");
            record.row.retained = true;
            writes.push(UnitWrite::Put(Box::new(record)));
        }
        self.write(writes).await?;
        if self.is_restored() {
            return Ok(());
        }
        Box::pin(self.propose_expired(plan)).await?;
        Box::pin(self.propose_drift(plan)).await?;
        self.keep_waits(plan).await
    }

    /// Takes back what ended runs left open; not on the word of a record that may be old.
    pub(super) async fn withdraw(&mut self, plan: &Plan) -> Result<(), TickError> {
        if !self.is_restored() {
            self.driver.withdraw(plan).await?;
        }
        Ok(())
    }

    /// Tells whether the record was put back from a backup, and nobody acknowledged that yet.
    pub(super) fn is_restored(&self) -> bool {
        self.driver.memory.state.restored.is_some()
    }

    async fn write(&mut self, writes: Vec<UnitWrite>) -> Result<(), TickError> {
        if writes.is_empty() {
            return Ok(());
        }
        let engine = &self.driver.engine;
        engine.store.write_units(&engine.lease, &writes).await?;
        self.driver.memory.take_writes(&writes);
        Ok(())
    }

    /// Remembers the revision that was acted upon, and what `status` tells.
    pub(super) async fn remember(
        &mut self,
        plan: &Plan,
        desired: &Desired,
    ) -> Result<(), TickError> {
        let memory = &self.driver.memory;
        let acted =
            plan.verdict.holds.is_empty() || memory.decided.approved_plans.contains(&plan.digest);
        let now = self.driver.engine.clock.now();
        let mut state = CatalogState {
            head: Some(self.head.commit.clone()),
            trouble: self.trouble.clone(),
            overlay: self.overlay(),
            blocked: plan.blocked.iter().map(|(id, why)| (id.clone(), why.join("; "))).collect(),
            pending: pending_in_words(plan, &memory.state.voided),
            outdated: plan.outdated.clone(),
            unknown: plan.unknown.clone(),
            suspended: plan.suspended.iter().cloned().collect(),
            absent: plan.absent.clone(),
            written: self.unsettled(plan),
            ..memory.state.clone()
        };
        if acted {
            self.driver.memory.use_up(plan.digest);
            state.used.clone_from(&self.driver.memory.state.used);
            state.applied_revision = Some(self.head.commit.clone());
            state.services = desired.services;
            state.restored = None;
            self.head.descends = true;
        }
        let is_due =
            state.ticked_at.is_none_or(|at| now.as_second() - at.as_second() >= HEARTBEAT_S);
        // Decisions and contacts have changed memory since it was written last.
        if state != self.saved || is_due {
            state.ticked_at = Some(now);
            self.driver.memory.state = state;
            self.save_state().await?;
        }
        self.measure(plan, desired.services);
        self.health.set(HealthReport {
            commit: Some(self.head.commit.clone()),
            ticked_at: Some(now),
            trouble: self.trouble.clone(),
            changes: plan.changes.len(),
            runs: self.driver.memory.runs.len(),
            services: desired.services,
            breakers: self.driver.shut(),
        });
        self.publish(plan);
        Ok(())
    }

    /// Writes what is remembered of the catalog.
    pub(super) async fn save_state(&mut self) -> Result<(), TickError> {
        let engine = &self.driver.engine;
        let state = self.driver.memory.state.clone();
        engine.store.save_catalog_state(&engine.lease, &state).await?;
        self.saved = state;
        Ok(())
    }

    /// Returns who wrote what is not settled yet: it stays theirs when it is planned at a later head.
    fn unsettled(&self, plan: &Plan) -> Written {
        if self.head.written.is_empty() {
            return Written::default();
        }
        let runs = self.driver.memory.runs.values().map(|run| &run.change.service);
        let changes = plan.changes.iter().map(|change| &change.service);
        let units = plan.outdated.keys().chain(plan.unknown.keys()).map(|unit| &unit.service);
        let waits = plan.pending.keys().chain(plan.blocked.keys()).chain(&plan.suspended);
        let services: BTreeSet<&str> =
            runs.chain(changes).chain(units).chain(waits).map(String::as_str).collect();
        let offers = services.iter().filter_map(|id| self.catalog.services.get(*id));
        let offers: BTreeSet<&str> = offers.map(Entry::offer).collect();
        let items = offers.iter().filter_map(|id| self.catalog.items.get(*id));
        let bundles = offers.iter().filter_map(|id| self.catalog.bundles.get(*id));
        let mut paths: BTreeSet<&str> = items.map(|entry| &*entry.document.path).collect();
        paths.extend(bundles.map(|entry| &*entry.document.path));
        let overlay = self.judged.as_ref().map(|judged| judged.overlay.as_slice());
        paths.extend(overlay.unwrap_or_default().iter().map(|row| &*row.path));
        let is_open = |path: &str| {
            let mut changes = plan.changes.iter();
            let concerns = |change| path.is_empty() || concerns(path, change, &self.catalog);
            paths.contains(path) || changes.any(concerns)
        };
        self.head.written.only(|id| services.contains(id), is_open)
    }

    fn overlay(&self) -> Vec<(String, String)> {
        let overlay = self.judged.as_ref().map(|judged| judged.overlay.as_slice());
        let rows = overlay.unwrap_or_default().iter();
        rows.map(|row| (row.path.to_string(), row.why.clone())).collect()
    }
}

fn pending_in_words(plan: &Plan, voided: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let words = |why: &Vec<crate::reconcile::Pending>| {
        why.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let told = |(service, why): (&String, &Vec<crate::reconcile::Pending>)| {
        let void = voided.get(service).map(|void| format!("; {void}")).unwrap_or_default();
        (service.clone(), format!("{}{void}", words(why)))
    };
    plan.pending.iter().map(told).collect()
}
