//! What the driver of a store works with. It holds no state of its own: that is [`super::Memory`].

use std::sync::Arc;
use std::time::Duration;

use crate::action::Ports;
use crate::clock::Clock;
use crate::run::{BreakerPolicy, Capacity, IllegalEvent};
use crate::store::{Lease, Retention, Sealer, Store, StoreError};

/// Bounds of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps in effect at once.
    pub capacity: Capacity,
    /// When whom steps ask is not asked for a while.
    pub breaker: BreakerPolicy,
    /// How often the process may end in the middle of a step, or a run break the driver down, before it is parked.
    pub crashes: u32,
    /// How long a step is tried again; for ever where absent.
    pub step: Option<Duration>,
    /// How long a run may take; for ever where absent.
    pub run: Option<Duration>,
    /// How often a waiting step asks whether what it waits for has come.
    pub look_every: Duration,
    /// How long ended runs are kept.
    pub retention: Retention,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            capacity: Capacity::default(),
            breaker: BreakerPolicy::default(),
            crashes: 3,
            step: Some(Duration::from_hours(7 * 24)),
            run: None,
            look_every: Duration::from_secs(2),
            retention: Retention::default(),
        }
    }
}

/// What the driver of a store works with.
#[derive(Clone)]
pub struct Engine {
    /// Name of the catalog; part of every idempotency key.
    pub catalog: String,
    /// Where state is kept.
    pub store: Arc<dyn Store>,
    /// The right to drive.
    pub lease: Lease,
    /// Seals sensitive outputs.
    pub sealer: Sealer,
    /// What actions reach the outside world through.
    pub ports: Ports,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Bounds.
    pub limits: Limits,
}

/// What can go wrong while driving.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store did not do what it was asked.
    #[error("the store failed while {doing}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The journal and the state of a run do not agree: a fault of ours.
    #[error("run {run} refuses an event")]
    Illegal {
        /// The run.
        run: String,
        /// Why.
        #[source]
        source: IllegalEvent,
    },
}

impl EngineError {
    /// Tells whether another process took over, so that this one must stop.
    pub fn is_lease_lost(&self) -> bool {
        matches!(self, EngineError::Store { source: StoreError::LeaseLost, .. })
    }
}

/// Names what was being done when the store failed.
pub(super) trait Doing<T> {
    /// Names it.
    fn doing(self, doing: &'static str) -> Result<T, EngineError>;
}

impl<T> Doing<T> for Result<T, StoreError> {
    fn doing(self, doing: &'static str) -> Result<T, EngineError> {
        self.map_err(|source| EngineError::Store { doing, source })
    }
}
