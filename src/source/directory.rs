//! Reads a plain directory as a snapshot. It follows no link, reads no unchanged file again, and of git knows only where a
//! work tree begins.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use jiff::Timestamp;
use rayon::prelude::*;

use super::above::{above, repository_of};
use super::error::SourceError;
use super::names::{MAX_DEPTH, hostile, judge};
use super::stamps::{Stamp, Stamps};
use super::wanted::{
    MAX_ENTRIES, MAX_TOTAL_BYTES, Wanted, entered, is_lfs_pointer, lfs_pointer, matters, symlink,
    too_large, wanted,
};
use crate::catalog::{Blob, Content, Files, Lender, Snapshot, directory_commit, seen_from};
use crate::digest::Digest;
use crate::finding::{Finding, Place};

/// Reads snapshots of one directory and keeps what the last one used.
#[derive(Debug)]
pub struct DirectoryReader {
    root: PathBuf,
    known: Vec<(Arc<str>, Known)>,
    /// When the last read began; files that were just written may have changed since.
    read_at: Timestamp,
    opened: usize,
    most_held: u64,
}

/// How many bytes are held for who looks at each file once: what is beyond is read again then.
const MOST_HELD: u64 = 32 << 20;

/// A file as it was read.
#[derive(Clone, Debug)]
struct Known {
    stamp: Stamp,
    digest: Digest,
    blob: Blob,
}

/// Reads files of a directory again.
#[derive(Debug)]
struct Folder(PathBuf);

impl Lender for Folder {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let file = self.0.join(path);
        let metadata = fs::symlink_metadata(&file).ok().filter(Metadata::is_file)?;
        read(File::open(&file).ok()?, metadata.len(), wanted(path)?.limit).ok()
    }
}

impl DirectoryReader {
    /// Makes a reader; the directory is looked at when it is read.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let (known, read_at) = (Vec::new(), Timestamp::UNIX_EPOCH);
        Self { root: root.into(), known, read_at, opened: 0, most_held: u64::MAX }
    }

    /// Makes a reader for who looks at each file once: it holds no more bytes than some, and opens no file that looks
    /// as it did when an earlier one read it.
    pub fn knowing(root: impl Into<PathBuf>, stamps: Stamps) -> Self {
        let mut reader = Self::new(root);
        let folder: Arc<dyn Lender> = Arc::new(Folder(reader.root.clone()));
        let known = stamps.0.into_par_iter().map(|(path, (stamp, digest, size))| {
            let bytes = Content::lent(folder.clone(), path.clone(), (digest, size), None);
            let blob = Blob { id: digest.to_string().into(), bytes };
            (path, Known { stamp, digest, blob })
        });
        reader.known = known.collect();
        reader.read_at = Timestamp::MAX;
        reader.most_held = MOST_HELD;
        reader
    }

    /// Returns the stamps as they are when some time has passed.
    #[cfg(test)]
    pub(crate) fn settled_stamps(&mut self) -> Stamps {
        self.read_at = Timestamp::MAX;
        self.stamps()
    }

    /// Returns how many files were opened.
    pub fn opened(&self) -> usize {
        self.opened
    }

    /// Returns what tells the next reader which files are as they were.
    pub fn stamps(&self) -> Stamps {
        let settled = self.known.iter().filter(|(_, known)| known.stamp.is_settled(self.read_at));
        let stamps = settled.map(|(path, known)| {
            (path.clone(), (known.stamp, known.digest, known.blob.bytes.size()))
        });
        Stamps(stamps.collect())
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads the directory as it is now; the commit is `dir:<digest>`.
    pub fn read(&mut self) -> Result<Snapshot, SourceError> {
        let read_at = Timestamp::now();
        let known = self.known.iter().map(|(path, known)| (&**path, (path, known)));
        let walk = Walk {
            known: known.collect(),
            known_at: self.read_at,
            most_held: self.most_held,
            folder: Arc::new(Folder(self.root.clone())),
            bytes: AtomicU64::new(0),
            looked_at: AtomicUsize::new(0),
            opened: AtomicUsize::new(0),
        };
        let mut whole = walk.directory(&self.root, "", 0)?;
        let folder = match repository_of(&self.root) {
            Some((top, folder)) => {
                walk.above(&top, &folder, &mut whole)?;
                folder
            }
            None => String::new(),
        };
        self.opened = walk.opened.into_inner();
        let Part { files: known, findings } = whole;
        let files: Files =
            known.iter().map(|(path, known)| (path.clone(), known.blob.clone())).collect();
        let commit = directory_commit(&files);
        (self.known, self.read_at) = (known, read_at);
        Ok(Snapshot { commit, author: None, folder, files, findings })
    }
}

