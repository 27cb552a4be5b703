//! A desk for the tests of hooks and jobs: a clone that a person works in, the server that it pushes to, real git.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A service of the catalog.
pub(crate) const SERVICE: &str = "services/platform/platform-handbook.yaml";

/// How a program ended, and all that it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

impl Ended {
    /// Fails where it did not end well.
    pub(crate) fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self.said
    }

    /// Fails where it ended well, or did not say all of this.
    pub(crate) fn refused(self, said: &[&str]) {
        assert_ne!(self.code, Some(0), "{}", self.said);
        for text in said {
            assert!(self.said.contains(text), "`{text}` is missing in\n{}", self.said);
        }
    }
}

/// A folder with `work`, a clone of `server.git`, in which the new catalog of `trueline init` is pushed.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with_catalog_in("")
    }

    /// The same with the catalog in a folder of the repository.
    pub(crate) fn with_catalog_in(below: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(desk.path("home")).unwrap();
        desk.run("", "git", &["init", "-q", "--bare", "-b", "main", "server.git"]).fine();
        desk.run("", "git", &["init", "-q", "-b", "main", "work"]).fine();
        desk.git(&["remote", "add", "origin", "../server.git"]).fine();
        let catalog = if below.is_empty() { "." } else { below };
        desk.trueline(&["init", catalog]).fine();
        desk.git(&["add", "-A"]).fine();
        desk.git(&["commit", "-q", "-m", "begin"]).fine();
        desk.git(&["push", "-q", "-u", "origin", "main"]).fine();
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program in a folder of the desk, away from whatever is configured on this machine; `trueline` is on its PATH.
    pub(crate) fn command(&self, folder: &str, program: &str, arguments: &[&str]) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_trueline")).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([binary].into_iter().chain(std::env::split_paths(&path)));
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path(folder))
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.com")])
            .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.com")])
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, folder: &str, program: &str, arguments: &[&str]) -> Ended {
        ended(&mut self.command(folder, program, arguments))
    }

    /// Runs git in the clone.
    pub(crate) fn git(&self, arguments: &[&str]) -> Ended {
        self.run("work", "git", arguments)
    }

    /// Runs git on the server.
    pub(crate) fn server(&self, arguments: &[&str]) -> Ended {
        self.run("server.git", "git", arguments)
    }

    /// Runs the program in the clone.
    pub(crate) fn trueline(&self, arguments: &[&str]) -> Ended {
        self.run("work", "trueline", arguments)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path("work").join(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path("work").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Lets the service ask for what there is not.
    pub(crate) fn break_service(&self) {
        self.write(SERVICE, &self.read(SERVICE).replace(": repository-standard", ": no-such-item"));
    }

    /// Mends the service, and changes something else of it so that there is something to commit.
    pub(crate) fn mend_service(&self, description: &str) {
        let text = self.read(SERVICE).replace(": no-such-item", ": repository-standard");
        self.write(SERVICE, &text.replace("How the platform team works", description));
    }

    /// Commits all that there is, past the hooks.
    pub(crate) fn commit_unseen(&self) -> String {
        self.git(&["add", "-A"]).fine();
        self.git(&["commit", "-q", "--no-verify", "-m", "change"]).fine();
        self.head()
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"]).fine().trim().to_owned()
    }

    /// Returns the commit of a branch on the server; nothing where there is none.
    pub(crate) fn on_server(&self, branch: &str) -> Option<String> {
        let name = format!("refs/heads/{branch}");
        let found = self.server(&["rev-parse", "--quiet", "--verify", &name]);
        (found.code == Some(0)).then(|| found.said.trim().to_owned())
    }
}

pub(crate) fn ended(command: &mut Command) -> Ended {
    let output = command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { code: output.status.code(), said: text(&output.stdout) + &text(&output.stderr) }
}
