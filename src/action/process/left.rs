//! Programs that outlived the process that started them: written down when they start, found by their number and
//! the moment they were started, so that a number that was given out again is never taken for them.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};

use super::strays;

/// A program that an earlier process started and that still runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::action) struct Left {
    pub(in crate::action) pid: i32,
    /// The moment that it was started, as the kernel counts.
    started: String,
    /// The start of the machine that the moment counts from.
    boot: String,
}

impl Left {
    /// Finds the program that a note names, where it still runs. Where there is no `/proc`, none is found.
    pub(in crate::action) fn find(note: &Path) -> Option<Self> {
        let left: Self = serde_json::from_slice(&std::fs::read(note).ok()?).ok()?;
        left.runs().then_some(left)
    }

    fn of(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything; the state is the 3rd field and the start the 22nd.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        if fields.next()? == "Z" {
            return None;
        }
        let started = fields.nth(18)?.to_owned();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(Self { pid, started, boot: boot.trim().to_owned() })
    }

    fn runs(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Waits for its end; tells whether it came.
    pub(in crate::action) async fn wait(&self, until: Instant) -> bool {
        loop {
            if !self.runs() {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Brings it to its end: asked to, and killed with all it started where it does not.
    pub(in crate::action) async fn end(&self, grace: Duration) -> bool {
        let mark = Pid::from_raw(self.pid).filter(|_| self.runs()).and_then(strays::mark_of);
        self.signal(Signal::INT);
        let mut has_ended = self.wait(Instant::now() + grace).await;
        if !has_ended {
            self.signal(Signal::KILL);
            has_ended = self.wait(Instant::now() + Duration::from_secs(5)).await;
        }
        if let Some(mark) = mark {
            strays::end(&mark);
        }
        has_ended
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.runs()) {
            let _ = kill_process_group(pid, signal);
        }
    }
}

/// Writes down that a program runs.
pub(super) fn note(path: &Path, pid: u32) -> io::Result<()> {
    let Some(left) = i32::try_from(pid).ok().and_then(Left::of) else { return Ok(()) };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec(&left)?)?;
    file.persist(path)?;
    Ok(())
}

/// Strikes the note out.
pub(super) fn forget(path: &Path) {
    let _ = std::fs::remove_file(path);
}
