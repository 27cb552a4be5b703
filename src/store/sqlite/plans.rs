//! Plans: kept so that they can be approved by their digest, the newest two hundred of them.

use sqlx::{SqliteConnection, SqlitePool};

use jiff::Timestamp;

use super::definitions::Definitions;
use super::write::Write;
use super::{changes, rows};
use crate::digest::Digest;
use crate::reconcile::Plan;
use crate::store::{PlanNote, StoreError};

/// How many plans are kept.
const KEPT: i64 = 200;

/// Keeps a plan as the newest; one of the same digest takes the place of the one before.
pub(super) async fn save(
    write: &mut Write<'_>,
    plan: &Plan,
    at: Timestamp,
) -> Result<(), StoreError> {
    let failed = StoreError::database("writing a plan");
    let last: Option<i64> = sqlx::query_scalar("SELECT max(seq) FROM plans WHERE catalog = $1")
        .bind(write.catalog)
        .fetch_one(write.connection())
        .await
        .map_err(&failed)?;
    let seq = last.unwrap_or(0) + 1;
    sqlx::query("DELETE FROM plans WHERE catalog = $1 AND digest = $2")
        .bind(write.catalog)
        .bind(plan.digest.to_string())
        .execute(write.connection())
        .await
        .map_err(&failed)?;
    sqlx::query("INSERT INTO plans (catalog, seq, digest, at, body) VALUES ($1, $2, $3, $4, $5)")
        .bind(write.catalog)
        .bind(seq)
        .bind(plan.digest.to_string())
        .bind(at.as_millisecond())
        .bind(rows::to_json("a plan", &without_changes(plan))?)
        .execute(write.connection())
        .await
        .map_err(&failed)?;
    save_changes(write, plan, seq).await?;
    forget_old(write).await
}

/// Copies what a plan holds beside its changes, which may be many.
fn without_changes(plan: &Plan) -> Plan {
    Plan {
        changes: Vec::new(),
        catalog: plan.catalog.clone(),
        commit: plan.commit.clone(),
        digest: plan.digest,
        pending: plan.pending.clone(),
        blocked: plan.blocked.clone(),
        outdated: plan.outdated.clone(),
        drifted: plan.drifted.clone(),
        unknown: plan.unknown.clone(),
        running: plan.running.clone(),
        suspended: plan.suspended.clone(),
        expired: plan.expired.clone(),
        retained: plan.retained.clone(),
        absent: plan.absent.clone(),
        verdict: plan.verdict.clone(),
    }
}

async fn save_changes(write: &mut Write<'_>, plan: &Plan, seq: i64) -> Result<(), StoreError> {
    let mut first = 0_usize;
    // As much as is well held in memory twice.
    for changes in plan.changes.chunks(1_000) {
        let contents = changes::keep(write, changes.iter()).await?;
        let digests = changes.iter().map(|change| change.digest);
        let listed: Vec<(Digest, Digest)> = digests.zip(contents).collect();
        sqlx::query(
            "INSERT INTO plan_changes (catalog, plan, position, digest, content)
             SELECT $1, $2, $3 + key, value ->> 0, value ->> 1 FROM json_each($4)",
        )
        .bind(write.catalog)
        .bind(seq)
        .bind(i64::try_from(first).map_err(StoreError::unreadable("a position"))?)
        .bind(rows::to_json("a plan", &listed)?)
        .execute(write.connection())
        .await
        .map_err(StoreError::database("writing a plan"))?;
        first += changes.len();
    }
    Ok(())
}

