//! Holds the exclusive right to change a mirror, and clears away what a killed git left in it.
//! It never removes anything while another process of ours may still be writing.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::SourceError;

/// The exclusive right to change one mirror.
///
/// The file is also handed to the git child as its standard input: a git that outlives a killed parent keeps the lock, so
/// whoever gets it knows that no git of ours is running, and that every `*.lock` in the mirror is stale.
#[derive(Debug)]
pub(crate) struct MirrorLock {
    file: File,
    mirror: PathBuf,
}

impl MirrorLock {
    /// Waits for the lock beside a mirror.
    pub(crate) fn acquire(mirror: &Path, patience: Duration) -> Result<Self, SourceError> {
        let path = beside(mirror, "lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(SourceError::io("open", &path))?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { file, mirror: mirror.to_owned() }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(SourceError::Timeout {
                        location: format!("the process that holds {}", path.display()),
                        seconds: patience.as_secs(),
                    });
                }
                Err(TryLockError::Error(source)) => {
                    return Err(SourceError::Io { operation: "lock", path, source });
                }
            }
        }
    }

    /// Gives the file to a child, which then holds the lock as well.
    pub(crate) fn share(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }

    /// Removes lock files and half-received packs from the mirror; holding the lock proves that nobody is writing them.
    pub(crate) fn clear_leftovers(&self) {
        let Self { mirror, .. } = self;
        remove_where(mirror, false, is_lock);
        remove_where(&mirror.join("refs"), true, is_lock);
        let objects = mirror.join("objects");
        remove_where(&objects, false, is_temporary);
        for inner in ["pack", "info"] {
            remove_where(&objects.join(inner), false, |name| is_temporary(name) || is_lock(name));
        }
    }
}

/// Returns a path next to a mirror, with another ending.
pub(crate) fn beside(mirror: &Path, ending: &str) -> PathBuf {
    let mut name = mirror.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    mirror.with_file_name(name)
}

/// Tells whether git made a file to lock another; it always writes the ending in lower case.
fn is_lock(name: &str) -> bool {
    name.as_bytes().ends_with(b".lock")
}

fn is_temporary(name: &str) -> bool {
    ["tmp_pack_", "tmp_idx_", "tmp_rev_", "tmp_obj_", "tmp_objdir", "incoming-"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// Removes matching entries; what cannot be removed is left for git to complain about.
fn remove_where(directory: &Path, deep: bool, matches: impl Fn(&str) -> bool + Copy) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if matches(&name.to_string_lossy()) {
            let _ = if is_directory {
                fs::remove_dir_all(entry.path())
            } else {
                fs::remove_file(entry.path())
            };
        } else if deep && is_directory {
            remove_where(&entry.path(), deep, matches);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_go_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("m.git");
        for directory in ["refs/heads", "objects/pack", "objects/incoming-x"] {
            fs::create_dir_all(mirror.join(directory)).unwrap();
        }
        let stale = [
            "config.lock",
            "refs/heads/main.lock",
            "objects/pack/tmp_pack_1",
            "objects/incoming-x/y",
        ];
        let kept = ["config", "refs/heads/main", "objects/pack/pack-1.pack"];
        for file in stale.iter().chain(&kept) {
            fs::write(mirror.join(file), "").unwrap();
        }
        let lock = MirrorLock::acquire(&mirror, Duration::ZERO).unwrap();
        lock.clear_leftovers();
        assert!(stale.iter().all(|file| !mirror.join(file).exists()));
        assert!(kept.iter().all(|file| mirror.join(file).exists()));
    }

    #[test]
    fn a_lock_that_a_child_shares_outlives_its_first_owner() {
        let folder = tempfile::tempdir().unwrap();
        let mirror = folder.path().join("m.git");
        let lock = MirrorLock::acquire(&mirror, Duration::ZERO).unwrap();
        let shared = lock.share().unwrap();
        drop(lock);
        let second = MirrorLock::acquire(&mirror, Duration::ZERO);
        assert!(matches!(second, Err(SourceError::Timeout { .. })));
        drop(shared);
        assert!(MirrorLock::acquire(&mirror, Duration::ZERO).is_ok());
    }
}
