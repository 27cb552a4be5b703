//! Repositories for tests, made with the real program `git`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A bare repository in a temporary folder.
pub(crate) struct Repo {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Repo {
    /// Makes an empty bare repository whose HEAD names `main`.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.git");
        let repo = Self { folder, path };
        repo.git(
            &["init", "--quiet", "--bare", "--initial-branch=main", repo.path.to_str().unwrap()],
            "",
        );
        repo
    }

    /// Runs git in the repository and returns what it prints.
    pub(crate) fn git(&self, arguments: &[&str], input: &str) -> String {
        self.try_git(arguments, input.as_bytes()).unwrap()
    }

    pub(crate) fn try_git(&self, arguments: &[&str], input: &[u8]) -> Result<String, String> {
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(self.folder.path())
            .env("GIT_DIR", &self.path)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs([("GIT_AUTHOR_NAME", "Ann"), ("GIT_AUTHOR_EMAIL", "ann@team.example")])
            .envs([("GIT_COMMITTER_NAME", "Ann"), ("GIT_COMMITTER_EMAIL", "ann@team.example")])
            .env("GIT_AUTHOR_DATE", "1700000000 +0000")
            .env("GIT_COMMITTER_DATE", "1700000000 +0000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Writes a blob.
    pub(crate) fn blob(&self, text: &str) -> String {
        self.git(&["hash-object", "-w", "--stdin"], text)
    }

    /// Writes one tree of entries `mode type id\tname`, unchecked, by mktree.
    pub(crate) fn mktree(&self, entries: &[(&str, &str, &str, &str)]) -> String {
        let lines =
            entries.iter().map(|(mode, kind, id, name)| format!("{mode} {kind} {id}\t{name}\0"));
        self.git(&["mktree", "-z", "--missing"], &lines.collect::<String>())
    }

    /// Writes a tree exactly as given, where mktree would refuse or sort.
    pub(crate) fn raw_tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend(format!("{mode} ").as_bytes());
            bytes.extend(*name);
            bytes.push(0);
            bytes.extend(git2::Oid::from_str(id).unwrap().as_bytes());
        }
        self.try_git(&["hash-object", "-w", "-t", "tree", "--literally", "--stdin"], &bytes)
            .unwrap()
    }

    /// Commits a tree on `main`, after what is there.
    pub(crate) fn commit_root(&self, tree: &str) -> String {
        let parent = self.try_git(&["rev-parse", "--verify", "--quiet", "refs/heads/main"], b"");
        let mut arguments = vec!["commit-tree", "-m", "change", tree];
        if let Ok(parent) = &parent {
            arguments.extend(["-p", parent.as_str()]);
        }
        let commit = self.git(&arguments, "");
        self.git(&["update-ref", "refs/heads/main", &commit], "");
        commit
    }

    /// Commits exactly these files on `main`, after what is there.
    pub(crate) fn commit_tree(&self, files: &[(&str, &str)]) -> String {
        let parent =
            self.try_git(&["rev-parse", "--verify", "--quiet", "refs/heads/main"], b"").ok();
        self.commit_on("main", parent.as_deref(), files)
    }

    /// Commits exactly these files on a branch, after a parent.
    pub(crate) fn commit_on(
        &self,
        branch: &str,
        parent: Option<&str>,
        files: &[(&str, &str)],
    ) -> String {
        let mut stream = format!(
            "commit refs/heads/{branch}\ncommitter Ann <ann@team.example> 1700000000 +0000\ndata 6\nchange\n"
        );
        if let Some(parent) = parent {
            stream += "from ";
            stream += parent;
            stream += "\n";
        }
        stream += "deleteall\n";
        for (path, text) in files {
            let size = text.len();
            stream.extend([format!(
                "M 100644 inline {path}
data {size}
{text}
"
            )]);
        }
        self.git(&["fast-import", "--quiet", "--force"], &stream);
        self.git(&["rev-parse", &format!("refs/heads/{branch}")], "")
    }

    /// Opens it through libgit2.
    pub(crate) fn open(&self) -> git2::Repository {
        git2::Repository::open_bare(&self.path).unwrap()
    }

    /// Returns a path next to the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the path as text.
    pub(crate) fn url(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

/// Writes a file and the folders above it.
pub(crate) fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