/// Forgets all but the newest plans, and the changes that no plan and no run holds any more.
async fn forget_old(write: &mut Write<'_>) -> Result<(), StoreError> {
    let failed = StoreError::database("forgetting old plans");
    let newest_old: Option<i64> = sqlx::query_scalar(
        "SELECT seq FROM plans WHERE catalog = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2",
    )
    .bind(write.catalog)
    .bind(KEPT)
    .fetch_optional(write.connection())
    .await
    .map_err(&failed)?;
    let Some(newest_old) = newest_old else { return Ok(()) };
    for statement in [
        "DELETE FROM changes WHERE catalog = $1
         AND content IN (SELECT content FROM plan_changes WHERE catalog = $1 AND plan <= $2)
         AND NOT EXISTS (SELECT 1 FROM plan_changes newer WHERE newer.catalog = $1
                         AND newer.content = changes.content AND newer.plan > $2)
         AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.catalog = $1
                         AND runs.content = changes.content)",
        "DELETE FROM plans WHERE catalog = $1 AND seq <= $2",
    ] {
        sqlx::query(statement)
            .bind(write.catalog)
            .bind(newest_old)
            .execute(write.connection())
            .await
            .map_err(&failed)?;
    }
    Ok(())
}

/// Reads the newest plan.
pub(super) async fn latest(
    readers: &SqlitePool,
    known: &Definitions,
    catalog: &str,
) -> Result<Option<Plan>, StoreError> {
    let failed = StoreError::database("reading the newest plan");
    let mut reading = readers.begin().await.map_err(&failed)?;
    let found: Option<(i64, String)> =
        sqlx::query_as("SELECT seq, body FROM plans WHERE catalog = $1 ORDER BY seq DESC LIMIT 1")
            .bind(catalog)
            .fetch_optional(&mut *reading)
            .await
            .map_err(&failed)?;
    match found {
        Some(row) => whole(known, &mut reading, catalog, row).await.map(Some),
        None => Ok(None),
    }
}

/// Reads plans, newest first, by the beginning of their own digest or of that of a change.
pub(super) async fn by_prefix(
    readers: &SqlitePool,
    known: &Definitions,
    catalog: &str,
    prefix: &str,
) -> Result<Vec<Plan>, StoreError> {
    let prefix = prefix.to_ascii_lowercase();
    if !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Vec::new());
    }
    let failed = StoreError::database("looking for plans");
    let mut reading = readers.begin().await.map_err(&failed)?;
    // Every digest that begins so sorts before the prefix with a letter after `f` behind it.
    let found: Vec<(i64, String)> = sqlx::query_as(
        "SELECT seq, body FROM plans WHERE catalog = $1 AND (
             digest >= $2 AND digest < $3
             OR seq IN (SELECT plan FROM plan_changes
                        WHERE catalog = $1 AND digest >= $2 AND digest < $3))
         ORDER BY seq DESC",
    )
    .bind(catalog)
    .bind(&prefix)
    .bind(format!("{prefix}g"))
    .fetch_all(&mut *reading)
    .await
    .map_err(&failed)?;
    let mut plans = Vec::with_capacity(found.len());
    for row in found {
        plans.push(whole(known, &mut reading, catalog, row).await?);
    }
    Ok(plans)
}

/// Tells which plans hold a change, oldest first.
pub(super) async fn of(
    readers: &SqlitePool,
    catalog: &str,
    change: &Digest,
) -> Result<Vec<PlanNote>, StoreError> {
    let found: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT digest, body ->> 'commit', at FROM plans WHERE catalog = $1 AND seq IN (
             SELECT plan FROM plan_changes WHERE catalog = $1 AND digest = $2)
         ORDER BY seq",
    )
    .bind(catalog)
    .bind(change.to_string())
    .fetch_all(readers)
    .await
    .map_err(StoreError::database("looking for the plans of a change"))?;
    let note = |(digest, commit, at): (String, String, i64)| {
        Ok(PlanNote { digest: rows::digest(&digest)?, commit, at: rows::time(at)? })
    };
    found.into_iter().map(note).collect()
}

