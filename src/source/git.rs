//! A bare mirror of one branch of a repository: fetched by the program `git`, read through libgit2. Never checked out.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use git2::{ErrorCode, Oid, Repository, RepositoryInitOptions, RepositoryOpenFlags};

use super::error::SourceError;
use super::location::{Location, branch_ref};
use super::lock::{MirrorLock, beside};
use super::names::escaped;
use super::program::{Call, Program, fault};
use super::token::Token;

/// A bare mirror of one branch.
pub struct Mirror {
    directory: PathBuf,
    location: Location,
    reference: String,
    program: Program,
    token: Option<Token>,
    repository: Repository,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mirror({} of {})", self.reference, self.location)
    }
}

impl Mirror {
    /// Opens the mirror in a directory, or makes an empty one there (0700); nothing is fetched yet.
    pub fn open(
        directory: &Path,
        location: Location,
        branch: &str,
        program: Program,
        token: Option<Token>,
    ) -> Result<Self, SourceError> {
        let reference = branch_ref(branch)?;
        let repository = match Repository::open_bare(directory) {
            Ok(repository) => repository,
            Err(_) => make(directory, &reference, program.timeout)?,
        };
        Ok(Self {
            directory: directory.to_owned(),
            location,
            reference,
            program,
            token,
            repository,
        })
    }

    /// Opens it once more, for one who gets in with another token.
    pub fn with_token(&self, token: impl Into<Token>) -> Result<Self, SourceError> {
        self.again(Some(token.into()))
    }

    /// Opens the same mirror once more, for another thread.
    pub fn twin(&self) -> Result<Self, SourceError> {
        self.again(self.token.clone())
    }

    fn again(&self, token: Option<Token>) -> Result<Self, SourceError> {
        let (location, program) = (self.location.clone(), self.program.clone());
        Self::open(&self.directory, location, self.branch(), program, token)
    }

    /// Returns the branch that it mirrors, without `refs/heads/`.
    pub fn branch(&self) -> &str {
        self.reference.strip_prefix("refs/heads/").unwrap_or(&self.reference)
    }

    /// Brings the branch up to date and returns its head commit. The last head stays where this fails.
    pub fn fetch(&mut self) -> Result<String, SourceError> {
        if let Some(head) = self.unchanged() {
            return Ok(head);
        }
        let lock = MirrorLock::acquire(&self.directory, self.program.timeout)?;
        lock.clear_leftovers();
        let fetched = self.fetch_into(&self.directory, &lock);
        match fetched {
            Ok(()) if self.is_healthy() => {}
            Err(fault) if self.is_healthy() => return Err(fault),
            _ => self.rebuild_under(&lock)?,
        }
        self.head()?.ok_or_else(|| self.missing(Vec::new()))
    }

    /// Clones again beside the mirror and takes its place; the old one stays where this fails.
    pub fn rebuild(&mut self) -> Result<(), SourceError> {
        let lock = MirrorLock::acquire(&self.directory, self.program.timeout)?;
        self.rebuild_under(&lock)
    }

    /// Returns the head commit as of the last fetch.
    pub fn head(&self) -> Result<Option<String>, SourceError> {
        match self.repository.find_reference(&self.reference) {
            Ok(reference) => Ok(reference.target().map(|id| id.to_string())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(SourceError::Corrupt { what: self.reference.clone(), source: error }),
        }
    }

    /// Tells whether one commit is, or comes before, another. An unknown commit comes before nothing.
    pub fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool, SourceError> {
        let (Some(ancestor), Some(descendant)) = (self.known(ancestor), self.known(descendant))
        else {
            return Ok(false);
        };
        if ancestor == descendant {
            return Ok(true);
        }
        self.repository
            .graph_descendant_of(descendant, ancestor)
            .map_err(SourceError::corrupt("the history"))
    }

    /// Returns the best common ancestor of two commits.
    pub fn merge_base(&self, one: &str, two: &str) -> Result<Option<String>, SourceError> {
        let (Some(one), Some(two)) = (self.known(one), self.known(two)) else { return Ok(None) };
        match self.repository.merge_base(one, two) {
            Ok(base) => Ok(Some(base.to_string())),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(SourceError::Corrupt { what: "the history".to_owned(), source }),
        }
    }

    /// Returns who wrote a commit, as `name <email>` that can be shown.
    pub fn author_of(&self, commit: &str) -> Result<String, SourceError> {
        let gone = || SourceError::Gone { commit: escaped(commit.as_bytes()) };
        let id = self.known(commit).ok_or_else(gone)?;
        let commit = self.repository.find_commit(id).map_err(|_| gone())?;
        Ok(author(&commit))
    }

    /// Returns the repository, to read and to write objects.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Returns where the repository is that this mirrors.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Returns how git is run for it.
    pub(crate) fn transport(&self) -> (&Program, Option<&Token>) {
        (&self.program, self.token.as_ref())
    }

    fn known(&self, commit: &str) -> Option<Oid> {
        let id = Oid::from_str(commit).ok()?;
        self.repository.find_commit(id).ok().map(|found| found.id())
    }

    /// Compares the refs of a repository on this machine, which is cheaper than any fetch.
    fn unchanged(&self) -> Option<String> {
        let theirs = head_of_local(self.location.local_path()?, &self.reference)?.to_string();
        self.head().ok()?.filter(|ours| *ours == theirs && self.is_healthy())
    }

    /// Tells whether the head commit and its tree can be read, and no ref is damaged.
    fn is_healthy(&self) -> bool {
        match self.head() {
            Ok(None) => {
                self.directory.join("HEAD").is_file() && self.directory.join("objects").is_dir()
            }
            Ok(Some(head)) => {
                Oid::from_str(&head).and_then(|id| self.repository.find_commit(id)?.tree()).is_ok()
            }
            Err(_) => false,
        }
    }

    fn fetch_into(&self, directory: &Path, lock: &MirrorLock) -> Result<(), SourceError> {
        let url = self.location.to_string();
        let refspec = format!("+{0}:{0}", self.reference);
        let arguments = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--force",
            "--update-head-ok",
            "--",
            &url,
            &refspec,
        ];
        let ended = self.program.run(&self.call(directory, Some(lock)), &arguments)?;
        if ended.success {
            return Ok(());
        }
        if ended.detail.contains("couldn't find remote ref") {
            return Err(self.missing(self.branches(directory)?));
        }
        Err(fault(&self.location, &ended.detail))
    }

