//! What steps wait for outside, kept until it came, or until it was taken back.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::SqlitePool;

use super::rows;
use super::write::{OURSELVES, Write};
use crate::id::{RunId, StepPath};
use crate::run::{Run, Wait};
use crate::store::{Adrift, LeftBehind, StoreError};

/// How long what could not be taken back is shown.
const SHOWN: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Remembers what a step waits for. What an older run of the service waited for is no longer its own, where this is
/// the same thing.
pub(super) async fn begin(
    write: &mut Write<'_>,
    (run, step): (&Run, &StepPath),
    on: &Wait,
) -> Result<(), StoreError> {
    let failed = StoreError::database("remembering what a step waits for");
    let planned = run.change.units.iter().flat_map(|unit| &unit.steps);
    let Some(planned) = planned.into_iter().find(|planned| planned.path == *step) else {
        return Ok(());
    };
    let (service, thing) = (&run.change.service, on.thing());
    sqlx::query(
        "DELETE FROM waits
         WHERE catalog = $1 AND service = $4 AND thing = $5 AND NOT (run = $2 AND step = $3)",
    )
    .bind(write.catalog)
    .bind(&run.id.0)
    .bind(&step.0)
    .bind(service)
    .bind(&thing)
    .execute(write.connection())
    .await
    .map_err(&failed)?;
    sqlx::query(
        "INSERT INTO waits (catalog, run, step, service, action, thing, wait, adrift, tries)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)
         ON CONFLICT (catalog, run, step) DO UPDATE SET thing = excluded.thing, wait = excluded.wait,
         adrift = 0, tries = 0, settled = NULL, settled_at = NULL, why = NULL",
    )
    .bind(write.catalog)
    .bind(&run.id.0)
    .bind(&step.0)
    .bind(service)
    .bind(&planned.action.kind)
    .bind(&thing)
    .bind(rows::to_json("what a step waits for", on)?)
    .execute(write.connection())
    .await
    .map_err(&failed)?;
    Ok(())
}

/// Forgets what a run waited for and got: at one step, or at all of them.
pub(super) async fn end(
    write: &mut Write<'_>,
    (run, step): (&RunId, Option<&StepPath>),
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM waits
         WHERE catalog = $1 AND run = $2 AND ($3 IS NULL OR step = $3) AND adrift = 0",
    )
    .bind(write.catalog)
    .bind(&run.0)
    .bind(step.map(|step| step.0.as_str()))
    .execute(write.connection())
    .await
    .map_err(StoreError::database("forgetting what a step waited for"))?;
    Ok(())
}

/// Forgets tasks that a run waited for and that were cancelled with it.
pub(super) async fn forget_tasks(
    write: &mut Write<'_>,
    (run, step): (&RunId, Option<&StepPath>),
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM waits
         WHERE catalog = $1 AND run = $2 AND ($3 IS NULL OR step = $3) AND thing LIKE 'task %'",
    )
    .bind(write.catalog)
    .bind(&run.0)
    .bind(step.map(|step| step.0.as_str()))
    .execute(write.connection())
    .await
    .map_err(StoreError::database("forgetting a task"))?;
    Ok(())
}

/// Cancels a task that no newer run took up; false where it has ended before.
async fn cancel_task(write: &mut Write<'_>, on: &Wait) -> Result<bool, StoreError> {
    let number = on.reference.get("task").and_then(Value::as_i64);
    let done = sqlx::query(
        "UPDATE tasks SET state = 'cancelled', done_by = $3
         WHERE catalog = $1 AND number = $2 AND state = 'open'",
    )
    .bind(write.catalog)
    .bind(number)
    .bind(OURSELVES)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("cancelling a task"))?;
    Ok(done.rows_affected() > 0)
}

/// Sets adrift what a run waits for no longer: it is to be taken back.
pub(super) async fn set_adrift(
    write: &mut Write<'_>,
    (run, step): (&RunId, Option<&StepPath>),
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE waits SET adrift = 1
         WHERE catalog = $1 AND run = $2 AND ($3 IS NULL OR step = $3) AND adrift = 0",
    )
    .bind(write.catalog)
    .bind(&run.0)
    .bind(step.map(|step| step.0.as_str()))
    .execute(write.connection())
    .await
    .map_err(StoreError::database("setting adrift what a step waited for"))?;
    Ok(())
}

type Row = (String, String, String, String, String, String, i64);

