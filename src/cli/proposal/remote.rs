//! `trueline proposal` over the API of a server: those on the forge of its machine, and with `--ours` all that it filed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{
    Command, Context, Exit, Failure, Limit, Listed, Options, ProposalState, ProposalWire,
    ProposalsWire, ShowWire, TalkWire, VERSION, cell, list_text, proposal_ours, settled,
    short_commit, show_text,
};
use crate::cli::output::demand_reason;
use crate::cli::proposal_review::{CheckWire, ReviewWire};
use crate::cli::server::{Server, segment};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;
use crate::daemon::outgoing::{Line, Standing, Unseen};
use crate::forge::{CheckState, Comment, Opinion, Person, Review};

/// A proposal, as lists tell it.
#[derive(Debug, Deserialize)]
struct Told {
    /// Absent before it is filed.
    id: Option<String>,
    #[serde(flatten)]
    line: Line,
}

#[derive(Debug, Deserialize)]
struct Page {
    unseen: BTreeMap<String, String>,
}

/// A proposal in full.
#[derive(Debug, Deserialize)]
struct One {
    /// Absent where it is on a forge elsewhere.
    here: Option<Detail>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    state: ProposalState,
    author: String,
    body: String,
    source_branch: String,
    base_branch: String,
    head: String,
    merge_commit: Option<String>,
    settled_by: Option<String>,
    comment: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// Absent where it was not asked for.
    diff: Option<String>,
    checks: Vec<CheckTold>,
    reviews: Vec<ReviewTold>,
    comments: Vec<CommentTold>,
    asked: Vec<String>,
    labels: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct CheckTold {
    name: String,
    state: CheckState,
    title: String,
}

#[derive(Debug, Deserialize)]
struct ReviewTold {
    by: String,
    opinion: Opinion,
    head: String,
    at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct CommentTold {
    id: u64,
    by: String,
    body: String,
    at: Timestamp,
}

/// Runs it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    options: &Options,
) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let repository = options.repository.as_deref();
    match &options.command {
        Command::List { ours: true, limit, .. } => ours(context, server, *limit).await?,
        Command::List { all, limit, .. } => {
            let all = of(server, repository, |line| *all || is_open(line)).await?;
            let proposals = here(server, all, limit.items()).await?;
            let wire = ProposalsWire { version: "trueline.proposals/v1", proposals };
            context.show(&wire, || list_text(&wire, now))?;
        }
        Command::Show { number, diff } => {
            let (told, detail) = find(server, (repository, *number), *diff).await?;
            let proposal = wire(&told.line, &detail);
            let diff = detail.diff.clone().filter(|_| *diff);
            let wire = ShowWire { version: VERSION, proposal, diff, talk: Some(talk(detail)) };
            context.show(&wire, || show_text(&wire, now))?;
        }
        Command::Merge { number } => {
            return settle(context, server, (repository, *number), ("merge", "")).await;
        }
        Command::Close { number, reason } => {
            demand_reason(reason)?;
            return settle(context, server, (repository, *number), ("close", reason)).await;
        }
        Command::Review { number, says, reason } => {
            let word = match says.opinion() {
                Opinion::Approved => "approve",
                Opinion::ChangesRequested => "request-changes",
                _ => return Err(context.no_form("proposal review --dismiss")),
            };
            if word == "request-changes" {
                demand_reason(reason)?;
            }
            let head = say(server, (repository, *number), (word, reason)).await?.1.head;
            context.remark(format!("said of {}", short_commit(&head)));
        }
        Command::Comment { number, text } => {
            say(server, (repository, *number), ("comment", text)).await?;
            context.remark(format!("said to proposal {number}"));
        }
    }
    Ok(Exit::Success)
}

/// Shows all that the server filed, or is about to file.
async fn ours(context: &Context, server: &Server, limit: Limit) -> Result<(), Failure> {
    let asked = [("from", Some("trueline"))];
    let (told, _): (Vec<Told>, _) = server.list("/proposals", &asked, usize::MAX).await?;
    let lines = told.into_iter().map(|told| told.line);
    let pending = lines.filter(|line| Standing::PENDING.contains(&line.standing));
    let page: Page = server.get("/proposals?limit=1").await?;
    let unseen = page.unseen.into_iter();
    let unseen = unseen.map(|(repository, why)| Unseen { repository, why }).collect();
    proposal_ours::show(context, (Listed::of(pending, limit), unseen))
}

