//! Commit statuses («REST API endpoints for commit statuses»), where only a token is there: one line and a link, no
//! remarks. What is shown already is not written again.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::GitHub;
use super::judge::Refused;
use crate::forge::{Check, CheckState};

/// The longest description, in characters.
const DESCRIPTION_CHARACTERS: usize = 140;

/// A status («status»).
#[derive(Deserialize)]
struct Status {
    id: u64,
    state: String,
    context: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    target_url: Option<String>,
}

impl GitHub {
    async fn newest_status(&self, commit: &str, name: &str) -> Result<Option<Status>, Refused> {
        let commit = utf8_percent_encode(commit, NON_ALPHANUMERIC);
        let all: Vec<Status> = self.whole(&format!("/commits/{commit}/statuses")).await?;
        let own = all.into_iter().filter(|status| status.context.eq_ignore_ascii_case(name));
        Ok(own.max_by_key(|status| status.id))
    }

    /// Returns the newest status of a context, as far as one line says it.
    pub(super) async fn status_of(
        &self,
        commit: &str,
        name: &str,
    ) -> Result<Option<Check>, Refused> {
        let status = self.newest_status(commit, name).await?;
        Ok(status.map(|status| Check {
            name: name.to_owned(),
            head: commit.to_owned(),
            state: match status.state.as_str() {
                "success" => CheckState::Success,
                "failure" => CheckState::Failure,
                "error" => CheckState::Cancelled,
                _ => CheckState::Running,
            },
            title: status.description.unwrap_or_default(),
            summary: String::new(),
            annotations: Vec::new(),
            link: status.target_url.filter(|link| !link.is_empty()),
        }))
    }

    /// Sets the status of a context.
    pub(super) async fn put_status(&self, check: &Check) -> Result<(), Refused> {
        let state = word(check.state);
        let description = shortened(&check.title);
        let link = check.link.as_deref().unwrap_or_default();
        let known = self.newest_status(&check.head, &check.name).await?;
        let is_shown = known.is_some_and(|known| {
            known.state == state
                && known.description.as_deref().unwrap_or_default() == description
                && known.target_url.as_deref().unwrap_or_default() == link
        });
        if is_shown {
            return Ok(());
        }
        let mut body = json!({"state": state, "description": description, "context": check.name});
        if let (false, Some(body)) = (link.is_empty(), body.as_object_mut()) {
            body.insert("target_url".to_owned(), json!(link));
        }
        let commit = utf8_percent_encode(&check.head, NON_ALPHANUMERIC);
        self.tell((Method::POST, &format!("/statuses/{commit}")), &body).await.map(drop)
    }
}

/// Who must do something first is in the way as a failure is: a status knows no other word that ends.
fn word(state: CheckState) -> &'static str {
    match state {
        CheckState::Queued | CheckState::Running => "pending",
        CheckState::Success | CheckState::Neutral => "success",
        CheckState::Failure | CheckState::ActionRequired => "failure",
        CheckState::Cancelled => "error",
    }
}

fn shortened(title: &str) -> String {
    if title.chars().count() <= DESCRIPTION_CHARACTERS {
        return title.to_owned();
    }
    let head: String = title.chars().take(DESCRIPTION_CHARACTERS - 1).collect();
    format!("{}…", head.trim_end())
}
