//! What is remembered between requests: answers by `ETag`, limits, tokens of installations. It is lost with the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use super::cache::Cache;
use super::credential::Installed;
use super::limits::Limits;

/// How many requests are under way at once.
const AT_ONCE: usize = 50;

/// What is remembered of GitHub between requests; one for the whole process.
pub struct Memory {
    cache: Mutex<Cache>,
    limits: Mutex<Limits>,
    installed: Mutex<BTreeMap<String, Installed>>,
    pub(super) slots: Semaphore,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            cache: Mutex::default(),
            limits: Mutex::default(),
            installed: Mutex::default(),
            slots: Semaphore::new(AT_ONCE),
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

impl Memory {
    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limits(&self) -> MutexGuard<'_, Limits> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn installed(&self) -> MutexGuard<'_, BTreeMap<String, Installed>> {
        self.installed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