async fn whole(
    known: &Definitions,
    connection: &mut SqliteConnection,
    catalog: &str,
    (seq, body): (i64, String),
) -> Result<Plan, StoreError> {
    let mut plan: Plan = rows::from_json("a plan", &body)?;
    let bodies: Vec<String> = sqlx::query_scalar(
        "SELECT changes.body FROM plan_changes
         JOIN changes ON changes.catalog = plan_changes.catalog
                     AND changes.content = plan_changes.content
         WHERE plan_changes.catalog = $1 AND plan_changes.plan = $2
         ORDER BY plan_changes.position",
    )
    .bind(catalog)
    .bind(seq)
    .fetch_all(&mut *connection)
    .await
    .map_err(StoreError::database("reading the changes of a plan"))?;
    let bodies = bodies.iter().map(String::as_str);
    plan.changes = changes::thaw(known, connection, catalog, bodies).await?;
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::Hold;
    use crate::store::Store as _;
    use crate::store::sqlite::fixtures::{at, change, definition, driven, plan, run};

    #[tokio::test]
    async fn a_plan_is_found_by_the_beginning_of_its_digest_or_of_a_change() {
        let (store, lease) = driven().await;
        let definition = definition("postgres", "1.0.0");
        let both = vec![change("a", &definition), change("b", &definition)];
        let mut first = plan("c1", both);
        first.verdict.holds.push(Hold::Deletions);
        let second = plan("c2", vec![change("b", &definition)]);
        for (seconds, plan) in (1..).zip([&first, &second]) {
            store.save_plan(&lease, plan, at(seconds)).await.expect("saved");
        }
        let of_both = first.changes[1].digest.to_string();
        let of_first = first.changes[0].digest.to_string();
        for (prefix, expected) in [
            (&first.digest.to_string()[..12], vec![&first]),
            (&second.digest.to_string(), vec![&second]),
            (&of_both[..10], vec![&second, &first]),
            (&of_first.to_uppercase()[..10], vec![&first]),
            ("", vec![&second, &first]),
            ("%", vec![]),
            ("' OR 1", vec![]),
            (&format!("{of_first}0"), vec![]),
        ] {
            let found = store.plans_by_prefix(prefix).await.expect("read");
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{prefix}");
        }
        assert_eq!(store.latest_plan().await.expect("read"), Some(second));
    }

    #[tokio::test]
    async fn a_plan_that_comes_again_is_the_newest_and_of_the_newest_commit() {
        let (store, lease) = driven().await;
        let definition = definition("postgres", "1.0.0");
        let again = |commit| plan(commit, vec![change("a", &definition)]);
        let between = plan("c2", vec![]);
        for plan in [again("c1"), between, again("c3")] {
            store.save_plan(&lease, &plan, at(1)).await.expect("saved");
        }
        assert_eq!(store.latest_plan().await.expect("read"), Some(again("c3")));
        assert_eq!(store.plans_by_prefix("").await.expect("read").len(), 2);
    }

    #[tokio::test]
    async fn the_newest_plans_stay_and_changes_as_long_as_something_holds_them() {
        let (store, lease) = driven().await;
        let definition = definition("postgres", "1.0.0");
        let kept = run("r1", "in-a-run");
        let first = plan("c0", vec![change("in-a-run", &definition), change("old", &definition)]);
        store.save_plan(&lease, &first, at(1)).await.expect("saved");
        store.create_run(&lease, &kept, &[]).await.expect("created");
        for number in 0..KEPT {
            let changes =
                vec![change("always", &definition), change(&format!("s{number}"), &definition)];
            store.save_plan(&lease, &plan("c", changes), at(2)).await.expect("saved");
        }
        assert_eq!(store.plans_by_prefix("").await.expect("read").len(), 200);
        let find = |service| change(service, &definition).digest.to_string();
        assert!(store.plans_by_prefix(&find("old")).await.expect("read").is_empty());
        assert_eq!(store.plans_by_prefix(&find("always")).await.expect("read").len(), 200);
        assert_eq!(store.run(&kept.id).await.expect("read"), Some(kept));
    }
}
