//! Gets what git reads the catalog with where it is on the GitHub that is set up: the operator's token, or one of the
//! App's installation, which ends within the hour. It keeps none on disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::config::Config;
use super::context::Context;
use super::output::Failure;
use crate::action::{self, HttpClient, Operator, Ports, Stop};
use crate::run::Fault;
use crate::secret::Secret;
use crate::source::{Token, Tokens};

/// How long a token is used before it is asked for again; GitHub's hold for an hour.
const KEPT: Duration = Duration::from_mins(20);

struct OfGitHub {
    config: Config,
    catalog: String,
    state: PathBuf,
    kept: Mutex<Option<(Secret, Instant)>>,
}

impl Context {
    /// Returns what commands reach the outside through.
    pub(super) fn ports(&self) -> Result<Ports, Failure> {
        self.config.ports(self.state.clone(), &self.catalog)
    }

    /// Returns what git reads the catalog with; nothing where it needs nothing, or nobody said what.
    pub(super) fn catalog_token(&self) -> Result<Option<Token>, Failure> {
        let configured = self.config.catalog.first();
        if let Some(name) = configured.and_then(|catalog| catalog.token_variable.as_ref()) {
            return Ok(std::env::var(name).ok().map(|token| Secret::new(token).into()));
        }
        let Some(settings) = &self.config.forge.github else { return Ok(None) };
        let is_url = self.catalog.contains("://");
        let repository = action::github_repository(settings, &self.catalog);
        if !is_url || repository.map_err(|fault| Failure::usage(fault.to_string()))?.is_none() {
            return Ok(None);
        }
        Ok(Some(Token::Given(Arc::new(OfGitHub {
            config: self.config.clone(),
            catalog: self.catalog.clone(),
            state: self.state.clone(),
            kept: Mutex::default(),
        }))))
    }
}

impl Tokens for OfGitHub {
    fn token(&self) -> Result<Secret, Fault> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, since)) = &*kept
            && since.elapsed() < KEPT
        {
            return Ok(token.clone());
        }
        // Whoever runs git blocks, perhaps on a thread that drives others: asking has a thread of its own.
        let asked = std::thread::scope(|scope| scope.spawn(|| self.ask()).join());
        let token =
            asked.map_err(|_| Fault::transient("asking GitHub for a token broke down"))??;
        *kept = Some((token.clone(), Instant::now()));
        Ok(token)
    }
}

impl OfGitHub {
    fn ask(&self) -> Result<Secret, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|error| Fault::transient(format!("GitHub can't be asked: {error}")))?;
        let ports = self.config.ports(self.state.clone(), &self.catalog);
        let ports = ports.map_err(|failure| Fault::terminal(failure.to_string()))?;
        runtime.block_on(async {
            let client = action::connect_github(&ports, &self.catalog).await?;
            let client = client.ok_or_else(|| Fault::terminal("it is on no GitHub"))?;
            client.token().await.map_err(|fault| Fault {
                message: format!("no token to read the catalog with: {}", fault.message),
                ..fault
            })
        })
    }
}

impl Config {
    /// Returns what a catalog's forge and others are reached through by who drives nothing: callbacks are signed by who
    /// drives, and nobody is called back here.
    fn ports(&self, state_dir: PathBuf, catalog: &str) -> Result<Ports, Failure> {
        let egress = self.egress.policy();
        let proxy = self.egress.proxy.as_deref();
        let catalog_url = Some(catalog.to_owned());
        Ok(Ports {
            http: Arc::new(HttpClient::through(&egress, proxy)?),
            state_dir,
            operator: Arc::new(Operator { catalog_url, ..self.operator([0; 32]) }),
            secrets: self.secrets.source(&egress, proxy)?,
            stop: Stop::default(),
        })
    }
}