/// Lists what was set adrift and is neither taken back nor given up, oldest first.
pub(super) async fn adrift(readers: &SqlitePool, catalog: &str) -> Result<Vec<Adrift>, StoreError> {
    let found: Vec<Row> = sqlx::query_as(
        "SELECT waits.run, waits.step, waits.service, waits.action, waits.wait, runs.state, waits.tries
         FROM waits JOIN runs ON runs.catalog = waits.catalog AND runs.id = waits.run
         WHERE waits.catalog = $1 AND waits.adrift = 1 AND waits.settled IS NULL
         ORDER BY runs.seq, waits.step",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("listing what is adrift"))?;
    let one = |(run, step, service, action, wait, state, tries): Row| {
        Ok(Adrift {
            run: RunId(run),
            step: StepPath(step),
            service,
            action,
            on: rows::from_json("what a step waits for", &wait)?,
            state: rows::from_word("the state of a run", state)?,
            tries: u32::try_from(tries).map_err(StoreError::unreadable("a number of tries"))?,
        })
    };
    found.into_iter().map(one).collect()
}

/// Counts an attempt that failed.
pub(super) async fn tried(
    write: &mut Write<'_>,
    adrift: &Adrift,
    why: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE waits SET tries = tries + 1, why = $4
         WHERE catalog = $1 AND run = $2 AND step = $3 AND settled IS NULL",
    )
    .bind(write.catalog)
    .bind(&adrift.run.0)
    .bind(&adrift.step.0)
    .bind(why)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("counting an attempt"))?;
    Ok(())
}

/// Records what became of something adrift, in a word; what could not be taken back is kept for a while, with why.
pub(super) async fn settle(
    write: &mut Write<'_>,
    adrift: &Adrift,
    (became, why): (&str, Option<&str>),
    at: Timestamp,
) -> Result<(), StoreError> {
    let failed = StoreError::database("recording what became of something adrift");
    let oldest = at.checked_sub(SHOWN).unwrap_or(Timestamp::MIN);
    sqlx::query(
        "UPDATE waits SET settled = $4, settled_at = $5, why = $6
         WHERE catalog = $1 AND run = $2 AND step = $3 AND settled IS NULL",
    )
    .bind(write.catalog)
    .bind(&adrift.run.0)
    .bind(&adrift.step.0)
    .bind(became)
    .bind(at.as_millisecond())
    .bind(why)
    .execute(write.connection())
    .await
    .map_err(&failed)?;
    sqlx::query(
        "DELETE FROM waits WHERE catalog = $1 AND settled IS NOT NULL AND (why IS NULL OR settled_at < $2)",
    )
    .bind(write.catalog)
    .bind(oldest.as_millisecond())
    .execute(write.connection())
    .await
    .map_err(&failed)?;
    if became == NOTHING || adrift.on.on == TASK && !cancel_task(write, &adrift.on).await? {
        return Ok(());
    }
    let mut detail = json!({
        "run": adrift.run, "step": adrift.step, "service": adrift.service, "action": adrift.action,
        "what": adrift.on.what, "why": why,
    });
    for name in ["repository", "number", "key"] {
        if let (Some(value), Value::Object(map)) = (adrift.on.reference.get(name), &mut detail) {
            map.insert(name.to_owned(), value.clone());
        }
    }
    write.audit(at, OURSELVES, &format!("{}.{became}", adrift.on.on), &detail).await
}

/// What a step that asks a person waits on.
const TASK: &str = "task";

/// There was nothing to take back, which is nothing to tell about.
pub(super) const NOTHING: &str = "settled";

