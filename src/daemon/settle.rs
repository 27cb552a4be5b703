//! Drives until nothing more happens by itself: what `apply` does where no daemon runs, and what tests do.

use std::collections::BTreeMap;

use super::daemon::Daemon;
use super::error::TickError;
use crate::engine::observe;
use crate::reconcile::Plan;
use crate::run::waits_for;

/// How things stand once nothing more happens by itself.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// The plan that is left.
    pub plan: Option<Plan>,
    /// Services that wait for people or other sides, with what for.
    pub waiting: BTreeMap<String, String>,
    /// Services whose run stopped, with why.
    pub failed: BTreeMap<String, String>,
}

impl Settled {
    /// Tells whether nothing is left to be done.
    pub fn is_converged(&self) -> bool {
        self.waiting.is_empty()
            && self.failed.is_empty()
            && self.plan.as_ref().is_none_or(|plan| plan.is_empty() && plan.blocked.is_empty())
    }
}

/// Ticks and drives until nothing more happens by itself.
pub async fn settle(daemon: &mut Daemon) -> Result<Settled, TickError> {
    loop {
        let ticked = daemon.tick().await?;
        let open = daemon.driver.memory.runs.len();
        drive(daemon).await?;
        let ended = daemon.driver.memory.runs.len() != open;
        let forecast = daemon.driver.is_forecasting();
        while daemon.driver.is_forecasting() {
            let made = daemon.driver.forecasted().await;
            daemon.driver.take_forecast(made);
        }
        let withdrawn = daemon.driver.withdrawn().await? > 0;
        if ticked.started == 0 && !ended && !forecast && !withdrawn {
            break;
        }
    }
    let memory = &daemon.driver.memory;
    let waiting = |run: &crate::run::Run| {
        let why = waits_for(run).unwrap_or_else(|| format!("run {} is {}", run.id, run.state));
        (run.change.service.clone(), why)
    };
    Ok(Settled {
        plan: daemon.plan.clone(),
        waiting: memory.runs.values().map(waiting).collect(),
        failed: memory.stalled.iter().map(|(id, stall)| (id.clone(), stall.why.clone())).collect(),
    })
}

/// Drives runs until none is in effect and none is to be tried again.
async fn drive(daemon: &mut Daemon) -> Result<(), TickError> {
    loop {
        let catalog = daemon.catalog.clone();
        let wake = daemon.driver.advance(&catalog).await?;
        if daemon.driver.is_busy() {
            let attempt = daemon.driver.finished().await;
            daemon.driver.take(attempt, &catalog).await?;
            continue;
        }
        let retrying = daemon.driver.memory.runs.values().any(crate::run::Run::has_retry);
        let Some(wake) = wake.filter(|_| retrying) else { return Ok(()) };
        let now = daemon.driver.engine.clock.now();
        let ms = wake.as_millisecond().saturating_sub(now.as_millisecond()).max(0);
        tokio::time::sleep(std::time::Duration::from_millis(ms.unsigned_abs())).await;
    }
}

impl Daemon {
    /// Has all forecasts made that a plan waits for; it starts nothing else.
    pub async fn make_forecasts(&mut self, plan: &Plan) -> Result<(), TickError> {
        loop {
            self.driver.forecast(plan).await?;
            if !self.driver.is_forecasting() {
                return self.save_state().await;
            }
            while self.driver.is_forecasting() {
                let made = self.driver.forecasted().await;
                self.driver.take_forecast(made);
            }
        }
    }

    /// Looks at everything that can be looked at, now; returns how many units look different from before.
    pub async fn sweep(&mut self) -> Result<usize, TickError> {
        let keys = self.driver.observable();
        let seen = observe(self.driver.engine.clone(), keys).await?;
        Ok(self.driver.take_seen(seen).await?)
    }
}
