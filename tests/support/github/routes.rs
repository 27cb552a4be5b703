//! The routes of a repository that reviews are made of.

use serde_json::Value;

use super::reviews::only_apps;
use super::serve::{Answer, Asked, paged};
use super::state::{State, Token};

pub(super) fn route(
    state: &mut State,
    (name, actor): (&str, &Token),
    asked: &Asked,
    (rest, body): (&[&str], &Value),
) -> Answer {
    let by = actor.login.as_str();
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    let base = state.base.clone();
    let page = |items: Option<Vec<Value>>, key: Option<&str>| match items {
        Some(items) => paged(&base, asked, (items, key)),
        None => Answer::missing(),
    };
    match (asked.method.as_str(), rest) {
        ("GET", ["issues"]) => page(Some(state.list_issues(name, asked)), None),
        ("POST", ["issues"]) => state.add_issue(name, by, body),
        ("PATCH", ["issues", id]) => state.change_issue(name, number(id), body),
        ("GET", ["issues", id]) => {
            let issue = state.issue(name, number(id));
            issue.map_or_else(Answer::missing, |issue| Answer::json(200, &issue))
        }
        ("GET", ["pulls", id, "reviews"]) => page(state.list_reviews(name, number(id)), None),
        ("GET", ["pulls", id, "commits"]) => page(state.list_commits(name, number(id)), None),
        ("GET", ["issues", id, "comments"]) => page(state.list_comments(name, number(id)), None),
        ("GET", ["issues", "comments", id]) => {
            let comment = state.comment(name, number(id));
            comment.map_or_else(Answer::missing, |comment| Answer::json(200, &comment))
        }
        ("GET", ["activity"]) => page(Some(state.list_pushes(name, &asked.query)), None),
        ("GET", ["commits", sha, "pulls"]) => page(state.pulls_of_commit(name, sha), None),
        ("GET", ["commits", sha, "check-runs"]) => {
            page(Some(state.list_checks(name, sha, &asked.query)), Some("check_runs"))
        }
        ("GET", ["commits", sha, "statuses"]) => page(Some(state.list_statuses(name, sha)), None),
        ("POST", ["issues", "comments", id, "reactions"]) => {
            state.react(name, (number(id), by), body)
        }
        ("POST", ["issues", id, "comments"]) => state.add_comment(name, (number(id), by), body),
        ("PATCH", ["issues", "comments", id]) => state.change_comment(name, number(id), Some(body)),
        ("DELETE", ["issues", "comments", id]) => state.change_comment(name, number(id), None),
        ("DELETE", ["issues", id, "labels", label @ ..]) => {
            state.remove_label(name, number(id), &label.join("/"))
        }
        ("POST", ["check-runs"]) => only_apps(actor).unwrap_or_else(|| state.add_check(name, body)),
        ("PATCH", ["check-runs", id]) => {
            only_apps(actor).unwrap_or_else(|| state.change_check(name, number(id), body))
        }
        ("POST", ["statuses", sha]) => state.add_status(name, (sha, by), body),
        _ => Answer::missing(),
    }
}
