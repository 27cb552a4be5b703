//! Lists by the page, by the keys of their tables. It reads, and never writes.

use async_trait::async_trait;
use sqlx::{QueryBuilder, Sqlite};

use super::{SqliteStore, approvals, journal, rows, runs, tasks, units};
use crate::id::RunId;
use crate::reconcile::UnitRow;
use crate::run::RunState;
use crate::store::{
    Approval, ApprovalState, Before, JournalEntry, Numbered, PageStore, PlanNote, RunFilter,
    RunSummary, StoreError, Task, TaskState,
};

/// The team of the run that a task or an approval belongs to.
fn team_of_run(table: &str) -> String {
    format!(
        "(SELECT runs.team FROM runs WHERE runs.catalog = {table}.catalog AND runs.id = {table}.run)"
    )
}

/// Begins a statement that reads rows of a catalog, with what a page asks for.
fn paged(begin: String, catalog: &str, column: &str, page: Before) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new(begin);
    query.push_bind(catalog.to_owned());
    if let Some(number) = page.number {
        query.push(format!(" AND {column} < ")).push_bind(number);
    }
    query
}

fn ended(query: &mut QueryBuilder<Sqlite>, column: &str, page: Before) {
    query.push(format!(" ORDER BY {column} DESC LIMIT ")).push_bind(i64::from(page.limit));
}

#[async_trait]
impl PageStore for SqliteStore {
    async fn runs_page(
        &self,
        filter: &RunFilter,
        page: Before,
    ) -> Result<Vec<Numbered<RunSummary>>, StoreError> {
        let columns = "id, service, kind, state, digest, created_at, updated_at, why";
        let begin = format!("SELECT seq, team, {columns} FROM runs WHERE catalog = ");
        let mut query = paged(begin, &self.catalog, "seq", page);
        if let Some(service) = &filter.service {
            query.push(" AND service = ").push_bind(service.clone());
        }
        if let Some(state) = &filter.state {
            query.push(" AND state = ").push_bind(rows::to_word(state));
        }
        ended(&mut query, "seq", page);
        let found: Vec<runs::Numbered> = query
            .build_query_as()
            .fetch_all(&self.readers)
            .await
            .map_err(StoreError::database("listing runs"))?;
        found.into_iter().map(runs::numbered).collect()
    }

    async fn tasks_page(
        &self,
        state: Option<TaskState>,
        page: Before,
    ) -> Result<Vec<Numbered<Task>>, StoreError> {
        let team = team_of_run("tasks");
        let begin = format!("SELECT {team}, {} FROM tasks WHERE catalog = ", tasks::COLUMNS);
        let mut query = paged(begin, &self.catalog, "number", page);
        if let Some(state) = state {
            query.push(" AND state = ").push_bind(rows::to_word(&state));
        }
        ended(&mut query, "number", page);
        let found: Vec<tasks::Numbered> = query
            .build_query_as()
            .fetch_all(&self.readers)
            .await
            .map_err(StoreError::database("listing tasks"))?;
        found.into_iter().map(tasks::numbered).collect()
    }

    async fn task(&self, number: i64) -> Result<Option<Numbered<Task>>, StoreError> {
        let page = Before { number: number.checked_add(1), limit: 1 };
        let found = self.tasks_page(None, page).await?.pop();
        Ok(found.filter(|task| task.number == number))
    }

    async fn approvals_page(
        &self,
        state: Option<ApprovalState>,
        page: Before,
    ) -> Result<Vec<Numbered<Approval>>, StoreError> {
        let team = team_of_run("approvals");
        let begin =
            format!("SELECT {team}, {} FROM approvals WHERE catalog = ", approvals::COLUMNS);
        let mut query = paged(begin, &self.catalog, "number", page);
        if let Some(state) = state {
            query.push(" AND state = ").push_bind(rows::to_word(&state));
        }
        ended(&mut query, "number", page);
        let found: Vec<approvals::Numbered> = query
            .build_query_as()
            .fetch_all(&self.readers)
            .await
            .map_err(StoreError::database("listing approvals"))?;
        found.into_iter().map(approvals::numbered).collect()
    }

    async fn plans_page(&self, page: Before) -> Result<Vec<Numbered<PlanNote>>, StoreError> {
        let begin = "SELECT seq, digest, body ->> 'commit', at FROM plans WHERE catalog = ";
        let mut query = paged(begin.to_owned(), &self.catalog, "seq", page);
        ended(&mut query, "seq", page);
        let found: Vec<(i64, String, String, i64)> = query
            .build_query_as()
            .fetch_all(&self.readers)
            .await
            .map_err(StoreError::database("listing plans"))?;
        let note = |(number, digest, commit, at): (i64, String, String, i64)| {
            let row = PlanNote { digest: rows::digest(&digest)?, commit, at: rows::time(at)? };
            Ok(Numbered { number, team: None, row })
        };
        found.into_iter().map(note).collect()
    }

    async fn unit_rows_of(&self, services: &[String]) -> Result<Vec<UnitRow>, StoreError> {
        let lines: Vec<String> = sqlx::query_scalar(
            "SELECT line FROM units INDEXED BY units_service
             WHERE catalog = $1 AND service IN (SELECT value FROM json_each($2))",
        )
        .bind(&self.catalog)
        .bind(rows::to_json("ids of services", &services)?)
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::database("reading the units of services"))?;
        lines.iter().map(|line| units::next_row(&mut line.as_str())).collect()
    }

    async fn newest_runs(
        &self,
        services: &[String],
    ) -> Result<Vec<Numbered<RunSummary>>, StoreError> {
        let found: Vec<runs::Numbered> = sqlx::query_as(
            "SELECT runs.seq, runs.team, runs.id, runs.service, runs.kind, runs.state, runs.digest,
                    runs.created_at, runs.updated_at, runs.why
             FROM json_each($2) wanted CROSS JOIN runs ON runs.catalog = $1 AND runs.seq = (
                 SELECT max(newest.seq) FROM runs newest
                 WHERE newest.catalog = $1 AND newest.service = wanted.value)",
        )
        .bind(&self.catalog)
        .bind(rows::to_json("ids of services", &services)?)
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::database("reading the newest runs of services"))?;
        found.into_iter().map(runs::numbered).collect()
    }

    async fn journal_after(
        &self,
        run: &RunId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let found: Vec<(i64, i64, String)> = sqlx::query_as(
            "SELECT seq, at, event FROM journal
             WHERE catalog = $1 AND run = $2 AND seq > $3 ORDER BY seq LIMIT $4",
        )
        .bind(&self.catalog)
        .bind(&run.0)
        .bind(seq)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::database("reading a journal"))?;
        found.into_iter().map(|(seq, at, event)| journal::entry(seq, at, &event)).collect()
    }

    async fn run_state(&self, run: &RunId) -> Result<Option<(RunState, i64)>, StoreError> {
        let found: Option<(String, i64)> = sqlx::query_as(
            "SELECT state, coalesce((SELECT max(seq) FROM journal
                 WHERE journal.catalog = runs.catalog AND journal.run = runs.id), 0)
             FROM runs WHERE catalog = $1 AND id = $2",
        )
        .bind(&self.catalog)
        .bind(&run.0)
        .fetch_optional(&self.readers)
        .await
        .map_err(StoreError::database("reading the state of a run"))?;
        let read = |(state, seq)| Ok((rows::from_word("the state of a run", state)?, seq));
        found.map(read).transpose()
    }
}
