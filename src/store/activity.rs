//! What happened, as people want to hear of it, and how well it went: counted as it happens, so that nothing is walked for it.

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::StoreError;
use super::pages::{Before, Numbered};

/// Which of what happened is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// To this service.
    pub service: Option<String>,
    /// To services of this team.
    pub team: Option<String>,
    /// To services of this item or bundle.
    pub item: Option<String>,
    /// By this person, or by `trueline`.
    pub actor: Option<String>,
    /// Not before this moment.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// Who: a person, or `trueline`.
    pub actor: String,
    /// What, as the audit chain names it: `run.succeeded`, `approve`, `hold`, …
    pub what: String,
    /// To which service.
    pub service: String,
    /// The item or bundle that it is of.
    pub item: Option<String>,
    /// The run that it is about.
    pub run: Option<String>,
    /// How long that took, in milliseconds, where it succeeded.
    pub took_ms: Option<i64>,
    /// Why.
    pub why: Option<String>,
    /// Number of the entry of the audit chain.
    pub entry: i64,
}

/// Runs that ended on one day in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayCount {
    /// Days since 1970-01-01.
    pub day: i64,
    /// The state that they ended in.
    pub state: String,
    /// People had a hand in them.
    pub by_hand: bool,
    /// How many.
    pub ended: i64,
}

/// How runs of one item ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemCount {
    /// The item or bundle; empty where that is not known.
    pub item: String,
    /// The state that they ended in.
    pub state: String,
    /// How many.
    pub ended: i64,
}

/// What was counted since a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// By day.
    pub days: Vec<DayCount>,
    /// By item.
    pub items: Vec<ItemCount>,
    /// Steps that failed for good, by the type of their action.
    pub failed: Vec<(String, i64)>,
}

/// Open runs of one team in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueCount {
    /// The team.
    pub team: Option<String>,
    /// `queued`, `running`, `waiting`, …
    pub state: String,
    /// How many.
    pub runs: i64,
    /// When the oldest was made.
    pub oldest: Timestamp,
}

/// Reads what happened and what was counted.
#[async_trait]
pub trait ActivityStore {
    /// Lists what happened, newest first.
    async fn activity_page(
        &self,
        filter: &ActivityFilter,
        page: Before,
    ) -> Result<Vec<Numbered<Activity>>, StoreError>;
    /// Lists the teams whose runs ended since a day.
    async fn outcome_teams(&self, since: i64) -> Result<Vec<String>, StoreError>;
    /// Reads what was counted since a day; of some teams where they are named.
    async fn outcomes(&self, since: i64, teams: Option<&[String]>) -> Result<Outcomes, StoreError>;
    /// Reads how long the newest runs took, in milliseconds, that made or changed services of an item since a moment and
    /// succeeded; of some teams where they are named.
    async fn times(
        &self,
        item: &str,
        since: Timestamp,
        teams: Option<&[String]>,
    ) -> Result<Vec<i64>, StoreError>;
    /// Counts the open runs.
    async fn queue(&self) -> Result<Vec<QueueCount>, StoreError>;
}
