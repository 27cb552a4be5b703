//! What people ask of the catalog: one row a request, with the file that it proposes and how far it is. It files nothing.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::lease::Lease;
use super::pages::{Before, Numbered};
use super::people::Actor;
use super::retention::Retention;

/// How many moments of a request are remembered.
const MOST_MOMENTS: usize = 100;

/// What a request does to the file of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestKind {
    /// Writes it.
    Create,
    /// Changes it.
    Change,
    /// Takes it away.
    Delete,
}

impl std::fmt::Display for RequestKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Delete => "delete",
        })
    }
}

/// How far a request is; derived from its proposal and its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RequestState {
    /// It was taken down and is not proposed yet.
    Submitted,
    /// Its proposal waits for people.
    Proposed,
    /// It was merged and is carried out.
    Processing,
    /// It goes on after it stopped.
    Retrying,
    /// People do by hand what failed.
    Escalated,
    /// It stopped; somebody says how it goes on.
    Failed,
    /// It was carried out.
    Completed,
    /// Its proposal was closed and not merged.
    Rejected,
    /// It was called off.
    Aborted,
}

impl RequestState {
    /// Tells whether nothing more comes of it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Rejected | Self::Aborted)
    }
}

impl std::fmt::Display for RequestState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&format!("{self:?}").to_ascii_lowercase())
    }
}

/// When a request got into a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// Which state.
    pub state: RequestState,
    /// Why, or what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// How far a request is, and what of it is outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestProgress {
    /// Its state.
    pub state: RequestState,
    /// Why, or what it waits for.
    pub why: Option<String>,
    /// What was tried last failed outside, and is tried again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failing: bool,
    /// Number of its proposal.
    pub proposal: Option<u64>,
    /// Where people see that, where it is elsewhere.
    pub url: Option<String>,
    /// The commit by which it was merged.
    pub merged: Option<String>,
    /// The run that carries it out.
    pub run: Option<String>,
    /// Who called it off before it was merged, and why.
    pub aborted: Option<(String, String)>,
    /// The states that it was in, oldest first.
    pub history: Vec<Moment>,
}

impl RequestProgress {
    /// Begins.
    pub fn new(at: Timestamp) -> Self {
        let state = RequestState::Submitted;
        Self {
            state,
            why: None,
            failing: false,
            proposal: None,
            url: None,
            merged: None,
            run: None,
            aborted: None,
            history: vec![Moment { at, state, why: None }],
        }
    }

    /// Takes in a state; the middle of a long history is forgotten.
    pub fn is_now(&mut self, at: Timestamp, state: RequestState, why: Option<String>) {
        if self.state != state {
            if self.history.len() >= MOST_MOMENTS {
                self.history.remove(MOST_MOMENTS / 2);
            }
            self.history.push(Moment { at, state, why: why.clone() });
        }
        self.state = state;
        self.why = why;
    }
}

/// A file that is put beside the one of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFile {
    /// From the root of the repository.
    pub path: String,
    /// What it holds, as base64.
    pub content: String,
}

impl RequestFile {
    /// Returns what it holds; nothing where that is no base64.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        BASE64.decode(&self.content).ok()
    }
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRequest {
    /// Its name.
    pub id: String,
    /// Who asks.
    pub by: String,
    /// Their address in commits.
    pub email: String,
    /// What it does to the file.
    pub kind: RequestKind,
    /// Item or bundle that the service is of.
    pub offer: String,
    /// Id of the service.
    pub service: String,
    /// Its team.
    pub team: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Why it is asked for.
    pub reason: String,
    /// The file, from the root of the repository.
    pub path: String,
    /// The commit that it was made upon.
    pub base: String,
    /// What the file is to hold; nothing where it goes.
    pub content: Option<String>,
    /// Files that are put beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<RequestFile>,
    /// The branch that it is proposed from.
    pub branch: String,
    /// What finds its proposal again.
    pub marker: String,
    /// One line.
    pub title: String,
    /// What the proposal says, as Markdown.
    pub body: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// How far it is.
    pub progress: RequestProgress,
    /// Rises with each write, so that nobody writes over what they have not seen.
    #[serde(skip)]
    pub version: i64,
}

/// What came of taking a request down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestAdded {
    /// It is new.
    Added,
    /// The same person asked for the same already, and that is open.
    Same(Box<ServiceRequest>),
    /// Somebody else asked for a service of this id already, and that is not merged.
    Taken(Box<ServiceRequest>),
}

/// Which requests are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Of this service.
    pub service: Option<String>,
    /// In this state.
    pub state: Option<RequestState>,
    /// Asked for by this person.
    pub by: Option<String>,
}

/// Keeps requests. Any process may write; what happens to them is told in the audit chain.
#[async_trait]
pub trait ServiceRequestStore {
    /// Takes requests down, all or none; what came of each, in their order. Where one is taken, none is written.
    async fn add_service_requests(
        &self,
        by: &Actor,
        at: Timestamp,
        requests: &[ServiceRequest],
    ) -> Result<Vec<RequestAdded>, StoreError>;
    /// Writes how far a request is, and tells of it where it is in another state; false where somebody else wrote first.
    async fn save_service_request(
        &self,
        by: Option<&Actor>,
        at: Timestamp,
        request: &ServiceRequest,
    ) -> Result<bool, StoreError>;
    /// Reads one request.
    async fn service_request(&self, id: &str) -> Result<Option<ServiceRequest>, StoreError>;
    /// Finds the request that is proposed from a branch.
    async fn service_request_of_branch(
        &self,
        branch: &str,
    ) -> Result<Option<ServiceRequest>, StoreError>;
    /// Reads requests of which something is still to come, oldest first.
    async fn open_service_requests(&self) -> Result<Vec<ServiceRequest>, StoreError>;
    /// Finds requests that are over, are old and are not among the newest of their service, oldest first.
    async fn old_service_requests(
        &self,
        retention: &Retention,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;
    /// Forgets requests that are over; returns how many there were.
    async fn prune_service_requests(
        &self,
        lease: &Lease,
        ids: &[String],
        now: Timestamp,
    ) -> Result<usize, StoreError>;
    /// Lists requests, newest first.
    async fn service_requests_page(
        &self,
        filter: &RequestFilter,
        page: Before,
    ) -> Result<Vec<Numbered<ServiceRequest>>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_history_keeps_both_ends() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let mut progress = RequestProgress::new(at(0));
        for second in 1..1000 {
            let states = [RequestState::Failed, RequestState::Retrying];
            let state = states[usize::try_from(second % 2).expect("small")];
            progress.is_now(at(second), state, None);
            progress.is_now(at(second), state, Some("again".to_owned()));
        }
        assert_eq!(progress.history.len(), MOST_MOMENTS);
        assert_eq!(progress.history[0].state, RequestState::Submitted);
        assert_eq!(progress.history[MOST_MOMENTS - 1].at, at(999));
        assert_eq!(progress.why.as_deref(), Some("again"));
    }
}
