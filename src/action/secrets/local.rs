//! Secrets of this machine: variables of the environment, files of a folder.

use std::env::VarError;
use std::io::ErrorKind;
use std::path::PathBuf;

use async_trait::async_trait;
use tokio::io::AsyncReadExt as _;

use super::source::{MAX_SECRET_BYTES, Owner, SecretKeeper, checked};
use crate::run::Fault;
use crate::secret::Secret;

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
impl SecretKeeper for EnvironmentSecrets {
    async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
        let variable = Self::variable(owner, name);
        match std::env::var(&variable) {
            Ok(value) => checked(&value, owner, name).map(Some),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => {
                Err(Fault::terminal(format!("the environment variable {variable} is not UTF-8")))
            }
        }
    }

    fn place(&self, owner: Owner<'_>, name: &str) -> String {
        format!("the environment variable {}", Self::variable(owner, name))
    }
}

/// Secrets as files of a folder: `<folder>/<team>/<NAME>`, the operator's own `<folder>/<NAME>`.
#[derive(Clone, Debug)]
pub struct FolderSecrets {
    /// The folder.
    pub folder: PathBuf,
}

impl FolderSecrets {
    fn path(&self, owner: Owner<'_>, name: &str) -> PathBuf {
        match owner {
            Owner::Operator => self.folder.join(name),
            Owner::Team(team) => self.folder.join(team).join(name),
        }
    }
}

#[async_trait]
impl SecretKeeper for FolderSecrets {
    async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
        let wrong = |why: &dyn std::fmt::Display| {
            Fault::terminal(format!(
                "secret `{name}` of {owner} can't be read from the secrets folder: {why}"
            ))
        };
        let path = self.path(owner, name);
        let file = match tokio::fs::File::open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(&error.kind())),
        };
        if file.metadata().await.is_ok_and(|about| !about.is_file()) {
            return Err(wrong(&"it is not a file"));
        }
        let mut bytes = Vec::new();
        let limit = u64::try_from(MAX_SECRET_BYTES).unwrap_or(u64::MAX) + 8;
        file.take(limit).read_to_end(&mut bytes).await.map_err(|error| wrong(&error.kind()))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong(&"it is not UTF-8"))?;
        checked(&text, owner, name).map(Some)
    }

    fn place(&self, owner: Owner<'_>, name: &str) -> String {
        match owner {
            Owner::Operator => format!("`{name}` in the secrets folder"),
            Owner::Team(team) => format!("`{team}/{name}` in the secrets folder"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::SecretSource as _;

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
        for (name, text) in [("EMPTY", String::new()), ("HUGE", "x".repeat(65 << 10))] {
            std::fs::write(folder.path().join(name), text).expect("a file");
            assert!(secrets.find(Owner::Operator, name).await.is_err(), "{name}");
        }
        // The operator's own are no secrets of a team, nor is a team's folder one of the operator's.
        assert!(secrets.find(Owner::Team("TOKEN"), "TOKEN").await.is_err());
        assert!(secrets.find(Owner::Operator, "payments").await.is_err());
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
