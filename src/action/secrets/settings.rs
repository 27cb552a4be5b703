//! How the operator sets up where secrets come from. It asks for none.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;

use super::aws::{AwsSecrets, AwsSettings, Service};
use super::chain::{Chain, Link};
use super::command::CommandSecrets;
use super::source::{Pattern, SecretKeeper, SecretSource};
use super::vault::{VaultAuth, VaultSecrets};
use super::{EnvironmentSecrets, FolderSecrets};
use crate::action::{Egress, HttpClient, HttpError};

/// Where secrets come from: `[secrets]`, and a table for each source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SecretsSettings {
    /// A source of kind `file`, in short.
    pub folder: Option<PathBuf>,
    /// Sources by their names; the environment alone where there are none and no folder.
    #[serde(flatten)]
    pub sources: BTreeMap<String, SourceSettings>,
}

/// One source.
#[derive(Clone, Debug, Deserialize)]
pub struct SourceSettings {
    /// Smaller ones are asked first; those of the same order by their names.
    #[serde(default)]
    pub order: i64,
    /// The teams that it serves; all of them, and the operator, where empty.
    #[serde(default)]
    pub teams: Vec<String>,
    /// Secrets of one team that others may use.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// What it is.
    #[serde(flatten)]
    pub kind: SourceKind,
}

/// A secret of one team that others may use, under the same name.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub of: String,
    /// Who may use it.
    pub teams: Vec<String>,
}

impl Grant {
    pub(super) fn gives(&self, team: &str, name: &str) -> bool {
        self.name == name && self.teams.iter().any(|known| known == team)
    }
}

/// What a source is.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum SourceKind {
    /// Variables of the environment.
    Env {},
    /// Files of a folder.
    File {
        /// The folder.
        folder: PathBuf,
    },
    /// What a program prints.
    Command {
        /// Its absolute path.
        program: PathBuf,
        /// Its arguments, with `{team}` and `{name}` in them.
        #[serde(default)]
        args: Vec<String>,
        /// What stands for `{team}` where the operator's own are asked for.
        #[serde(default)]
        operator: Option<String>,
        /// Variables of our environment that it is given.
        #[serde(default)]
        environment: Vec<String>,
        /// Exit codes by which it says that there is no such secret.
        #[serde(default)]
        missing: Vec<i32>,
        /// How long it may take, as a duration.
        #[serde(default)]
        timeout: Option<String>,
    },
    /// Vault, KV version 2.
    Vault {
        /// `https://vault.example.com`.
        url: String,
        /// A namespace of Vault Enterprise.
        #[serde(default)]
        namespace: Option<String>,
        /// Where the engine is mounted; `secret` where absent.
        #[serde(default)]
        mount: Option<String>,
        /// The path below it; `{team}/{name}` where absent.
        #[serde(default)]
        path: Option<String>,
        /// The key at the path; `value` where absent, and `{name}` may stand in it.
        #[serde(default)]
        field: Option<String>,
        /// What stands for `{team}` where the operator's own are asked for.
        #[serde(default)]
        operator: Option<String>,
        /// How it is proved who asks.
        auth: VaultAuth,
    },
    /// The Parameter Store of AWS.
    AwsParameters(AwsSettings),
    /// The Secrets Manager of AWS.
    AwsSecrets(AwsSettings),
}

impl SourceKind {
    /// Returns the URL that it asks at, where it asks at one.
    fn url(&self) -> Option<String> {
        match self {
            Self::Vault { url, .. } => Some(url.clone()),
            Self::AwsParameters(aws) => Some(AwsSecrets::endpoint(aws, Service::Parameters)),
            Self::AwsSecrets(aws) => Some(AwsSecrets::endpoint(aws, Service::Secrets)),
            Self::Env {} | Self::File { .. } | Self::Command { .. } => None,
        }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match self {
            Self::Command { program, timeout, .. } => {
                if !program.is_absolute() {
                    problems
                        .push(format!("program `{}` is not an absolute path", program.display()));
                }
                if timeout.as_ref().is_some_and(|text| crate::catalog::duration(text).is_none()) {
                    problems.push("timeout is not a duration such as `60s`".to_owned());
                }
            }
            Self::Vault { auth: VaultAuth::Token { token, token_file }, .. }
                if token.is_some() == token_file.is_some() =>
            {
                problems.push("auth names one of `token` and `tokenFile`".to_owned());
            }
            Self::AwsParameters(aws) | Self::AwsSecrets(aws)
                if aws.access_key_id.is_some() != aws.secret_access_key.is_some() =>
            {
                problems.push("accessKeyId and secretAccessKey go together".to_owned());
            }
            _ => {}
        }
        if let Some(url) = self.url()
            && host_and_port(&url).is_none()
        {
            problems.push(format!("`{url}` is not an http or https URL"));
        }
        problems
    }
}

