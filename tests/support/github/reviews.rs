//! Reviews, comments, reactions, commits and pushes of the fake GitHub («REST API endpoints for pull request reviews»,
//! «… for issue comments», «… for reactions», «… for commits», «List repository activities»).

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::git;
use super::pulls::{invalid, text};
use super::serve::Answer;
use super::shapes::user;
use super::state::{State, Token};

/// The longest comment, in characters.
const MOST_CHARACTERS: usize = 65_536;

impl State {
    pub(super) fn list_reviews(&self, name: &str, number: u64) -> Option<Vec<Value>> {
        let pull = self.repositories[name].pulls.get(&number)?;
        let url = format!("{}/{name}/pull/{number}", self.base);
        let review = |it: &super::state::Review| {
            let mut review = json!({
                "id": it.id, "node_id": "PRR_1", "user": user(&self.base, &it.by),
                "body": "", "state": it.state, "commit_id": it.commit,
                "html_url": url, "pull_request_url": url, "author_association": "MEMBER",
                "_links": {"html": {"href": url}, "pull_request": {"href": url}},
            });
            if it.state != "PENDING" {
                review["submitted_at"] = json!(it.at.to_string());
            }
            review
        };
        Some(pull.reviews.iter().map(review).collect())
    }

    pub(super) fn list_comments(&self, name: &str, number: u64) -> Option<Vec<Value>> {
        let pull = self.repositories[name].pulls.get(&number)?;
        Some(pull.comments.iter().filter_map(|it| self.comment(name, it.id)).collect())
    }

    pub(super) fn add_comment(
        &mut self,
        name: &str,
        (number, by): (u64, &str),
        body: &Value,
    ) -> Answer {
        if !self.repositories[name].pulls.contains_key(&number) {
            return Answer::missing();
        }
        let said = text(body, "body").unwrap();
        if said.chars().count() > MOST_CHARACTERS {
            return invalid("Body is too long (maximum is 65536 characters)");
        }
        let id = self.commented(name, (number, by), &said);
        Answer::json(201, &self.comment(name, id).unwrap())
    }

    /// Changes a comment. Whoever may write may change what others said: that it is ours is ours to know.
    pub(super) fn change_comment(&mut self, name: &str, id: u64, body: Option<&Value>) -> Answer {
        let pulls = &mut self.repositories.get_mut(name).unwrap().pulls;
        let Some(pull) = pulls.values_mut().find(|pull| pull.comments.iter().any(|it| it.id == id))
        else {
            return Answer::missing();
        };
        let Some(body) = body else {
            pull.comments.retain(|it| it.id != id);
            return Answer::empty(204);
        };
        let said = text(body, "body").unwrap();
        if said.chars().count() > MOST_CHARACTERS {
            return invalid("Body is too long (maximum is 65536 characters)");
        }
        let comment = pull.comments.iter_mut().find(|it| it.id == id).unwrap();
        comment.body = said;
        comment.updated_at = jiff::Timestamp::now();
        Answer::json(200, &self.comment(name, id).unwrap())
    }

    pub(super) fn react(&mut self, name: &str, (id, by): (u64, &str), body: &Value) -> Answer {
        let pulls = self.repositories.get_mut(name).unwrap().pulls.values_mut();
        let Some(comment) = pulls.flat_map(|pull| &mut pull.comments).find(|it| it.id == id) else {
            return Answer::missing();
        };
        let reaction = (by.to_owned(), text(body, "content").unwrap());
        let is_new = !comment.reactions.contains(&reaction);
        if is_new {
            comment.reactions.push(reaction.clone());
        }
        let body = json!({
            "id": 1, "node_id": "REA_1", "user": user(&self.base, by), "content": reaction.1,
            "created_at": "2026-01-01T00:00:00Z",
        });
        Answer::json(if is_new { 201 } else { 200 }, &body)
    }

    pub(super) fn remove_label(&mut self, name: &str, number: u64, label: &str) -> Answer {
        let pull = self.repositories.get_mut(name).and_then(|it| it.pulls.get_mut(&number));
        let Some(pull) = pull.filter(|pull| pull.labels.iter().any(|it| it == label)) else {
            return Answer::refusal(StatusCode::NOT_FOUND, "Label does not exist");
        };
        pull.labels.retain(|it| it != label);
        let labels = pull.labels.clone();
        Answer::json(200, &labels.iter().map(|label| self.label(name, label)).collect())
    }

