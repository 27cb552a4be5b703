//! What keeps a deletion from happening by mistake: a policy for one, a budget for many.

use super::{Story, change_of, ensure, only_changes};
use crate::cli::demo::world::{DATA, LEAD, STOREFRONT, removed, written};
use crate::cli::output::Failure;
use crate::reconcile::ChangeKind;
use crate::source::FileChange;
use crate::store::Store;

const LAKE: &str = "services/data/data-lake.yaml";
const LAKE_RESOURCE: &str = "/v1/buckets/data-lake";
const FOLDER: &str = "services/storefront/";

impl Story<'_> {
    /// Deletes the file of a service: it waits for a word, and then it goes.
    pub(super) async fn delete_a_service(&mut self) -> Result<(), Failure> {
        self.page.section(
            "A file is deleted",
            "Its policy is `confirm`: nothing is taken away before somebody says so.",
        );
        let commit = self.witness.world.catalog.commit(
            DATA,
            "data-lake: no longer needed",
            &[removed(LAKE)],
        )?;
        self.show_commit(&self.witness.world.catalog, &commit);
        let plan = self.witness.plan_at(&commit.id).await?;
        self.trueline("plan").await?;
        only_changes(&plan, &["data-lake"])?;
        let change = change_of(&plan, "data-lake")?.clone();
        ensure(change.kind() == ChangeKind::Delete, "a deletion", change.kind())?;
        let waits = plan
            .pending
            .get("data-lake")
            .map(|why| why.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
        let waits = waits
            .ok_or_else(|| Failure::failed("expected the deletion to wait, but it does not"))?;
        let (status, _) = self.witness.get(LAKE_RESOURCE).await?;
        self.page.line(format!("  the guard: {waits}; GET {LAKE_RESOURCE} answers {status}"));
        ensure(status == 200, "the bucket to be there before the approval", status)?;
        self.approve(&plan, &change).await?;
        let (status, _) = self.witness.get(LAKE_RESOURCE).await?;
        self.page.line(format!("  GET {LAKE_RESOURCE} answers {status}"));
        ensure(status == 404, "the bucket to be gone", status)?;
        let rows = self.witness.store.unit_rows().await?;
        ensure(
            rows.iter().all(|row| row.key.service != "data-lake"),
            "the unit to be gone from the store",
            rows.len(),
        )?;
        self.page.holds("it waited, was approved, and is gone from the sandbox and from the store");
        Ok(())
    }

    /// Empties a folder: the budget holds the whole plan, and a revert ends it.
    pub(super) async fn empty_a_folder(&mut self) -> Result<(), Failure> {
        self.page.section(
            "A folder is emptied",
            "Somebody removes a whole team at once. The budget holds the whole plan, whatever the single policies say.",
        );
        let before = self.resources().await?;
        let catalog = self.witness.world.catalog.clone();
        let gone: Vec<String> =
            catalog.files()?.into_iter().filter(|path| path.starts_with(FOLDER)).collect();
        let files: Vec<FileChange> = gone.iter().map(|path| removed(path)).collect();
        let commit = catalog.commit(STOREFRONT, "Clean up", &files)?;
        self.show_commit(&self.witness.world.catalog, &commit);
        let plan = self.witness.plan_at(&commit.id).await?;
        self.trueline("plan").await?;
        ensure(!plan.verdict.holds.is_empty(), "the guard to hold the plan", plan.digest)?;
        ensure(
            plan.verdict.deletions > plan.verdict.budget,
            "more deletions than the budget",
            plan.verdict.deletions,
        )?;
        ensure(
            plan.ready().next().is_none(),
            "no change to start, not even one whose policy is `delete`",
            "one is ready",
        )?;
        let after = self.resources().await?;
        ensure(before == after, "nothing to be taken away", after.len())?;
        self.page.holds(&format!(
            "{} deletions, a budget of {}: all {} resources are still there",
            plan.verdict.deletions,
            plan.verdict.budget,
            after.len()
        ));
        let back: Result<Vec<FileChange>, Failure> = gone
            .iter()
            .map(|path| {
                Ok(written(
                    path,
                    &catalog.read_at(&format!("{}~1", commit.id), path)?.unwrap_or_default(),
                ))
            })
            .collect();
        let revert = catalog.commit(LEAD, "Revert \"Clean up\"", &back?)?;
        self.show_commit(&self.witness.world.catalog, &revert);
        let plan = self.witness.plan_at(&revert.id).await?;
        self.trueline("plan").await?;
        ensure(
            plan.is_empty() && plan.verdict.holds.is_empty(),
            "nothing to do after the revert",
            plan.digest,
        )?;
        self.page.holds("reverted: desired and actual agree again, and nothing was ever touched");
        Ok(())
    }
}
