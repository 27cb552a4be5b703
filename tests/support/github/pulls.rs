//! Pull requests of the fake GitHub («REST API endpoints for pull requests», «… for review requests», «… for labels»).

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::git;
use super::serve::Answer;
use super::state::{Pull, State};

pub(super) fn text(body: &Value, name: &str) -> Option<String> {
    body.get(name)?.as_str().map(str::to_owned)
}

pub(super) fn texts(body: &Value, name: &str) -> Vec<String> {
    let items = body.get(name).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

pub(super) fn invalid(message: &str) -> Answer {
    let errors = json!([{"resource": "PullRequest", "code": "custom", "message": message}]);
    let body = json!({"message": "Validation Failed", "errors": errors, "documentation_url": "https://docs"});
    Answer::json(422, &body)
}

impl State {
    pub(super) fn list_pulls(&self, name: &str, query: &[(String, String)]) -> Vec<Value> {
        let find =
            |key: &str| query.iter().find(|(it, _)| it == key).map(|(_, value)| value.as_str());
        let state = find("state").unwrap_or("open");
        let head = find("head").map(|head| head.split_once(':').unwrap().1);
        let base = find("base");
        let pulls = self.repositories[name].pulls.iter().filter(|(_, pull)| {
            (state == "all" || pull.state == state)
                && head.is_none_or(|head| pull.head == head)
                && base.is_none_or(|base| pull.base == base)
        });
        let mut pulls: Vec<(u64, Timestamp)> =
            pulls.map(|(number, pull)| (*number, pull.updated_at)).collect();
        if find("sort") == Some("updated") {
            pulls.sort_by_key(|(_, updated)| *updated);
        }
        let mut numbers: Vec<u64> = pulls.into_iter().map(|(number, _)| number).collect();
        if find("direction") == Some("desc") {
            numbers.reverse();
        }
        numbers.into_iter().filter_map(|number| self.small_pull(name, number)).collect()
    }

    pub(super) fn open_pull(&mut self, name: &str, by: &str, body: &Value) -> Answer {
        let (head, base) = (text(body, "head").unwrap(), text(body, "base").unwrap());
        let path = self.path(name);
        let (owner, short) = name.split_once('/').unwrap();
        let (from, head) = head.split_once(':').unwrap_or((owner, &head));
        let (head, fork) = (head.to_owned(), (from != owner).then(|| format!("{from}/{short}")));
        if let Some(fork) = &fork {
            let from = self.path(fork);
            git::run(
                &path,
                &["fetch", "-q", from.to_str().unwrap(), &format!("refs/heads/{head}")],
                b"",
            );
        }
        let repository = &self.repositories[name];
        if repository
            .pulls
            .values()
            .any(|it| it.state == "open" && it.head == head && it.base == base && it.fork == fork)
        {
            return invalid(&format!("A pull request already exists for {owner}:{head}."));
        }
        let from = self.path(fork.as_deref().unwrap_or(name));
        let (Some(tip), Some(below)) = (git::tip(&from, &head), git::tip(&path, &base)) else {
            return invalid("head or base is invalid");
        };
        let ahead = git::run(&path, &["rev-list", "--count", &format!("{below}..{tip}")], b"");
        if ahead == "0" {
            return invalid(&format!("No commits between {base} and {head}"));
        }
        let number = self.next_issue(name);
        let pull = Pull {
            title: text(body, "title").unwrap(),
            body: text(body, "body"),
            head,
            head_sha: None,
            base,
            state: "open".to_owned(),
            draft: body["draft"] == true,
            merged: None,
            labels: Vec::new(),
            reviewers: Vec::new(),
            teams: Vec::new(),
            reviews: Vec::new(),
            comments: Vec::new(),
            auto_merge: false,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
            author: by.to_owned(),
            fork,
        };
        self.repositories.get_mut(name).unwrap().pulls.insert(number, pull);
        self.follow_pulls(name);
        self.tell_pull(name, number, "opened");
        Answer::json(201, &self.pull(name, number).unwrap())
    }

    pub(super) fn change_pull(&mut self, name: &str, number: u64, body: &Value) -> Answer {
        let at = self.pull(name, number).map(|pull| pull["head"]["sha"].clone());
        let Some(pull) = self.repositories.get_mut(name).and_then(|it| it.pulls.get_mut(&number))
        else {
            return Answer::missing();
        };
        if let Some(title) = text(body, "title") {
            pull.title = title;
        }
        if let Some(new) = text(body, "body") {
            pull.body = Some(new);
        }
        if let Some(base) = text(body, "base") {
            pull.base = base;
        }
        if let Some(state) = text(body, "state") {
            pull.state = state;
            pull.head_sha = at.and_then(|at| at.as_str().map(str::to_owned));
        }
        pull.updated_at = Timestamp::now();
        self.tell_pull(name, number, "edited");
        Answer::json(200, &self.pull(name, number).unwrap())
    }

    /// Merges; what hinders it is what the interface says.
    pub(crate) fn merge(&mut self, name: &str, number: u64) -> Result<String, String> {
        let path = self.root.path().join(format!("{name}.git"));
        let pull = self.repositories[name].pulls[&number].clone();
        let head = self.head_of(name, &pull);
        let base = git::tip(&path, &pull.base).unwrap();
        if pull.state != "open" || pull.draft {
            return Err("Pull Request is not mergeable".to_owned());
        }
        let tree = git::try_run(&path, &["merge-tree", "--write-tree", &base, &head], b"")?;
        let words = ["commit-tree", &tree, "-p", &base, "-p", &head, "-m", "Merge pull request"];
        let commit = git::run(&path, &words, b"");
        git::run(&path, &["update-ref", &format!("refs/heads/{}", pull.base), &commit], b"");
        let kept = self.repositories.get_mut(name).unwrap().pulls.get_mut(&number).unwrap();
        kept.state = "closed".to_owned();
        kept.head_sha = Some(head);
        kept.merged = Some((Timestamp::now(), commit.clone()));
        kept.updated_at = Timestamp::now();
        let (branch, before) = (kept.base.clone(), Some(base));
        self.pushed(name, ("bob", &branch), (before, commit.clone()));
        self.tell_pull(name, number, "closed");
        Ok(commit)
    }

    pub(super) fn merge_asked(&mut self, name: &str, number: u64, body: &Value) -> Answer {
        let Some(pull) = self.pull(name, number) else { return Answer::missing() };
        if body.get("sha").is_some_and(|sha| *sha != pull["head"]["sha"]) {
            return Answer::refusal(StatusCode::CONFLICT, "Head branch was modified.");
        }
        match self.merge(name, number) {
            Ok(sha) => Answer::json(200, &json!({"sha": sha, "merged": true, "message": "merged"})),
            Err(why) => Answer::refusal(StatusCode::METHOD_NOT_ALLOWED, &why),
        }
    }

    pub(super) fn request_reviews(&mut self, name: &str, number: u64, body: &Value) -> Answer {
        let pull = self.repositories.get_mut(name).and_then(|it| it.pulls.get_mut(&number));
        let Some(pull) = pull else { return Answer::missing() };
        let (users, teams) = (texts(body, "reviewers"), texts(body, "team_reviewers"));
        if users.contains(&pull.author) {
            return invalid("Review cannot be requested from pull request author.");
        }
        if users.len() + teams.len() > 15 {
            return invalid("Could not add requested reviewers to pull request.");
        }
        if users.iter().any(|user| user == "nobody") {
            return invalid("Reviews may only be requested from collaborators.");
        }
        pull.reviewers.extend(users);
        pull.teams.extend(teams);
        Answer::json(201, &self.small_pull(name, number).unwrap())
    }

    pub(super) fn add_labels(&mut self, name: &str, number: u64, body: &Value) -> Answer {
        let pull = self.repositories.get_mut(name).and_then(|it| it.pulls.get_mut(&number));
        let Some(pull) = pull else { return Answer::missing() };
        for label in texts(body, "labels") {
            if !pull.labels.contains(&label) {
                pull.labels.push(label);
            }
        }
        let labels = pull.labels.clone();
        Answer::json(200, &labels.iter().map(|label| self.label(name, label)).collect())
    }

    /// GraphQL, as far as one mutation («enablePullRequestAutoMerge»).
    pub(super) fn graphql(&mut self, body: &Value) -> Answer {
        let asked = match super::graphql::read(body) {
            Ok(asked) => asked,
            Err(wrong) => {
                self.problems.push(format!("POST /graphql: {wrong}"));
                return Answer::json(200, &json!({"errors": [{"message": wrong}]}));
            }
        };
        assert_eq!(asked.mutation, "enablePullRequestAutoMerge");
        let id = asked.input["pullRequestId"].as_str().unwrap_or_default().to_owned();
        let expected = asked.input.get("expectedHeadOid").and_then(Value::as_str);
        let heads: std::collections::BTreeMap<String, String> = self
            .repositories
            .iter()
            .flat_map(|(name, repository)| repository.pulls.iter().map(move |pull| (name, pull)))
            .map(|(name, (number, pull))| (format!("PR_{name}_{number}"), self.head_of(name, pull)))
            .collect();
        let refuse = |message: &str| {
            Answer::json(
                200,
                &json!({"data": null, "errors": [{"type": "UNPROCESSABLE", "message": message}]}),
            )
        };
        for (name, repository) in &mut self.repositories {
            for (number, pull) in &mut repository.pulls {
                if format!("PR_{name}_{number}") != id {
                    continue;
                }
                if !repository.auto_merge {
                    return refuse("Pull request Auto merge is not allowed for this repository");
                }
                if expected
                    .is_some_and(|expected| heads.get(&id).is_none_or(|head| head != expected))
                {
                    return refuse("Pull request Head sha didn't match expected head oid");
                }
                if repository.clean {
                    return refuse("Pull request Pull request is in clean status");
                }
                pull.auto_merge = true;
                let data = json!({"enablePullRequestAutoMerge": {"clientMutationId": null}});
                return Answer::json(200, &json!({"data": data}));
            }
        }
        refuse("Could not resolve to a node")
    }
}
