//! Reaches GitHub as the operator set it up: which repository a text means, and the client of it. It keeps no secret.

mod missed;
mod sender;
#[cfg(test)]
pub(super) mod testing;

use std::path::Path;
use std::sync::Arc;

pub use self::missed::deliver_missed;
pub(super) use self::sender::GitHubSender;
pub(super) use self::sender::about;
use super::action::Ports;
use super::operator::GitHubSettings;
use super::secrets::Owner;
use crate::forge::github::{Address, Credential, GitHub, RepositoryName};
use crate::run::Fault;
use crate::secret::Secret;

/// The largest private key that is read, in bytes.
const MAX_KEY_BYTES: u64 = 64 << 10;

/// Returns the repository on GitHub that a text means: `owner/name`, or a URL on its host; nothing where it is
/// something else, or where no GitHub is set up.
pub(super) fn repository(ports: &Ports, text: &str) -> Result<Option<RepositoryName>, Fault> {
    match &ports.operator.github {
        Some(settings) => github_repository(settings, text),
        None => Ok(None),
    }
}

/// Returns the repository that a text means on the GitHub of these settings: `owner/name`, or a URL on its host.
pub fn github_repository(
    settings: &GitHubSettings,
    text: &str,
) -> Result<Option<RepositoryName>, Fault> {
    Ok(Address::read(settings.api_url.as_deref())?.repository(text))
}

/// Makes the client of a repository.
pub(super) async fn connect(ports: &Ports, repository: RepositoryName) -> Result<GitHub, Fault> {
    let Some(settings) = &ports.operator.github else { return Err(missing(&repository)) };
    let address = Address::read(settings.api_url.as_deref())?;
    let credential = credential(ports, settings).await?;
    let memory = Arc::clone(&ports.operator.github_memory);
    GitHub::new(Arc::clone(&ports.http), (address, repository), credential, memory)
}

/// Makes the client of the repository that a text means; nothing where it is not on the GitHub that is set up.
pub async fn connect_github(ports: &Ports, text: &str) -> Result<Option<GitHub>, Fault> {
    match repository(ports, text)? {
        Some(repository) => connect(ports, repository).await.map(Some),
        None => Ok(None),
    }
}

/// Checks how GitHub is set up, as far as that is seen without asking it: where it is, and whether who we are there
/// can be read and used.
pub async fn check_github(ports: &Ports) -> Result<(), Fault> {
    let Some(settings) = &ports.operator.github else { return Ok(()) };
    Address::read(settings.api_url.as_deref())?;
    credential(ports, settings).await?.check()
}

/// Says that no GitHub is set up.
pub(super) fn missing(repository: impl std::fmt::Display) -> Fault {
    Fault::terminal(format!(
        "`{repository}` is on GitHub, which is not set up; the operator sets up `[forge.github]`"
    ))
}

async fn credential(ports: &Ports, settings: &GitHubSettings) -> Result<Credential, Fault> {
    match (settings.app_id, &settings.private_key_file, &settings.token) {
        (Some(id), Some(path), _) => Ok(Credential::App { id, key: private_key(path).await? }),
        (None, None, Some(token)) => {
            let token = ports.secrets.find(Owner::Operator, &token.secret).await?;
            Ok(Credential::Token(token))
        }
        (None, None, None) => Err(Fault::terminal(
            "`[forge.github]` has no credential: the operator writes `token`, or `appId` and `privateKeyFile`",
        )),
        _ => Err(Fault::terminal(
            "`[forge.github]` has half an App: the operator writes both `appId` and `privateKeyFile`",
        )),
    }
}

async fn private_key(path: &Path) -> Result<Secret, Fault> {
    let unreadable = |why: String| {
        Fault::terminal(format!(
            "the private key of the GitHub App can't be read from `forge.github.privateKeyFile`: {why}"
        ))
    };
    let length =
        tokio::fs::metadata(path).await.map_err(|error| unreadable(error.kind().to_string()))?;
    if length.len() > MAX_KEY_BYTES {
        return Err(unreadable("it is larger than 64 KiB".to_owned()));
    }
    let text = tokio::fs::read_to_string(path).await;
    text.map(Secret::new).map_err(|error| unreadable(error.kind().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::testing::ports;
    use crate::action::{Operator, SecretRef};
    use crate::run::FaultClass;

    async fn check(settings: GitHubSettings) -> Result<(), String> {
        let operator = Arc::new(Operator { github: Some(settings), ..Operator::default() });
        let checked = check_github(&Ports { operator, ..ports() }).await;
        checked.map_err(|fault| {
            assert_eq!(fault.class, FaultClass::Terminal, "{fault}");
            fault.message
        })
    }

    #[tokio::test]
    async fn what_can_not_work_is_told_before_anything_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let app = |path: std::path::PathBuf| GitHubSettings {
            app_id: Some(7),
            private_key_file: Some(path),
            ..GitHubSettings::default()
        };
        let key = folder.path().join("key.pem");
        std::fs::write(
            &key,
            "-----BEGIN RSA PRIVATE KEY-----\nbm8=\n-----END RSA PRIVATE KEY-----\n",
        )
        .unwrap();
        let token = |name: &str| GitHubSettings {
            token: Some(SecretRef { secret: name.to_owned() }),
            ..GitHubSettings::default()
        };
        for (settings, expected) in [
            (GitHubSettings::default(), "has no credential"),
            (GitHubSettings { app_id: Some(7), ..GitHubSettings::default() }, "has half an App"),
            (app(folder.path().join("gone")), "can't be read from `forge.github.privateKeyFile`"),
            (app(key), "must be an RSA key as PEM"),
            (token("NOBODY_HAS_THIS_ONE"), "NOBODY_HAS_THIS_ONE"),
            (GitHubSettings { api_url: Some("nowhere".to_owned()), ..token("A") }, "is no URL"),
        ] {
            let said = check(settings).await.expect_err("refused");
            assert!(said.contains(expected), "{said}");
        }
        assert_eq!(check_github(&ports()).await, Ok(()), "nobody set it up");
    }
}
