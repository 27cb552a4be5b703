//! A repository on this machine, for looking at a change: revisions, the merge base, what differs. It writes nothing into it.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use git2::{ErrorCode, Oid, RepositoryOpenFlags};

use super::above::changed_above;
use super::changed::{Changed, changed_in_trees, root};
use super::error::SourceError;
use super::names::escaped;
use super::snapshot::{SnapshotReader, folder_in};
use super::staged;
use crate::catalog::Snapshot;

/// A repository, and the folder of it that is the catalog.
///
/// Paths are counted from that folder. The variables that git sets for its hooks count here as they do for git.
pub struct Repository {
    pub(super) git: git2::Repository,
    folder: String,
    reader: SnapshotReader,
    index: PathBuf,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({}:{})", self.git.path().display(), self.folder)
    }
}

/// What git tells its hooks about the repository that they run for.
#[derive(Clone, Debug, Default)]
struct Variables {
    directory: Option<PathBuf>,
    work_tree: Option<PathBuf>,
    index: Option<PathBuf>,
    /// Where objects are beside the repository's own: those of a push wait in a quarantine.
    objects: Vec<PathBuf>,
}

impl Variables {
    fn of_process() -> Self {
        let read = |name| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let others = read("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        let others = std::env::split_paths(&others).filter(|path| !path.as_os_str().is_empty());
        Self {
            directory: read("GIT_DIR").map(PathBuf::from),
            work_tree: read("GIT_WORK_TREE").map(PathBuf::from),
            index: read("GIT_INDEX_FILE").map(PathBuf::from),
            objects: read("GIT_OBJECT_DIRECTORY")
                .map(PathBuf::from)
                .into_iter()
                .chain(others)
                .collect(),
        }
    }
}

impl Repository {
    /// Opens the repository that a catalog is in: the one that git names to its hooks (`GIT_DIR`), else the
    /// one that the path is in.
    ///
    /// The path need not be there: a folder may exist in a revision only, and a bare repository has none.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Self::open_with(path, &Variables::of_process())
    }

    fn open_with(path: &Path, variables: &Variables) -> Result<Self, SourceError> {
        let absolute = std::path::absolute(path).map_err(SourceError::io("resolve", path))?;
        let (there, rest) = split(&absolute)?;
        let none = std::iter::empty::<&Path>;
        let opened = match &variables.directory {
            Some(directory) => {
                git2::Repository::open_ext(directory, RepositoryOpenFlags::NO_SEARCH, none())
            }
            None => git2::Repository::open_ext(&there, RepositoryOpenFlags::CROSS_FS, none()),
        };
        let git = opened.map_err(|fault| refused(path, &fault))?;
        for objects in &variables.objects {
            let added =
                git.odb().and_then(|odb| odb.add_disk_alternate(&objects.to_string_lossy()));
            added.map_err(SourceError::git("open the objects that git names"))?;
        }
        let top = variables.work_tree.as_deref().or(git.workdir());
        let root = real(top.unwrap_or(git.path()))?;
        // A hook of a bare repository may run anywhere, and names its folders from the root.
        let named = variables.directory.is_some() && top.is_none();
        let folder = below(&there, &root, &rest).or_else(|| plain(path).filter(|_| named));
        let folder = folder.ok_or_else(|| SourceError::NoRepository {
            location: path.display().to_string(),
            detail: format!("it is not inside {}", root.display()),
        })?;
        let index = match &variables.index {
            Some(index) => root.join(index),
            None => git.path().join("index"),
        };
        Ok(Self { git, folder, reader: SnapshotReader::default(), index })
    }

    /// Tells whether it has no working directory.
    pub fn is_bare(&self) -> bool {
        self.git.is_bare()
    }

    /// Tells whether its history is cut off somewhere.
    pub fn is_shallow(&self) -> bool {
        self.git.is_shallow()
    }

    /// Returns the catalog's folder from the root of the repository; empty where that is the root.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Returns the id of the commit that a revision names, by the rules of git: a branch, a tag, `HEAD~1`, an id.
    pub fn commit(&self, revision: &str) -> Result<String, SourceError> {
        let gone = || SourceError::Gone { commit: escaped(revision.as_bytes()) };
        if revision.is_empty() || revision.starts_with('-') || revision.contains('\0') {
            return Err(gone());
        }
        let found = self.git.revparse_single(revision).and_then(|found| found.peel_to_commit());
        found.map(|commit| commit.id().to_string()).map_err(|_| gone())
    }