/// Shows the newest of each repository first, as the forge has them; what is elsewhere is left out, and what is gone since.
async fn here(
    server: &Server,
    mut all: Vec<Told>,
    most: usize,
) -> Result<Listed<ProposalWire>, Failure> {
    // What people see elsewhere has an address there.
    all.retain(|told| told.line.url.is_none());
    all.sort_by_key(|told| (told.line.repository.clone(), Reverse(told.line.number)));
    let mut lines = Vec::new();
    for told in all {
        let found: Option<One> = server.find(&path_of(&told, "?diff=false")).await?;
        let Some(detail) = found.and_then(|one| one.here) else { continue };
        if lines.len() == most {
            return Ok(Listed::page(lines, true));
        }
        lines.push(wire(&told.line, &detail));
    }
    Ok(Listed::page(lines, false))
}

fn path_of(told: &Told, rest: &str) -> String {
    format!("/proposals/{}{rest}", segment(told.id.as_deref().unwrap_or_default()))
}

fn is_open(line: &Line) -> bool {
    matches!(line.standing, Standing::Open | Standing::Edited)
}

/// Lists those that are filed, of one repository where it is named.
async fn of(
    server: &Server,
    repository: Option<&str>,
    keep: impl Fn(&Line) -> bool,
) -> Result<Vec<Told>, Failure> {
    let (told, _): (Vec<Told>, _) = server.list("/proposals", &[], usize::MAX).await?;
    let is_it = |told: &Told| {
        told.id.is_some()
            && repository.is_none_or(|repository| told.line.repository == repository)
            && keep(&told.line)
    };
    Ok(told.into_iter().filter(is_it).collect())
}

/// Reads one in full, its difference where that is asked for; nothing where it is on a forge elsewhere.
async fn detail(server: &Server, told: &Told, diff: bool) -> Result<Option<Detail>, Failure> {
    let one: One = server.get(&path_of(told, &format!("?diff={diff}"))).await?;
    Ok(one.here)
}

/// Finds the proposal that has a number; a failure where it is none or several.
async fn find(
    server: &Server,
    (repository, number): (Option<&str>, u64),
    diff: bool,
) -> Result<(Told, Detail), Failure> {
    let mut found = of(server, repository, |line| line.number == Some(number)).await?;
    let Some(told) = found.pop() else {
        return Err(Failure::usage(format!("there is no proposal {number} that you can see"))
            .hint("`trueline proposal list` shows those that are open, a moment after they were"));
    };
    if !found.is_empty() {
        found.push(told);
        let names: Vec<String> = found.iter().map(|it| cell(&it.line.repository)).collect();
        return Err(Failure::usage(format!(
            "{} repositories have a proposal {number}: {}",
            names.len(),
            names.join(", ")
        ))
        .hint("say which with --repository"));
    }
    if let Some(detail) = detail(server, &told, diff).await? {
        return Ok((told, detail));
    }
    let place = told.line.url.as_deref().unwrap_or(&told.line.repository);
    Err(Failure::failed(format!("proposal {number} is on a forge elsewhere"))
        .hint(format!("look at it and say it there: {}", cell(place))))
}

/// Says a word on a proposal as it was seen just now.
async fn say(
    server: &Server,
    which: (Option<&str>, u64),
    (word, reason): (&str, &str),
) -> Result<(Told, Detail), Failure> {
    let (told, detail) = find(server, which, false).await?;
    let body = json!({"head": detail.head, "reason": reason});
    let path = path_of(&told, &format!("/{word}"));
    let _: serde_json::Value = server.post(&path, &body).await?;
    Ok((told, detail))
}

/// Merges or closes one, and shows it as it is then.
async fn settle(
    context: &Context,
    server: &Server,
    which: (Option<&str>, u64),
    word: (&str, &str),
) -> Result<Exit, Failure> {
    let (told, before) = say(server, which, word).await?;
    let after = detail(server, &told, false).await?.unwrap_or(before);
    settled(context, wire(&told.line, &after), "")?;
    Ok(Exit::Success)
}

