//! The story that the demo tells, section by section. It prints what it reads back, and fails where that is
//! not what must be there.

mod begin;
mod changes;
mod drift;
mod guards;
mod result;

use serde_json::Value;

use super::page::Page;
use super::repository::{Commit, Repository};
use super::witness::{Witness, ensure};
use crate::cli::output::Failure;
use crate::reconcile::{Change, Plan};
use crate::store::Store;

/// What the sections work with.
pub(super) struct Story<'a> {
    page: Page,
    witness: Witness<'a>,
}

impl<'a> Story<'a> {
    /// Is about to be told.
    pub(super) fn of(page: Page, witness: Witness<'a>) -> Self {
        Self { page, witness }
    }

    /// Tells all of it.
    pub(super) async fn tell(&mut self) -> Result<(), Failure> {
        self.world().await?;
        let plan = self.plan_before().await?;
        self.first_contact(&plan).await?;
        self.people().await?;
        self.result().await?;
        self.change_a_service().await?;
        self.delete_a_service().await?;
        self.empty_a_folder().await?;
        self.drift().await?;
        Ok(())
    }

    /// Runs a command of Trueline's, and says so.
    async fn trueline(&self, command: &str) -> Result<(), Failure> {
        let command = format!("trueline {command}");
        self.page.typed(&command);
        self.witness.run(&command).await
    }

    /// Approves what a digest names, and waits for the run of a change where one is given.
    async fn approve(&self, plan: &Plan, change: &Change) -> Result<(), Failure> {
        self.witness.made(plan).await?;
        self.trueline(&format!("approve {}", change.digest.short())).await?;
        self.page.line(self.decision().await?);
        let run = self.witness.done(change).await?;
        self.trueline(&format!("run show {}", run.id)).await
    }

    /// Tells the newest decision as the store keeps it.
    async fn decision(&self) -> Result<String, Failure> {
        let decision = self.witness.store.decisions_after(0).await?.pop();
        let decision = decision.ok_or_else(|| Failure::failed("no decision is recorded"))?;
        Ok(format!("decision {} is recorded, by {} (self-declared)", decision.seq, decision.by))
    }

    /// Shows a commit as the log does.
    fn show_commit(&self, repository: &Repository, commit: &Commit) {
        let path = repository.path().display();
        self.page.typed(&format!("git -C {path} log -1 --name-status"));
        let short = commit.id.get(..9).unwrap_or_default();
        self.page.line(format!("  {short} {} ({})", commit.subject, commit.author));
        for (sign, path) in &commit.files {
            self.page.line(format!("  {sign} {path}"));
        }
    }
}

/// Returns the change of a service, which must be in the plan.
fn change_of<'p>(plan: &'p Plan, service: &str) -> Result<&'p Change, Failure> {
    let found = plan.change(service);
    found.ok_or_else(|| {
        let services: Vec<&str> = plan.changes.iter().map(|change| &*change.service).collect();
        let blocked = format!("{:?}", plan.blocked);
        Failure::failed(format!(
            "expected a change of {service} in the plan, but saw: {services:?}, blocked: {blocked}"
        ))
    })
}

/// Fails unless the plan holds changes of these services and no others.
fn only_changes(plan: &Plan, services: &[&str]) -> Result<(), Failure> {
    let seen: Vec<&str> = plan.changes.iter().map(|change| &*change.service).collect();
    ensure(
        seen == services && plan.blocked.is_empty(),
        &format!("a plan that changes {services:?} and nothing else"),
        format!("{seen:?}, blocked: {:?}", plan.blocked),
    )
}

/// Returns a part of an answer; null where there is none.
fn part(answer: &Value, name: &str) -> Value {
    answer.get(name).cloned().unwrap_or_default()
}
