//! What every command works in: configuration, catalog, state, and the way to open them.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::args::{Arguments, Format};
use super::config::Config;
use super::output::{Exit, Failure};
use crate::action::{HttpClient, Operator, Ports};
use crate::daemon::{Daemon, Parts, SystemClock};
use crate::engine::{Circumstances, Engine, Limits};
use crate::run::Run;
use crate::source::{Options as SourceOptions, Source};
use crate::store::{LeaseHolder, Sealer, SqliteStore, Store, StoreError};

/// What every command works in.
#[derive(Clone, Debug)]
pub struct Context {
    /// The operator's configuration.
    pub config: Config,
    /// The file of the configuration was named, and not just found here.
    pub names_config: bool,
    /// The catalog's name.
    pub name: String,
    /// The catalog: a directory, a repository's path, or a URL.
    pub catalog: String,
    /// Its branch, where its commits are to be read.
    pub branch: Option<String>,
    /// Where state is kept.
    pub state: PathBuf,
    /// The server that is asked over its API, where one is named.
    pub server: Option<String>,
    /// How to print.
    pub format: Format,
    /// Prints only what is asked for.
    pub quiet: bool,
    /// How much is said.
    pub verbose: u8,
    /// Whether to colour.
    pub color: bool,
    /// Is told when nobody reads any more; where there is none, the process ends at once.
    pub unread: Option<Arc<Notify>>,
}

impl Context {
    /// Puts together flags, environment and file.
    pub fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let global = &arguments.global;
        let config = match &global.config {
            Some(path) => Config::read(path)?,
            None if Path::new("trueline.toml").is_file() => {
                Config::read(Path::new("trueline.toml"))?
            }
            None => Config::default(),
        };
        let configured = config.catalog.first();
        let color = !global.no_color
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::io::stdout().is_terminal();
        if global.no_color {
            anstream::ColorChoice::Never.write_global();
        }
        Ok(Self {
            name: configured.map_or_else(|| "catalog".to_owned(), |catalog| catalog.name.clone()),
            catalog: global
                .catalog
                .clone()
                .or_else(|| configured.map(|catalog| catalog.url.clone()))
                .unwrap_or_else(|| ".".to_owned()),
            branch: global
                .branch
                .clone()
                .or_else(|| configured.and_then(|catalog| catalog.branch.clone())),
            state: global
                .state
                .clone()
                .or_else(|| config.store.path.clone())
                .unwrap_or_else(|| PathBuf::from(".trueline")),
            config,
            names_config: global.config.is_some(),
            server: global.server.clone().filter(|server| !server.is_empty()),
            format: global.output,
            quiet: global.quiet,
            verbose: global.verbose,
            color,
            unread: None,
        })
    }

    /// Opens the source of the catalog.
    pub fn source(&self) -> Result<Source, Failure> {
        Source::open(self.source_options()?).map_err(|error| {
            Failure::from(error)
                .hint("--catalog takes a directory, the path of a repository, or a URL")
        })
    }

    /// Returns how the source of the catalog is opened.
    pub(super) fn source_options(&self) -> Result<SourceOptions, Failure> {
        Ok(SourceOptions {
            location: self.catalog.clone(),
            branch: self.branch.clone(),
            state: self.state.clone(),
            token: self.catalog_token()?,
            ..SourceOptions::default()
        })
    }

    /// Opens the store, making it where there is none.
    pub async fn store(&self) -> Result<Arc<SqliteStore>, Failure> {
        std::fs::create_dir_all(&self.state)
            .map_err(|error| Failure::usage(format!("{}: {error}", self.state.display())))?;
        let store = SqliteStore::open(&self.state.join("trueline.db"), &self.name).await?;
        Ok(Arc::new(store))
    }

    /// Opens the store that is there; a failure that says so where there is none.
    pub async fn existing_store(&self) -> Result<Arc<SqliteStore>, Failure> {
        if self.state.join("trueline.db").is_file() {
            return self.store().await;
        }
        Err(Failure::ending(
            Exit::Changes,
            format!("there is no store in {}", self.state.display()),
        )
        .hint(
            "run `trueline serve` or `trueline apply` first, or name the folder with --state DIR",
        ))
    }

    /// Returns what seals sensitive outputs in this state.
    pub fn sealer(&self) -> Result<Sealer, Failure> {
        Ok(Sealer::key_at(&self.state.join("key"))?)
    }

    /// Takes the right to drive, and makes a daemon of it; `None` where another process drives.
    pub async fn daemon(&self, command: &str) -> Result<Result<Daemon, LeaseHolder>, Failure> {
        let source = self.source()?;
        let store = self.store().await?;
        let holder =
            LeaseHolder { pid: std::process::id(), host: host_name(), command: command.to_owned() };
        let clock = Arc::new(SystemClock);
        let lease = match store.acquire(&holder, crate::clock::Clock::now(&*clock)).await {
            Ok(lease) => lease,
            Err(StoreError::Held(holder)) => return Ok(Err(holder)),
            Err(error) => return Err(error.into()),
        };
        let egress = self.config.egress.policy();
        let proxy = self.config.egress.proxy.as_deref();
        let secrets = self.config.secrets.source(&egress, proxy)?;
        let sealer = self.sealer()?;
        let operator = self.config.operator(sealer.derive("callbacks"));
        let operator = Operator { catalog_url: Some(self.catalog.clone()), ..operator };
        let engine = Engine {
            catalog: self.name.clone(),
            lease,
            sealer,
            ports: Ports {
                http: Arc::new(HttpClient::through(&egress, proxy)?),
                state_dir: self.state.clone(),
                operator: Arc::new(operator),
                secrets,
                stop: crate::action::Stop::default(),
            },
            store,
            clock,
            limits: Limits {
                retention: self.config.store.retention(),
                ..self.config.limits.limits()
            },
        };
        Ok(Ok(Daemon::new(Parts { engine, source }).await?))
    }

    /// Reads what may keep runs from going on.
    pub async fn circumstances<'r>(
        &self,
        store: &dyn Store,
        runs: impl Iterator<Item = &'r Run>,
    ) -> Result<Circumstances, Failure> {
        // Callbacks are signed by who drives; whom a step asks does not depend on them.
        let limits = (self.config.limits.limits().capacity, self.config.operator([0; 32]));
        let now = crate::clock::Clock::now(&SystemClock);
        Ok(Circumstances::read(store, runs, limits, now).await?)
    }

    /// Names who decides, as the operating system says: self-declared.
    pub fn person(&self) -> String {
        let name =
            ["TRUELINE_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned())
    }

    /// Reads a duration of the configuration, which was checked when it was read.
    pub fn duration(text: Option<&String>, otherwise: Duration) -> Duration {
        text.and_then(|text| crate::catalog::duration(text)).unwrap_or(otherwise)
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "this machine".to_owned() } else { name.to_owned() }
}
