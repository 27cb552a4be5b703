//! What the loop tells about itself to whoever asks over HTTP.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::engine::Metrics;

/// How the loop is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct HealthReport {
    /// The catalog's head as of the last tick.
    pub commit: Option<String>,
    /// When the last tick ended.
    pub ticked_at: Option<Timestamp>,
    /// Why the last tick could not do its work.
    pub trouble: Option<String>,
    /// Changes in the last plan.
    pub changes: usize,
    /// Runs that have not ended.
    pub runs: usize,
    /// Services of the catalog.
    pub services: usize,
    /// Whom nobody is to ask just now, and why.
    pub breakers: Vec<String>,
}

/// Shares how the loop is between the loop and whoever asks.
#[derive(Clone, Debug, Default)]
pub struct Health {
    report: Arc<Mutex<HealthReport>>,
    /// What is counted.
    pub metrics: Metrics,
}

impl Health {
    /// Makes it for a loop that counts.
    pub fn of(metrics: Metrics) -> Self {
        Self { metrics, ..Self::default() }
    }

    /// Says how the loop is.
    pub fn set(&self, report: HealthReport) {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = report;
    }

    /// Tells how the loop is.
    pub fn get(&self) -> HealthReport {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
