//! Changes pull requests. Who calls it looks first: GitHub has no key that would make a second one the same as the first.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::GitHub;
use super::judge::Refused;
use super::pulls::Pull;

/// Merges once it may, what stands there now and nothing that comes later («GraphQL API › Reference › Pull requests ›
/// enablePullRequestAutoMerge»; the merge method is the default, `MERGE`).
const AUTO_MERGE: &str = "mutation($pull: ID!, $head: GitObjectID!) { enablePullRequestAutoMerge(input: {pullRequestId: $pull, expectedHeadOid: $head}) { clientMutationId } }";

/// What became of asking for a merge by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AutoMerge {
    /// It merges once it may.
    Enabled,
    /// Nothing holds it up: it can be merged now.
    Ready,
    /// The repository does not allow it, or something else is in the way; people merge it.
    Declined,
}

impl GitHub {
    /// Opens a pull request; one that is open already for the branch is a refusal with status 422.
    pub(super) async fn open_pull(&self, body: &Value) -> Result<Pull, Refused> {
        self.send((Method::POST, "/pulls"), body).await
    }

    /// Changes what a pull request says, or its state.
    pub(super) async fn change_pull(&self, number: u64, body: &Value) -> Result<Pull, Refused> {
        self.send((Method::PATCH, &format!("/pulls/{number}")), body).await
    }

    /// Asks users and teams for a review.
    pub(super) async fn ask_for_review(
        &self,
        number: u64,
        (users, teams): (&[String], &[String]),
    ) -> Result<(), Refused> {
        let path = format!("/pulls/{number}/requested_reviewers");
        let body = json!({"reviewers": users, "team_reviewers": teams});
        self.tell((Method::POST, &path), &body).await.map(|_| ())
    }

    /// Adds labels; those that are there stay.
    pub(super) async fn add_labels(&self, number: u64, labels: &[String]) -> Result<(), Refused> {
        let path = format!("/issues/{number}/labels");
        self.tell((Method::POST, &path), &json!({"labels": labels})).await.map(|_| ())
    }

    /// Says something below a pull request.
    pub(super) async fn comment(&self, number: u64, text: &str) -> Result<(), Refused> {
        let path = format!("/issues/{number}/comments");
        self.tell((Method::POST, &path), &json!({"body": text})).await.map(|_| ())
    }

    /// Merges a pull request whose head is still this commit; returns the merge commit.
    pub(super) async fn merge_pull(&self, number: u64, head: &str) -> Result<(), Refused> {
        let path = format!("/pulls/{number}/merge");
        self.tell((Method::PUT, &path), &json!({"sha": head})).await.map(|_| ())
    }

    /// Asks GitHub to merge a pull request once it may be merged.
    pub(super) async fn merge_when_ready(&self, pull: &Pull) -> Result<AutoMerge, Refused> {
        let variables = json!({"pull": pull.node_id, "head": pull.head.sha});
        match self.mutate(AUTO_MERGE, variables).await {
            Ok(_) => Ok(AutoMerge::Enabled),
            Err(refused) if refused.said.contains("clean status") => Ok(AutoMerge::Ready),
            Err(refused) if refused.status == 422 => {
                tracing::info!(said = refused.said, "a pull request will not merge by itself");
                Ok(AutoMerge::Declined)
            }
            Err(refused) => Err(refused),
        }
    }
}
