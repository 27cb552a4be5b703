//! Pull requests as GitHub shows them. It changes none.

use jiff::Timestamp;
use serde::Deserialize;

use super::client::GitHub;
use super::judge::Refused;
use crate::forge::Person;

/// How many pages of pull requests are looked through for one of ours, whose branch is known.
const PAGES: usize = 4;

/// A pull request, as far as it matters here («REST API endpoints for pull requests»).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) node_id: String,
    pub(super) state: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) user: Option<Login>,
    pub(super) head: Side,
    pub(super) base: Side,
    #[serde(default)]
    pub(super) draft: Option<bool>,
    #[serde(default)]
    pub(super) merged_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) merge_commit_sha: Option<String>,
    #[serde(default)]
    pub(super) merged_by: Option<Login>,
    #[serde(default)]
    pub(super) auto_merge: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) labels: Vec<Label>,
    #[serde(default)]
    pub(super) requested_reviewers: Option<Vec<Login>>,
    #[serde(default)]
    pub(super) requested_teams: Option<Vec<Team>>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Login {
    pub(super) login: String,
    #[serde(default)]
    pub(super) id: Option<u64>,
}

impl Login {
    /// Returns who that is.
    pub(super) fn person(&self) -> Person {
        Person { login: self.login.clone(), id: self.id }
    }
}

/// A team.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Team {
    pub(super) slug: String,
}

/// A label.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

/// One of the two branches of a pull request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Side {
    #[serde(rename = "ref")]
    pub(super) branch: String,
    pub(super) sha: String,
    /// Absent where the repository of a fork was deleted.
    #[serde(default)]
    pub(super) repo: Option<SideRepository>,
}

/// The repository of a branch.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct SideRepository {
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) owner: Option<Login>,
}

#[derive(Deserialize)]
struct Review {
    #[serde(default)]
    user: Option<Login>,
}

impl GitHub {
    /// Returns one pull request.
    pub(super) async fn pull(&self, number: u64) -> Result<Pull, Refused> {
        self.get(&format!("/pulls/{number}")).await
    }

    /// Lists the pull requests from a branch of this repository, newest first.
    pub(super) async fn pulls_from(&self, branch: &str) -> Result<Vec<Pull>, Refused> {
        let head = format!("{}:{branch}", self.repository().owner);
        let head = percent_encoding::utf8_percent_encode(&head, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("/pulls?state=all&sort=created&direction=desc&head={head}");
        let mut pulls = self.list::<Pull>(&path, PAGES).await?.items;
        let own = self.repository().to_string();
        pulls.retain(|pull| {
            let repository = pull.head.repo.as_ref().map(|repository| &repository.full_name);
            pull.head.branch == branch
                && repository.is_some_and(|name| name.eq_ignore_ascii_case(&own))
        });
        Ok(pulls)
    }

    /// Lists pull requests of a state, oldest first; `all` for every one.
    pub(super) async fn pulls(&self, state: &str) -> Result<Vec<Pull>, Refused> {
        self.whole(&format!("/pulls?state={state}&sort=created&direction=asc")).await
    }

    /// Returns who reviewed a pull request already.
    pub(super) async fn reviewers(&self, number: u64) -> Result<Vec<Person>, Refused> {
        let reviews = self.whole::<Review>(&format!("/pulls/{number}/reviews")).await?;
        Ok(reviews.into_iter().filter_map(|review| Some(review.user?.person())).collect())
    }
}
