//! One tick: the product on one screen. It takes no input; it reads the head and the record, and decides.

use super::daemon::Daemon;
use super::error::TickError;
use crate::engine::{gather, plan_beside_others};

/// What a tick did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Changes in the plan.
    pub changes: usize,
    /// Runs that were made.
    pub started: usize,
}

impl Daemon {
    /// Reads what is wanted and what is, plans the difference, and starts what nothing holds back.
    pub async fn tick(&mut self) -> Result<Ticked, TickError> {
        self.driver.decide(&self.catalog.clone()).await?;
        self.look().await?;
        let desired = self.desired().await?;
        let unapproved = self.unapproved().await?;
        self.rename(&desired, &unapproved).await?;
        self.forget_services(&desired).await?;
        self.keep_time(&desired).await?;
        let now = self.driver.engine.clock.now();
        self.supersede(&desired, &unapproved, now);
        let engine = &self.driver.engine;
        let told = (engine.catalog.as_str(), &self.head);
        let (actual, facts) =
            gather((&*engine.store, &self.driver.memory), &desired, told, now).await?;
        let facts = unapproved.tell(facts);
        let plan = Box::pin(plan_beside_others(
            (&*engine.store, &self.driver.memory),
            (&self.catalog, &desired, &actual),
            (facts, now),
        ))
        .await?;
        self.keep(&plan).await?;
        let started = self.driver.start(&plan).await?;
        self.withdraw(&plan).await?;
        self.driver.forecast(&plan).await?;
        self.remember(&plan, &desired).await?;
        let changes = plan.changes.len();
        self.plan = Some(plan);
        Ok(Ticked { changes, started })
    }
}
