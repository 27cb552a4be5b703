//! What people say about a proposal of the local forge, and what is shown beside it: reviews, comments, checks.

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::output::Failure;
use super::table::{ago, block, cell, short_commit, table};
use crate::forge::{
    Check, CheckState, Comment, LocalForge, Opinion, Review, ReviewRead as _, Reviewable,
};

/// What a review says.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Says {
    /// It may be merged.
    #[arg(long)]
    approve: bool,
    /// It must change first.
    #[arg(long)]
    request_changes: bool,
    /// Takes an earlier review back.
    #[arg(long)]
    dismiss: bool,
}

impl Says {
    pub(super) fn opinion(self) -> Opinion {
        match (self.approve, self.request_changes) {
            (true, _) => Opinion::Approved,
            (_, true) => Opinion::ChangesRequested,
            _ => Opinion::Dismissed,
        }
    }
}

/// What is said and shown about a proposal.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TalkWire {
    pub(super) asked: Vec<String>,
    pub(super) labels: Vec<String>,
    pub(super) reviews: Vec<ReviewWire>,
    pub(super) checks: Vec<CheckWire>,
    pub(super) comments: Vec<Comment>,
}

/// What a reviewer said.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReviewWire {
    #[serde(flatten)]
    pub(super) review: Review,
    /// Whether the proposal was pushed again since.
    pub(super) stale: bool,
}

/// A check of a commit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckWire {
    pub(super) name: String,
    pub(super) head: String,
    pub(super) state: CheckState,
    pub(super) title: String,
}

/// Reads what is said about a proposal.
pub(super) async fn talk(forge: &LocalForge, number: u64) -> Result<TalkWire, Failure> {
    let seen: Reviewable = forge.review_of(number).await?;
    let head = &seen.proposal.head;
    let mut checks = forge.checks(head).await?;
    if let Some(merge) = &seen.proposal.merge_commit {
        checks.extend(forge.checks(merge).await?);
    }
    let reviews = forge.reviews(number).await?.into_iter();
    let reviews = reviews.map(|review| ReviewWire { stale: review.head != *head, review });
    Ok(TalkWire {
        reviews: reviews.collect(),
        checks: checks.into_iter().map(CheckWire::of).collect(),
        comments: forge.comments(number).await?,
        asked: seen.asked,
        labels: seen.labels,
    })
}

impl CheckWire {
    fn of(check: Check) -> Self {
        let Check { name, head, state, title, .. } = check;
        Self { name, head, state, title }
    }
}

/// Writes what is said about a proposal, one line each, and comments in full.
pub(super) fn text(wire: &TalkWire, now: Timestamp) -> String {
    let mut rows: Vec<[String; 2]> = Vec::new();
    for check in &wire.checks {
        let what =
            format!("{}: {} ({})", word(check.state), check.title, short_commit(&check.head));
        rows.push([check.name.clone(), what]);
    }
    for one in &wire.reviews {
        let review = &one.review;
        let stale = if one.stale { ", before the last push" } else { "" };
        let said = match review.opinion {
            Opinion::Approved => "approved",
            Opinion::ChangesRequested => "wants changes",
            Opinion::Commented => "commented",
            Opinion::Dismissed => "took it back",
        };
        let what = format!("{} {said}, {}{stale}", review.by.login, ago(now, review.at));
        rows.push(["Review".to_owned(), what]);
    }
    let lists = [("Asked", &wire.asked), ("Labels", &wire.labels)];
    rows.extend(
        lists
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(name, names)| [name.to_owned(), names.join(", ")]),
    );
    let mut text = if rows.is_empty() { String::new() } else { table([""; 2], rows) };
    for comment in &wire.comments {
        let (by, at) = (&comment.by.login, ago(now, comment.at));
        let head = cell(&format!("Comment {} of {by}, {at}", comment.id));
        text.extend(["\n", &head, "\n"]);
        text += &block("  ", &comment.body);
    }
    text
}

fn word(state: CheckState) -> &'static str {
    match state {
        CheckState::Queued => "queued",
        CheckState::Running => "running",
        CheckState::Success => "success",
        CheckState::Neutral => "neutral",
        CheckState::Failure => "failure",
        CheckState::Cancelled => "cancelled",
        CheckState::ActionRequired => "action required",
    }
}
