//! A bare repository that people of the demo commit to, and what can be read back from it.

use std::path::{Path, PathBuf};

use git2::{ObjectType, Repository as Git, RepositoryInitOptions, TreeWalkMode, TreeWalkResult};
use url::Url;

use crate::cli::output::Failure;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::source::{Author, FileChange, commit_files};

/// The branch that counts.
pub(super) const BRANCH: &str = "main";

/// Somebody who commits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person(pub(super) &'static str, pub(super) &'static str);

/// A commit as the log shows it.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    /// Its whole id.
    pub(super) id: String,
    /// Who wrote it.
    pub(super) author: String,
    /// First line of its message.
    pub(super) subject: String,
    /// How many parents it has.
    pub(super) parents: usize,
    /// Files that it changed against its first parent, with `A`, `M` or `D`.
    pub(super) files: Vec<(char, String)>,
}

/// A bare repository.
#[derive(Clone, Debug)]
pub(super) struct Repository {
    path: PathBuf,
}

impl Repository {
    /// Makes an empty one.
    pub(super) fn init(path: &Path) -> Result<Self, Failure> {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).initial_head(BRANCH);
        Git::init_opts(path, &options)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Returns where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where it is as a `file://` URL.
    pub(super) fn url(&self) -> Result<String, Failure> {
        let url = Url::from_file_path(&self.path);
        let url = url.map_err(|()| Failure::failed("the temporary folder has no absolute path"))?;
        Ok(url.into())
    }

    /// Commits on top of the branch, as a person with a clone would; returns the commit.
    pub(super) fn commit(
        &self,
        Person(name, email): Person,
        message: &str,
        files: &[FileChange],
    ) -> Result<Commit, Failure> {
        let git = Git::open_bare(&self.path)?;
        let base = git.refname_to_id(&format!("refs/heads/{BRANCH}")).ok();
        let at = SystemClock.now();
        let author = Author { name: name.to_owned(), email: email.to_owned(), at };
        let id = commit_files(&git, base, files, message, &author)?;
        git.reference(&format!("refs/heads/{BRANCH}"), id, true, message)?;
        let newest = self.log(1)?.pop();
        newest.ok_or_else(|| Failure::failed("the commit that was just made is not there"))
    }

    /// Reads the newest commits of the branch, newest first.
    pub(super) fn log(&self, most: usize) -> Result<Vec<Commit>, Failure> {
        let git = Git::open_bare(&self.path)?;
        let mut walk = git.revwalk()?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL)?;
        walk.push_ref(&format!("refs/heads/{BRANCH}"))?;
        let mut commits = Vec::new();
        for id in walk.take(most) {
            let commit = git.find_commit(id?)?;
            commits.push(Commit {
                id: commit.id().to_string(),
                author: String::from_utf8_lossy(commit.author().name_bytes()).into_owned(),
                subject: first_line(commit.message_bytes()),
                parents: commit.parent_count(),
                files: changed(&git, &commit)?,
            });
        }
        Ok(commits)
    }

    /// Lists the files of the branch.
    pub(super) fn files(&self) -> Result<Vec<String>, Failure> {
        let git = Git::open_bare(&self.path)?;
        let tree = git.revparse_single(BRANCH)?.peel_to_tree()?;
        let mut files = Vec::new();
        tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(ObjectType::Blob) {
                files.push(format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes())));
            }
            TreeWalkResult::Ok
        })?;
        Ok(files)
    }

    /// Reads a file of the branch; nothing where there is none.
    pub(super) fn read(&self, path: &str) -> Result<Option<String>, Failure> {
        self.read_at(BRANCH, path)
    }

    /// Reads a file of a revision; nothing where there is none.
    pub(super) fn read_at(&self, revision: &str, path: &str) -> Result<Option<String>, Failure> {
        let git = Git::open_bare(&self.path)?;
        let tree = git.revparse_single(revision)?.peel_to_tree()?;
        let Ok(entry) = tree.get_path(Path::new(path)) else { return Ok(None) };
        let blob = git.find_blob(entry.id())?;
        Ok(Some(String::from_utf8_lossy(blob.content()).into_owned()))
    }
}

fn first_line(message: &[u8]) -> String {
    String::from_utf8_lossy(message).lines().next().unwrap_or_default().to_owned()
}

fn changed(git: &Git, commit: &git2::Commit<'_>) -> Result<Vec<(char, String)>, Failure> {
    let before = commit.parent(0).ok().map(|parent| parent.tree()).transpose()?;
    let diff = git.diff_tree_to_tree(before.as_ref(), Some(&commit.tree()?), None)?;
    let file = |delta: git2::DiffDelta<'_>| {
        let sign = match delta.status() {
            git2::Delta::Added => 'A',
            git2::Delta::Deleted => 'D',
            _ => 'M',
        };
        let path = delta.new_file().path().or_else(|| delta.old_file().path());
        (sign, path.map(|path| path.display().to_string()).unwrap_or_default())
    };
    Ok(diff.deltas().map(file).collect())
}
