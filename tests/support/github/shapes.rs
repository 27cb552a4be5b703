//! What the fake GitHub's things look like in an answer («pull-request», «workflow-run», … of its description).

use serde_json::{Map, Value, json};

use super::git::tip;
use super::state::{Pull, Run, State};

pub(super) fn user(base: &str, login: &str) -> Value {
    let mut user = json!({
        "login": login, "id": id_of(login), "node_id": "U_1", "gravatar_id": "",
        "type": if login.ends_with("[bot]") { "Bot" } else { "User" },
        "site_admin": false, "html_url": format!("{base}/{login}"),
    });
    for name in [
        "avatar",
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "organizations",
        "repos",
        "events",
        "received_events",
    ] {
        user[format!("{name}_url")] = json!(format!("{base}/api/v3/users/{login}/{name}"));
    }
    user["url"] = json!(format!("{base}/api/v3/users/{login}"));
    user
}

/// Every account has a number, which stays.
pub(super) fn id_of(login: &str) -> u64 {
    let lower = login.to_ascii_lowercase();
    lower.bytes().fold(7, |id, byte| (id * 131 + u64::from(byte)) % 1_000_000_007)
}

fn without(mut it: Value, names: &[&str]) -> Value {
    for name in names {
        it.as_object_mut().unwrap().remove(*name).unwrap();
    }
    it
}

impl State {
    pub(super) fn api(&self, repository: &str) -> String {
        format!("{}/api/v3/repos/{repository}", self.base)
    }

    /// A repository as it stands in a pull request («repository»).
    fn small_repository(&self, name: &str) -> Value {
        without(self.repository(name), &["network_count", "subscribers_count"])
    }

    /// A repository, whole («full-repository»).
    pub(super) fn repository(&self, name: &str) -> Value {
        let api = self.api(name);
        let (owner, short) = name.split_once('/').unwrap();
        let mut it = json!({
            "id": self.repositories[name].id, "node_id": "R_1", "name": short, "full_name": name,
            "owner": user(&self.base, owner), "private": true, "fork": false, "description": null,
            "html_url": format!("{}/{name}", self.base), "url": api, "default_branch": "main",
            "clone_url": format!("{}/{name}.git", self.base), "git_url": "git://x", "ssh_url": "git@x",
            "svn_url": "https://x", "mirror_url": null, "homepage": null, "language": null,
            "license": null, "has_issues": true, "has_projects": true, "has_wiki": true,
            "has_pages": false, "has_discussions": false, "has_downloads": true, "archived": false,
            "disabled": false, "visibility": "private", "forks": 0, "forks_count": 0,
            "open_issues": 0, "open_issues_count": 0, "watchers": 0, "watchers_count": 0,
            "stargazers_count": 0, "network_count": 0, "subscribers_count": 0, "size": 1,
            "pushed_at": "2026-01-01T00:00:00Z", "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
        });
        for name in [
            "archive",
            "assignees",
            "blobs",
            "branches",
            "collaborators",
            "comments",
            "commits",
            "compare",
            "contents",
            "contributors",
            "deployments",
            "downloads",
            "events",
            "forks",
            "git_commits",
            "git_refs",
            "git_tags",
            "hooks",
            "issue_comment",
            "issue_events",
            "issues",
            "keys",
            "labels",
            "languages",
            "merges",
            "milestones",
            "notifications",
            "pulls",
            "releases",
            "stargazers",
            "statuses",
            "subscribers",
            "subscription",
            "tags",
            "teams",
            "trees",
        ] {
            it[format!("{name}_url")] = json!(format!("{api}/{name}"));
        }
        it
    }

    fn side(&self, name: &str, (branch, sha): (&str, String)) -> Value {
        let owner = name.split('/').next().unwrap();
        json!({
            "label": format!("{owner}:{branch}"), "ref": branch, "sha": sha,
            "repo": self.small_repository(name), "user": user(&self.base, owner),
        })
    }

    /// The commit that a pull request proposes.
    pub(super) fn head_of(&self, name: &str, pull: &Pull) -> String {
        let path = self.path(pull.fork.as_deref().unwrap_or(name));
        let now = if pull.state == "open" { tip(&path, &pull.head) } else { None };
        now.or_else(|| pull.head_sha.clone()).unwrap_or_else(|| "0".repeat(40))
    }

    /// A pull request as it stands in a list («pull-request-simple»): who merged it is not said there.
    pub(super) fn small_pull(&self, name: &str, number: u64) -> Option<Value> {
        let whole = [
            "merged",
            "merged_by",
            "mergeable",
            "mergeable_state",
            "rebaseable",
            "comments",
            "review_comments",
            "maintainer_can_modify",
            "commits",
            "additions",
            "deletions",
            "changed_files",
        ];
        let mut small = without(self.pull(name, number)?, &whole);
        for team in small["requested_teams"].as_array_mut().unwrap() {
            team["parent"] = Value::Null;
        }
        Some(small)
    }

