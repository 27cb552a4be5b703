//! What is remembered of reviews between two looks: what was shown for which head, what was heard, what landed.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::error::ReviewError;
use crate::digest::Digest;
use crate::engine::Engine;
use crate::owners::Ledger;

/// How many showings of one proposal are remembered.
const MOST_SHOWINGS: usize = 50;

/// What landed, and up to which decision it was looked at who accepts it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LandedNote {
    pub(super) ledger: Ledger,
    pub(super) decisions: i64,
}

/// What is remembered of one proposal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ProposalNote {
    /// Of what the review that stands was made.
    pub(super) made: Option<Digest>,
    /// What was shown, oldest first.
    pub(super) showings: Vec<Showing>,
    /// The last comment that was read.
    pub(super) heard: u64,
    /// What becomes of it since it was merged.
    pub(super) after: Option<AfterNote>,
}

/// What was shown for a head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Showing {
    pub(super) at: Timestamp,
    pub(super) base: String,
    pub(super) head: String,
    pub(super) plan: Digest,
    pub(super) changes: Vec<Shown>,
}

/// One change that was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    pub(super) digest: Digest,
    pub(super) service: String,
    pub(super) path: String,
}

/// What becomes of a proposal since it was merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AfterNote {
    /// The commit that its checks are shown at.
    pub(super) commit: String,
    pub(super) merged_at: Timestamp,
    pub(super) services: Vec<String>,
    pub(super) done: bool,
}

impl ProposalNote {
    /// Remembers what is shown now.
    pub(super) fn show(&mut self, showing: Showing) {
        self.showings.push(showing);
        let excess = self.showings.len().saturating_sub(MOST_SHOWINGS);
        self.showings.drain(..excess);
    }

    /// Returns what somebody saw of a head at a time.
    pub(super) fn seen(&self, head: &str, at: Timestamp) -> Option<&Showing> {
        self.showings.iter().rev().find(|showing| showing.head == head && showing.at <= at)
    }
}

/// What the store remembers.
#[derive(Clone)]
pub(super) struct Notes(pub(super) Engine);

pub(super) const LANDED: &str = "landed";

impl Notes {
    pub(super) async fn proposal(&self, number: u64) -> Result<ProposalNote, ReviewError> {
        Ok(self.read(&key(number)).await?.unwrap_or_default())
    }

    pub(super) async fn keep(&self, number: u64, note: &ProposalNote) -> Result<(), ReviewError> {
        self.write(&key(number), note).await
    }

    /// Returns the proposals that were merged and are not done yet.
    pub(super) async fn unfinished(&self) -> Result<Vec<u64>, ReviewError> {
        let mut found = Vec::new();
        for (key, value) in self.0.store.review_notes("proposal/").await? {
            let open = value.pointer("/after/done") == Some(&json!(false));
            let number = key.strip_prefix("proposal/").and_then(|number| number.parse().ok());
            found.extend(number.filter(|_: &u64| open));
        }
        Ok(found)
    }

    pub(super) async fn landed(&self) -> Result<Option<LandedNote>, ReviewError> {
        self.read(LANDED).await
    }

    pub(super) async fn keep_landed(&self, note: &LandedNote) -> Result<(), ReviewError> {
        self.write(LANDED, note).await
    }

    async fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ReviewError> {
        let found = self.0.store.review_note(key).await?;
        let unreadable = |source| ReviewError::Note { key: key.to_owned(), source };
        found.map(serde_json::from_value).transpose().map_err(unreadable)
    }

    async fn write<T: Serialize>(&self, key: &str, note: &T) -> Result<(), ReviewError> {
        let unreadable = |source| ReviewError::Note { key: key.to_owned(), source };
        let value = serde_json::to_value(note).map_err(unreadable)?;
        Ok(self.0.store.note_review(&self.0.lease, key, Some(&value)).await?)
    }
}

fn key(number: u64) -> String {
    format!("proposal/{number}")
}
