//! The operator's configuration, `trueline.toml`: flags first, then the environment, then this file.

mod limits;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::limits::LimitsConfig;
use self::server::{AuthConfig, ServerConfig};
use super::output::Failure;
use crate::action::{
    Callbacks, Channel, Egress, GitHubSettings, JiraInstance, Operator, SecretsSettings,
    TerraformSettings,
};
use crate::forge::{Bounds, Quota};
use crate::store::Retention;

/// The largest configuration that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The operator's configuration; every key may be absent, an unknown one is an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Catalogs; this build drives one.
    pub catalog: Vec<CatalogConfig>,
    /// Where state is kept.
    pub store: StoreConfig,
    /// Where the daemon answers.
    pub server: ServerConfig,
    /// Who may do what.
    pub auth: AuthConfig,
    /// Hosts that actions may reach besides public ones.
    pub egress: EgressConfig,
    /// Where secrets come from.
    pub secrets: SecretsSettings,
    /// Instances of JIRA, by name.
    pub jira: BTreeMap<String, JiraInstance>,
    /// Channels of notices, by name.
    pub notify: BTreeMap<String, Channel>,
    /// How actions that run programs do so.
    pub actions: ActionsConfig,
    /// Where pull requests are.
    pub forge: ForgeConfig,
    /// Bounds.
    pub limits: LimitsConfig,
    /// How the daemon logs.
    pub log: LogConfig,
}

/// One catalog.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogConfig {
    /// Its name.
    pub name: String,
    /// A directory, a repository's path, or a URL.
    pub url: String,
    /// Its branch.
    #[serde(default)]
    pub branch: Option<String>,
    /// Between two looks, as a duration.
    #[serde(default)]
    pub poll: Option<String>,
    /// The environment variable that holds its token.
    #[serde(default, rename = "tokenVariable")]
    pub token_variable: Option<String>,
}

/// Where state is kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// The folder.
    pub path: Option<PathBuf>,
    /// How long what ended is kept.
    pub retention: RetentionConfig,
}

/// How long what ended is kept.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct RetentionConfig {
    /// Runs that ended, as a duration; `forever`.
    pub runs: Option<String>,
    /// How many of each service stay, however old they are.
    #[serde(alias = "runs_per_service")]
    pub runs_per_service: Option<u32>,
}

impl StoreConfig {
    /// Returns how long ended runs are kept.
    pub fn retention(&self) -> Retention {
        let otherwise = Retention::default();
        let age = self.retention.runs.as_deref().map_or(otherwise.runs, |text| {
            crate::catalog::duration(text).and_then(|age| jiff::SignedDuration::try_from(age).ok())
        });
        let per_service = self.retention.runs_per_service.unwrap_or(otherwise.per_service);
        Retention { runs: age, per_service }
    }
}

/// How actions that run programs do so.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActionsConfig {
    /// How Terraform is run.
    pub terraform: TerraformSettings,
    /// Which programs `command` may start.
    pub command: CommandConfig,
}

/// Which programs `command` may start.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CommandConfig {
    /// Absolute paths.
    pub programs: Vec<PathBuf>,
    /// Variables of this process's environment that they are given, by name.
    pub environment: Vec<String>,
}

/// Where pull requests are.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForgeConfig {
    /// GitHub; the local forge where absent.
    pub github: Option<GitHubSettings>,
    /// How many proposals Trueline files in one repository.
    pub limits: Bounds,
    /// Whether an issue in the catalog's repository lists them.
    pub dashboard: Option<bool>,
}

impl ForgeConfig {
    /// Returns all values that can't be meant.
    fn problems(&self) -> Vec<String> {
        let bounds = [("hourly", self.limits.hourly), ("concurrent", self.limits.concurrent)];
        let wrong = bounds.into_iter().filter(|(_, bound)| *bound == 0);
        wrong.map(|(key, _)| format!("forge.limits.{key} must be at least 1")).collect()
    }
}

/// Hosts that actions may reach besides public ones.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressConfig {
    /// `host:port` patterns.
    pub allow: Vec<String>,
    /// `http://host:port`, through which all requests go.
    pub proxy: Option<String>,
    /// A file of certificates, as PEM, of authorities that are trusted beside those of the machine.
    pub authorities: Option<PathBuf>,
}

impl EgressConfig {
    /// Returns the policy.
    pub fn policy(&self) -> Egress {
        Egress { allow: self.allow.clone(), authorities: self.authorities.clone() }
    }
}

/// How the daemon logs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `auto`, `text` or `json`.
    pub format: Option<String>,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: Option<String>,
}

