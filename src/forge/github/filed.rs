//! Which pull requests are ours, and whether somebody else has taken one over. It files none.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::client::GitHub;
use super::forge::read;
use super::judge::Refused;
use super::pulls::Pull;
use crate::forge::{COMMITTER, Proposal, ProposalState};
use crate::run::Fault;

/// For how long a list may not show what was opened a moment ago.
const LAG: SignedDuration = SignedDuration::from_mins(2);

/// How many pages of what was opened of late are looked through.
const PAGES_OF_LATE: usize = 40;

/// A commit of a pull request («List commits on a pull request»).
#[derive(Deserialize)]
struct Commit {
    sha: String,
    #[serde(rename = "commit")]
    inner: Inner,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    committer: Option<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    #[serde(default)]
    email: Option<String>,
}

impl GitHub {
    /// Lists pull requests that we filed, by number: those that are open, and those that were opened since a time.
    pub(super) async fn filed_since(&self, since: Timestamp) -> Result<Vec<Proposal>, Refused> {
        let late = self.opened_since(since).await?;
        let open = self.pulls("open").await?;
        let ours = |pull: &Pull| !self.is_from_fork(pull) && read(pull).is_ours();
        // What was settled between the two looks counts as it was seen first.
        let all = open.into_iter().chain(late).filter(ours);
        let mut filed: BTreeMap<u64, Proposal> =
            all.map(|pull| (pull.number, read(&pull))).collect();
        for number in self.filed_a_moment_ago() {
            let Entry::Vacant(slot) = filed.entry(number) else { continue };
            let pull = read(&self.pull(number).await?);
            if pull.state == ProposalState::Open || pull.created_at >= since {
                slot.insert(pull);
            }
        }
        Ok(filed.into_values().collect())
    }

    async fn opened_since(&self, since: Timestamp) -> Result<Vec<Pull>, Refused> {
        let path = "/pulls?state=all&sort=created&direction=desc";
        let mut pages = 1;
        loop {
            let listed = self.list::<Pull>(path, pages).await?;
            let is_past = listed.items.last().is_some_and(|last| last.created_at < since);
            if listed.complete || is_past {
                let mut pulls = listed.items;
                pulls.retain(|pull| pull.created_at >= since);
                return Ok(pulls);
            }
            if pages >= PAGES_OF_LATE {
                let message = "more pull requests were opened than are read at once";
                return Err(Fault::transient(message).into());
            }
            pages = (pages * 4).min(PAGES_OF_LATE);
        }
    }

    /// Remembers a pull request that we opened, for a list may not show it yet.
    pub(super) fn remember_filed(&self, pull: &Pull) {
        let memory = &self.core().memory;
        let now = memory.now();
        let mut filed = memory.filed();
        filed.retain(|_, at| now.duration_since(*at) < LAG);
        filed.insert((self.repository().to_string(), pull.number), now);
    }

    fn filed_a_moment_ago(&self) -> Vec<u64> {
        let memory = &self.core().memory;
        let (name, now) = (self.repository().to_string(), memory.now());
        let filed = memory.filed();
        let of_late = filed.iter().filter(|(_, at)| now.duration_since(**at) < LAG);
        of_late.filter(|((of, _), _)| *of == name).map(|((_, number), _)| *number).collect()
    }

    /// Tells whether a pull request has commits of somebody else than us.
    pub(super) async fn is_edited(&self, number: u64) -> Result<bool, Refused> {
        let commits: Vec<Commit> = self.whole(&format!("/pulls/{number}/commits")).await?;
        if commits.is_empty() {
            let message = format!("GitHub shows no commits of pull request {number}");
            return Err(Fault::transient(message).into());
        }
        let email = |it: &Commit| it.inner.committer.as_ref().and_then(|it| it.email.clone());
        let others = commits.iter().find(|it| email(it).as_deref() != Some(COMMITTER));
        if let Some(other) = others {
            tracing::debug!(number, commit = other.sha, "somebody else committed to it");
        }
        Ok(others.is_some())
    }
}