    /// Returns the commit of HEAD; nothing where there is no commit yet.
    pub fn head(&self) -> Result<Option<String>, SourceError> {
        let head = self.git.head().and_then(|head| head.peel_to_commit());
        match head {
            Ok(commit) => Ok(Some(commit.id().to_string())),
            Err(fault) if matches!(fault.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
                Ok(None)
            }
            Err(fault) => Err(SourceError::git("read HEAD")(fault)),
        }
    }

    /// Returns the commit that two commits have in common; nothing where their histories share none.
    pub fn merge_base(&self, one: &str, other: &str) -> Result<Option<String>, SourceError> {
        match self.git.merge_base(id(one)?, id(other)?) {
            Ok(base) => Ok(Some(base.to_string())),
            Err(fault) if fault.code() == ErrorCode::NotFound => Ok(None),
            Err(fault) => Err(SourceError::git("find what two commits have in common")(fault)),
        }
    }

    /// Reads the snapshot of a commit.
    pub fn snapshot(&mut self, commit: &str) -> Result<Snapshot, SourceError> {
        self.reader.read_below(&self.git, commit, &self.folder)
    }

    /// Reads the snapshot of what is staged: what a commit would hold now. Its name is `index:` and the id of its tree.
    pub fn staged(&mut self) -> Result<Snapshot, SourceError> {
        let staged = staged::tree(&self.git, &self.index)?;
        let mut snapshot = self.reader.read_tree(&self.git, staged.tree, &self.folder)?;
        snapshot.commit = format!("index:{}", staged.tree);
        snapshot.findings.extend(staged.findings_below(&self.folder));
        Ok(snapshot)
    }

    /// Returns the paths of the catalog's folder that differ between two commits, ordered by path.
    ///
    /// What was renamed is there twice: removed from the old path, added at the new one. CODEOWNERS of the
    /// repository belongs to every catalog in it.
    pub fn changed_paths(&self, old: &str, new: &str) -> Result<Vec<Changed>, SourceError> {
        let (old, new) = (root(&self.git, old)?, root(&self.git, new)?);
        let tree = |top| folder_in(&self.git, top, &self.folder);
        let mut changed = changed_in_trees(&self.git, tree(old)?, tree(new)?)?;
        changed.extend(changed_above(&self.git, (old, new), &self.folder)?);
        changed.sort();
        Ok(changed)
    }
}

fn id(commit: &str) -> Result<Oid, SourceError> {
    let gone = |_| SourceError::Gone { commit: escaped(commit.as_bytes()) };
    Oid::from_str(commit).map_err(gone)
}

fn refused(path: &Path, fault: &git2::Error) -> SourceError {
    let location = path.display().to_string();
    match fault.code() {
        ErrorCode::NotFound => SourceError::NoRepository {
            location,
            detail: "none stands there or in a folder above".to_owned(),
        },
        _ => SourceError::Denied { location, detail: escaped(fault.message().as_bytes()) },
    }
}

fn real(path: &Path) -> Result<PathBuf, SourceError> {
    path.canonicalize().map_err(SourceError::io("resolve", path))
}

/// Splits a path into what is there, resolved, and the rest.
fn split(path: &Path) -> Result<(PathBuf, PathBuf), SourceError> {
    let there = path.ancestors().find(|there| there.is_dir()).unwrap_or(Path::new("/"));
    let rest = path.strip_prefix(there).unwrap_or(Path::new("")).to_owned();
    Ok((real(there)?, rest))
}

/// Returns a path from a folder that it stands in.
fn below(there: &Path, top: &Path, rest: &Path) -> Option<String> {
    plain(&there.strip_prefix(top).ok()?.join(rest))
}

/// Writes a relative path with `/` and nothing but names.
fn plain(path: &Path) -> Option<String> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => names.push(name.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(names.join("/"))
}

#[cfg(test)]
#[path = "repository_tests.rs"]
mod tests;
