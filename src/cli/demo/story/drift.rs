//! Somebody changes things behind Trueline's back.

use reqwest::Method;
use serde_json::json;

use super::{Story, change_of, ensure, only_changes, part};
use crate::cli::demo::world::{NIGHT_SHIFT, written};
use crate::cli::output::Failure;
use crate::reconcile::ChangeKind;
use crate::store::Store;

const RESOURCE: &str = "/v1/databases/payments-db";
const FILE: &str = "dns/shop.acme.example/www.yaml";

impl Story<'_> {
    /// Makes drift in the sandbox and in the target repository; one is reported, the other put right.
    pub(super) async fn drift(&mut self) -> Result<(), Failure> {
        self.page.section(
            "Somebody changes things by hand",
            "A database loses its backups over the API, and a DNS record changes in the target repository. A sweep sees both.",
        );
        let target = &self.witness.world.target;
        let body = json!({"backupRetention": 1});
        self.page
            .typed(&format!("curl -X PATCH {}{RESOURCE} -d '{body}'", self.witness.world.sandbox));
        let (status, _) = self.witness.send(Method::PATCH, RESOURCE, &body).await?;
        ensure(status == 200, "the sandbox to take a change by hand", status)?;
        let before = target.read(FILE)?.unwrap_or_default();
        let commit = target.commit(
            NIGHT_SHIFT,
            "Point www somewhere else",
            &[written(FILE, &before.replace("203.0.113.20", "198.51.100.7"))],
        )?;
        self.show_commit(target, &commit);
        self.witness
            .until("a sweep to see both", async || {
                let rows = self.witness.store.unit_rows().await?;
                let drifted = rows.iter().filter(|row| row.drifted).count();
                Ok((drifted == 2).then_some(()))
            })
            .await?;
        let plan = self.witness.plan().await?;
        self.trueline("plan").await?;
        only_changes(&plan, &["payments-db"])?;
        let change = change_of(&plan, "payments-db")?.clone();
        ensure(change.kind() == ChangeKind::Correct, "a correction", change.kind())?;
        let reported: Vec<String> =
            plan.drifted.iter().map(|drift| drift.unit.to_string()).collect();
        ensure(
            reported == ["storefront-www"],
            "the record's drift to be reported",
            format!("{reported:?}"),
        )?;
        self.page.holds("the item of the database says `drift: correct`, the item of the record says `drift: report`");
        self.approve(&plan, &change).await?;
        let (_, resource) = self.witness.get(RESOURCE).await?;
        self.page.line(format!(
            "  GET {RESOURCE}: backupRetention {}",
            part(&resource, "backupRetention")
        ));
        ensure(part(&resource, "backupRetention") == 35, "35 days of backups again", &resource)?;
        let record = target.read(FILE)?.unwrap_or_default();
        ensure(record.contains("198.51.100.7"), "the record as it was changed by hand", &record)?;
        self.page.holds("the database is as git says again; the record is left to its team, and shown until somebody decides");
        Ok(())
    }
}