impl Config {
    /// Reads a file; all that is wrong with it is said at once, with its place.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: String| {
            Failure::usage(format!("{}: {why}", path.display()))
                .hint("docs/operations/configuration.md lists every key")
        };
        let length = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if length > MAX_BYTES {
            return Err(wrong("larger than 1 MiB".to_owned()));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let config: Self = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let problems = config.problems();
        if problems.is_empty() { Ok(config) } else { Err(wrong(problems.join("; "))) }
    }

    /// Returns what actions are set up with; callbacks are signed with a key of the state.
    pub fn operator(&self, callback_key: [u8; 32]) -> Operator {
        let public_url = self.server.public_url.as_ref();
        Operator {
            jira: self.jira.clone(),
            channels: self.notify.clone(),
            programs: self.actions.command.programs.clone(),
            command_environment: self.actions.command.environment.clone(),
            terraform: self.actions.terraform.clone(),
            github: self.forge.github.clone(),
            github_memory: std::sync::Arc::default(),
            proposals: std::sync::Arc::new(Quota::new(self.forge.limits)),
            catalog_url: None,
            callbacks: public_url.map(|url| Callbacks::new(url, callback_key)),
        }
    }

    /// Returns all values that can't be meant.
    fn problems(&self) -> Vec<String> {
        let mut problems = self.auth_problems();
        if self.catalog.len() > 1 {
            problems.push("this build drives one [[catalog]]".to_owned());
        }
        let durations = self.catalog.iter().filter_map(|catalog| catalog.poll.as_ref());
        for text in durations {
            if crate::catalog::duration(text).is_none() {
                problems.push(format!("`{text}` is not a duration such as `60s`"));
            }
        }
        if let Some(listen) = &self.server.listen
            && listen.parse::<std::net::SocketAddr>().is_err()
        {
            problems
                .push(format!("server.listen `{listen}` is not an address such as 127.0.0.1:7700"));
        }
        if let Some(url) = &self.server.public_url
            && !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
        {
            problems.push(format!(
                "server.publicUrl `{url}` is not an address such as https://trueline.example.com"
            ));
        }
        if let Some(text) = &self.store.retention.runs
            && text != "forever"
            && crate::catalog::duration(text).is_none()
        {
            problems.push(format!(
                "store.retention.runs `{text}` is neither `forever` nor a duration such as `90d`"
            ));
        }
        if self.store.retention.runs_per_service == Some(0) {
            problems.push("store.retention.runsPerService must be at least 1".to_owned());
        }
        problems.extend(self.secrets.problems());
        problems.extend(self.limits.problems());
        problems.extend(self.forge.problems());
        for (key, value, allowed) in [
            ("log.format", &self.log.format, &["auto", "text", "json"][..]),
            ("log.level", &self.log.level, &["error", "warn", "info", "debug", "trace"][..]),
        ] {
            if let Some(value) = value
                && !allowed.contains(&value.as_str())
            {
                problems.push(format!("{key} `{value}` is none of {}", allowed.join(", ")));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let config: Result<Config, _> = toml::from_str(text);
        match config {
            Ok(config) => config.problems().join("; "),
            Err(error) => error.message().to_owned(),
        }
    }

    #[test]
    fn unknown_keys_and_bad_values_are_told() {
        assert_eq!(problems(""), "");
        assert!(problems("[server]\nport = 1").contains("unknown field `port`"));
        assert_eq!(
            problems("[limits]\nconcurrency = 0\nsweep = \"soon\"\n[log]\nformat = \"xml\""),
            "limits.sweep `soon` is not a duration such as `60s`; limits.concurrency must be at least 1; \
             log.format `xml` is none of auto, text, json"
        );
    }

    #[test]
    fn one_that_is_half_written_is_refused() {
        let whole = "[server]\nlisten = \"127.0.0.1:7700\"\n[limits]\nconcurrency = 4\n";
        assert_eq!(problems(whole), "");
        for cut in ["[serv", "[server]\nlist", "[server]\nlisten = ", "[server]\nlisten = \"127.0"]
        {
            assert!(whole.starts_with(cut) && !problems(cut).is_empty(), "{cut}");
        }
    }

    #[test]
    fn retention_is_an_age_and_a_count() {
        let read = |text: &str| {
            let config: Config = toml::from_str(text).expect("reads");
            config.store.retention()
        };
        assert_eq!(read(""), Retention::default());
        let some = read("[store.retention]\nruns = \"7d\"\nrunsPerService = 3");
        assert_eq!((some.runs.map(|age| age.as_hours()), some.per_service), (Some(168), 3));
        assert_eq!(read("[store.retention]\nruns = \"forever\"").runs, None);
        let wrong = problems("[store.retention]\nruns = \"soon\"\nruns_per_service = 0");
        assert!(wrong.contains("neither `forever` nor") && wrong.contains("at least 1"), "{wrong}");
        assert!(problems("[store.retention]\naudit = \"1d\"").contains("unknown field"));
    }

    #[test]
    fn every_example_of_the_pages_is_read() {
        for page in [
            include_str!("../../docs/operations/configuration.md"),
            include_str!("../../docs/operations/secrets.md"),
            include_str!("../../docs/guide/sign-in.md"),
        ] {
            for block in page.split("```toml\n").skip(1) {
                assert_eq!(problems(block.split("```").next().unwrap_or_default()), "");
            }
        }
        let wrong = "[secrets.v]\nkind = \"command\"\nprogram = \"sops\"";
        assert_eq!(problems(wrong), "secrets.v: program `sops` is not an absolute path");
    }
}
