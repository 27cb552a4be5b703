//! Faults of the outside world, and whether trying again can help.

use serde::{Deserialize, Serialize};

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultClass {
    /// It may pass by itself.
    Transient,
    /// It stays until somebody mends something.
    Terminal,
    /// Nobody knows whether the effect took place.
    Unknown,
}

/// What went wrong with an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Whether trying again can help.
    pub class: FaultClass,
    /// What went wrong, secrets masked.
    pub message: String,
    /// How long the other side asked us to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Fault {
    /// Makes a fault that may pass by itself.
    pub fn transient(message: impl Into<String>) -> Self {
        Self { class: FaultClass::Transient, message: message.into(), retry_after_ms: None }
    }

    /// Makes a fault that stays.
    pub fn terminal(message: impl Into<String>) -> Self {
        Self { class: FaultClass::Terminal, ..Self::transient(message) }
    }

    /// Makes a fault after which nobody knows whether the effect took place.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self { class: FaultClass::Unknown, ..Self::transient(message) }
    }
}
