//! Where git looks for the hooks of a repository, and scripts that are put there. It runs none, and replaces none unasked.

use std::fs::Permissions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use git2::ConfigLevel;

use super::error::SourceError;
use super::repository::Repository;

/// What is added to the name of a hook that another takes the place of.
const KEPT: &str = "before-trueline";

/// The folder in which git looks for the hooks of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFolder {
    /// The folder, which may not be there yet.
    pub path: PathBuf,
    /// Tells whether other repositories look there, too: `core.hooksPath` of a person or a machine names it.
    pub shared: bool,
}

/// What stands where a hook is to be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Nothing,
    /// The very same script.
    Same,
    /// Something else.
    Other,
}

impl HookFolder {
    /// Finds the folder: `core.hooksPath` where it is set, else `hooks` in the repository.
    pub fn of(repository: &Repository) -> Result<Self, SourceError> {
        let git = &repository.git;
        let config = git.config().map_err(SourceError::git("read the configuration of git"))?;
        let Ok(entry) = config.get_entry("core.hooksPath") else {
            return Ok(Self { path: git.commondir().join("hooks"), shared: false });
        };
        let level = entry.level();
        let named =
            config.get_path("core.hooksPath").map_err(SourceError::git("read core.hooksPath"))?;
        // Git runs hooks in the root of the working tree, where there is one.
        let path = git.workdir().unwrap_or(git.path()).join(named);
        let shared = !matches!(level, ConfigLevel::Local | ConfigLevel::Worktree);
        Ok(Self { path, shared })
    }

    /// Tells what stands where a hook is to be put. A link counts as what it is, not as what it leads to.
    pub fn standing(&self, name: &str, script: &str) -> Result<Standing, SourceError> {
        let path = self.path.join(name);
        let wrong = || SourceError::io("read the hook", &path);
        match std::fs::symlink_metadata(&path) {
            Err(fault) if fault.kind() == ErrorKind::NotFound => Ok(Standing::Nothing),
            Err(fault) => Err(wrong()(fault)),
            Ok(found) if found.is_file() && found.permissions().mode() & 0o100 != 0 => {
                let text = std::fs::read(&path).map_err(wrong())?;
                Ok(if text == script.as_bytes() { Standing::Same } else { Standing::Other })
            }
            Ok(_) => Ok(Standing::Other),
        }
    }

    /// Puts a script in the place of a hook; returns where the hook that was there is kept.
    pub fn put(&self, name: &str, script: &str) -> Result<Option<PathBuf>, SourceError> {
        let path = self.path.join(name);
        let wrong = || SourceError::io("write the hook", &path);
        std::fs::create_dir_all(&self.path).map_err(wrong())?;
        let mut file = tempfile::NamedTempFile::new_in(&self.path).map_err(wrong())?;
        file.write_all(script.as_bytes()).map_err(wrong())?;
        std::fs::set_permissions(file.path(), Permissions::from_mode(0o755)).map_err(wrong())?;
        let kept = match self.standing(name, script)? {
            Standing::Nothing => None,
            Standing::Same => return Ok(None),
            Standing::Other => Some(set_aside(&path)?),
        };
        file.persist_noclobber(&path).map_err(|fault| wrong()(fault.error))?;
        Ok(kept)
    }
}

/// Gives a hook another name that is free, under which git does not run it.
fn set_aside(path: &Path) -> Result<PathBuf, SourceError> {
    let taken = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    let mut kept = path.with_extension(KEPT);
    let mut number = 2_u32;
    while taken(&kept) {
        kept = path.with_extension(format!("{KEPT}-{number}"));
        number += 1;
    }
    std::fs::rename(path, &kept).map_err(SourceError::io("rename the hook", path))?;
    Ok(kept)
}

/// Sets a value of a repository's own configuration, which its hooks read.
pub fn configure(repository: &Repository, key: &str, value: &str) -> Result<(), SourceError> {
    let config = repository.git.config().and_then(|config| config.open_level(ConfigLevel::Local));
    config
        .and_then(|mut config| config.set_str(key, value))
        .map_err(SourceError::git("write the configuration of git"))
}
