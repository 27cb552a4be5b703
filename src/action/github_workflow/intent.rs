//! A note that a dispatch is about to be sent, in a file: after a crash it is known that one may have been. It says
//! nothing of whether it arrived.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::run::Fault;

/// What became of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// It was about to be sent.
    Sent,
    /// GitHub took it, and named its run where it does so.
    Accepted(Option<u64>),
}

/// What is noted of a dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) since: Timestamp,
    pub(super) became: Became,
}

/// The note of one dispatch.
pub(super) struct Intent {
    path: PathBuf,
}

impl Intent {
    pub(super) fn of(state_dir: &Path, correlation: &str) -> Self {
        Self { path: state_dir.join("dispatches").join(correlation) }
    }

    /// Returns what is noted; nothing where no dispatch was ever sent.
    pub(super) fn read(&self) -> Result<Option<Noted>, Fault> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let mut words = text.split_whitespace();
        // Cut off while it was first written, so nothing was sent.
        let Some(since) = words.next().and_then(|word| word.parse().ok()) else { return Ok(None) };
        let became = match (words.next(), words.next()) {
            (Some("accepted"), run) => Became::Accepted(run.and_then(|run| run.parse().ok())),
            _ => Became::Sent,
        };
        Ok(Some(Noted { since, became }))
    }

    /// Writes it, so that it outlives a crash.
    pub(super) fn note(&self, noted: &Noted) -> Result<(), Fault> {
        let word = match noted.became {
            Became::Sent => "sent".to_owned(),
            Became::Accepted(None) => "accepted".to_owned(),
            Became::Accepted(Some(run)) => format!("accepted {run}"),
        };
        let write = || -> std::io::Result<()> {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let beside = self.path.with_extension("new");
            let mut file = File::create(&beside)?;
            writeln!(file, "{} {word}", noted.since)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        write().map_err(|error| failed(&error))
    }

    /// Takes it away, once it is known what became of the dispatch.
    pub(super) fn clear(&self) {
        // Where it stays, the run is looked for once more than needed.
        let _ = fs::remove_file(&self.path);
    }
}

fn failed(error: &std::io::Error) -> Fault {
    Fault::transient(format!("the note of a dispatch can't be kept in the state folder: {error}"))
}
