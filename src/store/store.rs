//! The `Store` trait and the rows it speaks in.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::activity::ActivityStore;
use super::approval::{Approval, ApprovalState};
use super::audit::{AuditEntry, AuditFilter};
use super::breaker::BreakerStore;
use super::catalog_state::CatalogState;
use super::decision::{Decision, DecisionKind};
use super::error::StoreError;
use super::forgetting::TellStore;
use super::gather::GatherStore;
use super::lease::{Lease, LeaseHolder};
use super::pages::PageStore;
use super::people::PeopleStore;
use super::requests::RequestStore;
use super::retention::Retention;
use super::reviews::ReviewStore;
use super::service_requests::ServiceRequestStore;
use crate::catalog::Kind;
use crate::digest::Digest;
use crate::id::{RunId, StepPath, UnitKey};
use crate::reconcile::{Plan, UnitRecord, UnitRow};
use crate::run::{Approvers, Event, Run, RunState, Wait};
use crate::validate::Good;

/// The state of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Somebody has to do it.
    Open,
    /// It was done.
    Done,
    /// It is no longer needed.
    Cancelled,
    /// A newer run asks for something else in its place.
    Replaced,
}

/// A task for a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its number; 0 before it is stored.
    pub number: i64,
    /// The run that waits for it.
    pub run: RunId,
    /// The step that waits for it.
    pub step: StepPath,
    /// The service it is for.
    pub service: String,
    /// What is to be done.
    pub title: String,
    /// How.
    pub instructions: String,
    /// What is to be entered: name → type.
    pub outputs: BTreeMap<String, String>,
    /// Its state.
    pub state: TaskState,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Who did it.
    pub done_by: Option<String>,
}

/// A proposal that was filed, so that people find it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The repository, as the action names it.
    pub repository: String,
    /// Its number there.
    pub number: u64,
    /// The run that filed it, where one did.
    pub run: Option<RunId>,
    /// The step of the run that filed it.
    pub step: Option<StepPath>,
    /// The service it is for.
    pub service: String,
}

/// Something outside that a step waited for, and that nobody waits for any more.
#[derive(Clone, Debug, PartialEq)]
pub struct Adrift {
    /// The run.
    pub run: RunId,
    /// The step.
    pub step: StepPath,
    /// The service it is for.
    pub service: String,
    /// Type of the step's action, which knows how it is taken back.
    pub action: String,
    /// What was waited for.
    pub on: Wait,
    /// How the run ended.
    pub state: RunState,
    /// Attempts to take it back that failed.
    pub tries: u32,
}

/// Something outside that could not be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    /// The service it was for.
    pub service: String,
    /// What it is.
    pub what: String,
    /// When that was found.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// What a message about the catalog's repository is about.
pub const ABOUT_CATALOG: &str = "catalog";

/// A message from outside whose signature was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// Who sent it, and its name there: by both it is known again when it comes twice.
    pub id: String,
    /// What it is about; steps that wait for this are looked at.
    pub about: String,
    /// What was posted, sealed; nothing where the message is a poke only.
    pub body: Option<Value>,
}

/// One entry of a run's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Its number in the run, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// What is listed of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its name.
    pub id: RunId,
    /// The service.
    pub service: String,
    /// `create`, `update`, …
    pub kind: String,
    /// Its state.
    pub state: RunState,
    /// The change it carries out.
    pub change: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something last happened to it.
    pub updated_at: Timestamp,
    /// Why it failed or waits.
    pub why: Option<String>,
}

/// What is told of a plan without reading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanNote {
    /// Its digest.
    pub digest: Digest,
    /// The commit it was made for.
    pub commit: String,
    /// When it was kept.
    pub at: Timestamp,
}

/// What becomes of a unit together with events of the journal.
#[derive(Clone, Debug, PartialEq)]
pub enum UnitWrite {
    /// It is as this says from now on.
    Put(Box<UnitRecord>),
    /// It is gone.
    Remove(UnitKey),
}

