//! Approvals that steps ask for, one for each step that does.

use jiff::Timestamp;
use serde_json::json;
use sqlx::SqlitePool;

use super::write::{OURSELVES, Write};
use super::{decisions, rows};
use crate::id::{RunId, StepPath};
use crate::run::Approvers;
use crate::store::{Approval, ApprovalState, Decision, StoreError};

/// Opens an approval; returns it as it is stored, or the one that the step has already, open or granted.
pub(super) async fn open(
    write: &mut Write<'_>,
    approval: &Approval,
) -> Result<Approval, StoreError> {
    let failed = StoreError::database("opening an approval");
    let opened = sqlx::query(
        "INSERT INTO approvals (catalog, number, run, step, service, ask, may, state, opened_at, expires_at)
         SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, 'open', $7, $8
         FROM approvals WHERE catalog = $1
         HAVING NOT EXISTS (SELECT 1 FROM approvals WHERE catalog = $1 AND run = $2 AND step = $3
                            AND state IN ('open', 'granted'))",
    )
    .bind(write.catalog)
    .bind(&approval.run.0)
    .bind(&approval.step.0)
    .bind(&approval.service)
    .bind(rows::to_json("an approval", &approval.ask)?)
    .bind(rows::to_json("an approval", &approval.may)?)
    .bind(approval.opened_at.as_millisecond())
    .bind(approval.expires_at.map(Timestamp::as_millisecond))
    .execute(write.connection())
    .await
    .map_err(&failed)?;
    let found: Row = sqlx::query_as(
        "SELECT number, run, step, service, ask, may, state, why, opened_at, expires_at
         FROM approvals WHERE catalog = $1 AND run = $2 AND step = $3
         ORDER BY number DESC LIMIT 1",
    )
    .bind(write.catalog)
    .bind(&approval.run.0)
    .bind(&approval.step.0)
    .fetch_one(write.connection())
    .await
    .map_err(&failed)?;
    let stored = read(found)?;
    if opened.rows_affected() == 1 {
        let detail = json!({
            "approval": stored.number, "run": stored.run, "step": stored.step, "service": stored.service,
            "required": stored.ask.required, "teams": stored.ask.teams, "users": stored.ask.users,
            "until": stored.expires_at,
        });
        write.audit(approval.opened_at, OURSELVES, "approval.opened", &detail).await?;
    }
    Ok(stored)
}

/// Changes who may answer an open approval.
pub(super) async fn change(
    write: &mut Write<'_>,
    number: i64,
    may: &Approvers,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE approvals SET may = $3 WHERE catalog = $1 AND number = $2 AND state = 'open'",
    )
    .bind(write.catalog)
    .bind(number)
    .bind(rows::to_json("an approval", may)?)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("changing an approval"))?;
    Ok(())
}

/// Ends an open approval; one that has ended stays as it ended.
pub(super) async fn close(
    write: &mut Write<'_>,
    number: i64,
    (state, why): (ApprovalState, &str),
    at: Timestamp,
) -> Result<(), StoreError> {
    let ended: Option<(String, String, String)> = sqlx::query_as(
        "UPDATE approvals SET state = $3, why = $4
         WHERE catalog = $1 AND number = $2 AND state = 'open' RETURNING run, step, service",
    )
    .bind(write.catalog)
    .bind(number)
    .bind(rows::to_word(&state))
    .bind(why)
    .fetch_optional(write.connection())
    .await
    .map_err(StoreError::database("ending an approval"))?;
    let Some((run, step, service)) = ended else { return Ok(()) };
    let detail =
        json!({"approval": number, "run": run, "step": step, "service": service, "why": why});
    write.audit(at, OURSELVES, &format!("approval.{state}"), &detail).await
}

/// Voids what a run asks that is no longer open: at one step, or at all of them.
pub(super) async fn void(
    write: &mut Write<'_>,
    (run, step): (&RunId, Option<&StepPath>),
    why: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let open: Vec<i64> = sqlx::query_scalar(
        "SELECT number FROM approvals
         WHERE catalog = $1 AND run = $2 AND ($3 IS NULL OR step = $3) AND state = 'open'",
    )
    .bind(write.catalog)
    .bind(&run.0)
    .bind(step.map(|step| step.0.as_str()))
    .fetch_all(write.connection())
    .await
    .map_err(StoreError::database("reading approvals"))?;
    for number in open {
        close(write, number, (ApprovalState::Void, why), at).await?;
    }
    Ok(())
}

type Row = (i64, String, String, String, String, String, String, Option<String>, i64, Option<i64>);

/// What a page of approvals is read as: the team, and the approval.
pub(super) type Numbered = (
    Option<String>,
    i64,
    String,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    i64,
    Option<i64>,
);

/// The columns of an approval, in their order.
pub(super) const COLUMNS: &str =
    "number, run, step, service, ask, may, state, why, opened_at, expires_at";

/// Makes a row of a page.
pub(super) fn numbered(
    (team, number, run, step, service, ask, may, state, why, opened_at, expires_at): Numbered,
) -> Result<super::super::Numbered<Approval>, StoreError> {
    let row = (number, run, step, service, ask, may, state, why, opened_at, expires_at);
    Ok(super::super::Numbered { number, team, row: read(row)? })
}

