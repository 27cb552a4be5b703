//! A service changes by a commit.

use super::{Story, change_of, ensure, only_changes};
use crate::cli::demo::world::{PAYMENTS, written};
use crate::cli::output::Failure;

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
        self.show(&plan);
        only_changes(&plan, &["payments-db"])?;
        let change = change_of(&plan, "payments-db")?.clone();
        ensure(
            plan.pending.contains_key("payments-db"),
            "the change to wait for approval",
            "it does not wait",
        )?;
        let (_, resource) = self.witness.get(RESOURCE).await?;
        ensure(resource["storageSize"] == 200, "200 GB before the approval", &resource)?;
        self.page.typed(&format!("trueline approve {}", change.digest.short()));
        self.witness.approve(&plan).await?;
        let run = self.witness.done(&change).await?;
        self.page.line(format!("  run {} {}: {} {}", run.id, run.state, run.kind, run.service));
        self.page.typed(&format!("curl {}{RESOURCE}", self.witness.world.sandbox));
        let (_, resource) = self.witness.get(RESOURCE).await?;
        self.page.line(format!("  {resource}"));
        ensure(resource["storageSize"] == 300, "300 GB after the update", &resource)?;
        self.page.holds("one update, one request; what depends on the database was left alone, for its address is the same");
        Ok(())
    }
}
