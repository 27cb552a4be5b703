//! Group commit: what the driver writes of many runs becomes durable together, with one sync for all of it.

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::StoreError;
use super::lease::Lease;
use super::store::UnitWrite;
use crate::id::UnitKey;
use crate::run::{Event, Run};

/// What the driver writes of a run.
#[derive(Clone, Debug)]
pub enum RunWrite {
    /// A new run.
    Created {
        /// As it is when it is new.
        run: Box<Run>,
        /// What becomes of units with it.
        units: Vec<UnitWrite>,
    },
    /// Events of its journal.
    Appended {
        /// As it is after them.
        run: Box<Run>,
        /// What happened, and when.
        entries: Vec<(Timestamp, Event)>,
        /// What becomes of units with it.
        units: Vec<UnitWrite>,
    },
}

impl UnitWrite {
    /// Names the unit.
    pub fn key(&self) -> &UnitKey {
        match self {
            UnitWrite::Put(record) => &record.row.key,
            UnitWrite::Remove(key) => key,
        }
    }
}

impl RunWrite {
    /// Returns what becomes of units.
    pub fn units(&self) -> &[UnitWrite] {
        match self {
            RunWrite::Created { units, .. } | RunWrite::Appended { units, .. } => units,
        }
    }
}

/// Writes that wait for others. Whoever gathers sees them at once; nobody else does, and nothing that they intend may
/// take effect before [`GatherStore::flush`] returned.
#[async_trait]
pub trait GatherStore {
    /// Takes a write that becomes durable with the next flush, or with the next other write of the driver.
    fn gather(&self, write: RunWrite);

    /// Makes durable what was gathered, all of it or nothing. Where that fails, nothing that was gathered since can be
    /// written either, for it comes from what never happened, nor anything else of the driver: until it is let go.
    async fn flush(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Lets go of what was gathered and could not be written.
    fn let_go(&self);
}