/// Lists what could not be taken back of late, newest first.
pub(super) async fn left_behind(
    readers: &SqlitePool,
    catalog: &str,
) -> Result<Vec<LeftBehind>, StoreError> {
    let found: Vec<(String, String, i64, Option<String>)> = sqlx::query_as(
        "SELECT service, wait, settled_at, why FROM waits
         WHERE catalog = $1 AND settled IS NOT NULL ORDER BY settled_at DESC, run, step",
    )
    .bind(catalog)
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("listing what was left behind"))?;
    let one = |(service, wait, at, why): (String, String, i64, Option<String>)| {
        let wait: Wait = rows::from_json("what a step waits for", &wait)?;
        let why = why.unwrap_or_default();
        Ok(LeftBehind { service, what: wait.what, at: rows::time(at)?, why })
    };
    found.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Event, Fault, RunEvent, RunState, StepEvent};
    use crate::store::sqlite::fixtures::{at, beginning, driven, of_run, of_step, run, take};
    use crate::store::{Lease, SqliteStore, Store as _};

    fn wait(on: &str, number: u64) -> Event {
        let reference = json!({"repository": "infra", "number": number});
        let what = format!("{on} {number}");
        of_step(StepEvent::Waiting { on: Wait { on: on.to_owned(), reference, what } })
    }

    fn superseded() -> Event {
        of_run(RunEvent::Superseded { commit: "c1".to_owned() })
    }

    async fn carried(store: &SqliteStore, lease: &Lease, name: &str, events: &[Event]) {
        let mut run = run(name, "shop");
        store.create_run(lease, &run, &[]).await.expect("created");
        let entries = take(&mut run, beginning().into_iter().chain(events.to_vec()).collect());
        store.append(lease, &run, &entries, &[]).await.expect("appended");
    }

    async fn listed(store: &SqliteStore) -> Vec<String> {
        let all = store.adrift().await.expect("read");
        all.iter()
            .map(|it| format!("{} {} {} {}", it.run, it.on.what, it.state, it.tries))
            .collect()
    }

    #[tokio::test]
    async fn what_a_run_that_ended_waited_for_is_adrift_until_it_is_settled() {
        let (store, lease) = driven().await;
        let failed = of_step(StepEvent::Failed { fault: Fault::terminal("no") });
        let cancelled = of_step(StepEvent::Cancelled { why: "newer".to_owned() });
        let done = of_step(StepEvent::Succeeded {
            result: json!({}),
            outputs: serde_json::Map::default(),
        });
        carried(&store, &lease, "open", &[wait("ticket", 1)]).await;
        carried(&store, &lease, "done", &[wait("ticket", 2), done]).await;
        carried(&store, &lease, "failed", &[wait("ticket", 3), failed]).await;
        carried(&store, &lease, "gone", &[wait("ticket", 4), cancelled, superseded()]).await;
        carried(&store, &lease, "cut", &[wait("ticket", 5), superseded()]).await;
        carried(&store, &lease, "task", &[wait("task", 6), superseded()]).await;
        carried(&store, &lease, "ask", &[wait("approval", 7), superseded()]).await;
        let expected = [
            "failed ticket 3 running 0",
            "gone ticket 4 superseded 0",
            "cut ticket 5 superseded 0",
            "task task 6 superseded 0",
        ];
        assert_eq!(listed(&store).await, expected);
        let all = store.adrift().await.expect("read");
        assert_eq!((all[1].state, all[1].action.as_str()), (RunState::Superseded, "notify"));

        store.tried(&lease, &all[0], "no answer").await.expect("counted");
        assert_eq!(listed(&store).await[0], "failed ticket 3 running 1");
        for (which, became) in [
            (0, ("given-up", Some("no answer"))),
            (1, ("withdrawn", None)),
            (2, (NOTHING, None)),
            (3, ("withdrawn", None)),
        ] {
            for _ in 0..2 {
                let settled = store.settle_adrift(&lease, &all[which], became, at(500)).await;
                settled.expect("settled");
            }
        }
        assert_eq!(listed(&store).await, [""; 0]);
        let left = store.left_behind().await.expect("read");
        let left: Vec<_> = left.iter().map(|it| (it.what.as_str(), it.why.as_str())).collect();
        assert_eq!(left, [("ticket 3", "no answer")]);
    }

    #[tokio::test]
    async fn what_a_newer_run_takes_up_is_no_longer_adrift() {
        let (store, lease) = driven().await;
        carried(&store, &lease, "r1", &[wait("ticket", 1), superseded()]).await;
        carried(&store, &lease, "r2", &[wait("ticket", 2), superseded()]).await;
        carried(&store, &lease, "r3", &[wait("ticket", 1), wait("ticket", 1)]).await;
        assert_eq!(listed(&store).await, ["r2 ticket 2 superseded 0"]);
    }

    #[tokio::test]
    async fn what_could_not_be_taken_back_is_shown_for_a_while() {
        let (store, lease) = driven().await;
        for (name, number, second) in [("r1", 1, 100), ("r2", 2, 100 + 8 * 24 * 3_600)] {
            carried(&store, &lease, name, &[wait("ticket", number), superseded()]).await;
            let all = store.adrift().await.expect("read");
            let settled =
                store.settle_adrift(&lease, &all[0], ("left", Some("theirs")), at(second));
            settled.await.expect("settled");
        }
        let left = store.left_behind().await.expect("read");
        assert_eq!(left.iter().map(|it| it.what.as_str()).collect::<Vec<_>>(), ["ticket 2"]);
        let told = store.audit_after(0, 100).await.expect("read");
        let told = told.iter().filter(|entry| entry.what == "ticket.left");
        let told: Vec<_> = told.map(|entry| entry.detail["number"].clone()).collect();
        assert_eq!(told, [json!(1), json!(2)]);
    }
}