fn read(
    (number, run, step, service, ask, may, state, why, opened_at, expires_at): Row,
) -> Result<Approval, StoreError> {
    Ok(Approval {
        number,
        run: RunId(run),
        step: StepPath(step),
        service,
        ask: rows::from_json("an approval", &ask)?,
        may: rows::from_json("an approval", &may)?,
        state: rows::from_word("the state of an approval", state)?,
        why,
        opened_at: rows::time(opened_at)?,
        expires_at: expires_at.map(rows::time).transpose()?,
    })
}

/// Lists approvals, newest first; only open ones where asked.
pub(super) async fn list(
    readers: &SqlitePool,
    catalog: &str,
    only_open: bool,
) -> Result<Vec<Approval>, StoreError> {
    let text = if only_open {
        "SELECT number, run, step, service, ask, may, state, why, opened_at, expires_at
         FROM approvals WHERE catalog = $1 AND state = 'open' ORDER BY number DESC"
    } else {
        "SELECT number, run, step, service, ask, may, state, why, opened_at, expires_at
         FROM approvals WHERE catalog = $1 ORDER BY number DESC"
    };
    let found: Vec<Row> = sqlx::query_as(text)
        .bind(catalog)
        .fetch_all(readers)
        .await
        .map_err(StoreError::database("listing approvals"))?;
    found.into_iter().map(read).collect()
}

/// Reads one approval, with what people said to it.
pub(super) async fn one(
    readers: &SqlitePool,
    catalog: &str,
    number: i64,
) -> Result<Option<(Approval, Vec<Decision>)>, StoreError> {
    let found: Option<Row> = sqlx::query_as(
        "SELECT number, run, step, service, ask, may, state, why, opened_at, expires_at
         FROM approvals WHERE catalog = $1 AND number = $2",
    )
    .bind(catalog)
    .bind(number)
    .fetch_optional(readers)
    .await
    .map_err(StoreError::database("reading an approval"))?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some((read(found)?, decisions::on_approval(readers, catalog, number).await?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Ask, RunEvent};
    use crate::store::sqlite::fixtures::{at, beginning, driven, of_run, run, take, waiting};
    use crate::store::{DecisionKind, Store as _};

    fn asked(run: &str) -> Approval {
        let ask = Ask { users: vec!["ada".to_owned()], required: 1, ..Ask::default() };
        Approval {
            number: 0,
            run: RunId(run.to_owned()),
            step: StepPath("make".to_owned()),
            service: "shop".to_owned(),
            may: Approvers { people: ["ada".to_owned()].into(), ..Approvers::default() },
            ask,
            state: ApprovalState::Open,
            why: None,
            opened_at: at(5),
            expires_at: Some(at(50)),
        }
    }

    #[tokio::test]
    async fn a_step_asks_once_and_what_was_said_to_it_is_found() {
        let (store, lease) = driven().await;
        let open = async |run: &str| {
            store.open_approval(&lease, &asked(run)).await.expect("opened").number
        };
        assert_eq!((open("r1").await, open("r2").await, open("r1").await), (1, 2, 1));
        let refuse = |approval| DecisionKind::Refuse { approval, reason: "no".to_owned() };
        for decision in [refuse(2), DecisionKind::Apply { service: None }, refuse(1), refuse(2)] {
            store.decide("ada", at(6), &decision).await.expect("decided");
        }
        let (approval, said) = store.approval(2).await.expect("read").expect("there");
        assert_eq!(approval, Approval { number: 2, ..asked("r2") });
        assert_eq!(said.iter().map(|one| one.seq).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(store.approval(3).await.expect("read"), None);
        let may = Approvers::default();
        store.change_approvers(&lease, 2, &may).await.expect("changed");
        assert_eq!(store.approvals(true).await.expect("read")[0].may, may);
    }

    #[tokio::test]
    async fn what_has_ended_stays_as_it_ended() {
        let (store, lease) = driven().await;
        store.open_approval(&lease, &asked("r1")).await.expect("opened");
        for end in [(ApprovalState::Granted, "granted by ada"), (ApprovalState::Void, "late")] {
            store.close_approval(&lease, 1, end, at(7)).await.expect("ended");
        }
        let all = store.approvals(false).await.expect("read");
        assert_eq!(
            (all[0].state, all[0].why.as_deref()),
            (ApprovalState::Granted, Some("granted by ada"))
        );
        assert!(store.approvals(true).await.expect("read").is_empty());
        let told = store.audit_after(0, 100).await.expect("read");
        let told = told.iter().filter(|entry| entry.what.starts_with("approval.")).count();
        assert_eq!(told, 2, "opened and granted");
    }

    #[tokio::test]
    async fn a_run_that_ends_takes_what_it_asked_with_it() {
        let (store, lease) = driven().await;
        let mut run = run("r1", "shop");
        store.create_run(&lease, &run, &[]).await.expect("created");
        for name in ["r1", "r2"] {
            store.open_approval(&lease, &asked(name)).await.expect("opened");
        }
        let end = of_run(RunEvent::Cancelled { why: "no".to_owned(), by: "ada".to_owned() });
        let events = beginning().into_iter().chain([waiting(), end]).collect();
        let entries = take(&mut run, events);
        store.append(&lease, &run, &entries, &[]).await.expect("appended");
        let states = store.approvals(false).await.expect("read");
        let states: Vec<_> =
            states.iter().map(|it| (it.run.0.as_str(), it.state, it.why.as_deref())).collect();
        let expected =
            [("r2", ApprovalState::Open, None), ("r1", ApprovalState::Void, Some("no (ada)"))];
        assert_eq!(states, expected);
    }
}