/// Makes a source, where it is of the sort that is to be made.
type Make<'m> = &'m dyn Fn(&SourceKind) -> Option<Arc<dyn SecretKeeper>>;

impl SecretsSettings {
    /// Returns all values that can't be meant.
    pub fn problems(&self) -> Vec<String> {
        let of = |(name, source): (&String, &SourceSettings)| {
            let problems = source.kind.problems().into_iter();
            problems.map(|problem| format!("secrets.{name}: {problem}")).collect::<Vec<_>>()
        };
        self.sources.iter().flat_map(of).collect()
    }

    /// Makes the sources, each asked in its turn. Their own hosts are open to them, and to nobody else.
    pub fn source(
        &self,
        egress: &Egress,
        proxy: Option<&str>,
    ) -> Result<Arc<dyn SecretSource>, HttpError> {
        let mut sources: Vec<(&String, &SourceSettings)> = self.sources.iter().collect();
        sources.sort_by_key(|(name, source)| (source.order, *name));
        let near = self.links(&sources, &local);
        let own: Arc<dyn SecretSource> = Arc::new(Chain(near));
        let urls: Vec<String> =
            sources.iter().filter_map(|(_, source)| source.kind.url()).collect();
        if urls.is_empty() {
            return Ok(own);
        }
        let opened = urls.iter().filter_map(|url| host_and_port(url));
        let allow = egress.allow.iter().cloned().chain(opened).collect();
        let egress = Egress { allow, ..egress.clone() };
        let http = Arc::new(HttpClient::through(&egress, proxy)?);
        let any = |kind: &SourceKind| local(kind).or_else(|| remote(kind, &http, &own));
        Ok(Arc::new(Chain(self.links(&sources, &any))))
    }

    fn links(&self, sources: &[(&String, &SourceSettings)], make: Make<'_>) -> Vec<Link> {
        let mut links = Vec::new();
        let short = |name: &str, keeper: Arc<dyn SecretKeeper>| Link {
            name: name.to_owned(),
            keeper,
            teams: Vec::new(),
            grants: Vec::new(),
        };
        if let Some(folder) = &self.folder {
            links.push(short("folder", Arc::new(FolderSecrets { folder: folder.clone() })));
        } else if self.sources.is_empty() {
            links.push(short("environment", Arc::new(EnvironmentSecrets)));
        }
        links.extend(sources.iter().filter_map(|(name, source)| {
            let keeper = make(&source.kind)?;
            let (teams, grants) = (source.teams.clone(), source.grants.clone());
            Some(Link { name: (*name).clone(), keeper, teams, grants })
        }));
        links
    }
}

/// Makes a source of this machine.
fn local(kind: &SourceKind) -> Option<Arc<dyn SecretKeeper>> {
    Some(match kind {
        SourceKind::Env {} => Arc::new(EnvironmentSecrets),
        SourceKind::File { folder } => Arc::new(FolderSecrets { folder: folder.clone() }),
        SourceKind::Command { program, args, operator, environment, missing, timeout } => {
            let timeout = timeout.as_deref().and_then(crate::catalog::duration);
            Arc::new(CommandSecrets {
                program: program.clone(),
                arguments: args.clone(),
                operator: operator.clone(),
                environment: environment.clone(),
                missing: missing.clone(),
                timeout: timeout.unwrap_or(Duration::from_secs(30)),
            })
        }
        SourceKind::Vault { .. } | SourceKind::AwsParameters(_) | SourceKind::AwsSecrets(_) => {
            return None;
        }
    })
}