    fn call<'a>(&'a self, directory: &'a Path, lock: Option<&'a MirrorLock>) -> Call<'a> {
        Call { repository: directory, location: &self.location, token: self.token.as_ref(), lock }
    }

    /// Asks the other side for its branches.
    fn branches(&self, directory: &Path) -> Result<Vec<String>, SourceError> {
        let url = self.location.to_string();
        let arguments = ["ls-remote", "--quiet", "--heads", "--", &url];
        let ended = self.program.run(&self.call(directory, None), &arguments)?;
        if !ended.success {
            return Err(fault(&self.location, &ended.detail));
        }
        let names = ended.stdout.lines().filter_map(|line| line.split_once("\trefs/heads/"));
        Ok(names.map(|(_, name)| escaped(name.as_bytes())).take(20).collect())
    }

    fn missing(&self, known: Vec<String>) -> SourceError {
        let location = self.location.to_string();
        let branch = self.reference.trim_start_matches("refs/heads/").to_owned();
        if known.is_empty() {
            return SourceError::EmptyRepository { location, branch };
        }
        SourceError::MissingBranch { location, branch, known }
    }

    fn rebuild_under(&mut self, lock: &MirrorLock) -> Result<(), SourceError> {
        let (fresh, old) = (beside(&self.directory, "new"), beside(&self.directory, "old"));
        remove(&fresh)?;
        remove(&old)?;
        initialise(&fresh, &self.reference)?;
        if let Err(fault) = self.fetch_into(&fresh, lock) {
            remove(&fresh)?;
            return Err(fault);
        }
        fs::rename(&self.directory, &old).map_err(SourceError::io("move", &self.directory))?;
        fs::rename(&fresh, &self.directory).map_err(SourceError::io("move", &fresh))?;
        self.repository = Repository::open_bare(&self.directory)
            .map_err(SourceError::git("open the mirror that was made again"))?;
        remove(&old)
    }
}

/// Returns who wrote a commit, as `name <email>` that can be shown.
pub(crate) fn author(commit: &git2::Commit<'_>) -> String {
    signed(&commit.author())
}

/// Returns whom a signature is of, as `name <email>` that can be shown.
pub(super) fn signed(signature: &git2::Signature<'_>) -> String {
    let part = |bytes: &[u8]| escaped(bytes).chars().take(120).collect::<String>();
    format!("{} <{}>", part(signature.name_bytes()), part(signature.email_bytes()))
}

/// Opens the repository at exactly this path, never one above it.
pub(crate) fn open_here(path: &Path) -> Result<Repository, git2::Error> {
    Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&Path>())
}

/// Returns the commit of a ref of a repository on this machine.
fn head_of_local(path: &Path, reference: &str) -> Option<Oid> {
    let repository = open_here(path).ok()?;
    let found = repository.find_reference(reference).ok()?.resolve().ok()?;
    found.target()
}

/// Returns the default branch: of a local repository by its HEAD, of a remote one by asking it.
pub(crate) fn default_branch(
    location: &Location,
    program: &Program,
    token: Option<&Token>,
) -> Result<String, SourceError> {
    let short = |target: &str| target.strip_prefix("refs/heads/").map(str::to_owned);
    if let Some(path) = location.local_path() {
        let named = open_here(path).ok().and_then(|repository| {
            let head = repository.find_reference("HEAD").ok()?;
            short(head.symbolic_target().ok()??)
        });
        return Ok(named.unwrap_or_else(|| "main".to_owned()));
    }
    let url = location.to_string();
    let nowhere = Path::new("/dev/null");
    let call = Call { repository: nowhere, location, token, lock: None };
    let ended = program.run(&call, &["ls-remote", "--quiet", "--symref", "--", &url, "HEAD"])?;
    if !ended.success {
        return Err(fault(location, &ended.detail));
    }
    let named =
        ended.stdout.lines().find_map(|line| line.strip_prefix("ref: ")?.strip_suffix("\tHEAD"));
    Ok(named.and_then(short).unwrap_or_else(|| "main".to_owned()))
}

/// Makes a mirror where there is none, unless another process has just made it or is putting a new one in place.
fn make(directory: &Path, reference: &str, patience: Duration) -> Result<Repository, SourceError> {
    let parent = directory.parent().unwrap_or(directory);
    private(parent)?;
    let _lock = MirrorLock::acquire(directory, patience)?;
    Repository::open_bare(directory).or_else(|_| initialise(directory, reference))
}

fn private(directory: &Path) -> Result<(), SourceError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(SourceError::io("make", directory))
}

fn initialise(directory: &Path, reference: &str) -> Result<Repository, SourceError> {
    remove(directory)?;
    private(directory)?;
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head(reference);
    Repository::init_opts(directory, &options).map_err(SourceError::git("make a mirror"))
}

fn remove(directory: &Path) -> Result<(), SourceError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(SourceError::io("remove", directory)(error))
        }
        _ => Ok(()),
    }
}
