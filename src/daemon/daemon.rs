//! The daemon: what it is made of, and what it keeps from tick to tick so that cost grows with change.

use std::sync::Arc;

use super::error::TickError;
use super::health::Health;
use super::outgoing::Outgoing;
use super::prune::Pruning;
use super::published::Window;
use super::timetable::Timetable;
use crate::catalog::{Catalog, Snapshot};
use crate::digest::Digest;
use crate::engine::{Driver, Engine, Head};
use crate::reconcile::{Desired, DesiredBuilder, Plan, Schedule};
use crate::source::Source;
use crate::store::CatalogState;
use crate::validate::{Judge, Judged};

/// What a daemon is made of.
pub struct Parts {
    /// What drives.
    pub engine: Engine,
    /// Where the catalog comes from.
    pub source: Source,
}

/// The loop and what it keeps from tick to tick.
pub struct Daemon {
    /// Drives the runs.
    pub driver: Driver,
    /// Tells others how the loop is.
    pub health: Health,
    /// Shows others what the loop read and planned last.
    pub window: Window,
    /// The catalog in force.
    pub catalog: Arc<Catalog>,
    /// The newest plan.
    pub plan: Option<Plan>,
    pub(super) source: Option<Source>,
    /// Knows the last good versions as the store has them; nobody where that is not certain.
    pub(super) judge: Option<Judge>,
    pub(super) judged: Option<Arc<Judged>>,
    /// The head as it was read.
    pub(super) snapshot: Option<Snapshot>,
    pub(super) head: Head,
    pub(super) builder: DesiredBuilder,
    /// Desired state as it was built last, and what it was built from: head and writes to units.
    pub(super) desired: Option<(String, u64, Arc<Desired>)>,
    /// What the store remembers of the catalog, as it was written last.
    pub(super) saved: CatalogState,
    /// Plan, and how many approvals of others there were, that void ones were looked for last.
    pub(super) voided_for: Option<(Digest, usize)>,
    /// What is filed in the catalog's own repository.
    pub(super) outgoing: Outgoing,
    /// When scheduled operations come.
    pub(super) timetable: Timetable,
    /// When drift sweeps come, where that is not every so often.
    pub sweep_at: Option<Schedule>,
    /// Old runs that are being forgotten.
    pub(super) pruning: Pruning,
    /// Why the catalog could not be read the last time; what was read before stays in force.
    pub(super) trouble: Option<String>,
}

impl Daemon {
    /// Takes up what the store holds.
    pub async fn new(parts: Parts) -> Result<Self, TickError> {
        let driver = Driver::new(parts.engine).await?;
        Ok(Self {
            saved: driver.memory.state.clone(),
            health: Health::of(driver.metrics.clone()),
            driver,
            window: Window::default(),
            catalog: Arc::new(Catalog::default()),
            plan: None,
            source: Some(parts.source),
            judge: None,
            judged: None,
            snapshot: None,
            head: Head::default(),
            builder: DesiredBuilder::default(),
            desired: None,
            voided_for: None,
            outgoing: Outgoing::default(),
            timetable: Timetable::default(),
            sweep_at: None,
            pruning: Pruning::default(),
            trouble: None,
        })
    }

    /// Returns what the rules found in the catalog's head.
    pub fn judged(&self) -> Option<&Arc<Judged>> {
        self.judged.as_ref()
    }

    /// Returns what can be watched for news.
    pub fn watched(&self) -> Option<crate::source::Watched> {
        self.source.as_ref().and_then(Source::watched)
    }
}
