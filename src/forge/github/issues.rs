//! One issue that is kept up to date, known again by a hidden marker and by who opened it. An issue of anybody else is
//! never changed, and one that a person closed stays as it is.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::GitHub;
use super::cut::cut;
use super::judge::Refused;
use super::pulls::Login;
use super::reviews::somebody;
use crate::forge::Person;
use crate::run::Fault;

/// How many pages of what we opened are looked through, oldest first; what is kept was opened early.
const PAGES: usize = 40;

/// What an issue is to say.
#[derive(Clone, Copy, Debug)]
pub struct IssueText<'a> {
    /// What it is known again by.
    pub marker: &'a str,
    /// One line.
    pub title: &'a str,
    /// Markdown, cut where it is longer than GitHub takes.
    pub body: &'a str,
}

/// The issue that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptIssue {
    /// Its number.
    pub number: u64,
    /// Whether a person closed it: then it is left alone until it is opened again.
    pub is_closed: bool,
}

/// An issue («issue»); a pull request is listed as one, too.
#[derive(Deserialize)]
struct Issue {
    number: u64,
    state: String,
    title: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<Login>,
    #[serde(default)]
    pull_request: Option<Value>,
}

impl Issue {
    fn is_ours(&self, us: &Person, hidden: &str) -> bool {
        let body = self.body.as_deref().unwrap_or_default();
        let bears = body.lines().next().is_some_and(|line| line.trim() == hidden);
        self.pull_request.is_none() && bears && somebody(self.user.as_ref()).is(us)
    }

    fn kept(&self) -> KeptIssue {
        KeptIssue { number: self.number, is_closed: self.state != "open" }
    }
}

impl GitHub {
    /// Brings the issue of a marker up to date, in place and only where it says something else; opens it where there is
    /// none and `may_open` says so («REST API endpoints for issues»). `known` is the number that it had last.
    pub async fn keep_issue(
        &self,
        known: Option<u64>,
        text: IssueText<'_>,
        may_open: bool,
    ) -> Result<Option<KeptIssue>, Refused> {
        let us = self.whoami().await?;
        let plain: String = text.marker.chars().filter(|c| !c.is_control() && *c != '>').collect();
        let hidden = format!("<!-- Trueline-Issue: {plain} -->");
        let body = format!("{hidden}\n{}", cut(text.body));
        let Some(issue) = self.find_issue(known, &us, &hidden).await? else {
            if !may_open {
                return Ok(None);
            }
            let body = json!({"title": text.title, "body": body});
            let made: Issue = self.send((Method::POST, "/issues"), &body).await?;
            return Ok(Some(made.kept()));
        };
        let says = issue.body.as_deref().unwrap_or_default().replace("\r\n", "\n");
        let is_same = issue.title == text.title && says.trim_end() == body.trim_end();
        if issue.state == "open" && !is_same {
            let path = format!("/issues/{}", issue.number);
            let body = json!({"title": text.title, "body": body});
            self.tell((Method::PATCH, &path), &body).await?;
        }
        Ok(Some(issue.kept()))
    }

    async fn find_issue(
        &self,
        known: Option<u64>,
        us: &Person,
        hidden: &str,
    ) -> Result<Option<Issue>, Refused> {
        if let Some(number) = known {
            match self.get::<Issue>(&format!("/issues/{number}")).await {
                Ok(issue) if issue.is_ours(us, hidden) => return Ok(Some(issue)),
                // It was taken away or made into something else: perhaps there is another.
                Ok(_) => {}
                Err(refused) if matches!(refused.status, 404 | 410) => {}
                Err(refused) => return Err(refused),
            }
        }
        let creator = utf8_percent_encode(&us.login, NON_ALPHANUMERIC);
        let path = format!("/issues?state=all&creator={creator}&sort=created&direction=asc");
        let listed = self.list::<Issue>(&path, PAGES).await?;
        let mut ours = listed.items.into_iter().filter(|issue| issue.is_ours(us, hidden));
        match ours.next() {
            Some(issue) => Ok(Some(issue)),
            None if listed.complete => Ok(None),
            None => {
                let message = "there are more issues of ours than are looked through";
                Err(Fault::terminal(message).into())
            }
        }
    }
}
