//! Pull requests as those who judge them see them. It judges nothing, and says of nothing that it is gone.

use async_trait::async_trait;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::asking::Asking;
use super::client::GitHub;
use super::forge::{GitHubForge, read};
use super::judge::Refused;
use super::pulls::{Login, Pull};
use crate::forge::{
    Check, Comment, ForgeError, Opinion, Person, ProposalState, Review, ReviewRead, ReviewWrite,
    Reviewable,
};

/// How many pages of pull requests are looked through for those that changed since a time.
const PAGES_OF_CHANGED: usize = 40;

/// The name of those whose account is no more.
const GHOST: &str = "ghost";

/// A review («pull-request-review»).
#[derive(Deserialize)]
struct Reviewed {
    user: Option<Login>,
    state: String,
    commit_id: Option<String>,
    submitted_at: Option<Timestamp>,
}

/// Returns who that is; somebody whose account was deleted has no number.
pub(super) fn somebody(user: Option<&Login>) -> Person {
    user.map_or_else(|| Person { login: GHOST.to_owned(), id: None }, Login::person)
}

impl GitHub {
    async fn reviewable_of(&self, pull: &Pull) -> Result<Reviewable, Refused> {
        let authors = self.authors(pull).await?;
        let users =
            pull.requested_reviewers.iter().flatten().map(|user| format!("@{}", user.login));
        let owner = &self.repository().owner;
        let teams = pull.requested_teams.iter().flatten();
        let teams = teams.map(|team| format!("@{owner}/{}", team.slug));
        Ok(Reviewable {
            proposal: read(pull),
            head_ref: format!("refs/pull/{}/head", pull.number),
            from_fork: self.is_from_fork(pull),
            is_draft: pull.draft == Some(true),
            authors: authors.people,
            has_unknown_author: authors.has_unknown,
            labels: pull.labels.iter().map(|label| label.name.clone()).collect(),
            asked: users.chain(teams).collect(),
        })
    }

    async fn reviewables(&self, pulls: &[Pull]) -> Result<Vec<Reviewable>, Refused> {
        let mut all = Vec::with_capacity(pulls.len());
        for pull in pulls {
            all.push(self.reviewable_of(pull).await?);
        }
        Ok(all)
    }

    /// Lists pull requests to a branch that were settled, and changed since a time.
    async fn settled_since(&self, base: &str, since: Timestamp) -> Result<Vec<Pull>, Refused> {
        let path = format!("/pulls?state=closed&base={base}&sort=updated&direction=desc");
        let mut pages = 1;
        loop {
            let listed = self.list::<Pull>(&path, pages).await?;
            let is_past = listed.items.last().is_some_and(|last| last.updated_at < since);
            if listed.complete || is_past {
                let mut pulls = listed.items;
                pulls.retain(|pull| pull.updated_at >= since);
                return Ok(pulls);
            }
            if pages >= PAGES_OF_CHANGED {
                let message = "more pull requests changed than are read at once";
                return Err(crate::run::Fault::terminal(message).into());
            }
            pages = (pages * 4).min(PAGES_OF_CHANGED);
        }
    }
}

#[async_trait]
impl ReviewRead for GitHubForge {
    fn is_authenticated(&self) -> bool {
        true
    }

    async fn reviewable(
        &self,
        base_branch: &str,
        since: Option<Timestamp>,
    ) -> Result<Vec<Reviewable>, ForgeError> {
        let base = utf8_percent_encode(base_branch, NON_ALPHANUMERIC).to_string();
        let path = format!("/pulls?state=open&base={base}&sort=created&direction=asc");
        let mut pulls: Vec<Pull> = self.github.whole(&path).await?;
        if let Some(since) = since {
            let settled = self.github.settled_since(&base, since).await?;
            // One that is settled between the two looks is in both.
            pulls.retain(|pull| settled.iter().all(|other| other.number != pull.number));
            pulls.extend(settled);
        }
        // Whatever was asked for, what comes back decides.
        pulls.retain(|pull| pull.base.branch == base_branch);
        pulls.sort_by_key(|pull| pull.number);
        Ok(self.github.reviewables(&pulls).await?)
    }

