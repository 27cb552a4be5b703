//! The proposals that were filed, and what became of those that their runs left behind.

use jiff::Timestamp;
use serde_json::json;
use sqlx::SqlitePool;

use super::rows;
use super::write::{OURSELVES, Write};
use crate::id::{RunId, StepPath};
use crate::store::{LeftProposal, Proposal, StoreError};

/// Remembers a proposal; the run that waits for it now is the one that has it.
pub(super) async fn save(write: &mut Write<'_>, proposal: &Proposal) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO proposals (catalog, repository, number, run, step, service)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (catalog, repository, number) DO UPDATE
         SET run = excluded.run, step = excluded.step, settled = NULL",
    )
    .bind(write.catalog)
    .bind(&proposal.repository)
    .bind(number_of(proposal)?)
    .bind(proposal.run.as_ref().map(|run| run.0.as_str()))
    .bind(proposal.step.as_ref().map(|step| step.0.as_str()))
    .bind(&proposal.service)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("remembering a proposal"))?;
    Ok(())
}

fn number_of(proposal: &Proposal) -> Result<i64, StoreError> {
    i64::try_from(proposal.number).map_err(StoreError::unreadable("a proposal"))
}

type Row = (String, i64, Option<String>, Option<String>, String);

/// The same, and the state of its run.
type LeftRow = (String, i64, Option<String>, Option<String>, String, String);

fn proposal((repository, number, run, step, service): Row) -> Result<Proposal, StoreError> {
    let number = u64::try_from(number).map_err(StoreError::unreadable("a proposal"))?;
    Ok(Proposal { repository, number, run: run.map(RunId), step: step.map(StepPath), service })
}

/// Lists proposals that were filed.
pub(super) async fn list(readers: &SqlitePool, catalog: &str) -> Result<Vec<Proposal>, StoreError> {
    let found: Vec<Row> = sqlx::query_as(
        "SELECT repository, number, run, step, service FROM proposals
         WHERE catalog = $1 ORDER BY repository, number",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("listing proposals"))?;
    found.into_iter().map(proposal).collect()
}

/// Lists the proposals of runs that ended otherwise than well, unless what became of them is recorded.
pub(super) async fn left(
    readers: &SqlitePool,
    catalog: &str,
) -> Result<Vec<LeftProposal>, StoreError> {
    let found: Vec<LeftRow> = sqlx::query_as(
        "SELECT proposals.repository, proposals.number, proposals.run, proposals.step,
                proposals.service, runs.state
         FROM proposals JOIN runs ON runs.catalog = proposals.catalog AND runs.id = proposals.run
         WHERE proposals.catalog = $1 AND proposals.settled IS NULL AND proposals.step IS NOT NULL
         AND runs.state IN ('superseded', 'cancelled', 'failed', 'needs-decision')
         ORDER BY proposals.repository, proposals.number",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("listing proposals that were left"))?;
    let left = |(repository, number, run, step, service, state): LeftRow| {
        Ok(LeftProposal {
            proposal: proposal((repository, number, run, step, service))?,
            state: rows::from_word("the state of a run", state)?,
        })
    };
    found.into_iter().map(left).collect()
}

/// Records what became of a proposal that its run left behind, in a word, and why; not once another run has it.
pub(super) async fn settle(
    write: &mut Write<'_>,
    proposal: &Proposal,
    (became, why): (&str, Option<&str>),
    at: Timestamp,
) -> Result<(), StoreError> {
    let done = sqlx::query(
        "UPDATE proposals SET settled = $5
         WHERE catalog = $1 AND repository = $2 AND number = $3 AND run IS $4 AND settled IS NULL",
    )
    .bind(write.catalog)
    .bind(&proposal.repository)
    .bind(number_of(proposal)?)
    .bind(proposal.run.as_ref().map(|run| run.0.as_str()))
    .bind(became)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("recording what became of a proposal"))?;
    if done.rows_affected() == 0 {
        return Ok(());
    }
    let detail = json!({
        "repository": proposal.repository,
        "number": proposal.number,
        "run": proposal.run,
        "service": proposal.service,
        "why": why,
    });
    write.audit(at, OURSELVES, &format!("proposal.{became}"), &detail).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RunEvent, RunState};
    use crate::store::Store as _;
    use crate::store::sqlite::fixtures::{beginning, driven, of_run, run, take, waiting};

    #[tokio::test]
    async fn what_a_run_left_is_listed_until_it_is_settled_or_taken_up() {
        let (store, lease) = driven().await;
        let proposal = |number, run: &str| Proposal {
            repository: "infra".to_owned(),
            number,
            run: Some(RunId(run.to_owned())),
            step: Some(StepPath("make".to_owned())),
            service: "shop".to_owned(),
        };
        for (name, end) in [
            ("superseded", Some(RunEvent::Superseded { commit: "c1".to_owned() })),
            ("cancelled", Some(RunEvent::Cancelled { why: "no".to_owned(), by: "ada".to_owned() })),
            ("open", None),
        ] {
            let mut run = run(name, "shop");
            store.create_run(&lease, &run, &[]).await.expect("created");
            let events = beginning().into_iter().chain([waiting()]).chain(end.map(of_run));
            let entries = take(&mut run, events.collect());
            store.append(&lease, &run, &entries, &[]).await.expect("appended");
        }
        for (number, run) in [(1, "superseded"), (2, "cancelled"), (3, "open"), (4, "superseded")] {
            store.save_proposal(&lease, &proposal(number, run)).await.expect("saved");
        }
        let left = async || store.left_proposals().await.expect("read");
        let of = |number, run, state| LeftProposal { proposal: proposal(number, run), state };
        let (one, two) =
            (of(1, "superseded", RunState::Superseded), of(2, "cancelled", RunState::Cancelled));
        let four = of(4, "superseded", RunState::Superseded);
        assert_eq!(left().await, [one.clone(), two.clone(), four.clone()]);

        let settle = async |number, run, became: (&str, Option<&str>)| {
            let settled = store.settle_proposal(&lease, &proposal(number, run), became).await;
            settled.expect("settled");
        };
        settle(1, "superseded", ("withdrawn", None)).await;
        assert_eq!(left().await, [two.clone(), four.clone()]);
        // A run that is open takes one up: it is not settled by what became of it before.
        store.save_proposal(&lease, &proposal(4, "open")).await.expect("saved");
        settle(4, "superseded", ("withdrawn", None)).await;
        assert_eq!(left().await, [two]);
        settle(2, "cancelled", ("left", Some("theirs"))).await;
        settle(2, "cancelled", ("left", Some("theirs"))).await;
        assert_eq!(left().await, []);
        let told = store.audit_after(0, 100).await.expect("read");
        let told = told.iter().filter(|entry| entry.what.starts_with("proposal."));
        let told: Vec<String> = told
            .map(|it| format!("{} {} {}", it.what, it.detail["number"], it.detail["why"]))
            .collect();
        assert_eq!(told, ["proposal.withdrawn 1 null", "proposal.left 2 \"theirs\""]);
    }
}