    /// A pull request, whole («pull-request»).
    pub(super) fn pull(&self, name: &str, number: u64) -> Option<Value> {
        let pull = self.repositories.get(name)?.pulls.get(&number)?;
        let (api, path) = (self.api(name), self.root.path().join(format!("{name}.git")));
        let base = tip(&path, &pull.base).unwrap_or_else(|| "0".repeat(40));
        let link = |what: &str| format!("{api}/pulls/{number}{what}");
        let html = format!("{}/{name}/pull/{number}", self.base);
        let closed = pull.merged.as_ref().map(|(at, _)| at.to_string());
        let closed =
            closed.or_else(|| (pull.state == "closed").then(|| "2026-01-02T00:00:00Z".into()));
        let mut it = json!({
            "id": number, "node_id": format!("PR_{name}_{number}"), "number": number,
            "state": pull.state, "locked": false, "title": pull.title, "body": pull.body,
            "user": user(&self.base, &pull.author), "draft": pull.draft,
            "labels": pull.labels.iter().map(|label| self.label(name, label)).collect::<Value>(),
            "milestone": null, "assignee": null, "assignees": [], "active_lock_reason": null,
            "requested_reviewers":
                pull.reviewers.iter().map(|login| user(&self.base, login)).collect::<Value>(),
            "requested_teams": pull.teams.iter().map(|slug| self.team(slug)).collect::<Value>(),
            "head": self.side(pull.fork.as_deref().unwrap_or(name), (&pull.head, self.head_of(name, pull))),
            "base": self.side(name, (&pull.base, base)),
            "author_association": "MEMBER",
            "auto_merge": pull.auto_merge.then(|| json!({
                "enabled_by": user(&self.base, "robot"), "merge_method": "merge",
                "commit_title": "t", "commit_message": "m",
            })),
            "created_at": pull.created_at.to_string(), "updated_at": pull.updated_at.to_string(),
            "closed_at": closed, "merged_at": pull.merged.as_ref().map(|(at, _)| at.to_string()),
            "merge_commit_sha": pull.merged.as_ref().map(|(_, commit)| commit),
        });
        let more = json!({
            "merged": pull.merged.is_some(), "mergeable": true, "rebaseable": true,
            "mergeable_state": "clean", "comments": pull.comments.len(), "review_comments": 0,
            "maintainer_can_modify": false, "commits": 1_u64.max(self.commits_of(name, pull).len() as u64), "additions": 1, "deletions": 0,
            "changed_files": 1, "url": link(""), "html_url": html,
            "merged_by": pull.merged.as_ref().map(|_| user(&self.base, "bob")),
            "issue_url": format!("{api}/issues/{number}"), "diff_url": format!("{html}.diff"),
            "patch_url": format!("{html}.patch"), "commits_url": link("/commits"),
            "review_comments_url": link("/comments"), "review_comment_url": link("/comments{/number}"),
            "comments_url": link("/comments"), "statuses_url": format!("{api}/statuses/x"),
        });
        it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut links = Map::new();
        for word in [
            "self",
            "html",
            "issue",
            "comments",
            "review_comments",
            "review_comment",
            "commits",
            "statuses",
        ] {
            links.insert(word.to_owned(), json!({"href": link(word)}));
        }
        it["_links"] = Value::Object(links);
        Some(it)
    }

    pub(super) fn label(&self, name: &str, label: &str) -> Value {
        json!({
            "id": 1, "node_id": "L_1", "url": format!("{}/labels/{label}", self.api(name)),
            "name": label, "description": "", "color": "ededed", "default": false,
        })
    }

    fn team(&self, slug: &str) -> Value {
        let url = format!("{}/api/v3/teams/1", self.base);
        json!({
            "id": 1, "node_id": "T_1", "name": slug, "slug": slug, "description": null,
            "privacy": "closed", "notification_setting": "notifications_enabled", "url": url,
            "html_url": url, "members_url": url, "repositories_url": url, "permission": "pull",
            "type": "organization", "organization_id": 1,
        })
    }

    /// A run of a workflow, whole.
    pub(super) fn run(&self, id: u64) -> Option<Value> {
        let run: &Run = self.runs.get(&id)?;
        let (name, api) = (run.repository.as_str(), self.api(&run.repository));
        let path = self.root.path().join(format!("{name}.git"));
        let sha = tip(&path, &run.branch).unwrap_or_else(|| "0".repeat(40));
        let own = format!("{api}/actions/runs/{id}");
        Some(json!({
            "id": id, "name": run.workflow, "node_id": "WFR_1", "check_suite_id": 1,
            "check_suite_node_id": "CS_1", "head_branch": run.branch, "head_sha": sha,
            "path": format!(".github/workflows/{}", run.workflow), "run_number": id,
            "run_attempt": 1, "event": "workflow_dispatch", "display_title": run.title,
            "status": run.status, "conclusion": run.conclusion, "workflow_id": 1, "url": own,
            "html_url": format!("{}/{name}/actions/runs/{id}", self.base), "pull_requests": [],
            "created_at": run.created_at.to_string(), "updated_at": run.created_at.to_string(),
            "run_started_at": run.created_at.to_string(), "actor": user(&self.base, "robot"),
            "triggering_actor": user(&self.base, "robot"), "jobs_url": format!("{own}/jobs"),
            "logs_url": format!("{own}/logs"), "check_suite_url": format!("{api}/check-suites/1"),
            "artifacts_url": format!("{own}/artifacts"), "cancel_url": format!("{own}/cancel"),
            "rerun_url": format!("{own}/rerun"), "previous_attempt_url": null,
            "workflow_url": format!("{api}/actions/workflows/1"),
            "head_commit": {
                "id": sha, "tree_id": sha, "message": "m", "timestamp": "2026-01-01T00:00:00Z",
                "author": {"name": "A", "email": "a@x"}, "committer": {"name": "A", "email": "a@x"},
            },
            "repository": self.repository(name), "head_repository": self.repository(name),
        }))
    }

    pub(super) fn artifact(&self, (run, name, id): (u64, &str, u64)) -> Value {
        let repository = &self.runs[&run].repository;
        let url = format!("{}/actions/artifacts/{id}", self.api(repository));
        json!({
            "id": id, "node_id": "A_1", "name": name, "size_in_bytes": self.artifacts[&id].len(),
            "url": url, "archive_download_url": format!("{url}/zip"), "expired": false,
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
            "expires_at": "2026-04-01T00:00:00Z",
        })
    }
}
