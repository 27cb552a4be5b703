//! The one type through which the daemon reads a catalog, wherever it is. Its methods block: call them off the async threads.

use std::path::{Path, PathBuf};

use super::authors::written;
use super::changed::{Changed, changed_paths};
use super::directory::DirectoryReader;
use super::error::SourceError;
use super::git::{Mirror, default_branch, open_here};
use super::location::Location;
use super::names::escaped;
use super::program::Program;
use super::snapshot::SnapshotReader;
use super::token::Token;
use super::watch::Watched;
use crate::catalog::{Snapshot, Written};
use crate::digest::Digest;

/// How a source is opened.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A path or URL; `git+` before it means that its commits are read, not its files.
    pub location: String,
    /// The branch; the default branch where absent. Naming one means that commits are read.
    pub branch: Option<String>,
    /// Where mirrors are kept.
    pub state: PathBuf,
    /// The token for https.
    pub token: Option<Token>,
    /// Whether commits are read even where a work tree is at hand.
    pub as_git: bool,
    /// How git is run.
    pub program: Program,
}

/// Where a catalog comes from.
#[derive(Debug)]
pub enum Source {
    /// A branch of a repository.
    Git(Box<GitSource>),
    /// The files of a directory.
    Directory(Box<DirectorySource>),
}

/// A branch of a repository, and the reader of its snapshots.
#[derive(Debug)]
pub struct GitSource {
    mirror: Mirror,
    reader: SnapshotReader,
    /// The commit for which the mirror was made again, which helps at most once.
    mended_for: Option<String>,
}

/// A directory, and its last snapshot.
#[derive(Debug)]
pub struct DirectorySource {
    reader: DirectoryReader,
    last: Snapshot,
}

impl Source {
    /// Opens a source: a bare repository or URL is read by its commits, any other directory by its files.
    pub fn open(options: Options) -> Result<Self, SourceError> {
        let plain = options.location.strip_prefix("git+");
        let as_git = options.as_git || plain.is_some() || options.branch.is_some();
        let location = Location::parse(plain.unwrap_or(&options.location))?;
        if let Some(path) = location.local_path() {
            let is_bare = open_here(path).is_ok_and(|repository| repository.is_bare());
            if !as_git && !is_bare {
                std::fs::read_dir(path).map_err(SourceError::io("read the directory", path))?;
                let reader = DirectoryReader::new(path);
                let directory = DirectorySource { reader, last: Snapshot::default() };
                return Ok(Self::Directory(Box::new(directory)));
            }
        }
        let branch = options.branch.as_deref().unwrap_or_default();
        let name = Digest::of_bytes(format!("{location}\n{branch}").as_bytes()).short();
        let directory = options.state.join("mirrors").join(format!("{name}.git"));
        let branch = match options.branch {
            Some(branch) => branch,
            None => branch_of(&directory, &location, &options.program, options.token.as_ref())?,
        };
        let mirror = Mirror::open(&directory, location, &branch, options.program, options.token)?;
        let reader = SnapshotReader::default();
        Ok(Self::Git(Box::new(GitSource { mirror, reader, mended_for: None })))
    }

    /// Looks for news and returns the head: a commit, or `dir:<digest>`.
    pub fn poll(&mut self) -> Result<String, SourceError> {
        match self {
            Self::Git(git) => git.mirror.fetch(),
            Self::Directory(directory) => {
                directory.last = directory.reader.read()?;
                Ok(directory.last.commit.clone())
            }
        }
    }

    /// Reads the snapshot of a commit; a directory knows only the one of its last poll.
    pub fn snapshot(&mut self, commit: &str) -> Result<Snapshot, SourceError> {
        match self {
            Self::Git(git) => git.snapshot(commit),
            Self::Directory(directory) if directory.last.commit == commit => {
                Ok(directory.last.clone())
            }
            Self::Directory(_) => Err(SourceError::Gone { commit: escaped(commit.as_bytes()) }),
        }
    }

    /// Tells whether one commit is, or comes before, another; states of a directory have no order, so each follows any.
    pub fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool, SourceError> {
        match self {
            Self::Git(git) => git.mirror.is_ancestor(ancestor, descendant),
            Self::Directory(_) => Ok(true),
        }
    }

    /// Returns the paths that differ between two commits; nothing is known of a directory's earlier states.
    pub fn changed(&self, old: &str, new: &str) -> Result<Option<Vec<Changed>>, SourceError> {
        match self {
            Self::Git(git) => changed_paths(git.mirror.repository(), old, new).map(Some),
            Self::Directory(_) => Ok(None),
        }
    }

    /// Finds out who wrote which file since another commit; nothing where that is not known, or of a directory.
    pub fn written(&self, since: &str, head: &str) -> Written {
        match self {
            Self::Git(git) => written(git.mirror.repository(), since, head),
            Self::Directory(_) => Written::default(),
        }
    }

    /// Returns the mirror where this is a repository.
    pub fn mirror(&self) -> Option<&Mirror> {
        match self {
            Self::Git(git) => Some(&git.mirror),
            Self::Directory(_) => None,
        }
    }

    /// Returns what can be watched, so that news need not wait for the next poll.
    pub fn watched(&self) -> Option<Watched> {
        match self {
            Self::Directory(directory) => {
                Some(Watched::Directory(directory.reader.root().to_owned()))
            }
            Self::Git(git) => {
                let repository = open_here(git.mirror.location().local_path()?).ok()?;
                Some(Watched::Refs(repository.commondir().to_owned()))
            }
        }
    }
}

impl DirectorySource {
    /// Returns the directory.
    pub fn root(&self) -> &Path {
        self.reader.root()
    }
}

impl GitSource {
    /// Reads a snapshot; a damaged mirror is made again once before that is an error.
    fn snapshot(&mut self, commit: &str) -> Result<Snapshot, SourceError> {
        match self.reader.read(self.mirror.repository(), commit) {
            Err(fault @ (SourceError::Corrupt { .. } | SourceError::Gone { .. }))
                if self.mended_for.as_deref() != Some(commit) =>
            {
                self.mended_for = Some(commit.to_owned());
                tracing::warn!(%fault, "the mirror is made again");
                self.mirror.rebuild()?;
                self.reader.read(self.mirror.repository(), commit)
            }
            result => result,
        }
    }
}

/// Finds the default branch: as the mirror remembers it, so that a start needs no network, or by asking.
fn branch_of(
    directory: &Path,
    location: &Location,
    program: &Program,
    token: Option<&Token>,
) -> Result<String, SourceError> {
    let remembered = if location.local_path().is_some() { None } else { remembered(directory) };
    remembered.map_or_else(|| default_branch(location, program, token), Ok)
}

fn remembered(directory: &Path) -> Option<String> {
    let mirror = git2::Repository::open_bare(directory).ok()?;
    let head = mirror.find_reference("HEAD").ok()?;
    head.symbolic_target().ok()?.map(str::to_owned)
}