/// Makes a source elsewhere, whose own credentials come from this machine.
fn remote(
    kind: &SourceKind,
    http: &Arc<HttpClient>,
    own: &Arc<dyn SecretSource>,
) -> Option<Arc<dyn SecretKeeper>> {
    let (http, own) = (Arc::clone(http), Arc::clone(own));
    Some(match kind.clone() {
        SourceKind::Vault { url, namespace, mount, path, field, operator, auth } => {
            let text = path.unwrap_or_else(|| "{team}/{name}".to_owned());
            Arc::new(VaultSecrets {
                http,
                own,
                url: url.trim_end_matches('/').to_owned(),
                namespace,
                mount: mount.unwrap_or_else(|| "secret".to_owned()),
                path: Pattern { text, operator },
                field: field.unwrap_or_else(|| "value".to_owned()),
                auth,
                token: Mutex::default(),
            })
        }
        SourceKind::AwsParameters(settings) => {
            Arc::new(AwsSecrets { http, own, service: Service::Parameters, settings })
        }
        SourceKind::AwsSecrets(settings) => {
            Arc::new(AwsSecrets { http, own, service: Service::Secrets, settings })
        }
        SourceKind::Env {} | SourceKind::File { .. } | SourceKind::Command { .. } => return None,
    })
}

/// Returns the pattern that opens a URL's host.
fn host_and_port(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let said = match toml::from_str::<SecretsSettings>(text) {
            Ok(settings) => match settings.problems().as_slice() {
                [] => settings.source(&Egress::default(), None).map(|_| String::new()).unwrap(),
                problems => problems.join("; "),
            },
            Err(error) => error.message().to_owned(),
        };
        assert!(
            said.contains(expected) && said.is_empty() == expected.is_empty(),
            "{text}: {said}"
        );
    }

    #[test]
    fn every_kind_of_source_is_read_and_what_cannot_be_meant_is_told() {
        check("", "");
        check("folder = '/run/secrets'\n[more]\nkind = 'env'\norder = -1", "");
        check(
            "[a]\nkind = 'file'\nfolder = '/x'\nteams = ['a']\ngrants = [{name = 'X', of = 'b', teams = ['a']}]",
            "",
        );
        check(
            "[s]\nkind = 'command'\nprogram = '/usr/bin/sops'\nargs = ['-d', '--extract', '[\"{name}\"]', '/etc/{team}.yaml']\nmissing = [1]",
            "",
        );
        check(
            "[v]\nkind = 'vault'\nurl = 'https://127.0.0.1:8200/'\nauth = {method = 'approle', roleId = {secret = 'R'}, secretId = {secret = 'S'}}",
            "",
        );
        check(
            "[v]\nkind = 'vault'\nurl = 'https://v'\nauth = {method = 'kubernetes', role = 'trueline'}",
            "",
        );
        check(
            "[p]\nkind = 'aws-parameters'\nregion = 'eu-central-1'\n[q]\nkind = 'aws-secrets'\nregion = 'cn-north-1'\nfield = '{name}'",
            "",
        );

        check("folde = '/x'", "invalid type");
        check("[a]\nfolder = '/x'", "missing field `kind`");
        check("[a]\nkind = 'gpg'", "unknown variant `gpg`");
        check("[a]\nkind = 'file'\nfolder = '/x'\nfoldr = 1", "unknown field `foldr`");
        check("[a]\nkind = 'env'\nprefix = 'X'", "unknown field `prefix`");
        check(
            "[s]\nkind = 'command'\nprogram = 'sops'\ntimeout = 'soon'",
            "secrets.s: program `sops` is not an absolute path; secrets.s: timeout is not",
        );
        check(
            "[v]\nkind = 'vault'\nurl = 'vault:8200'\nauth = {method = 'token'}",
            "secrets.v: auth names one of `token` and `tokenFile`; secrets.v: `vault:8200` is not",
        );
        check(
            "[p]\nkind = 'aws-secrets'\nregion = 'x'\naccessKeyId = {secret = 'A'}",
            "secrets.p: accessKeyId and secretAccessKey go together",
        );
    }
}
