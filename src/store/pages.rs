//! Lists by the page: what an API shows of many rows, read by key and never all at once. It changes nothing.

use async_trait::async_trait;

use super::ApprovalState;
use super::approval::Approval;
use super::error::StoreError;
use super::store::{JournalEntry, PlanNote, RunSummary, Task, TaskState};
use crate::id::RunId;
use crate::reconcile::UnitRow;
use crate::run::RunState;

/// Where a page begins and how long it is: rows before a number, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Only rows with a smaller number; all where absent.
    pub number: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// Which runs are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this service.
    pub service: Option<String>,
    /// In this state.
    pub state: Option<RunState>,
}

/// A row of a list with the number that pages are counted by, and the team it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered<T> {
    /// Rises with every row that is added.
    pub number: i64,
    /// The team of the change that it belongs to; nothing where that is not known any more.
    pub team: Option<String>,
    /// The row.
    pub row: T,
}

/// Reads lists by the page.
#[async_trait]
pub trait PageStore {
    /// Lists runs, newest first.
    async fn runs_page(
        &self,
        filter: &RunFilter,
        page: Before,
    ) -> Result<Vec<Numbered<RunSummary>>, StoreError>;
    /// Lists tasks, newest first; those in one state where it is named.
    async fn tasks_page(
        &self,
        state: Option<TaskState>,
        page: Before,
    ) -> Result<Vec<Numbered<Task>>, StoreError>;
    /// Reads one task.
    async fn task(&self, number: i64) -> Result<Option<Numbered<Task>>, StoreError>;
    /// Lists approvals, newest first; those in one state where it is named.
    async fn approvals_page(
        &self,
        state: Option<ApprovalState>,
        page: Before,
    ) -> Result<Vec<Numbered<Approval>>, StoreError>;
    /// Lists plans, newest first.
    async fn plans_page(&self, page: Before) -> Result<Vec<Numbered<PlanNote>>, StoreError>;
    /// Reads what is known of the units of some services.
    async fn unit_rows_of(&self, services: &[String]) -> Result<Vec<UnitRow>, StoreError>;
    /// Reads the newest run of each of some services, with its team.
    async fn newest_runs(
        &self,
        services: &[String],
    ) -> Result<Vec<Numbered<RunSummary>>, StoreError>;
    /// Reads what stands in a run's journal after an entry, oldest first.
    async fn journal_after(
        &self,
        run: &RunId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<JournalEntry>, StoreError>;
    /// Reads the state of a run and the number of its newest entry, without reading either.
    async fn run_state(&self, run: &RunId) -> Result<Option<(RunState, i64)>, StoreError>;
}