/// A walk through a directory, with as many files read at a time as there are cores.
struct Walk<'a> {
    known: HashMap<&'a str, (&'a Arc<str>, &'a Known)>,
    known_at: Timestamp,
    most_held: u64,
    folder: Arc<dyn Lender>,
    bytes: AtomicU64,
    looked_at: AtomicUsize,
    opened: AtomicUsize,
}

/// What a part of the directory holds, by path.
#[derive(Default)]
struct Part {
    files: Vec<(Arc<str>, Known)>,
    findings: Vec<Finding>,
}

impl Part {
    fn found(finding: Finding) -> Self {
        Self { findings: vec![finding], ..Self::default() }
    }
}

impl Walk<'_> {
    fn directory(&self, directory: &Path, prefix: &str, depth: usize) -> Result<Part, SourceError> {
        if depth > MAX_DEPTH {
            let reason = format!("the directory is nested deeper than {MAX_DEPTH} levels");
            return Ok(Part::found(hostile(prefix.trim_end_matches('/').to_owned(), reason)));
        }
        let entries =
            fs::read_dir(directory).map_err(SourceError::io("read the directory", directory))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(SourceError::io("read the directory", directory))?;
            names.push((entry.file_name(), entry.file_type().is_ok_and(|it| it.is_file())));
        }
        names.sort();
        let before = self.looked_at.fetch_add(names.len(), Ordering::Relaxed);
        if before + names.len() > MAX_ENTRIES {
            return Err(limit("the directory", format!("{MAX_ENTRIES} entries")));
        }
        // The directory of git itself is here by right, unlike in a tree of git.
        names.retain(|(name, _)| name != ".git" && name != ".trueline");
        let bytes: Vec<&[u8]> = names.iter().map(|(name, _)| name.as_bytes()).collect();
        let (accepted, findings) = judge(prefix, &bytes);
        let mut whole = Part { findings, ..Part::default() };
        let names: Vec<_> = names.iter().zip(accepted).filter(|(_, accepted)| *accepted).collect();
        let entry = |((name, is_file), _): &(&(OsString, bool), bool)| {
            let path = format!("{prefix}{}", name.to_string_lossy());
            let file = directory.join(name);
            // Of a file that is read in any case, all is asked once it is open.
            match *is_file && !self.known.contains_key(&*path) {
                true => self.new_file(&file, &path, depth),
                false => self.entry(&file, &path, depth),
            }
        };
        let parts: Vec<Result<Part, SourceError>> = names.par_iter().map(entry).collect();
        let count =
            |part: &Result<Part, _>| part.as_ref().map_or(0, |part: &Part| part.files.len());
        whole.files.reserve(parts.iter().map(count).sum());
        for part in parts {
            let part = part?;
            whole.files.extend(part.files);
            whole.findings.extend(part.findings);
        }
        Ok(whole)
    }

    fn entry(&self, file: &Path, path: &str, depth: usize) -> Result<Part, SourceError> {
        let nothing = Ok(Part::default());
        // Somebody may remove it while we look: then it is gone.
        let Ok(metadata) = fs::symlink_metadata(file) else { return nothing };
        if metadata.is_dir() {
            return if entered(path) {
                self.directory(file, &format!("{path}/"), depth + 1)
            } else {
                nothing
            };
        }
        if metadata.is_symlink() {
            return if matters(path) { Ok(Part::found(symlink(path))) } else { nothing };
        }
        if metadata.is_file() {
            return self.file(file, path, &metadata);
        }
        // A pipe or a socket would hold us; it is no document, and hides one where one is looked for.
        let is_hidden = wanted(path).is_some_and(|wanted| wanted.must);
        if is_hidden { Ok(Part::found(no_file(path))) } else { nothing }
    }

    /// Takes in the CODEOWNERS of the repository that a folder is in.
    fn above(&self, top: &Path, folder: &str, whole: &mut Part) -> Result<(), SourceError> {
        for location in above(folder) {
            let file = top.join(location);
            let seen = |file: &Path| {
                let path = file.strip_prefix(top).ok().and_then(Path::to_str);
                seen_from(folder, path.unwrap_or(location))
            };
            let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|it| it.is_symlink());
            if let Some(parent) = file.parent().filter(|parent| *parent != top && is_link(parent)) {
                whole.findings.push(symlink(&seen(parent)));
                continue;
            }
            if file.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir()) {
                let Part { files, findings } = self.entry(&file, &seen(&file), 0)?;
                whole.files.extend(files);
                whole.findings.extend(findings);
            }
        }
        Ok(())
    }

    fn file(&self, file: &Path, path: &str, metadata: &Metadata) -> Result<Part, SourceError> {
        let nothing = Ok(Part::default());
        let Some(wanted) = wanted(path) else { return nothing };
        let stamp = Stamp::of(metadata);
        let same = |known: &Known| known.stamp == stamp && stamp.is_settled(self.known_at);
        if let Some((path, known)) = self.known.get(path).filter(|(_, known)| same(known)) {
            return self.counted((*path).clone(), (*known).clone());
        }
        match File::open(file) {
            Ok(opened) => self.opened(opened, (path, wanted), metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => nothing,
            Err(error) => Ok(Part::found(unreadable(path, &error))),
        }
    }

    /// Takes in a plain file of which nothing is known.
    fn new_file(&self, file: &Path, path: &str, depth: usize) -> Result<Part, SourceError> {
        let Some(wanted) = wanted(path) else { return Ok(Part::default()) };
        match File::open(file).and_then(|opened| Ok((opened.metadata()?, opened))) {
            Ok((metadata, opened)) if metadata.is_file() => {
                self.opened(opened, (path, wanted), &metadata)
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Ok(Part::found(unreadable(path, &error)))
            }
            // It is no file any more.
            _ => self.entry(file, path, depth),
        }
    }

    /// Reads a file that is open.
    fn opened(
        &self,
        file: File,
        (path, wanted): (&str, Wanted),
        metadata: &Metadata,
    ) -> Result<Part, SourceError> {
        let unwanted = |finding: Finding| match wanted.must {
            true => Ok(Part::found(finding)),
            false => Ok(Part::default()),
        };
        if metadata.len() > wanted.limit {
            return unwanted(too_large(path, metadata.len(), wanted.limit));
        }
        let bytes = match read(file, metadata.len(), wanted.limit) {
            Ok(bytes) if is_lfs_pointer(&bytes) => return unwanted(lfs_pointer(path)),
            Ok(bytes) => bytes,
            Err(error) => return Ok(Part::found(unreadable(path, &error))),
        };
        let path: Arc<str> = path.into();
        let known = self.taken(&path, Stamp::of(metadata), (bytes, self.known_of(&path)));
        self.counted(path, known)
    }

    fn known_of(&self, path: &str) -> Option<&Known> {
        self.known.get(path).map(|(_, known)| *known)
    }

    /// Counts what was read, and gives up where that is too much.
    fn counted(&self, path: Arc<str>, known: Known) -> Result<Part, SourceError> {
        let size = known.blob.bytes.size();
        if self.bytes.fetch_add(size, Ordering::Relaxed) + size > MAX_TOTAL_BYTES {
            let most = format!("{} MiB in all files together", MAX_TOTAL_BYTES / 1024 / 1024);
            return Err(limit("the catalog", most));
        }
        Ok(Part { files: vec![(path, known)], ..Part::default() })
    }

    /// Takes in what was read; what has the same content as before is the same.
    fn taken(
        &self,
        path: &Arc<str>,
        stamp: Stamp,
        (bytes, before): (Vec<u8>, Option<&Known>),
    ) -> Known {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let digest = Digest::of_bytes(&bytes);
        if let Some(known) = before.filter(|known| known.digest == digest) {
            return Known { stamp, digest, blob: known.blob.clone() };
        }
        let of = (digest, bytes.len() as u64);
        let is_room = self.bytes.load(Ordering::Relaxed) < self.most_held;
        let held = Some(bytes).filter(|_| is_room);
        let bytes = Content::lent(self.folder.clone(), path.clone(), of, held);
        Known { stamp, digest, blob: Blob { id: digest.to_string().into(), bytes } }
    }
}

