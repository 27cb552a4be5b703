//! Work folders of actions that run programs: for their owner alone, and for one attempt at a time. It never holds
//! anything that another step could read.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::process::{Left, private_folder};
use crate::run::Fault;

/// How long an attempt waits for another one in the same folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// A work folder that one attempt has for itself.
#[derive(Debug)]
pub(super) struct WorkFolder {
    path: PathBuf,
    /// Whoever holds it has the folder; it is let go when the attempt ends, and when the process does.
    _lock: File,
}

impl WorkFolder {
    /// Opens a folder below the state, making it where there is none, and waits a moment for whoever has it.
    pub(super) async fn open(state: &Path, place: (&str, &str), what: &str) -> Result<Self, Fault> {
        Self::open_until(state, place, what, Instant::now() + LOCK_PATIENCE).await
    }

    /// The same, and waits for whoever has it until some moment.
    pub(super) async fn open_until(
        state: &Path,
        place: (&str, &str),
        what: &str,
        until: Instant,
    ) -> Result<Self, Fault> {
        let path = place_of(state, place);
        let failed = |error: std::io::Error| {
            Fault::transient(format!("the work folder {} can't be used: {error}", path.display()))
        };
        private_folder(&path).map_err(failed)?;
        // Programs run elsewhere than this process does: what they are told must hold there too.
        let path = path.canonicalize().map_err(failed)?;
        let lock = lock(&path, what, until).await?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is written down that a program runs in it.
    pub(super) fn note(&self) -> PathBuf {
        self.path.join("running.json")
    }

    /// Returns the program that an earlier process left running in it.
    pub(super) fn left(&self) -> Option<Left> {
        Left::find(&self.note())
    }

    /// Removes it with all that is in it.
    pub(super) fn remove(self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Returns where a folder of an area stands. Names become one part of a path, whatever is in them.
pub(super) fn place_of(state: &Path, (area, name): (&str, &str)) -> PathBuf {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }
    };
    let name: String = name.chars().map(plain).collect();
    let name = name.trim_start_matches('.');
    let end = name.len().min(200);
    state.join(area).join(name.get(..end).unwrap_or(name))
}

async fn lock(folder: &Path, what: &str, until: Instant) -> Result<File, Fault> {
    let path = folder.join("lock");
    let failed = |error: std::io::Error| {
        Fault::transient(format!("{} can't be locked: {error}", path.display()))
    };
    let mut options = File::options();
    let mut file =
        options.create(true).truncate(false).read(true).write(true).open(&path).map_err(failed)?;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = (&mut file).take(200).read_to_string(&mut holder);
                return Err(Fault::transient(format!(
                    "the work folder {} is in use by {holder}; wait for it, or end that process",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
    let holder = format!("process {} ({what}, since {:.0})", std::process::id(), Timestamp::now());
    let written = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
    written.and_then(|_| file.write_all(holder.as_bytes())).map_err(failed)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_folder_is_for_one_attempt_and_for_its_owner_alone() {
        let state = tempfile::tempdir().unwrap();
        let place = ("terraform", "trueline-demo-u1-provision");
        let first = WorkFolder::open(state.path(), place, "apply").await.unwrap();
        let mode = std::fs::metadata(first.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let refused = WorkFolder::open(state.path(), place, "observe").await.unwrap_err();
        assert!(refused.message.contains(&format!("process {} (apply, since", std::process::id())));
        drop(first);
        WorkFolder::open(state.path(), place, "observe").await.unwrap();
    }

    #[test]
    fn a_name_is_one_part_of_a_path() {
        let check = |name: &str, expected: &str| {
            assert_eq!(place_of(Path::new("/s"), ("a", name)), Path::new(expected));
        };
        check("trueline-demo-u1-net.apply", "/s/a/trueline-demo-u1-net.apply");
        check("../../etc/passwd", "/s/a/_.._etc_passwd");
        check("a/b\u{0}é", "/s/a/a_b__");
    }
}
