//! Comments on pull requests. One that bears our marker is changed only where we wrote it ourselves: a person who
//! copies a marker has written a comment of their own.

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::GitHub;
use super::cut::cut;
use super::judge::Refused;
use super::pulls::Login;
use super::reviews::somebody;
use crate::forge::{Comment, Person};

/// A comment («issue-comment»); a pull request is an issue as well.
#[derive(Deserialize)]
struct Commented {
    id: u64,
    user: Option<Login>,
    #[serde(default)]
    body: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Commented {
    fn read(self) -> Comment {
        Comment {
            id: self.id,
            by: somebody(self.user.as_ref()),
            body: self.body.unwrap_or_default(),
            at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl GitHub {
    /// Lists comments, oldest first («REST API endpoints for issue comments»).
    pub(super) async fn comments(&self, number: u64) -> Result<Vec<Comment>, Refused> {
        let all: Vec<Commented> = self.whole(&format!("/issues/{number}/comments")).await?;
        let mut all: Vec<Comment> = all.into_iter().map(Commented::read).collect();
        all.sort_by_key(|comment| comment.id);
        Ok(all)
    }

    /// Writes the comment of a marker, changes it in place, or takes it away.
    pub(super) async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: Option<&str>,
    ) -> Result<(), Refused> {
        let key = (self.repository().to_string(), number, marker.to_owned());
        let us = self.whoami().await?;
        let hidden = hidden(marker);
        let known = self.our_comment((number, &hidden), &us, &key).await?;
        let wanted = body.map(|body| format!("{hidden}\n{}", cut(body)));
        match (known, wanted) {
            (None, None) => {}
            (Some(comment), Some(wanted)) => {
                if same(&comment.body, &wanted) {
                    return Ok(());
                }
                let path = format!("/issues/comments/{}", comment.id);
                self.tell((Method::PATCH, &path), &json!({"body": wanted})).await?;
            }
            (Some(comment), None) => {
                let path = format!("/issues/comments/{}", comment.id);
                self.tell((Method::DELETE, &path), &json!({})).await?;
                self.core().memory.comments().remove(&key);
            }
            (None, Some(wanted)) => {
                let path = format!("/issues/{number}/comments");
                let body = json!({"body": wanted});
                let made: Commented = self.send((Method::POST, &path), &body).await?;
                self.core().memory.comments().insert(key, made.id);
            }
        }
        Ok(())
    }

    /// Finds our comment: the one that we remember, for a list may not show it yet, otherwise the oldest of the list.
    async fn our_comment(
        &self,
        (number, hidden): (u64, &str),
        us: &Person,
        key: &(String, u64, String),
    ) -> Result<Option<Comment>, Refused> {
        let remembered = self.core().memory.comments().get(key).copied();
        if let Some(id) = remembered {
            match self.get::<Commented>(&format!("/issues/comments/{id}")).await {
                Ok(comment) => return Ok(Some(comment.read())),
                // Somebody took it away; it is written anew.
                Err(refused) if refused.status == 404 => {
                    self.core().memory.comments().remove(key);
                }
                Err(refused) => return Err(refused),
            }
        }
        let all = self.comments(number).await?;
        let ours = |it: &Comment| it.by.is(us) && it.body.lines().any(|line| line.trim() == hidden);
        let found = all.into_iter().find(ours);
        if let Some(comment) = &found {
            self.core().memory.comments().insert(key.clone(), comment.id);
        }
        Ok(found)
    }

    /// Puts a thumb to a comment; a second one is the first («REST API endpoints for reactions»).
    pub(super) async fn acknowledge(&self, comment: u64) -> Result<(), Refused> {
        let path = format!("/issues/comments/{comment}/reactions");
        self.tell((Method::POST, &path), &json!({"content": "+1"})).await.map(drop)
    }
}

/// Returns the line by which a comment is known again; nothing in it ends it.
fn hidden(marker: &str) -> String {
    let plain: String = marker.chars().filter(|c| !c.is_control() && *c != '>').collect();
    format!("<!-- Trueline-Comment: {plain} -->")
}

/// GitHub may give lines their own ends, and takes white space off the end.
fn same(one: &str, other: &str) -> bool {
    one.replace("\r\n", "\n").trim_end() == other.replace("\r\n", "\n").trim_end()
}
