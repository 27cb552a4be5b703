//! Issues of the fake GitHub («REST API endpoints for issues»). Pull requests are listed among them, as GitHub does.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::FakeGitHub;
use super::pulls::{invalid, text};
use super::serve::{Answer, Asked};
use super::shapes::user;
use super::state::{Issue, State};

/// The longest text, in characters.
const MOST_CHARACTERS: usize = 65_536;

impl FakeGitHub {
    /// Returns the issues of a repository: number, state, who opened it, title and text.
    pub(crate) fn issues(&self, name: &str) -> Vec<(u64, Issue)> {
        let state = self.state();
        state.repositories[name].issues.iter().map(|(it, issue)| (*it, issue.clone())).collect()
    }

    /// Opens an issue as somebody.
    pub(crate) fn open_issue(&self, login: &str, name: &str, (title, body): (&str, &str)) -> u64 {
        let mut state = self.state();
        let answer = state.add_issue(name, login, &json!({"title": title, "body": body}));
        assert_eq!(answer.status, 201);
        *state.repositories[name].issues.keys().max().unwrap()
    }

    /// Closes or opens an issue, as a person does.
    pub(crate) fn set_issue(&self, name: &str, number: u64, state_word: &str) {
        let mut state = self.state();
        let issue = state.repositories.get_mut(name).unwrap().issues.get_mut(&number).unwrap();
        issue.state = state_word.to_owned();
    }
}

impl State {
    /// Returns the next number of an issue or a pull request: they share theirs.
    pub(super) fn next_issue(&self, name: &str) -> u64 {
        let repository = &self.repositories[name];
        repository.pulls.keys().chain(repository.issues.keys()).max().unwrap_or(&0) + 1
    }

    pub(super) fn add_issue(&mut self, name: &str, by: &str, body: &Value) -> Answer {
        if self.no_issues {
            return Answer::refusal(
                StatusCode::GONE,
                "Issues has been disabled in this repository.",
            );
        }
        let said = text(body, "body").unwrap_or_default();
        if said.chars().count() > MOST_CHARACTERS {
            return invalid("body is too long (maximum is 65536 characters)");
        }
        let number = self.next_issue(name);
        let issue = Issue {
            title: text(body, "title").unwrap(),
            body: said,
            state: "open".to_owned(),
            author: by.to_owned(),
            changes: 0,
            at: Timestamp::now(),
        };
        self.repositories.get_mut(name).unwrap().issues.insert(number, issue);
        Answer::json(201, &self.issue(name, number).unwrap())
    }

    pub(super) fn change_issue(&mut self, name: &str, number: u64, body: &Value) -> Answer {
        let issues = &mut self.repositories.get_mut(name).unwrap().issues;
        let Some(issue) = issues.get_mut(&number) else { return Answer::missing() };
        for (field, key) in
            [(&mut issue.title, "title"), (&mut issue.body, "body"), (&mut issue.state, "state")]
        {
            if let Some(new) = text(body, key) {
                *field = new;
            }
        }
        issue.changes += 1;
        Answer::json(200, &self.issue(name, number).unwrap())
    }

    /// An issue as it is answered («issue»).
    pub(super) fn issue(&self, name: &str, number: u64) -> Option<Value> {
        let issue = self.repositories[name].issues.get(&number)?;
        Some(self.issue_of(name, number, (issue, None)))
    }

    fn issue_of(&self, name: &str, number: u64, (issue, pull): (&Issue, Option<Value>)) -> Value {
        let own = format!("{}/issues/{number}", self.api(name));
        let mut it = json!({
            "id": number, "node_id": "I_1", "number": number, "state": issue.state,
            "title": issue.title, "body": issue.body, "user": user(&self.base, &issue.author),
            "locked": false, "assignee": null, "assignees": [], "milestone": null, "labels": [],
            "comments": 0, "author_association": "NONE", "closed_at": null,
            "created_at": issue.at.to_string(), "updated_at": issue.at.to_string(),
            "url": own, "repository_url": self.api(name), "labels_url": format!("{own}/labels"),
            "comments_url": format!("{own}/comments"), "events_url": format!("{own}/events"),
            "html_url": format!("{}/{name}/issues/{number}", self.base),
        });
        if let Some(pull) = pull {
            it["pull_request"] = pull;
        }
        it
    }

    /// Lists issues and pull requests, oldest first.
    pub(super) fn list_issues(&self, name: &str, asked: &Asked) -> Vec<Value> {
        let find =
            |key: &str| asked.query.iter().find(|(it, _)| it == key).map(|(_, it)| it.as_str());
        let repository = &self.repositories[name];
        let mut all: Vec<(u64, Issue, Option<Value>)> =
            repository.issues.iter().map(|(number, it)| (*number, it.clone(), None)).collect();
        all.extend(repository.pulls.iter().map(|(number, pull)| {
            let url = format!("{}/pulls/{number}", self.api(name));
            let links = json!({"url": url, "html_url": url, "diff_url": url, "patch_url": url});
            let issue = Issue {
                title: pull.title.clone(),
                body: pull.body.clone().unwrap_or_default(),
                state: pull.state.clone(),
                author: pull.author.clone(),
                changes: 0,
                at: pull.created_at,
            };
            (*number, issue, Some(links))
        }));
        all.sort_by_key(|(number, ..)| *number);
        let state = find("state").unwrap_or("open");
        all.retain(|(_, it, _)| {
            (state == "all" || it.state == state)
                && find("creator").is_none_or(|by| it.author == by)
        });
        all.into_iter().map(|(number, it, pull)| self.issue_of(name, number, (&it, pull))).collect()
    }
}
