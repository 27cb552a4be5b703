//! The repository that receives the files: where it is, its mirror, whose turn it is, what its faults mean.
//! It knows nothing of files.

use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use git2::Oid;
use tokio::sync::OwnedMutexGuard;

use super::reach::{Hub, Reach};
use crate::action::github;
use crate::causes::chain;
use crate::digest::Digest;
use crate::forge::github::RepositoryName;
use crate::forge::{ForgeError, Quota};
use crate::run::Fault;
use crate::source::{Location, Mirror, Program, SourceError, branch_ref, escaped};

/// How long one fetch or push may take: shorter than an attempt by default, so that the fault says what was slow.
pub(super) const PATIENCE: Duration = Duration::from_mins(4);

/// A branch of a repository.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// As `config` names it.
    pub(super) repository: String,
    pub(super) location: Location,
    /// Short.
    pub(super) branch: String,
    /// Where its mirror is.
    pub(super) mirror: PathBuf,
    /// What reaches it, where it is on GitHub.
    pub(super) hub: Option<Hub>,
    /// How many proposals are filed there.
    pub(super) quota: Arc<Quota>,
    /// How long git may take there at most.
    pub(super) patience: Duration,
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.location == other.location && self.branch == other.branch
    }
}

impl Place {
    /// Reads where a repository is; a relative path is refused, and `owner/name` where no GitHub is set up.
    pub(super) fn read(repository: &str, branch: &str, reach: &Reach) -> Result<Self, Fault> {
        let hub = reach.hub(repository);
        let host = repository.split_once(':').map(|(host, _)| host);
        let reachable = repository.starts_with('/')
            || host.is_some_and(|host| !host.is_empty() && !host.contains('/'));
        let location = match hub {
            Some(Hub { client, .. }) => client.address().git(client.repository()),
            None if reachable => repository.to_owned(),
            None if RepositoryName::parse(repository).is_some() => {
                return Err(github::missing(repository));
            }
            None => {
                return Err(Fault::terminal(format!(
                    "repository `{}` is neither `owner/name`, nor a URL, nor an absolute path",
                    escaped(repository.as_bytes())
                )));
            }
        };
        let location = Location::parse(&location).map_err(|error| fault(&error))?;
        let full = branch_ref(branch).map_err(|error| fault(&error))?;
        let name = Digest::of_bytes(location.to_string().as_bytes()).to_string();
        Ok(Self {
            repository: repository.to_owned(),
            location,
            branch: full.trim_start_matches("refs/heads/").to_owned(),
            mirror: reach.mirror(&name),
            hub: hub.cloned(),
            quota: Arc::clone(&reach.quota),
            patience: reach.patience,
        })
    }

    /// Returns what a proposal is called there.
    pub(super) fn word(&self) -> &'static str {
        if self.hub.is_some() { "pull request" } else { "proposal" }
    }

    /// Opens the mirror for one of the repository's branches; one fetch or push takes so long at most.
    pub(super) fn open(&self, branch: &str, patience: Duration) -> Result<Mirror, SourceError> {
        let timeout = patience.min(self.patience);
        let program = Program { timeout, ..Program::default() };
        let token = self.hub.as_ref().map(|hub| hub.token.clone().into());
        Mirror::open(&self.mirror, self.location.clone(), branch, program, token)
    }
}

/// Fetches, and returns the head of the branch; nothing where the repository has no commit yet.
pub(super) fn head(mirror: &mut Mirror) -> Result<Option<Oid>, SourceError> {
    match mirror.fetch() {
        Ok(head) => Oid::from_str(&head).map(Some).map_err(SourceError::git("read a head")),
        Err(SourceError::EmptyRepository { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The right to work on one mirror, in this process.
pub(super) type Turn = OwnedMutexGuard<()>;

/// Waits until nobody else in this process works on a mirror.
pub(super) async fn turn(place: &Place) -> Turn {
    static TURNS: OnceLock<Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>> = OnceLock::new();
    let turn = {
        let turns = TURNS.get_or_init(Mutex::default);
        let mut turns = turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(place.mirror.clone()).or_default())
    };
    turn.lock_owned().await
}

/// Runs work that blocks. The turn goes with it, so that it ends with the work even where nobody waits any more.
pub(super) async fn blocking<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<(Turn, T), Fault> {
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        (turn, done)
    });
    let (turn, done) =
        done.await.map_err(|_| Fault::transient("the work on a repository was cut off"))?;
    Ok((turn, done?))
}

/// Says what a fault of a repository means for a step.
pub(super) fn fault(error: &SourceError) -> Fault {
    classed(error.is_transient(), error)
}

/// Says what a fault of a forge means for a step.
pub(super) fn forge_fault(error: &ForgeError) -> Fault {
    if let ForgeError::Remote(fault) = error {
        return fault.clone();
    }
    // Somebody merged it between our look and our write; the next look sees that.
    let raced = matches!(error, ForgeError::NothingToPropose { .. } | ForgeError::Settled { .. });
    classed(raced || error.is_transient(), error)
}

fn classed(transient: bool, error: &dyn Error) -> Fault {
    let message = chain(error);
    if transient { Fault::transient(message) } else { Fault::terminal(message) }
}