    async fn review_of(&self, number: u64) -> Result<Reviewable, ForgeError> {
        let pull = self.github.pull(number).await?;
        Ok(self.github.reviewable_of(&pull).await?)
    }

    /// «REST API endpoints for pull request reviews»; one that is not sent yet is nobody's opinion.
    async fn reviews(&self, number: u64) -> Result<Vec<Review>, ForgeError> {
        let all: Vec<Reviewed> = self.github.whole(&format!("/pulls/{number}/reviews")).await?;
        let read = |review: Reviewed| {
            let opinion = match review.state.as_str() {
                "APPROVED" => Opinion::Approved,
                "CHANGES_REQUESTED" => Opinion::ChangesRequested,
                "DISMISSED" => Opinion::Dismissed,
                "PENDING" => return None,
                _ => Opinion::Commented,
            };
            Some(Review {
                by: somebody(review.user.as_ref()),
                opinion,
                head: review.commit_id.unwrap_or_default(),
                at: review.submitted_at?,
            })
        };
        let mut reviews: Vec<Review> = all.into_iter().filter_map(read).collect();
        reviews.sort_by_key(|review| review.at);
        Ok(reviews)
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        Ok(self.github.comments(number).await?)
    }

    async fn members(&self, team: &str) -> Result<Option<Vec<Person>>, ForgeError> {
        Ok(self.github.members(team).await?)
    }

    /// «List pull requests associated with a commit». GitHub may need some seconds after a merge until it tells; and a
    /// pull request that was merged into another branch is told too: its base says which.
    async fn landed_by(&self, commit: &str) -> Result<Vec<Reviewable>, ForgeError> {
        let commit = utf8_percent_encode(commit, NON_ALPHANUMERIC);
        let mut pulls: Vec<Pull> = self.github.whole(&format!("/commits/{commit}/pulls")).await?;
        let own = self.github.repository().to_string();
        pulls.retain(|pull| {
            let base = pull.base.repo.as_ref().map(|repository| &repository.full_name);
            read(pull).state == ProposalState::Merged
                && base.is_some_and(|base| base.eq_ignore_ascii_case(&own))
        });
        Ok(self.github.reviewables(&pulls).await?)
    }

    async fn check_of(&self, commit: &str, name: &str) -> Result<Option<Check>, ForgeError> {
        Ok(match self.github.app() {
            Some(app) => self.github.check_run_of(app, (commit, name)).await?,
            None => self.github.status_of(commit, name).await?,
        })
    }
}

#[async_trait]
impl ReviewWrite for GitHubForge {
    /// A check run of an App; a commit status where only a token is there, which may make no other.
    async fn put_check(&self, check: &Check) -> Result<(), ForgeError> {
        match self.github.app() {
            Some(app) => self.github.put_check_run(app, check).await?,
            None => self.github.put_status(check).await?,
        }
        Ok(())
    }

    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: Option<&str>,
        _: Timestamp,
    ) -> Result<(), ForgeError> {
        Ok(self.github.put_comment(number, marker, body).await?)
    }

    async fn ask(
        &self,
        number: u64,
        reviewers: &[String],
        labels: &[String],
    ) -> Result<(), ForgeError> {
        let pull = self.github.pull(number).await?;
        if read(&pull).state != ProposalState::Open {
            return Ok(());
        }
        self.github.set_labels(&pull, labels).await?;
        Ok(self.github.ask_reviewers(&pull, reviewers, Asking::Leniently).await?)
    }

    async fn acknowledge(&self, _: u64, comment: u64) -> Result<(), ForgeError> {
        Ok(self.github.acknowledge(comment).await?)
    }
}
