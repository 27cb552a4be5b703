//! What is said about a proposal, and the checks of commits, kept beside the proposal's own record:
//! `refs/trueline/proposals/<n>/talk` and `refs/trueline/checks/<commit>`, each with its history. It judges nothing.

use git2::{Oid, Repository};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::ForgeError;
use super::record::{self, PREFIX};
use super::review::{Check, Comment, Person, Review};

const FILE: &str = "talk.json";
const CHECKS: &str = "refs/trueline/checks/";
const CHECKS_FILE: &str = "checks.json";
const VERSION: u32 = 1;

/// What is said about one proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Talk {
    version: u32,
    /// Reviews, oldest first.
    #[serde(default)]
    pub(super) reviews: Vec<Review>,
    /// Comments, oldest first.
    #[serde(default)]
    pub(super) comments: Vec<Said>,
    /// Labels.
    #[serde(default)]
    pub(super) labels: Vec<String>,
    /// Who was asked for a review.
    #[serde(default)]
    pub(super) asked: Vec<String>,
    /// The number of the last comment that there was.
    #[serde(default)]
    last: u64,
}

/// One comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    /// What was said.
    #[serde(flatten)]
    pub(super) comment: Comment,
    /// What it is found by again, where it is Trueline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) marker: Option<String>,
    /// Whether Trueline has seen it.
    #[serde(default)]
    pub(super) seen: bool,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            version: VERSION,
            reviews: Vec::new(),
            comments: Vec::new(),
            labels: Vec::new(),
            asked: Vec::new(),
            last: 0,
        }
    }
}

impl Talk {
    /// Reads what is said about a proposal; nothing where nobody said anything.
    pub(super) fn read(repository: &Repository, number: u64) -> Result<Self, ForgeError> {
        let unreadable = |reason: String| ForgeError::Unreadable { number, reason };
        let found = record::get(repository, &talk_ref(number), FILE);
        let found = found.map_err(|error| unreadable(error.message().to_owned()))?;
        let talk: Self = parsed(found).map_err(unreadable)?;
        match talk.version {
            VERSION => Ok(talk),
            version => Err(unreadable(format!("its version is {version}"))),
        }
    }

    /// Writes it as the next commit of its history.
    pub(super) fn write(
        &self,
        repository: &Repository,
        number: u64,
        (why, by, at): (&str, &str, Timestamp),
    ) -> Result<(), ForgeError> {
        let content = bytes_of(self, number)?;
        record::put(repository, &talk_ref(number), (FILE, content), (why, &record::person(by, at)))
    }

    /// Adds a comment; returns its number.
    pub(super) fn say(
        &mut self,
        by: Person,
        (body, marker): (&str, Option<&str>),
        at: Timestamp,
    ) -> u64 {
        self.last += 1;
        let comment = Comment { id: self.last, by, body: body.to_owned(), at, updated_at: at };
        let marker = marker.map(str::to_owned);
        self.comments.push(Said { comment, marker, seen: false });
        self.last
    }
}

/// Reads the checks of a commit.
pub(super) fn checks(repository: &Repository, commit: &str) -> Result<Vec<Check>, ForgeError> {
    let Some(name) = checks_ref(commit) else { return Ok(Vec::new()) };
    let unreadable = |reason: String| ForgeError::Unreadable { number: 0, reason };
    let found = record::get(repository, &name, CHECKS_FILE);
    let found = found.map_err(|error| unreadable(error.message().to_owned()))?;
    parsed(found).map_err(unreadable)
}

/// Makes a check of a commit, or brings the one of its name up to date.
pub(super) fn put_check(repository: &Repository, check: &Check) -> Result<(), ForgeError> {
    let Some(name) = checks_ref(&check.head) else { return Ok(()) };
    let mut known = checks(repository, &check.head)?;
    match known.iter_mut().find(|known| known.name == check.name) {
        Some(known) if known == check => return Ok(()),
        Some(known) => known.clone_from(check),
        None => known.push(check.clone()),
    }
    let why = format!("{} is {:?}", check.name, check.state);
    // A check has no time of its own: what is the same makes the same commit.
    let by = record::person("Trueline", Timestamp::UNIX_EPOCH);
    record::put(repository, &name, (CHECKS_FILE, bytes_of(&known, 0)?), (&why, &by))
}

fn parsed<T: DeserializeOwned + Default>(found: Option<Vec<u8>>) -> Result<T, String> {
    let Some(bytes) = found else { return Ok(T::default()) };
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn bytes_of<T: Serialize>(what: &T, number: u64) -> Result<Vec<u8>, ForgeError> {
    let unreadable =
        |error: serde_json::Error| ForgeError::Unreadable { number, reason: error.to_string() };
    serde_json::to_vec_pretty(what).map_err(unreadable)
}

fn talk_ref(number: u64) -> String {
    format!("{PREFIX}{number}/talk")
}

/// Names the ref of a commit's checks; nothing where that is no commit's id.
fn checks_ref(commit: &str) -> Option<String> {
    let id = Oid::from_str(commit).ok()?;
    Some(format!("{CHECKS}{id}"))
}