/// Reads a file, at most one byte over its limit: it may grow while it is read.
fn read(file: File, size: u64, limit: u64) -> std::io::Result<Vec<u8>> {
    // With room behind its end, one call reads all of a file that stays as it is.
    let size = usize::try_from(size.min(limit)).unwrap_or(0);
    let mut bytes = vec![0; size + 1];
    let mut file = file.take(limit + 1);
    let read = match file.read(&mut bytes) {
        Err(error) if error.kind() == ErrorKind::Interrupted => 0,
        read => read?,
    };
    bytes.truncate(read);
    if read != size {
        file.read_to_end(&mut bytes)?;
    }
    if bytes.len() as u64 > limit {
        return Err(std::io::Error::other("it grows while it is read"));
    }
    Ok(bytes)
}

fn unreadable(path: &str, error: &std::io::Error) -> Finding {
    let message = format!("the file cannot be read: {error}");
    Finding::error("source/unreadable", Place::start_of(path), message)
        .hint("let the user that runs trueline read it; until then it counts as unknown")
}

fn no_file(path: &str) -> Finding {
    let message = "a pipe, socket or device stands where a document is read";
    Finding::error("source/unreadable", Place::start_of(path), message)
        .hint("put a file here; until then it counts as unknown")
}

fn limit(what: &str, limit: String) -> SourceError {
    SourceError::TooLarge { what: what.to_owned(), limit }
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