/// State, of one catalog; every row begins with the catalog's name.
///
/// Methods that take a [`Lease`] are for the driver alone and refuse a lease that was taken over.
#[async_trait]
pub trait Store:
    ActivityStore
    + BreakerStore
    + GatherStore
    + PageStore
    + PeopleStore
    + RequestStore
    + ReviewStore
    + ServiceRequestStore
    + TellStore
    + Send
    + Sync
{
    /// Takes the exclusive right to drive, with a token larger than any before; refused while another holds it.
    async fn acquire(&self, holder: &LeaseHolder, now: Timestamp) -> Result<Lease, StoreError>;
    /// Gives the right back.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;
    /// Tells who drives, where somebody does.
    async fn holder(&self) -> Result<Option<LeaseHolder>, StoreError>;

    /// Reads what is remembered of the catalog.
    async fn catalog_state(&self) -> Result<CatalogState, StoreError>;
    /// Writes what is remembered of the catalog.
    async fn save_catalog_state(
        &self,
        lease: &Lease,
        state: &CatalogState,
    ) -> Result<(), StoreError>;

    /// Reads the last good version of every document.
    async fn last_good(&self) -> Result<Vec<Good>, StoreError>;
    /// Adds, replaces and removes last good versions.
    async fn save_last_good(
        &self,
        lease: &Lease,
        put: &[Good],
        remove: &[(Kind, String)],
    ) -> Result<(), StoreError>;

    /// Reads the little that is known of every unit.
    async fn unit_rows(&self) -> Result<Vec<UnitRow>, StoreError>;
    /// Reads all that is known of some units; unknown keys are left out.
    async fn units(&self, keys: &[UnitKey]) -> Result<Vec<UnitRecord>, StoreError>;
    /// Writes units outside a run: observations, retained and renamed units.
    async fn write_units(&self, lease: &Lease, writes: &[UnitWrite]) -> Result<(), StoreError>;
    /// Finds the units that have any of some things in the outside world, by thing.
    async fn holders(&self, claims: &[String]) -> Result<Vec<(String, UnitKey)>, StoreError>;

    /// Keeps a plan, so that it can be approved by its digest.
    async fn save_plan(&self, lease: &Lease, plan: &Plan, at: Timestamp) -> Result<(), StoreError>;
    /// Reads the newest plan.
    async fn latest_plan(&self) -> Result<Option<Plan>, StoreError>;
    /// Reads plans, newest first, whose own digest or one of whose changes' digests begins with a text.
    async fn plans_by_prefix(&self, prefix: &str) -> Result<Vec<Plan>, StoreError>;

    /// Tells which of the plans that are kept hold a change, oldest first.
    async fn plans_of(&self, change: &Digest) -> Result<Vec<PlanNote>, StoreError>;

    /// Records a decision; returns its number. Any process may.
    async fn decide(
        &self,
        by: &str,
        at: Timestamp,
        decision: &DecisionKind,
    ) -> Result<i64, StoreError>;
    /// Reads decisions after a number, in their order.
    async fn decisions_after(&self, seq: i64) -> Result<Vec<Decision>, StoreError>;
    /// Returns the number of the last decision, cheaply.
    async fn last_decision(&self) -> Result<i64, StoreError>;

    /// Records a new run together with the units it touches.
    async fn create_run(
        &self,
        lease: &Lease,
        run: &Run,
        writes: &[UnitWrite],
    ) -> Result<(), StoreError>;
    /// Appends events to a run's journal together with what becomes of units, in one durable step. What steps waited
    /// for that are called off goes with it: their tasks are cancelled, their approvals void, and what is outside is
    /// adrift.
    async fn append(
        &self,
        lease: &Lease,
        run: &Run,
        entries: &[(Timestamp, Event)],
        writes: &[UnitWrite],
    ) -> Result<(), StoreError>;
    /// Reads the runs that have not ended, replayed from their journals, oldest first.
    async fn open_runs(&self) -> Result<Vec<Run>, StoreError>;
    /// Reads one run, replayed from its journal.
    async fn run(&self, id: &RunId) -> Result<Option<Run>, StoreError>;
    /// Lists runs, newest first; of one service where it is named.
    async fn runs(&self, service: Option<&str>, limit: u32) -> Result<Vec<RunSummary>, StoreError>;
    /// Reads the newest run of each service whose newest run stopped: failed, cancelled, or needs a decision.
    async fn stopped_runs(&self) -> Result<Vec<RunSummary>, StoreError>;
    /// Finds runs that are no longer to be kept, oldest first: none that is open, or that anything refers to.
    async fn old_runs(
        &self,
        retention: &Retention,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<RunId>, StoreError>;
    /// Forgets runs that ended, with their journals, tasks and proposals; returns how many there were.
    async fn prune_runs(
        &self,
        lease: &Lease,
        runs: &[RunId],
        now: Timestamp,
    ) -> Result<usize, StoreError>;
    /// Reads a run's journal.
    async fn journal(&self, id: &RunId) -> Result<Vec<JournalEntry>, StoreError>;

    /// Opens a task, or returns the number of the one this step has already.
    async fn open_task(&self, lease: &Lease, task: &Task) -> Result<i64, StoreError>;
    /// Changes the state of a task.
    async fn close_task(
        &self,
        lease: &Lease,
        number: i64,
        state: TaskState,
        by: &str,
    ) -> Result<(), StoreError>;
    /// Lists tasks, newest first; only open ones where asked.
    async fn tasks(&self, only_open: bool) -> Result<Vec<Task>, StoreError>;

    /// Opens an approval, and returns it as it is stored; the one that the step has already, where it has one.
    async fn open_approval(
        &self,
        lease: &Lease,
        approval: &Approval,
    ) -> Result<Approval, StoreError>;
    /// Changes who may answer an approval that is open.
    async fn change_approvers(
        &self,
        lease: &Lease,
        number: i64,
        may: &Approvers,
    ) -> Result<(), StoreError>;
    /// Ends an approval that is open, and says why. Those of a run that ends are void with its journal.
    async fn close_approval(
        &self,
        lease: &Lease,
        number: i64,
        end: (ApprovalState, &str),
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Lists approvals, newest first; only open ones where asked.
    async fn approvals(&self, only_open: bool) -> Result<Vec<Approval>, StoreError>;
    /// Reads one approval, with what people said to it, in their order.
    async fn approval(&self, number: i64) -> Result<Option<(Approval, Vec<Decision>)>, StoreError>;

    /// Remembers a proposal, and which run waits for it now.
    async fn save_proposal(&self, lease: &Lease, proposal: &Proposal) -> Result<(), StoreError>;
    /// Lists proposals that were filed.
    async fn proposals(&self) -> Result<Vec<Proposal>, StoreError>;

    /// Lists what steps waited for outside that were called off, unless what became of it is recorded.
    async fn adrift(&self) -> Result<Vec<Adrift>, StoreError>;
    /// Counts an attempt to take something back that failed.
    async fn tried(&self, lease: &Lease, adrift: &Adrift, why: &str) -> Result<(), StoreError>;
    /// Records what became of something adrift, in a word, and why where it could not be taken back.
    async fn settle_adrift(
        &self,
        lease: &Lease,
        adrift: &Adrift,
        became: (&str, Option<&str>),
        at: Timestamp,
    ) -> Result<(), StoreError>;
    /// Lists what could not be taken back of late, newest first.
    async fn left_behind(&self) -> Result<Vec<LeftBehind>, StoreError>;

    /// Keeps a message from outside; false where it was there before. Any process may.
    async fn arrive(&self, at: Timestamp, arrival: &Arrival) -> Result<bool, StoreError>;
    /// Reads what messages after a number are about, with their numbers, oldest first.
    async fn arrivals_after(&self, seq: i64) -> Result<Vec<(i64, String)>, StoreError>;
    /// Reads what was posted first about something, sealed.
    async fn arrived(&self, about: &str) -> Result<Option<Value>, StoreError>;

    /// Reads the audit chain after a number, oldest first.
    async fn audit_after(&self, seq: i64, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
    /// Reads the newest entries of the audit chain that a filter lets through, newest first.
    async fn audit_list(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;
}
