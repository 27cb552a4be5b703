//! What `trueline proposal` prints for people. It shows, and decides nothing.

use jiff::Timestamp;

use super::{ProposalsWire, ShowWire};
use crate::cli::proposal_review;
use crate::cli::table::{ago, block, short_commit, table};
use crate::reconcile::show::visible;

/// Lists them.
pub(super) fn list_text(wire: &ProposalsWire, now: Timestamp) -> String {
    if wire.proposals.total == 0 {
        return "no proposals".to_owned();
    }
    let rows = wire.proposals.items.iter().map(|line| {
        [
            line.number.to_string(),
            line.repository.clone(),
            line.state.to_string(),
            ago(now, line.created_at),
            line.service.clone().unwrap_or_default(),
            line.title.clone(),
        ]
    });
    let head = ["PROPOSAL", "REPOSITORY", "STATE", "AGE", "SERVICE", "TITLE"];
    table(head, rows) + &wire.proposals.rest()
}

/// Shows one.
pub(super) fn show_text(wire: &ShowWire, now: Timestamp) -> String {
    let line = &wire.proposal;
    let settled = line.settled_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let mut rows = vec![
        ["Proposal".to_owned(), format!("{} {}", line.number, line.title)],
        ["Repository".to_owned(), line.repository.clone()],
        ["State".to_owned(), format!("{}{settled}", line.state)],
        ["Author".to_owned(), format!("{}, {}", line.author, ago(now, line.created_at))],
        ["Branch".to_owned(), format!("{} into {}", line.source_branch, line.base_branch)],
        ["Head".to_owned(), short_commit(&line.head)],
    ];
    rows.extend(line.comment.as_ref().map(|said| ["Comment".to_owned(), said.clone()]));
    rows.extend(line.merge_commit.as_ref().map(|id| ["Merged as".to_owned(), short_commit(id)]));
    let run = line.run.as_ref().map(|run| format!(", run {run}")).unwrap_or_default();
    let service = line.service.as_ref();
    rows.extend(service.map(|service| ["Service".to_owned(), format!("{service}{run}")]));
    let mut text = table([""; 2], rows);
    if !line.body.trim().is_empty() {
        text.push('\n');
        text += &block("  ", &line.body);
    }
    if let Some(talk) = &wire.talk {
        text += &proposal_review::text(talk, now);
    }
    if let Some(diff) = &wire.diff {
        text.push('\n');
        text.extend(diff.lines().map(|line| visible(line) + "\n"));
    }
    text
}
