//! Secrets of this machine: variables of the environment, files of a folder.

use std::path::PathBuf;

use async_trait::async_trait;

use super::{Owner, SecretSource};
use crate::run::Fault;
use crate::secret::Secret;

/// The largest secret that is read, in bytes.
const MAX_SECRET_BYTES: usize = 64 << 10;

/// Secrets in the environment of the process: `TRUELINE_SECRET_<TEAM>_<NAME>`, the team in capitals with `_` for `-`;
/// the operator's own are `TRUELINE_SECRET_<NAME>`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvironmentSecrets;

impl EnvironmentSecrets {
    /// Returns the variable that a secret is read from.
    pub fn variable(owner: Owner<'_>, name: &str) -> String {
        match owner {
            Owner::Operator => format!("TRUELINE_SECRET_{name}"),
            Owner::Team(team) => {
                format!("TRUELINE_SECRET_{}_{name}", team.to_ascii_uppercase().replace('-', "_"))
            }
        }
    }
}

#[async_trait]
impl SecretSource for EnvironmentSecrets {
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        let variable = Self::variable(owner, name);
        let missing = || {
            Fault::terminal(format!(
                "secret `{name}` of {owner} is not there: set the environment variable {variable}"
            ))
        };
        let value = std::env::var(&variable).map_err(|_| missing())?;
        Ok(Secret::new(value.trim_end_matches(['\r', '\n'])))
    }
}

/// Secrets as files of a folder: `<folder>/<team>/<NAME>`, the operator's own `<folder>/<NAME>`.
#[derive(Clone, Debug)]
pub struct FolderSecrets {
    /// The folder.
    pub folder: PathBuf,
}

#[async_trait]
impl SecretSource for FolderSecrets {
    async fn find(&self, owner: Owner<'_>, name: &str) -> Result<Secret, Fault> {
        let plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        };
        let folder = match owner {
            Owner::Operator => "",
            Owner::Team(team) if plain(team) => team,
            Owner::Team(team) => {
                return Err(Fault::terminal(format!("`{team}` can't be the name of a team")));
            }
        };
        if !plain(name) {
            return Err(Fault::terminal(format!("`{name}` can't name a secret")));
        }
        let path = self.folder.join(folder).join(name);
        let text = tokio::fs::read_to_string(&path).await.map_err(|error| {
            Fault::terminal(format!(
                "secret `{name}` of {owner} can't be read from the secrets folder: {}",
                error.kind()
            ))
        })?;
        if text.len() > MAX_SECRET_BYTES {
            return Err(Fault::terminal(format!(
                "secret `{name}` of {owner} is larger than 64 KiB"
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
        std::fs::write(folder.path().join("TOKEN"), "t0ken").expect("a file");
        let found = secrets.find(Owner::Team("payments"), "ADMIN").await.expect("a secret");
        assert_eq!(found.reveal(), "s3cret");
        let own = secrets.find(Owner::Operator, "TOKEN").await.expect("a secret");
        assert_eq!(own.reveal(), "t0ken");
        for (team, name) in
            [("payments", "OTHER"), ("..", "ADMIN"), ("payments", "../ADMIN"), ("", "")]
        {
            assert!(secrets.find(Owner::Team(team), name).await.is_err(), "{team}/{name}");
        }
    }

    #[test]
    fn the_variable_names_team_and_secret() {
        assert_eq!(
            EnvironmentSecrets::variable(Owner::Team("data-core"), "DB"),
            "TRUELINE_SECRET_DATA_CORE_DB"
        );
    }
}
