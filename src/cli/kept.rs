//! Where `validate` keeps what it found to be right: in the repository of the catalog, else in the user's cache. Whatever
//! goes wrong with that costs time and nothing else.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::catalog::{MAX_MEMORY_BYTES, Memory, Snapshot};
use crate::digest::Digest;
use crate::source::{DirectoryReader, MAX_STAMP_BYTES, Stamps};
use crate::validate::Judge;

/// How long a file is kept that nobody writes.
const UNUSED: Duration = Duration::from_hours(30 * 24);

/// After how many opened files it is worth writing down which need not be opened again.
const WORTH: usize = 200;

/// Where things are kept for one catalog.
#[derive(Clone, Debug)]
pub(super) struct Place {
    memory: PathBuf,
    memory_of_commits: PathBuf,
    stamps: PathBuf,
}

impl Place {
    /// Finds the place for the catalog in a folder; nothing where there is none.
    pub(super) fn of(root: &Path) -> Option<Self> {
        let root = fs::canonicalize(root).ok()?;
        let folder = folder_in_git(&root).or_else(folder_of_user)?;
        let name = Digest::of_bytes(root.as_os_str().as_encoded_bytes()).short();
        let file = |what: &str| folder.join(format!("{what}-{name}"));
        let (memory, stamps) = (file("validate"), file("validate-stamps"));
        Some(Self { memory, memory_of_commits: file("validate-commits"), stamps })
    }

    /// Reads which files are as they were, as far as that shows from outside.
    pub(super) fn stamps(&self) -> Stamps {
        Stamps::read(&read(&self.stamps, MAX_STAMP_BYTES).unwrap_or_default())
    }

    /// Writes down what a reader found out about its files, where it opened many.
    pub(super) fn write_stamps(&self, reader: &DirectoryReader) {
        if reader.opened() < WORTH {
            return;
        }
        let bytes = reader.stamps().write();
        if !bytes.is_empty() && bytes.len() <= MAX_STAMP_BYTES {
            write(&self.stamps, |out| out.write_all(&bytes).map(|()| true));
        }
    }
}

/// What is read of the catalog: the same files have other names in a folder than in git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// Files as they lie there.
    Folder,
    /// Commits, and what goes on from them.
    Commits,
}

/// What is kept for one catalog.
#[derive(Debug)]
pub(super) struct Kept {
    file: PathBuf,
    program: String,
    memory: Memory,
}

impl Kept {
    /// Opens what is kept in a place.
    pub(super) fn at(place: &Place, from: From) -> Self {
        let file = match from {
            From::Folder => place.memory.clone(),
            From::Commits => place.memory_of_commits.clone(),
        };
        let bytes = read(&file, MAX_MEMORY_BYTES).unwrap_or_default();
        let program = program();
        Self { file, memory: Memory::read(&program, bytes), program }
    }

    /// Makes a judge who goes on from what is kept.
    pub(super) fn judge(&mut self) -> Judge {
        Judge::recalling(std::mem::take(&mut self.memory))
    }

    /// Writes down what a judge knows by now of the snapshot that it judged last: a whole file in the place of the old
    /// one, whoever reads or writes that just now.
    pub(super) fn write(&self, judge: &Judge, snapshot: &Snapshot) {
        if judge.is_worth_writing() {
            write(&self.file, |out| judge.write(&self.program, snapshot, out));
        }
    }
}

/// Writes a file, where what gives the bytes says in the end that they mean something.
fn write(file: &Path, give: impl FnOnce(&mut dyn Write) -> io::Result<bool>) {
    if let Err(error) = try_write(file, give) {
        tracing::debug!(file = %file.display(), %error, "the cache is not written");
    }
}

fn try_write(file: &Path, give: impl FnOnce(&mut dyn Write) -> io::Result<bool>) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let new = tempfile::Builder::new().prefix("new-validate-").tempfile_in(folder)?;
    let mut out = BufWriter::with_capacity(1 << 16, new);
    if !give(&mut out)? {
        return Ok(());
    }
    let new = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    new.persist(file).map_err(|error| error.error)?;
    clean(folder);
    Ok(())
}

/// Removes what was written for catalogs that nobody validates any more.
fn clean(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = ["validate-", "new-validate-"]
            .iter()
            .any(|start| name.as_encoded_bytes().starts_with(start.as_bytes()));
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = age.and_then(|modified| SystemTime::now().duration_since(modified).ok());
        if is_ours && age.is_some_and(|age| age > UNUSED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The folder in the repository that a catalog is in.
fn folder_in_git(root: &Path) -> Option<PathBuf> {
    let none: [&Path; 0] = [];
    Some(git2::Repository::discover_path(root, none).ok()?.join("trueline"))
}

/// The folder among the caches of the user.
fn folder_of_user() -> Option<PathBuf> {
    let named = |name| std::env::var_os(name).map(PathBuf::from);
    folder_among(named("XDG_CACHE_HOME"), named("HOME"))
}

fn folder_among(caches: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let is_absolute = |path: &PathBuf| path.is_absolute();
    let of_home = || Some(home.filter(is_absolute)?.join(".cache"));
    Some(caches.filter(is_absolute).or_else(of_home)?.join("trueline"))
}

/// Reads a plain file that is not larger than what is written.
fn read(file: &Path, most: usize) -> Option<Vec<u8>> {
    let metadata = fs::symlink_metadata(file).ok()?;
    let most = u64::try_from(most).ok()? + 1024;
    if !metadata.is_file() || metadata.len() > most {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).ok()?);
    File::open(file).ok()?.take(most).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Names this program: what another one found, by other rules, does not count.
fn program() -> String {
    let metadata = std::env::current_exe().and_then(fs::metadata);
    let built = metadata.and_then(|metadata| Ok((metadata.len(), metadata.modified()?))).ok();
    format!("{} {built:?}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
