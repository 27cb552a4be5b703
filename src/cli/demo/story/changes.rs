//! A service changes by a commit.

use super::{Story, change_of, ensure, only_changes, part};
use crate::cli::demo::world::{PAYMENTS, written};
use crate::cli::output::Failure;
use crate::store::Store;

const FILE: &str = "services/payments/payments-db.yaml";
const RESOURCE: &str = "/v1/databases/payments-db";

impl Story<'_> {
    /// Commits a change of a service, shows the difference, approves it and reads it back.
    pub(super) async fn change_a_service(&mut self) -> Result<(), Failure> {
        self.page.section(
            "A change is a commit",
            "The team payments needs more storage. Production asks for one approval, of exactly this difference.",
        );
        let catalog = &self.witness.world.catalog;
        let before = catalog.read(FILE)?.unwrap_or_default();
        let after = before.replace("storageSize: 200", "storageSize: 300");
        let commit =
            catalog.commit(PAYMENTS, "payments-db: 300 GB of storage", &[written(FILE, &after)])?;
        self.show_commit(&self.witness.world.catalog, &commit);
        let plan = self.witness.plan_at(&commit.id).await?;
        self.trueline("plan").await?;
        only_changes(&plan, &["payments-db"])?;
        let change = change_of(&plan, "payments-db")?.clone();
        ensure(
            plan.pending.contains_key("payments-db"),
            "the change to wait for approval",
            "it does not wait",
        )?;
        let (_, resource) = self.witness.get(RESOURCE).await?;
        ensure(part(&resource, "storageSize") == 200, "200 GB before the approval", &resource)?;
        let before = self.counted().await?;
        self.approve(&plan, &change).await?;
        self.page.typed(&format!("curl {}{RESOURCE}", self.witness.world.sandbox));
        let (_, resource) = self.witness.get(RESOURCE).await?;
        self.page.line(format!("  {resource}"));
        ensure(part(&resource, "storageSize") == 300, "300 GB after the update", &resource)?;
        let after = self.counted().await?;
        let (runs, effects) = (after.0 - before.0, after.1 - before.1);
        ensure((runs, effects) == (1, 1), "one run and one effect", format!("{runs}, {effects}"))?;
        self.page.holds(&format!(
            "{runs} run, {effects} effect; what depends on the database was left alone, for its address is the same"
        ));
        Ok(())
    }

    /// Counts all runs so far, and what took effect in the sandbox.
    async fn counted(&self) -> Result<(u64, u64), Failure> {
        let runs = self.witness.store.runs(None, 1_000).await?.len();
        let (_, told) = self.witness.get("/sandbox/requests").await?;
        Ok((runs as u64, part(&told, "effects").as_u64().unwrap_or_default()))
    }
}