fn wire(line: &Line, detail: &Detail) -> ProposalWire {
    ProposalWire {
        number: line.number.unwrap_or_default(),
        repository: line.repository.clone(),
        state: detail.state,
        title: line.title.clone(),
        body: detail.body.clone(),
        author: detail.author.clone(),
        source_branch: detail.source_branch.clone(),
        base_branch: detail.base_branch.clone(),
        head: detail.head.clone(),
        merge_commit: detail.merge_commit.clone(),
        settled_by: detail.settled_by.clone(),
        comment: detail.comment.clone(),
        created_at: detail.created_at,
        updated_at: detail.updated_at,
        service: line.service.clone(),
        run: line.run.clone(),
    }
}

fn talk(detail: Detail) -> TalkWire {
    let head = detail.head;
    let person = |login: String| Person { login, id: None };
    let review = |it: ReviewTold| ReviewWire {
        stale: it.head != head,
        review: Review { by: person(it.by), opinion: it.opinion, head: it.head, at: it.at },
    };
    let check = |it: CheckTold| CheckWire {
        name: it.name,
        head: head.clone(),
        state: it.state,
        title: it.title,
    };
    let comment = |it: CommentTold| Comment {
        id: it.id,
        by: person(it.by),
        body: it.body,
        at: it.at,
        updated_at: it.at,
    };
    TalkWire {
        asked: detail.asked,
        labels: detail.labels,
        reviews: detail.reviews.into_iter().map(review).collect(),
        checks: detail.checks.into_iter().map(check).collect(),
        comments: detail.comments.into_iter().map(comment).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::server::testing::{PATIENT, Stub, answer, problem};

    fn line(repository: &str, number: u64, url: Option<&str>) -> Value {
        json!({
            "id": format!("r{number}"), "standing": "open", "repository": repository, "number": number, "url": url,
            "title": format!("Add {number}"), "by": null, "service": null, "run": null,
            "since": "2026-11-21T08:00:00Z", "why": null, "ask": null,
        })
    }

    /// A server with six proposals, of which one is elsewhere and one is gone since.
    async fn six() -> Stub {
        Stub::answering(|_, path| {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            let Some(id) = path.strip_prefix("/api/v1/proposals/") else {
                let there = Some("https://github.com/acme/app/pull/9");
                let here = [(1, "/b"), (2, "/b"), (3, "/b"), (4, "/b"), (5, "/a")];
                let here = here.map(|(number, repository)| line(repository, number, None));
                let items = [&here[..], &[line("acme/app", 9, there)]].concat();
                return answer(200, &json!({"items": items, "unseen": {}}).to_string());
            };
            assert_eq!(query, "diff=false", "{id}");
            if id == "r4" {
                return problem(404, "not-found");
            }
            let here = json!({
                "state": "open", "author": "eve", "body": id, "sourceBranch": "change", "baseBranch": "main", "head": "c0ffee",
                "mergeCommit": null, "settledBy": null, "comment": null, "createdAt": "2026-11-21T08:00:00Z",
                "updatedAt": "2026-11-21T08:00:00Z", "checks": [], "reviews": [], "comments": [], "asked": [], "labels": [],
            });
            answer(200, &json!({"here": here}).to_string())
        })
        .await
    }

    #[tokio::test]
    async fn the_newest_here_come_first_and_what_is_elsewhere_takes_no_place() {
        let stub = six().await;
        let server = stub.server(PATIENT);
        for (most, expected, more) in
            [(50, &[5, 3, 2, 1][..], false), (2, &[5, 3], true), (4, &[5, 3, 2, 1], false)]
        {
            let all = of(&server, None, |_| true).await.map_err(|it| it.to_string());
            let listed = here(&server, all.expect("listed"), most).await;
            let listed = listed.map_err(|it| it.to_string()).expect("read");
            let numbers: Vec<u64> = listed.items.iter().map(|it| it.number).collect();
            assert_eq!((&numbers[..], listed.more), (expected, more), "{most}");
        }
        assert!(
            !stub.paths().iter().any(|path| path.contains("/r9")),
            "it is known to be elsewhere"
        );
    }
}