    /// The account of a mail address, as GitHub finds it.
    fn account(&self, mail: &str) -> Value {
        let login = mail.strip_suffix("@x.example").filter(|login| *login != "nobody");
        login.map_or(Value::Null, |login| user(&self.base, login))
    }

    pub(super) fn list_commits(&self, name: &str, number: u64) -> Option<Vec<Value>> {
        let pull = self.repositories[name].pulls.get(&number)?;
        let commits = self.commits_of(name, pull);
        let listed = commits.iter().take(250).map(|sha| self.commit(name, sha));
        Some(listed.collect())
    }

    fn commit(&self, name: &str, sha: &str) -> Value {
        let path = self.path(name);
        let shown =
            git::run(&path, &["show", "-s", "--format=%an%n%ae%n%cn%n%ce%n%T%n%P%n%s", sha], b"");
        let lines: Vec<&str> = shown.lines().collect();
        let [author, author_mail, committer, committer_mail, tree, parents, said] = lines[..]
        else {
            panic!("{shown}")
        };
        let api = self.api(name);
        let url = format!("{api}/commits/{sha}");
        let by = |name: &str, mail: &str| json!({"name": name, "email": mail, "date": "2026-01-01T00:00:00Z"});
        let verified = committer == "web-flow";
        let parents = parents
            .split(' ')
            .map(|sha| json!({"sha": sha, "url": format!("{api}/commits/{sha}")}));
        json!({
            "url": url, "sha": sha, "node_id": "C_1", "html_url": format!("{}/{name}/commit/{sha}", self.base),
            "comments_url": format!("{url}/comments"),
            "author": self.account(author_mail), "committer": self.account(committer_mail),
            "parents": parents.collect::<Value>(),
            "commit": {
                "url": url, "author": by(author, author_mail), "committer": by(committer, committer_mail),
                "message": said, "comment_count": 0, "tree": {"sha": tree, "url": format!("{api}/git/trees/{tree}")},
                "verification": {"verified": verified, "reason": "x", "signature": null, "payload": null, "verified_at": null},
            },
        })
    }

    /// Pull requests that brought a commit, or would («List pull requests associated with a commit»).
    pub(super) fn pulls_of_commit(&self, name: &str, sha: &str) -> Option<Vec<Value>> {
        git::try_run(&self.path(name), &["cat-file", "-e", &format!("{sha}^{{commit}}")], b"")
            .ok()?;
        let has = |pull: &super::state::Pull| {
            let merge = pull.merged.as_ref().is_some_and(|(_, commit)| commit == sha);
            merge || self.commits_of(name, pull).iter().any(|commit| commit == sha)
        };
        let found = self.repositories[name].pulls.iter().filter(|(_, pull)| has(pull));
        Some(found.filter_map(|(number, _)| self.small_pull(name, *number)).collect())
    }

    pub(super) fn list_pushes(&self, name: &str, query: &[(String, String)]) -> Vec<Value> {
        let wanted = query.iter().find(|(key, _)| key == "ref").map(|(_, value)| value.as_str());
        let wanted = wanted.map(|it| it.trim_start_matches("refs/heads/"));
        let pushes = self.repositories[name].pushes.iter().enumerate().rev();
        let pushes = pushes.filter(|(_, push)| wanted.is_none_or(|wanted| push.branch == wanted));
        let shown = pushes.map(|(id, push)| {
            let word = if push.before.is_none() { "branch_creation" } else { "push" };
            json!({
                "id": id, "node_id": "PSH_1", "before": push.before.clone().unwrap_or_else(|| "0".repeat(40)),
                "after": push.after, "ref": format!("refs/heads/{}", push.branch),
                "timestamp": push.at.to_string(), "activity_type": word, "actor": user(&self.base, &push.by),
            })
        });
        shown.collect()
    }
}

/// What a token may not do at all.
pub(super) fn only_apps(actor: &Token) -> Option<Answer> {
    let said = "You must authenticate via a GitHub App.";
    (!actor.is_of_app()).then(|| Answer::refusal(StatusCode::FORBIDDEN, said))
}
