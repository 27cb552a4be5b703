//! Says that this process is about to end, to those that started programs. It ends nothing itself.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Says that this process is about to end; whoever holds a copy sees it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<OnceLock<Instant>>);

impl Stop {
    /// Asks programs to come to their end within some time; what is asked first holds.
    pub fn ask(&self, within: Duration) {
        self.0.get_or_init(|| Instant::now() + within);
    }

    /// Returns until when programs may go on; nothing where nobody asked.
    pub fn until(&self) -> Option<Instant> {
        self.0.get().copied()
    }
}
