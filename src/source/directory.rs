//! Reads a plain directory as a snapshot. It follows no link, reads no unchanged file again, and of git knows only where a
//! work tree begins.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::above::{above, repository_of};
use super::error::SourceError;
use super::names::{MAX_DEPTH, hostile, judge};
use super::wanted::{
    MAX_ENTRIES, MAX_TOTAL_BYTES, entered, is_lfs_pointer, lfs_pointer, matters, symlink,
    too_large, wanted,
};
use crate::catalog::{Blob, Files, Snapshot, directory_commit, seen_from};
use crate::digest::Digest;
use crate::finding::{Finding, Place};

/// Reads snapshots of one directory and keeps what the last one used.
#[derive(Debug)]
pub struct DirectoryReader {
    root: PathBuf,
    known: HashMap<Arc<str>, (Stamp, Blob)>,
}

/// What changes when a file's content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    size: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.len(),
            inode: metadata.ino(),
        }
    }

    /// Tells whether the file may have changed again within the clock's grain after this stamp was taken.
    fn is_fresh(self) -> bool {
        let now = jiff::Timestamp::now().as_second();
        now - self.modified.0.max(self.changed.0) < 2
    }
}

impl DirectoryReader {
    /// Makes a reader; the directory is looked at when it is read.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), known: HashMap::new() }
    }

    /// Returns the directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads the directory as it is now; the commit is `dir:<digest>`.
    pub fn read(&mut self) -> Result<Snapshot, SourceError> {
        let walk =
            Walk { known: &self.known, bytes: AtomicU64::new(0), looked_at: AtomicUsize::new(0) };
        let mut whole = walk.directory(&self.root, "", 0)?;
        let folder = match repository_of(&self.root) {
            Some((top, folder)) => {
                walk.above(&top, &folder, &mut whole)?;
                folder
            }
            None => String::new(),
        };
        let Part { files: read, findings } = whole;
        let files: Files =
            read.iter().map(|(path, _, blob)| (path.clone(), blob.clone())).collect();
        self.known = read.into_iter().map(|(path, stamp, blob)| (path, (stamp, blob))).collect();
        Ok(Snapshot { commit: directory_commit(&files), author: None, folder, files, findings })
    }
}

/// A walk through a directory, with as many files read at a time as there are cores.
struct Walk<'a> {
    known: &'a HashMap<Arc<str>, (Stamp, Blob)>,
    bytes: AtomicU64,
    looked_at: AtomicUsize,
}

/// What a part of the directory holds, by path.
#[derive(Default)]
struct Part {
    files: Vec<(Arc<str>, Stamp, Blob)>,
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
            names
                .push(entry.map_err(SourceError::io("read the directory", directory))?.file_name());
        }
        names.sort();
        let before = self.looked_at.fetch_add(names.len(), Ordering::Relaxed);
        if before + names.len() > MAX_ENTRIES {
            return Err(limit("the directory", format!("{MAX_ENTRIES} entries")));
        }
        // The directory of git itself is here by right, unlike in a tree of git.
        names.retain(|name| name != ".git" && name != ".trueline");
        let bytes: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        let (accepted, findings) = judge(prefix, &bytes);
        let mut whole = Part { findings, ..Part::default() };
        let names: Vec<_> = names.iter().zip(accepted).filter(|(_, accepted)| *accepted).collect();
        let entry = |(name, _): &(&OsString, bool)| {
            let path = format!("{prefix}{}", name.to_string_lossy());
            self.entry(&directory.join(name), &path, depth)
        };
        let parts: Vec<Result<Part, SourceError>> = names.par_iter().map(entry).collect();
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
        if metadata.len() > wanted.limit {
            let found = || Part::found(too_large(path, metadata.len(), wanted.limit));
            return if wanted.must { Ok(found()) } else { nothing };
        }
        let stamp = Stamp::of(metadata);
        let path: Arc<str> = path.into();
        let known = self.known.get(&path);
        let blob = match known {
            Some((before, blob)) if *before == stamp && !stamp.is_fresh() => blob.clone(),
            _ => match read(file, metadata.len(), wanted.limit) {
                Ok(bytes) => shared(bytes, known.map(|(_, blob)| blob)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return nothing,
                Err(error) => return Ok(Part::found(unreadable(&path, &error))),
            },
        };
        if is_lfs_pointer(&blob.bytes) {
            return if wanted.must { Ok(Part::found(lfs_pointer(&path))) } else { nothing };
        }
        let size = blob.bytes.len() as u64;
        if self.bytes.fetch_add(size, Ordering::Relaxed) + size > MAX_TOTAL_BYTES {
            let most = format!("{} MiB in all files together", MAX_TOTAL_BYTES / 1024 / 1024);
            return Err(limit("the catalog", most));
        }
        Ok(Part { files: vec![(path, stamp, blob)], ..Part::default() })
    }
}

