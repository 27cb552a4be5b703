//! Where secrets come from. A name resolves under the owner's prefix: `<team>/<NAME>`. Values are never stored.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::run::Fault;
use crate::secret::Secret;

/// The largest secret that is read, in bytes.
const MAX_SECRET_BYTES: usize = 64 << 10;

/// Finds a secret by the team that owns it and its name.
#[async_trait]
pub trait SecretSource: Send + Sync {
    /// Finds a secret; a terminal fault where there is none, which never lists others.
    async fn find(&self, team: &str, name: &str) -> Result<Secret, Fault>;
}

/// Secrets in the environment of the process: `TRUELINE_SECRET_<TEAM>_<NAME>`, the team in capitals with `_` for `-`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvironmentSecrets;

impl EnvironmentSecrets {
    /// Returns the variable that a secret is read from.
    pub fn variable(team: &str, name: &str) -> String {
        format!("TRUELINE_SECRET_{}_{name}", team.to_ascii_uppercase().replace('-', "_"))
    }
}

#[async_trait]
impl SecretSource for EnvironmentSecrets {
    async fn find(&self, team: &str, name: &str) -> Result<Secret, Fault> {
        let variable = Self::variable(team, name);
        let missing = || {
            Fault::terminal(format!(
                "secret `{name}` of team `{team}` is not there: set the environment variable {variable}"
            ))
        };
        let value = std::env::var(&variable).map_err(|_| missing())?;
        Ok(Secret::new(value.trim_end_matches(['\r', '\n'])))
    }
}

/// Secrets as files of a folder: `<folder>/<team>/<NAME>`.
#[derive(Clone, Debug)]
pub struct FolderSecrets {
    /// The folder.
    pub folder: PathBuf,
}

#[async_trait]
impl SecretSource for FolderSecrets {
    async fn find(&self, team: &str, name: &str) -> Result<Secret, Fault> {
        let plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        if !plain(team) || !plain(name) {
            return Err(Fault::terminal(format!("`{team}/{name}` can't name a secret")));
        }
        let path = self.folder.join(team).join(name);
        let text = tokio::fs::read_to_string(&path).await.map_err(|error| {
            Fault::terminal(format!(
                "secret `{name}` of team `{team}` can't be read from the secrets folder: {}",
                error.kind()
            ))
        })?;
        if text.len() > MAX_SECRET_BYTES {
            return Err(Fault::terminal(format!(
                "secret `{name}` of team `{team}` is larger than 64 KiB"
            )));
        }
        Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_gives_a_secret_without_its_line_end_and_refuses_odd_names() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("payments")).expect("a folder");
        std::fs::write(folder.path().join("payments/ADMIN"), "s3cret\n").expect("a file");
        let secrets = FolderSecrets { folder: folder.path().to_owned() };
        assert_eq!(secrets.find("payments", "ADMIN").await.expect("a secret").reveal(), "s3cret");
        for (team, name) in
            [("payments", "OTHER"), ("..", "ADMIN"), ("payments", "../ADMIN"), ("", "")]
        {
            assert!(secrets.find(team, name).await.is_err(), "{team}/{name}");
        }
    }

    #[test]
    fn the_variable_names_team_and_secret() {
        assert_eq!(EnvironmentSecrets::variable("data-core", "DB"), "TRUELINE_SECRET_DATA_CORE_DB");
    }
}
