//! What happened, from the index over the audit chain, and what was counted of it. It reads; triggers write.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{QueryBuilder, Sqlite};

use super::write::OURSELVES;
use super::{SqliteStore, rows};
use crate::store::{
    Activity, ActivityFilter, ActivityStore, Before, DayCount, ItemCount, Numbered, Outcomes,
    QueueCount, StoreError,
};

const COLUMNS: &str = "SELECT happened.number, happened.team, happened.at, audit.actor, audit.what, happened.service, happened.item,
     happened.run, happened.took, coalesce(audit.detail ->> 'why', audit.detail ->> 'reason', audit.detail ->> 'comment'), audit.seq";

/// Few of all entries are by a person: they are found by the person.
const BY_PERSON: &str = " FROM audit INDEXED BY audit_actor CROSS JOIN activity happened ON happened.catalog = audit.catalog
     AND happened.number BETWEEN audit.seq * 256 AND audit.seq * 256 + 255 WHERE audit.actor <> 'trueline'";

/// What is found by its place, or by what it is to; then each with its entry of the chain.
fn all(filter: &ActivityFilter) -> String {
    let index = match (&filter.service, &filter.item, &filter.team) {
        (Some(_), ..) => " INDEXED BY activity_service",
        (_, Some(_), _) => " INDEXED BY activity_item",
        (.., Some(_)) => " INDEXED BY activity_team",
        (None, None, None) => "",
    };
    format!(
        " FROM activity happened{index} CROSS JOIN audit ON audit.catalog = happened.catalog
         AND audit.seq = happened.number / 256 WHERE true"
    )
}

/// How many runs of an item times are read of, the newest, and how many entries are looked at for that.
const TIMED: (i64, i64) = (500, 2_000);

type Row = (
    i64,
    Option<String>,
    i64,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<String>,
    i64,
);

fn happened(row: Row) -> Result<Numbered<Activity>, StoreError> {
    let (number, team, at, actor, what, service, item, run, took_ms, why, entry) = row;
    let at = rows::time(at)?;
    let row = Activity { at, actor, what, service, item, run, took_ms, why, entry };
    Ok(Numbered { number, team, row })
}

/// Cuts a statement down to what a filter lets through.
fn filtered(
    query: &mut QueryBuilder<Sqlite>,
    catalog: &str,
    (filter, page): (&ActivityFilter, Before),
) {
    if let Some(number) = page.number {
        query.push(" AND happened.number < ").push_bind(number);
    }
    for (column, wanted) in
        [("service", &filter.service), ("team", &filter.team), ("item", &filter.item)]
    {
        if let Some(wanted) = wanted {
            query.push(format!(" AND happened.{column} = ")).push_bind(wanted.clone());
        }
    }
    // The number bounds what is looked at; the clock may have been set back, so the time decides.
    let first = "(SELECT number FROM activity WHERE catalog = ";
    if let Some(since) = filter.since.map(Timestamp::as_millisecond) {
        query.push(" AND happened.at >= ").push_bind(since);
        query.push(" AND happened.number >= ").push(first).push_bind(catalog.to_owned());
        query.push(" AND at >= ").push_bind(since).push(" ORDER BY at, number LIMIT 1)");
    }
    if let Some(until) = filter.until.map(Timestamp::as_millisecond) {
        query.push(" AND happened.at < ").push_bind(until);
        query.push(" AND happened.number <= ").push(first).push_bind(catalog.to_owned());
        query.push(" AND at < ").push_bind(until).push(" ORDER BY at DESC, number DESC LIMIT 1)");
    }
}