/// Reads a file, at most one byte over its limit: it may grow while it is read.
fn read(file: &Path, size: u64, limit: u64) -> std::io::Result<Vec<u8>> {
    // With room behind the end, one call reads it and another finds that it ends.
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0) + 64);
    File::open(file)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(std::io::Error::other("it grows while it is read"));
    }
    Ok(bytes)
}

/// Makes a blob, or gives the earlier one where the content is the same.
fn shared(bytes: Vec<u8>, before: Option<&Blob>) -> Blob {
    match before {
        Some(blob) if *blob.bytes == *bytes => blob.clone(),
        _ => Blob { id: Digest::of_bytes(&bytes).to_string().into(), bytes: bytes.into() },
    }
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
mod tests {
    use super::super::fixture::write;
    use super::*;
    use std::os::unix::fs::symlink as link;

    fn paths(snapshot: &Snapshot) -> Vec<&str> {
        snapshot.files.keys().map(AsRef::as_ref).collect()
    }

    #[test]
    fn documents_are_read_and_everything_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for path in [
            "services/a/x.yaml",
            "services/a/x.yml",
            "services/a/.x.yaml.swp",
            ".git/config.yaml",
            ".trueline/a.yaml",
            ".cache/b.yaml",
            "README.md",
            ".github/CODEOWNERS",
            ".github/workflows/ci.yaml",
            "docs/guide.yaml",
        ] {
            write(folder.path(), path, "x");
        }
        let snapshot = DirectoryReader::new(folder.path()).read().unwrap();
        assert_eq!(
            paths(&snapshot),
            [".github/CODEOWNERS", "docs/guide.yaml", "services/a/x.yaml", "services/a/x.yml"]
        );
        assert_eq!(snapshot.findings, []);
        let files =
            snapshot.files.iter().map(|(path, blob)| (path.to_string(), blob.bytes.to_vec()));
        assert_eq!(snapshot, Snapshot::of_files(files));
    }

    #[test]
    fn nothing_outside_is_read_and_nothing_blocks() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        write(outside.path(), "canary.yaml", "canary");
        let root = folder.path();
        write(root, "services/a/ok.yaml", "x");
        write(root, "services/a/giant.yaml", &"x".repeat(1024 * 1024 + 1));
        link(outside.path(), root.join("services/b")).unwrap();
        link(outside.path().join("canary.yaml"), root.join("services/a/link.yaml")).unwrap();
        link(root, root.join("services/a/loop")).unwrap();
        std::process::Command::new("mkfifo")
            .arg(root.join("services/a/pipe.yaml"))
            .status()
            .unwrap();
        let snapshot = DirectoryReader::new(root).read().unwrap();
        assert_eq!(paths(&snapshot), ["services/a/ok.yaml"]);
        let rules: Vec<_> =
            snapshot.findings.iter().map(|f| format!("{} {}", f.rule, f.place.path)).collect();
        assert_eq!(
            rules,
            [
                "source/too-large services/a/giant.yaml",
                "source/symlink services/a/link.yaml",
                "source/symlink services/a/loop",
                "source/unreadable services/a/pipe.yaml",
                "source/symlink services/b",
            ]
        );
    }

    #[test]
    fn unchanged_files_are_shared_and_changed_ones_read() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "services/a/x.yaml", "1");
        write(folder.path(), "services/a/y.yaml", "1");
        let mut reader = DirectoryReader::new(folder.path());
        let one = reader.read().unwrap();
        // Same length, within the same second.
        write(folder.path(), "services/a/y.yaml", "2");
        let two = reader.read().unwrap();
        let bytes = |snapshot: &Snapshot, path: &str| snapshot.files[path].bytes.clone();
        assert!(Arc::ptr_eq(&bytes(&one, "services/a/x.yaml"), &bytes(&two, "services/a/x.yaml")));
        assert_eq!(&*bytes(&two, "services/a/y.yaml"), b"2");
        assert_ne!(one.commit, two.commit);
        fs::remove_dir_all(folder.path().join("services")).unwrap();
        assert_eq!(reader.read().unwrap().files.len(), 0);
        assert!(DirectoryReader::new("/nowhere/at/all").read().is_err());
    }
}
