//! Names whoever asked for a proposal among those who had a hand in it, so that nobody approves their own request: on a forge
//! elsewhere it is Trueline that opened it. Everything else is as the forge says.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::row::BRANCH;
use crate::forge::{
    Check, Comment, ForgeError, Person, Review, ReviewRead, ReviewWrite, Reviewable,
};
use crate::run::Fault;
use crate::store::Store;

/// A forge that knows who asked for requests.
pub struct WithRequesters<F> {
    forge: F,
    store: Arc<dyn Store>,
}

impl<F> WithRequesters<F> {
    /// Makes it.
    pub fn new(forge: F, store: Arc<dyn Store>) -> Self {
        Self { forge, store }
    }

    async fn named(&self, mut seen: Reviewable) -> Result<Reviewable, ForgeError> {
        let branch = &seen.proposal.source_branch;
        if !branch.starts_with(BRANCH) {
            return Ok(seen);
        }
        let found = self.store.service_request_of_branch(branch).await.map_err(|error| {
            ForgeError::Remote(Fault::transient(format!("who asked for it can't be read: {error}")))
        })?;
        if let Some(request) = found {
            let by = Person { login: request.by, id: None };
            if !seen.authors.iter().any(|known| known.is(&by)) {
                seen.authors.push(by);
            }
        }
        Ok(seen)
    }

    async fn all_named(&self, seen: Vec<Reviewable>) -> Result<Vec<Reviewable>, ForgeError> {
        let mut named = Vec::with_capacity(seen.len());
        for one in seen {
            named.push(self.named(one).await?);
        }
        Ok(named)
    }
}

#[async_trait]
impl<F: ReviewRead> ReviewRead for WithRequesters<F> {
    fn is_authenticated(&self) -> bool {
        self.forge.is_authenticated()
    }

    async fn reviewable(
        &self,
        base_branch: &str,
        since: Option<Timestamp>,
    ) -> Result<Vec<Reviewable>, ForgeError> {
        self.all_named(self.forge.reviewable(base_branch, since).await?).await
    }

    async fn review_of(&self, number: u64) -> Result<Reviewable, ForgeError> {
        self.named(self.forge.review_of(number).await?).await
    }

    async fn reviews(&self, number: u64) -> Result<Vec<Review>, ForgeError> {
        self.forge.reviews(number).await
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        self.forge.comments(number).await
    }

    async fn members(&self, team: &str) -> Result<Option<Vec<Person>>, ForgeError> {
        self.forge.members(team).await
    }

    async fn landed_by(&self, commit: &str) -> Result<Vec<Reviewable>, ForgeError> {
        self.all_named(self.forge.landed_by(commit).await?).await
    }

    async fn check_of(&self, commit: &str, name: &str) -> Result<Option<Check>, ForgeError> {
        self.forge.check_of(commit, name).await
    }
}

#[async_trait]
impl<F: ReviewWrite> ReviewWrite for WithRequesters<F> {
    async fn put_check(&self, check: &Check) -> Result<(), ForgeError> {
        self.forge.put_check(check).await
    }

    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: Option<&str>,
        at: Timestamp,
    ) -> Result<(), ForgeError> {
        self.forge.put_comment(number, marker, body, at).await
    }

    async fn ask(
        &self,
        number: u64,
        reviewers: &[String],
        labels: &[String],
    ) -> Result<(), ForgeError> {
        self.forge.ask(number, reviewers, labels).await
    }

    async fn acknowledge(&self, number: u64, comment: u64) -> Result<(), ForgeError> {
        self.forge.acknowledge(number, comment).await
    }
}
