//! A note that something is about to be sent that must not be sent twice, in a file: after a crash it is known that it
//! may have been. It says nothing of whether it arrived.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::folder::place_of;
use crate::run::Fault;

/// What became of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// It was about to be sent.
    Sent,
    /// The other side took it, and named what it made of it, in one word, where it does so.
    Accepted(Option<String>),
}

/// What is noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) since: Timestamp,
    pub(super) became: Became,
}

/// One note.
pub(super) struct Intent {
    path: PathBuf,
}

impl Intent {
    /// The note of this name, among those of an area of the state folder.
    pub(super) fn of(state_dir: &Path, place: (&str, &str)) -> Self {
        Self { path: place_of(state_dir, place) }
    }

    /// Returns what is noted; nothing where nothing was ever sent.
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
            (Some("accepted"), name) => Became::Accepted(name.map(str::to_owned)),
            _ => Became::Sent,
        };
        Ok(Some(Noted { since, became }))
    }

    /// Writes it, so that it outlives a crash.
    pub(super) fn note(&self, noted: &Noted) -> Result<(), Fault> {
        let word = match &noted.became {
            Became::Sent => "sent".to_owned(),
            Became::Accepted(None) => "accepted".to_owned(),
            Became::Accepted(Some(name)) => format!("accepted {name}"),
        };
        let write = || -> std::io::Result<()> {
            if let Some(folder) = self.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut beside = self.path.clone().into_os_string();
            beside.push(".new");
            let mut file = File::create(&beside)?;
            writeln!(file, "{} {word}", noted.since)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        write().map_err(|error| failed(&error))
    }

    /// Takes it away, once it is known what became of it.
    pub(super) fn clear(&self) {
        // Where it stays, what was made is looked for once more than needed.
        let _ = fs::remove_file(&self.path);
    }
}

fn failed(error: &std::io::Error) -> Fault {
    Fault::transient(format!("the note of what is sent can't be kept in the state folder: {error}"))
}