#[async_trait]
impl ActivityStore for SqliteStore {
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        page: Before,
    ) -> Result<Vec<Numbered<Activity>>, StoreError> {
        let person = filter.actor.as_ref().filter(|actor| *actor != OURSELVES);
        let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
        query.push(if person.is_some() { BY_PERSON.to_owned() } else { all(filter) });
        query.push(if person.is_some() { " AND audit" } else { " AND happened" });
        query.push(".catalog = ").push_bind(self.catalog.clone());
        if let Some(actor) = &filter.actor {
            query.push(" AND audit.actor = ").push_bind(actor.clone());
        }
        if let (Some(_), Some(number)) = (person, page.number) {
            query.push(" AND audit.seq <= ").push_bind(number / 256);
        }
        filtered(&mut query, &self.catalog, (filter, page));
        let order = if person.is_some() { "audit.seq DESC, " } else { "" };
        query.push(format!(" ORDER BY {order}happened.number DESC LIMIT "));
        query.push_bind(i64::from(page.limit));
        let found: Vec<Row> = query
            .build_query_as()
            .fetch_all(&self.readers)
            .await
            .map_err(StoreError::database("listing what happened"))?;
        found.into_iter().map(happened).collect()
    }

    async fn outcome_teams(&self, since: i64) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT DISTINCT team FROM ended_days WHERE catalog = $1 AND day >= $2")
            .bind(&self.catalog)
            .bind(since)
            .fetch_all(&self.readers)
            .await
            .map_err(StoreError::database("listing whose runs ended"))
    }

    async fn outcomes(&self, since: i64, teams: Option<&[String]>) -> Result<Outcomes, StoreError> {
        let days: Vec<(i64, String, bool, i64)> = self
            .counted(("day, state, by_hand, sum(ended)", "ended_days"), "1, 2, 3", (since, teams))
            .await?;
        let items: Vec<(String, String, i64)> = self
            .counted(("item, state, sum(ended)", "ended_items"), "1, 2", (since, teams))
            .await?;
        let failed: Vec<(String, i64)> =
            self.counted(("action, sum(failed)", "failed_steps"), "1", (since, teams)).await?;
        let day = |(day, state, by_hand, ended)| DayCount { day, state, by_hand, ended };
        let item = |(item, state, ended)| ItemCount { item, state, ended };
        let days = days.into_iter().map(day).collect();
        Ok(Outcomes { days, items: items.into_iter().map(item).collect(), failed })
    }

    async fn times(
        &self,
        item: &str,
        since: Timestamp,
        teams: Option<&[String]>,
    ) -> Result<Vec<i64>, StoreError> {
        let (most, looked) = TIMED;
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT took FROM (SELECT at, team, kind, took FROM activity INDEXED BY activity_item WHERE catalog = ",
        );
        query.push_bind(&self.catalog).push(" AND item = ").push_bind(item);
        query.push(" ORDER BY number DESC LIMIT ").push_bind(looked);
        query.push(
            ") WHERE took IS NOT NULL AND kind IN ('create', 'update', 'replace') AND at >= ",
        );
        query.push_bind(since.as_millisecond());
        of_teams(&mut query, teams)?;
        query.push(" LIMIT ").push_bind(most);
        let found = query.build_query_scalar().fetch_all(&self.readers).await;
        found.map_err(StoreError::database("reading how long runs took"))
    }

    async fn queue(&self) -> Result<Vec<QueueCount>, StoreError> {
        let found: Vec<(Option<String>, String, i64, i64)> = sqlx::query_as(
            "SELECT team, state, count(*), min(created_at) FROM runs
             WHERE catalog = $1 AND state IN ('queued', 'running', 'waiting', 'paused', 'rolling-back')
             GROUP BY team, state",
        )
        .bind(&self.catalog)
        .fetch_all(&self.readers)
        .await
        .map_err(StoreError::database("counting open runs"))?;
        let count = |(team, state, runs, oldest)| {
            Ok(QueueCount { team, state, runs, oldest: rows::time(oldest)? })
        };
        found.into_iter().map(count).collect()
    }
}

/// Cuts a statement down to some teams, where they are named.
fn of_teams(query: &mut QueryBuilder<Sqlite>, teams: Option<&[String]>) -> Result<(), StoreError> {
    if let Some(teams) = teams {
        query.push(" AND team IN (SELECT value FROM json_each(");
        query.push_bind(rows::to_json("teams", &teams)?).push("))");
    }
    Ok(())
}

impl SqliteStore {
    /// Counts rows since a day; of some teams where they are named.
    async fn counted<T>(
        &self,
        (columns, table): (&str, &str),
        by: &str,
        (since, teams): (i64, Option<&[String]>),
    ) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
    {
        let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {columns} FROM {table}"));
        query.push(" WHERE catalog = ").push_bind(&self.catalog);
        query.push(" AND day >= ").push_bind(since);
        of_teams(&mut query, teams)?;
        query.push(format!(" GROUP BY {by}"));
        let found = query.build_query_as().fetch_all(&self.readers).await;
        found.map_err(StoreError::database("counting how runs ended"))
    }
}
